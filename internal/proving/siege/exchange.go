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
		return met(rerr, err)
	}
	if err != nil {
		out.head.close = true
	}
	return nil
}

// met is what a request met that could neither be written nor answered: a reset is told once, and when
// the writing is told it, the reading finds an end.
func met(reading, writing error) error {
	if errors.Is(reading, io.EOF) && errors.Is(writing, syscall.ECONNRESET) {
		return writing
	}
	return reading
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
		out.head = h // of a 1xx too: an answer has begun
		if h.status >= 200 || h.status == http.StatusSwitchingProtocols {
			return c.finish(q, out, h)
		}
	}
}

// finish reads what follows the head of an answer. The slices of the head do not outlive that.
func (c *conn) finish(q *Request, out *outcome, h head) error {
	out.head = h
	if h.status == http.StatusSwitchingProtocols { // what follows is no HTTP
		out.head.close = true
	}
	if h.digest != nil {
		out.head.digest = append(c.promised[:0], h.digest...)
	}
	if h.cause != nil {
		out.head.cause = append(c.reason[:0], h.cause...)
	}
	return c.readBody(&out.head, q.Method == http.MethodHead)
}

// exchangeBoth writes beside the reading. A target that has answered may go on reading, for patience.
func (c *conn) exchangeBoth(part []byte, q *Request, out *outcome) error {
	written := make(chan error, 1)
	go func(w io.Writer) {
		_, err := w.Write(part)
		written <- err
	}(c.c)
	err := c.answer(q, out)
	out.end = time.Now()
	wait := patience
	if err != nil || out.head.close {
		wait = 0
	}
	werr := c.written(written, wait)
	if err != nil {
		return met(err, werr)
	}
	if werr != nil {
		out.head.close = true // answered before all was sent
	}
	return nil
}

// written is what became of the writing, which is ended when it takes longer.
func (c *conn) written(done <-chan error, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
	}
	c.dial.open.drop(c.raw)
	return <-done
}

// patience is how long a target may take to say 100 Continue before the body is sent anyway, and to
// read the rest of a request that it has answered.
const patience = time.Second

// exchangeExpecting sends the body when the target asks for it.
func (c *conn) exchangeExpecting(q *Request, out *outcome) error {
	_, werr := c.c.Write(q.head)
	if werr != nil && !broken(werr) {
		return werr
	}
	h, err := c.interim()
	switch {
	case err != nil:
		return met(err, werr)
	case h.status >= 200: // it does not want the body
		h.close = true
		return c.finish(q, out, h)
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
