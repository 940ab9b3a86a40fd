package front

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"fender/internal/loop"
	"fender/internal/serve/http1"
)

// phase is what a connection waits for.
type phase uint8

const (
	reading   phase = iota // a request's head, or the beginning of one
	receiving              // a request's body
	waiting                // what the workshop answers
	writing                // room for what is in out
	leaving                // the workshop's last word, when all is over for the client
	lingering              // the client's end: ours was sent
	finished
)

// next is what becomes of a connection after a request.
type next uint8

const (
	again  next = iota // it goes on
	linger             // we close it, and let the client notice in peace
	drop               // it is closed, by the client or by a reset
)

// What a connection is watched for. While a request is dealt with the watching stays as it is: only a
// client that sends more meanwhile, or leaves, costs a system call.
const (
	forInput  = unix.EPOLLIN | unix.EPOLLRDHUP
	forHangUp = unix.EPOLLRDHUP
	forOutput = unix.EPOLLOUT | unix.EPOLLRDHUP
)

// conn is one connection of a client. All of it is the loop's but for woken, and what a helper has
// while busy is set.
type conn struct {
	front  *Front
	socket *Socket
	fd     int // -1: closed
	token  loop.Token
	mask   uint32 // what it is watched for
	place  int    // in the front's list
	timer  timer
	phase  phase
	gone   bool // the client has shut its side down
	busy   bool // a helper works for it
	woken  atomic.Bool

	client  string // address, for the log
	addr    string // REMOTE_ADDR
	port    string // REMOTE_PORT, "" on a unix socket
	trusted bool   // its X-Forwarded-Proto is believed

	in    *inbox    // what was read and not used; nil while idle
	idle  time.Time // since when there is no request
	began time.Time // when the first byte of the request line was there; zero: it was not
	pace  pace      // of what is read or written
	until time.Time // lingering: when it is over

	reply  *reply  // the request that is dealt with
	upload *upload // its body, while that is read
	output *output // what is being written; nil: nothing
	last   lastWord
}

// newConn begins to serve a connection.
func newConn(f *Front, s *Socket, fd int, peer unix.Sockaddr) {
	c := &conn{front: f, socket: s, fd: fd, idle: f.clock}
	c.timer.owner = c
	c.setPeer(peer)
	f.add(c)
	c.listen()
}

func (c *conn) setPeer(peer unix.Sockaddr) {
	var host netip.Addr
	switch peer := peer.(type) {
	case *unix.SockaddrInet4:
		host, c.port = netip.AddrFrom4(peer.Addr), strconv.Itoa(peer.Port)
	case *unix.SockaddrInet6: // on a socket for all addresses IPv4 comes as IPv6
		host, c.port = netip.AddrFrom16(peer.Addr).Unmap(), strconv.Itoa(peer.Port)
	default:
		c.client, c.trusted = "unix:", true
		return
	}
	c.addr = host.String()
	c.client = c.addr
	c.trusted = c.front.options.trusts(host)
}

// signal tells the loop, from any goroutine, that there is something to look at. It never blocks.
func (c *conn) signal() {
	if !c.woken.Swap(true) {
		c.front.box.Put(letter{conn: c})
	}
}

// Ready is the loop's: the client has sent something, has taken something, or has left. What cannot be
// used now is not asked for any more, or it would be reported for ever.
func (c *conn) Ready(_ time.Duration, events uint32) {
	c.front.look()
	hungUp := events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0
	switch {
	case c.busy:
		c.gone = c.gone || hungUp
		c.watch(0)
		return
	case c.phase == waiting && !hungUp:
		c.watch(forHangUp)
		return
	case c.phase == waiting:
		c.gone = true
		c.watch(0)
	case c.phase == writing && events&unix.EPOLLRDHUP != 0:
		c.gone = true
		c.watch(unix.EPOLLOUT)
	}
	c.run()
}

// expired is told that the deadline has come. Whoever waits looks at the clock himself.
func (c *conn) expired() { c.run() }

// helped is told that the helper has done its work.
func (c *conn) helped() {
	c.busy = false
	c.run()
}

// perTurn is how many steps a connection has in one turn: one that sends many requests at once must not
// keep the loop to itself.
const perTurn = 64

// run goes on as far as it can without waiting.
func (c *conn) run() {
	for range perTurn {
		if c.busy || !c.step() {
			return
		}
	}
	c.signal()
}

// step does what is next, and reports false when it must wait.
func (c *conn) step() bool {
	switch c.phase {
	case reading:
		return c.readHead()
	case receiving:
		return c.readBody()
	case waiting:
		return c.deliver()
	case writing:
		return c.write()
	case leaving:
		return c.hearLast()
	case lingering:
		return c.discard()
	}
	return false
}

// watch has the loop report events; 0 is none, not even errors.
func (c *conn) watch(events uint32) {
	if events == c.mask || c.fd < 0 {
		return
	}
	var err error
	switch {
	case events == 0:
		c.front.loop.Remove(c.token)
		c.token = loop.Token{}
	case c.token == loop.Token{}:
		c.token, err = c.front.loop.Add(c.fd, events, c)
	default:
		err = c.front.loop.Change(c.token, events)
	}
	c.mask = events
	if err != nil { // the kernel has no memory for it
		c.front.warn(fmt.Errorf("a connection cannot be watched: %w", err))
		_ = unix.Shutdown(c.fd, unix.SHUT_RDWR)
	}
}

// wait has the loop report events until a time.
func (c *conn) wait(events uint32, until time.Time) {
	c.front.timers.set(&c.timer, until)
	c.watch(events)
}

// Errors of read.
var (
	// errAgain says that there is nothing to read now.
	errAgain = errors.New("nothing to read")
	// errStalled ends a message that made no progress for its patience.
	errStalled = errors.New("no progress")
	// errStopped ends a read because the front is closing.
	errStopped = errors.New("the front is closing")
)

// read reads once.
func (c *conn) read(b []byte) (int, error) {
	for {
		// Raw, since it never waits: the scheduler need not be told.
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch {
		case errno == 0 && n == 0:
			return 0, io.EOF
		case errno == 0:
			return int(n), nil
		case errno == unix.EAGAIN:
			return 0, errAgain
		case errno != unix.EINTR:
			return 0, errno
		}
	}
}

// clientLeft reports whether an error of the stream means that the client has closed or broken the
// connection.
func clientLeft(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE) ||
		errors.Is(err, unix.ETIMEDOUT) || errors.Is(err, unix.EHOSTUNREACH) || errors.Is(err, unix.ENOTCONN)
}

// listen waits for a request.
func (c *conn) listen() bool {
	c.phase = reading
	if c.in != nil || c.front.stopping {
		return true // what is there is looked at
	}
	c.wait(forInput, c.idle.Add(c.front.options.Keepalive))
	return false
}

// readHead reads until there is a verdict.
func (c *conn) readHead() bool {
	for {
		if c.in != nil {
			v := c.in.parser.Parse(c.in.unread())
			if c.began.IsZero() && (v != http1.More || c.in.parser.Started(c.in.unread())) {
				c.began = c.front.clock
				c.pace = newPace(c.front.options.HeadTimeout, c.front.options.MinRate, c.began)
				c.pace.bytes = int64(len(c.in.unread()))
			}
			switch {
			case v.Refused():
				return c.refuse(v)
			case v != http1.More:
				return c.answer()
			case !c.in.makeSpace():
				return c.endOfReading(errNoMemory)
			}
		} else {
			c.in = c.front.newInbox()
		}
		n, err := c.read(c.in.space())
		if errors.Is(err, errAgain) {
			return c.awaitHead()
		}
		if err != nil {
			return c.endOfReading(err)
		}
		c.in.end += n
		if !c.began.IsZero() {
			c.pace.last, c.pace.bytes = c.front.clock, int64(len(c.in.unread()))
		}
	}
}

// awaitHead waits for more of a head, if that has any sense.
func (c *conn) awaitHead() bool {
	until := c.idle.Add(c.front.options.Keepalive)
	if !c.began.IsZero() {
		until = c.pace.until()
	}
	switch {
	case c.front.aborting, c.front.stopping && c.began.IsZero():
		return c.endOfReading(errStopped)
	case !c.front.clock.Before(until):
		return c.endOfReading(errStalled)
	}
	if len(c.in.unread()) == 0 && !c.in.parser.HasLine() { // nothing came
		c.freeInbox()
	}
	c.wait(forInput, until)
	return false
}

// end closes the connection, if that has not been done, and forgets it.
func (c *conn) end() bool {
	c.shut()
	c.freeInbox()
	c.endUpload()
	c.phase = finished
	c.front.remove(c)
	return false
}

// shut closes the descriptor.
func (c *conn) shut() {
	if c.fd >= 0 {
		c.watch(0)
		_ = unix.Close(c.fd)
		c.fd = -1
	}
}

// reset closes the descriptor so that the client cannot take it for a regular end.
func (c *conn) reset() {
	_ = unix.SetsockoptLinger(c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	c.shut()
}

// kill ends a connection whose time is over. What a helper has in its hands is let go by an error.
func (c *conn) kill() {
	switch {
	case c.busy:
		_ = unix.Shutdown(c.fd, unix.SHUT_RDWR)
	case c.phase == writing:
		c.written(errStopped)
		if c.phase == lingering {
			c.end()
		}
	case c.phase == lingering, c.phase == reading:
		c.end()
	}
}
