package siege

import (
	"bytes"
	"errors"
	"io"
)

// readHead reads one head. It may reach the end of the connection: io.EOF.
func (c *conn) readHead() (head, error) {
	for {
		h, n, err := parseHead(c.buf[c.r:c.w])
		if err != nil {
			return h, err
		}
		if n > 0 {
			if c.headTo != nil {
				_, _ = c.headTo.Write(c.buf[c.r : c.r+n]) // it tells by itself when it cannot
			}
			c.r += n
			return h, nil
		}
		if err := c.fill(); err != nil {
			return h, err
		}
	}
}

// readBody reads the whole body of an answer.
func (c *conn) readBody(h *head, toHead bool) error {
	switch {
	case h.bodiless(toHead):
		return nil
	case h.chunked:
		return c.readChunks()
	case h.length >= 0:
		return c.take(h.length)
	}
	h.close = true
	for {
		c.eat(c.w - c.r)
		switch err := c.fill(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// take reads n bytes of the body.
func (c *conn) take(n int64) error {
	for {
		have := int(min(n, int64(c.w-c.r)))
		c.eat(have)
		if n -= int64(have); n == 0 {
			return nil
		}
		if err := c.fill(); err != nil {
			return err
		}
	}
}

// eat hands n bytes of the buffer to whoever wants the body.
func (c *conn) eat(n int) {
	if n == 0 {
		return
	}
	part := c.buf[c.r : c.r+n]
	if c.hashing {
		c.hash.Write(part)
	}
	if c.copyTo != nil {
		_, _ = c.copyTo.Write(part)
	}
	c.body += int64(n)
	c.r += n
}

func (c *conn) readChunks() error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		n, ok := chunkSize(line)
		switch {
		case !ok:
			return bad("the chunk size %q", clip(line))
		case n == 0:
			return c.trailer()
		}
		if err := c.take(n); err != nil {
			return err
		}
		if line, err = c.line(); err != nil {
			return err
		}
		if len(line) > 0 {
			return bad("%q behind a chunk", clip(line))
		}
	}
}

func (c *conn) trailer() error {
	for total := 0; ; {
		line, err := c.line()
		if err != nil || len(line) == 0 {
			return err
		}
		if total += len(line); total > longestHead {
			return bad("a trailer of more than %d bytes", longestHead)
		}
	}
}

// longestLine bounds a line of the chunked coding.
const longestLine = 8 << 10

// line reads up to CR LF, which it leaves out.
func (c *conn) line() ([]byte, error) {
	for {
		if at := bytes.Index(c.buf[c.r:c.w], crlf); at >= 0 {
			line := c.buf[c.r : c.r+at]
			c.r += at + len(crlf)
			return line, nil
		}
		if c.w-c.r > longestLine {
			return nil, bad("a line of more than %d bytes in a chunked body", longestLine)
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

// fill reads more from the connection behind what is unread.
func (c *conn) fill() error {
	if c.r == c.w {
		c.r, c.w = 0, 0
	}
	if c.w == len(c.buf) {
		if c.r == 0 { // a long head
			c.buf = append(c.buf, make([]byte, len(c.buf))...)
		} else {
			c.w = copy(c.buf, c.buf[c.r:c.w])
			c.r = 0
		}
	}
	n, err := c.c.Read(c.buf[c.w:])
	c.w += n
	c.received += int64(n)
	if n > 0 {
		return nil // the error comes again
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}
