package alb

import (
	"errors"
	"time"

	"fender/internal/proving/alb/message"
)

// headFailed deals with a head that did not come. It says whether there is a request to answer still.
func (c *client) headFailed(err error) bool {
	switch {
	case errors.Is(err, errNoRoom):
		return true
	case errors.Is(err, errLeft):
		c.left()
	case errors.Is(err, errIdle) && c.w > c.r: // begun, and then nothing
		c.newExchange()
		c.ex.entry.request(c.lis.scheme, c.lis.port, nil, &message.Request{})
		c.ex.received.Store(int64(c.w - c.r))
		c.ex.keep = false
		c.local(408)
	}
	return false
}

// left ends the exchange that is on, if any, because the client has closed the connection.
func (c *client) left() {
	ex := &c.ex
	if ex.is(over) {
		return
	}
	if ex.settle() {
		ex.status, ex.times, ex.responded, ex.closing = 460, nothingDone, time.Now(), false
		c.drop()
		return
	}
	if ex.leave() {
		c.drop()
	}
}

// drop closes the target's connection of the exchange, so that its goroutine comes to an end with it.
func (c *client) drop() {
	if b := c.ex.backend.Load(); b != nil {
		b.sever()
	}
}

// linger closes the connection so that what was written arrives: closing with unread bytes would be a
// reset.
func (c *client) linger() {
	if w, ok := c.conn.(interface{ CloseWrite() error }); ok && w.CloseWrite() == nil {
		_ = c.conn.SetReadDeadline(time.Now().Add(c.bal.o.Linger))
		for {
			if _, err := c.conn.Read(c.buf); err == nil {
				continue
			}
			if !c.poked.Swap(false) {
				break
			}
			_ = c.conn.SetReadDeadline(time.Now().Add(c.bal.o.Linger))
		}
	}
}

// tunnel passes on what the client sends over a WebSocket. The other way, and the end, are the target
// connection's goroutine's.
func (c *client) tunnel() {
	b := c.ex.backend.Load()
	if b == nil {
		return
	}
	for {
		if c.r < c.w {
			c.ex.received.Add(int64(c.w - c.r))
			if b.write(c.buf[c.r:c.w]) != nil {
				break
			}
			c.r, c.w = 0, 0
		}
		if err := c.fill(); err != nil && !errors.Is(err, errPoked) || c.ex.is(over) {
			break
		}
	}
	b.sever()
}
