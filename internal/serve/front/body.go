package front

import (
	"errors"
	"sync"
	"time"

	"fender/internal/exchange"
	"fender/internal/serve/http1"
)

// errTooLarge ends a body above limit-post.
var errTooLarge = errors.New("the body is larger than limit-post")

// refusal is a verdict on a body as an error.
type refusal struct{ verdict http1.Verdict }

func (r *refusal) Error() string { return r.verdict.Text() }

// body is a request's body while it is read and until the exchange is over: bytes in memory up to
// Options.BodyMemory, and within the memory budget, then a spool file.
type body struct {
	front  *Front
	bytes  []byte
	memory int64 // taken from the memory budget
	spool  *spool
	size   int64
}

// exchange is the body as the workshop gets it.
func (b *body) exchange() exchange.Body {
	if b.spool != nil {
		return exchange.Body{File: b.spool.file, Size: b.size}
	}
	return exchange.Body{Bytes: b.bytes, Size: b.size}
}

// expect prepares for a body of n bytes. One that cannot be kept now is refused before it is sent; but
// its room in the spool is taken only as it comes: a client that announces much and sends nothing must
// not keep everybody else out.
func (b *body) expect(n int64) error {
	if n <= int64(b.front.options.BodyMemory) && b.front.options.Memory.Take(n) {
		b.memory = n
		b.bytes = make([]byte, 0, n)
		return nil
	}
	if !b.front.options.Spool.Fits(n) {
		return errSpoolFull
	}
	if err := b.toSpool(); err != nil {
		return err
	}
	b.spool.most = n
	return nil
}

// toSpool goes over to a file, with what there is in memory.
func (b *body) toSpool() error {
	made, err := openSpool(b.front.options.SpoolDir, b.front.options.Spool)
	if err != nil {
		return err
	}
	b.spool = made
	if err := made.write(b.bytes); err != nil {
		return err
	}
	b.bytes = nil
	b.front.options.Memory.Give(b.memory)
	b.memory = 0
	return nil
}

// arrived is the number of bytes that are kept.
func (b *body) arrived() int64 {
	if b.spool != nil {
		return b.spool.end
	}
	return int64(len(b.bytes))
}

// add appends a piece of a body whose length is not known, and copies it.
func (b *body) add(piece []byte) error {
	b.size += int64(len(piece))
	if limit := b.front.options.LimitPost; limit > 0 && b.size > limit {
		return errTooLarge
	}
	if b.spool == nil {
		grow := b.size - b.memory
		if b.size <= int64(b.front.options.BodyMemory) && (grow <= 0 || b.front.options.Memory.Take(grow)) {
			b.memory += max(grow, 0)
			b.bytes = append(b.bytes, piece...)
			return nil
		}
		if err := b.toSpool(); err != nil {
			return err
		}
	}
	return b.spool.write(piece)
}

// release gives everything back, once. The exchange is over, or will not be.
func (b *body) release() {
	if b.front == nil {
		return
	}
	if b.spool != nil {
		b.spool.close()
	}
	b.front.options.Memory.Give(b.memory)
	*b = body{}
}

// spoolBuffers are for the way from a socket to a file.
var spoolBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// readBody reads the body that the head announced.
func (c *conn) readBody(h *http1.Head, b *body) error {
	pace := newPace(c.front.options.BodyTimeout, c.front.options.MinRate, time.Now())
	if h.Chunked {
		return c.readChunked(b, &pace)
	}
	err := c.readSized(h, b, &pace)
	if err != nil {
		b.size = b.arrived() // the log wants what came, not what was announced
	}
	return err
}

// readSized reads a body of known length.
func (c *conn) readSized(h *http1.Head, b *body, pace *pace) error {
	b.size = h.Length
	if err := b.expect(h.Length); err != nil {
		return err
	}
	if err := c.wantBody(h); err != nil {
		return err
	}
	if b.spool != nil {
		return c.readToSpool(b, pace)
	}
	b.bytes = append(b.bytes, c.in.take(h.Length)...)
	for len(b.bytes) < cap(b.bytes) {
		n, err := c.readInto(b.bytes[len(b.bytes):cap(b.bytes)], pace)
		if err != nil {
			return err
		}
		b.bytes = b.bytes[:len(b.bytes)+n]
	}
	return nil
}

// readToSpool reads a body of known length into its file.
func (c *conn) readToSpool(b *body, pace *pace) error {
	defer c.freeBulk()
	if err := b.spool.write(c.in.take(b.size)); err != nil {
		return err
	}
	for b.spool.end < b.size {
		piece, err := c.readBulk(b.size-b.spool.end, pace.until())
		if err != nil {
			return err
		}
		pace.progress(len(piece), time.Now())
		if err := b.spool.write(piece); err != nil {
			return err
		}
	}
	return nil
}

// readChunked reads a chunked body.
func (c *conn) readChunked(b *body, pace *pace) error {
	if err := c.wantBody(&c.in.parser.Head); err != nil {
		return err
	}
	var coding http1.Chunked
	for {
		data, n, v := decode(&coding, c.in.unread())
		c.in.drop(n)
		if len(data) > 0 {
			if err := b.add(data); err != nil {
				return err
			}
		}
		switch {
		case v == http1.Complete:
			return nil
		case v.Refused():
			return &refusal{v}
		}
		if err := c.readMore(pace); err != nil {
			return err
		}
	}
}

// decode moves the data of all chunks in b together, at its beginning: a client that sends small chunks
// must not cost a system call for each. n bytes of b are used up.
func decode(coding *http1.Chunked, b []byte) (data []byte, n int, v http1.Verdict) {
	kept := 0
	for n < len(b) && v == http1.More {
		var piece []byte
		var used int
		piece, used, v = coding.Decode(b[n:])
		kept += copy(b[kept:], piece)
		n += used
	}
	return b[:kept], n, v
}

// wantBody tells a client that waits for it that the body is wanted.
func (c *conn) wantBody(h *http1.Head) error {
	if !h.Continue || len(c.in.unread()) > 0 {
		return nil // it has not waited
	}
	c.out = append(c.out[:0], []byte(http1.ContinueLine))
	return c.flush()
}
