package alb

import (
	"errors"
)

// sendBody streams the rest of the body, and is done with the request.
func (c *client) sendBody(b *backend) bool {
	ex := &c.ex
	failed := 0
	if c.body.pending() && len(c.buf) < bodyBuffer {
		c.buf = append(make([]byte, 0, bodyBuffer), c.buf[:c.w]...)[:bodyBuffer]
	}
	for c.body.pending() {
		if c.body.broken() {
			failed = 400
			break
		}
		if ex.is(ending | answered) {
			break
		}
		if c.r == c.w {
			c.r, c.w = 0, 0
		}
		if err := c.fill(); err != nil {
			if errors.Is(err, errPoked) {
				continue
			}
			if failed = 400; errors.Is(err, errIdle) {
				failed = 408
			}
			break
		}
		if ex.is(ending) { // the client may send this because it has its answer
			break
		}
		n := c.body.take(c.buf[c.r:c.w])
		ex.received.Add(int64(n))
		if b.write(c.buf[c.r:c.r+n]) != nil {
			c.r += n
			break
		}
		c.r += n
		c.touch() // a slow target is not a silent client
	}
	if failed != 0 {
		if ex.settle() {
			ex.keep = false
			ex.times = nothingDone
			ex.fail(failed)
		} else {
			ex.leave()
		}
		b.sever()
		ex.done(sentAll)
		return false
	}
	if c.body.pending() { // the answer came first, or the target takes no more
		b.spoiled.Store(true)
		ex.done(sentAll)
		return c.discard()
	}
	ex.done(sentAll)
	return true
}

// discard reads the rest of a body that nobody wants.
func (c *client) discard() bool {
	for c.body.pending() {
		if c.body.broken() {
			return false
		}
		if c.r == c.w {
			c.r, c.w = 0, 0
			if err := c.fill(); err != nil {
				if errors.Is(err, errPoked) && !c.closing.Load() {
					continue
				}
				if !c.ex.is(answered) {
					c.left()
				}
				return false
			}
		}
		n := c.body.take(c.buf[c.r:c.w])
		c.ex.received.Add(int64(n))
		c.r += n
	}
	return true
}
