package siege

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// peek looks at a socket without taking anything from it. It is kept, so that looking allocates nothing.
type peek struct {
	look func(fd uintptr)
	buf  [1]byte
	n    int
	err  error
}

// gone says that an idle connection has ended: the target closed it while nothing was asked, which is
// its right, and a request on it would be lost by our fault. What the target said unasked on a plain
// connection (a 408, say) ends it too. A connection that was used just now is not looked at: the
// request on it meets whatever the target does, as a balancer's would.
func (c *conn) gone() bool {
	if c.rc == nil || time.Since(c.idle) < idleCheck {
		return false
	}
	p := &c.peek
	if p.look == nil {
		p.look = func(fd uintptr) {
			p.n, _, p.err = unix.Recvfrom(int(fd), p.buf[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		}
	}
	// Not as a reading: the deadline of the last request may have passed.
	if err := c.rc.Control(p.look); err != nil {
		return false // the request will say it
	}
	ended := p.err == nil && (p.n == 0 || c.raw == c.c) || p.err != nil && p.err != syscall.EAGAIN && p.err != syscall.EINTR //nolint:errorlint // errno of a system call
	if ended {
		c.dial.counts.idleClosed.Add(1)
	}
	return ended
}
