package front

import (
	"errors"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/serve/http1"
)

// next is what becomes of a connection after a request.
type next uint8

const (
	again  next = iota // it goes on
	linger             // we close it, and let the client notice in peace
	drop               // it is closed, by the client or by a reset
)

// conn is one connection of a client. All of it belongs to its goroutine but for wake and gone.
type conn struct {
	front   *Front
	socket  *Socket
	stream  *stream
	watched uint64 // its number at the watcher

	client  string // address, for the log
	addr    string // REMOTE_ADDR
	port    string // REMOTE_PORT, "" on a unix socket
	trusted bool   // its X-Forwarded-Proto is believed

	in     *inbox // what was read and not used; nil while idle
	direct []byte // where a body is read to, past the inbox
	most   int64  // how much is read to bulk instead; 0: nothing
	bulk   *[64 << 10]byte

	wake chan struct{} // something happened: look at the reply, gone and the front's state
	gone atomic.Bool   // the client has shut its side down

	current *reply    // that is being written
	batch   batch     // of it
	out     [][]byte  // pieces being written
	head    []byte    // buffer of response heads
	idle    time.Time // since when there is no request
}

func newConn(f *Front, s *Socket, c net.Conn) (*conn, error) {
	n := &conn{front: f, socket: s, wake: make(chan struct{}, 1), idle: time.Now()}
	n.setPeer(c.RemoteAddr())
	var err error
	if n.stream, err = newStream(c, n.space, n.unneeded); err != nil {
		return nil, err
	}
	n.stream.slow = n.slowClient
	return n, nil
}

func (c *conn) setPeer(addr net.Addr) {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		c.client, c.trusted = "unix:", true
		return
	}
	host := tcp.AddrPort().Addr().Unmap().WithZone("") // on a socket for all addresses IPv4 comes as IPv6
	c.addr = host.String()
	c.client = c.addr
	c.port = strconv.Itoa(tcp.Port)
	c.trusted = c.front.options.trusts(host)
}

// signal wakes the goroutine if it waits; a signal that comes before is not lost. It never blocks.
func (c *conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// slowClient tells the reply that its client does not take everything at once.
func (c *conn) slowClient() {
	if c.current != nil {
		c.current.isSlow()
	}
}

// serve answers requests until the connection ends, and closes it.
func (c *conn) serve() {
	what := again
	for what == again {
		what = c.request()
	}
	if c.in != nil {
		c.in.free()
		c.in = nil
	}
	if what == linger {
		c.linger()
	}
	c.stream.net.Close()
}

// request reads and answers one request.
func (c *conn) request() next {
	began, v, err := c.readHead()
	switch {
	case err != nil:
		return c.endOfReading(began, err)
	case v.Refused():
		return c.refuse(began, v)
	}
	return c.answer(began)
}

// readHead reads until there is a verdict. began is when the first byte of the request line was there;
// zero if none came.
func (c *conn) readHead() (began time.Time, v http1.Verdict, err error) {
	var progress pace
	stopped := c.front.isStopping
	until := c.idle.Add(c.front.options.Keepalive)
	for {
		if c.in != nil {
			if v := c.in.parser.Parse(c.in.unread()); v != http1.More {
				if began.IsZero() {
					began = time.Now()
				}
				return began, v, nil
			}
			if c.in.parser.Started(c.in.unread()) {
				now := time.Now()
				if began.IsZero() {
					began = now
					progress = newPace(c.front.options.HeadTimeout, c.front.options.MinRate, now)
					stopped = c.front.isAborting
				}
				progress.last, progress.bytes = now, int64(len(c.in.unread()))
				until = progress.until()
			}
			if !c.in.makeSpace() {
				return began, http1.More, errNoMemory
			}
		}
		n, err := c.stream.read(until, stopped)
		if err != nil {
			return began, v, err
		}
		c.in.end += n
	}
}

// readMore reads into the inbox.
func (c *conn) readMore(p *pace) error {
	n, err := c.stream.read(p.until(), c.front.isAborting)
	if err != nil {
		return err
	}
	c.in.end += n
	p.progress(n, time.Now())
	return nil
}

// readInto reads into b, past the inbox, which is empty.
func (c *conn) readInto(b []byte, p *pace) (int, error) {
	c.direct = b
	n, err := c.stream.read(p.until(), c.front.isAborting)
	c.direct = nil
	if err == nil {
		p.progress(n, time.Now())
	}
	return n, err
}

// readBulk reads up to n bytes that are only passed on, past the inbox, which is empty. They are valid
// until the next read. Its buffer is fetched like the inbox, when there is something to read: a client
// that sends slowly holds none.
func (c *conn) readBulk(n int64, until time.Time) ([]byte, error) {
	c.most = n
	got, err := c.stream.read(until, c.front.isAborting)
	c.most = 0
	if err != nil {
		c.freeBulk()
		return nil, err
	}
	return c.bulk[:got], nil
}

// freeBulk gives the buffer of readBulk back, if there is one.
func (c *conn) freeBulk() {
	if c.bulk != nil {
		spoolBuffers.Put(c.bulk)
		c.bulk = nil
	}
}

// space is where the stream reads to.
func (c *conn) space() []byte {
	switch {
	case c.direct != nil:
		return c.direct
	case c.most > 0:
		if c.bulk == nil {
			c.bulk = spoolBuffers.Get().(*[64 << 10]byte)
		}
		return c.bulk[:min(c.most, int64(len(c.bulk)))]
	}
	if c.in == nil {
		c.in = newInbox(c.front.options.limits, c.front.options.Memory)
	}
	return c.in.space()
}

// unneeded gives the buffers back while there is nothing in them and the client sends nothing.
func (c *conn) unneeded() {
	c.freeBulk()
	if c.in != nil && len(c.in.unread()) == 0 && !c.in.parser.HasLine() {
		c.in.free()
		c.in = nil
	}
}

// clientLeft reports whether an error of the stream means that the client has closed or broken the
// connection.
func clientLeft(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE) ||
		errors.Is(err, unix.ETIMEDOUT) || errors.Is(err, unix.EHOSTUNREACH) || errors.Is(err, unix.ENOTCONN)
}
