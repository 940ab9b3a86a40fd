package siege

import (
	"errors"
	"io"
	"net/http"
	"os"
	"syscall"
	"time"
)

// inline is the longest request that is written before the answer is read. A longer one is written
// beside the reading: a target may answer while it is still being sent.
const inline = 64 << 10

// exchange writes the request and reads the answer to its end.
func (c *conn) exchange(q *Request, out *outcome) (err error) {
	switch {
	case q.waits:
		return c.exchangeExpecting(q, out)
	case len(q.whole) > inline:
		return c.exchangeBoth(q.whole, q, out)
	}
	if _, err = c.c.Write(q.whole); err != nil && !broken(err) {
		return err
	}
	// An answer may have come although the request could not be written whole.
	if rerr := c.answer(q, out); rerr != nil {
		return rerr
	}
	if err != nil {
		out.head.close = true
	}
	return nil
}

func broken(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// answer reads the answer, past all 1xx.
func (c *conn) answer(q *Request, out *outcome) error {
	for {
		h, err := c.readHead()
		if err != nil {
			return err
		}
		out.head = h
		if h.status >= 200 || h.status == 101 {
			// The slices of the head do not outlive the reading of the body.
			if h.digest != nil {
				out.head.digest = append(c.promised[:0], h.digest...)
			}
			if h.cause != nil {
				out.head.cause = append(c.reason[:0], h.cause...)
			}
			return c.readBody(&out.head, q.Method == http.MethodHead)
		}
	}
}

// exchangeBoth writes beside the reading.
func (c *conn) exchangeBoth(part []byte, q *Request, out *outcome) error {
	written := make(chan error, 1)
	go func(w io.Writer) {
		_, err := w.Write(part)
		written <- err
	}(c.c)
	err := c.answer(q, out)
	if err != nil || out.head.close {
		c.dial.open.drop(c.raw) // ends the writing
	}
	werr := <-written
	if err == nil && werr != nil {
		out.head.close = true // answered before all was sent
	}
	return err
}

// patience is how long a target may take to say 100 Continue before the body is sent anyway.
const patience = time.Second

// exchangeExpecting sends the body when the target asks for it.
func (c *conn) exchangeExpecting(q *Request, out *outcome) error {
	if _, err := c.c.Write(q.head); err != nil && !broken(err) {
		return err
	}
	h, err := c.interim()
	switch {
	case err != nil:
		return err
	case h.status >= 200: // it does not want the body
		out.head = h
		out.head.close = true
		return c.readBody(&out.head, q.Method == http.MethodHead)
	}
	return c.exchangeBoth(q.Body, q, out)
}

// interim waits for a head; none within patience is as good as 100.
func (c *conn) interim() (head, error) {
	if err := c.c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return head{}, err
	}
	h, err := c.readHead()
	for err == nil && h.status != 100 && h.status < 200 {
		h, err = c.readHead()
	}
	if derr := c.c.SetReadDeadline(c.deadline); derr != nil {
		return h, derr
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && c.w == c.r && time.Now().Before(c.deadline) {
		return head{status: 100}, nil
	}
	return h, err
}
