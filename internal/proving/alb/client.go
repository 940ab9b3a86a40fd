package alb

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"

	"fender/internal/proving/alb/message"
)

const (
	firstBuffer = 4 << 10
	bodyBuffer  = 32 << 10
	// fullBuffer holds the largest head that is not refused, and is what bodies go through.
	fullBuffer = message.MaxRequestLine + message.MaxRequestHead + 4<<10
)

// client is a client's HTTP/1 connection. Its goroutine reads; who has settled the exchange writes.
type client struct {
	bal  *Balancer
	lis  *listener
	conn net.Conn
	peer peer
	born time.Time
	req  message.Request
	ex   exchange

	buf     []byte
	r, w    int // what is read and not used
	scanned int
	out     []byte // the head for a target
	body    body

	connecting bool // a connection to the target is being made

	closing atomic.Bool  // the response said that the connection ends
	poked   atomic.Bool  // a read deadline in the past was set to wake the goroutine up
	active  atomic.Int64 // when bytes last went either way, on the balancer's clock
	written atomic.Int64 // bytes of the exchange's response

	reply   reply // the response that is being written
	expires int64 // of the write deadline that is set
}

// Why fill returned without bytes.
var (
	errLeft   = errors.New("the client closed the connection")
	errIdle   = errors.New("idle timeout")
	errPoked  = errors.New("woken up")
	errNoRoom = errors.New("the buffer is full")
)

func newClient(l *listener, conn net.Conn, p peer) *client {
	c := &client{bal: l.bal, lis: l, conn: conn, peer: p, born: time.Now(), buf: make([]byte, firstBuffer)}
	c.ex.sink, c.ex.bal, c.ex.lis = c, l.bal, l
	c.ex.wake = make(chan struct{}, 1)
	c.ex.entry.peer, c.ex.entry.on = &c.peer, l.bal.accessLog != nil
	c.ex.state.Store(over)
	c.touch()
	return c
}

// serve reads requests until the connection ends.
func (c *client) serve() {
	_ = c.conn.SetReadDeadline(time.Now().Add(c.bal.lb.IdleTimeout))
	for {
		end, err := c.readHead()
		if err != nil && !c.headFailed(err) {
			break
		}
		if !c.request(end) {
			break
		}
	}
	c.ex.wait(over)
	c.linger()
	_ = c.conn.Close()
}

// readHead waits for a whole request head and returns its length. The exchange before it is over then.
// errNoRoom comes with the request that is too long.
func (c *client) readHead() (int, error) {
	for {
		early := false // the next request is here, and this one is not over
		if c.r == c.w {
			c.r, c.w, c.scanned = 0, 0, 0
		} else if c.ex.is(over) {
			if c.closing.Load() {
				return 0, errPoked
			}
			if n := message.SkipBlank(c.buf[c.r:c.w]); n > 0 && c.scanned == 0 {
				c.r += n
				continue
			}
			end, next := message.End(c.buf[c.r:c.w], c.scanned)
			if end == 0 {
				end = message.Simple(c.buf[c.r:c.w])
			}
			if end > 0 {
				return end, nil
			}
			if c.scanned = next; c.w-c.r > message.MaxRequestLine+message.MaxRequestHead {
				return 0, errNoRoom
			}
		} else if c.ex.is(tunnel) {
			c.tunnel()
			return 0, errPoked
		} else if c.w-c.r == fullBuffer || c.ex.is(ending) {
			c.ex.wait(over | tunnel)
			continue
		} else if early = c.ex.state.Or(ahead)&(over|tunnel) == 0; !early {
			continue
		}
		if err := c.fill(); err != nil {
			switch {
			case errors.Is(err, errPoked) && c.ex.is(tunnel):
				c.tunnel()
				return 0, err
			case errors.Is(err, errPoked) && !c.closing.Load():
				continue
			case early && errors.Is(err, errLeft) && c.ex.is(ending): // it has its answer, and has asked again
				c.ex.wait(over | tunnel)
				continue
			}
			return 0, err
		}
	}
}

// touch notes that bytes went over the connection.
func (c *client) touch() { c.active.Store(c.bal.clock()) }

// fill reads once. It makes room if it must.
func (c *client) fill() error {
	if c.w == len(c.buf) {
		switch {
		case c.r > 0:
			c.w = copy(c.buf, c.buf[c.r:c.w])
			c.r = 0
		case len(c.buf) < fullBuffer:
			larger := make([]byte, min(4*len(c.buf), fullBuffer))
			copy(larger, c.buf)
			c.buf = larger
		default:
			return errNoRoom
		}
	}
	for {
		n, err := c.conn.Read(c.buf[c.w:])
		if n > 0 {
			c.w += n
			c.touch()
			return nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return errLeft
		}
		if err := c.deadline(); err != nil {
			return err
		}
	}
}

// deadline is called when the read deadline has passed. Deadlines are only moved then, once in an idle
// timeout, and not at every request.
func (c *client) deadline() error {
	idle := c.bal.lb.IdleTimeout
	rest := idle - time.Duration(c.bal.clock()-c.active.Load())
	late := rest <= 0
	if late {
		rest = idle
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(rest))
	switch {
	case c.poked.Swap(false):
		return errPoked
	case late && !c.connecting && (c.ex.is(over) || !c.ex.is(sentAll)):
		return errIdle
	}
	return nil // while a target is waited for, its connection has the clock
}

// poke implements sink.
func (c *client) poke() {
	c.poked.Store(true)
	_ = c.conn.SetReadDeadline(past)
}

var past = time.Unix(1, 0)
