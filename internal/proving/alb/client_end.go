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
	if !c.ex.is(over) {
		c.ex.left(460)
	}
}

// linger closes the connection so that what was written arrives: closing with unread bytes would be a
// reset.
func (c *client) linger() {
	if w, ok := c.conn.(interface{ CloseWrite() error }); ok && w.CloseWrite() == nil {
		_ = tcp(c.conn).CloseWrite() // below TLS, which has said its farewell
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
