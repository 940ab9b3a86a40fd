package front

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// errStalled ends a message that made no progress for its patience.
var errStalled = errors.New("no progress")

// stream is the client's socket as system calls: it reads into a buffer that is fetched only when
// there is something to read, writes several pieces at once, and sends files. It belongs to the
// connection's goroutine, but for kick.
//
// The functions that the runtime's poller calls, and what they work on, are made once for each
// connection: a request allocates nothing here.
type stream struct {
	net   net.Conn
	raw   syscall.RawConn
	space func() []byte // where to read to
	empty func()        // nothing was there to read: the space is not needed now

	readable, writable, sendable func(fd uintptr) bool
	n                            int   // bytes of the last read
	err                          error // of the last system call

	out  [][]byte // what is left to write
	iov  [maxPieces]unix.Iovec
	file fileRange // what is left to send
	sent int64     // bytes written in all
	wait bool      // a call that would block waits
	slow func()    // told when a write has to wait

	readArmed time.Time // the deadline in force
}

func newStream(c net.Conn, space func() []byte, empty func()) (*stream, error) {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &stream{net: c, raw: raw, space: space, empty: empty}
	s.readable, s.writable, s.sendable = s.tryRead, s.tryWrite, s.trySend
	return s, nil
}

// read reads once, waiting until there is something, until the time. The deadline is moved only when
// it would be too late or has come: a connection in steady use keeps the one it has.
func (s *stream) read(until time.Time, stopped func() bool) (int, error) {
	if s.readArmed.IsZero() || s.readArmed.After(until) {
		s.armRead(until)
	}
	for {
		if stopped() { // looked at after arming: kick may have come before
			return s.readNow()
		}
		err := s.raw.Read(s.readable)
		switch {
		case errors.Is(err, net.ErrClosed):
			return 0, errStopped
		case err == nil && s.err != nil:
			return 0, s.err
		case err == nil && s.n == 0:
			return 0, io.EOF
		case err == nil:
			return s.n, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return 0, err
		case !time.Now().Before(until):
			s.readArmed = time.Time{}
			return 0, errStalled
		}
		s.armRead(until)
	}
}

// readNow reads what is there already; a request that has come before the end is one.
func (s *stream) readNow() (int, error) {
	s.n = 0
	if err := s.raw.Control(func(fd uintptr) { s.tryRead(fd) }); err != nil || s.err != nil || s.n == 0 {
		return 0, errStopped
	}
	return s.n, nil
}

func (s *stream) armRead(until time.Time) {
	_ = s.net.SetReadDeadline(until) // fails only on a closed connection, which the read tells
	s.readArmed = until
}

// kick wakes a read from another goroutine, which finds stopped true then.
func (s *stream) kick() { _ = s.net.SetReadDeadline(time.Unix(1, 0)) }

func (s *stream) tryRead(fd uintptr) bool {
	for {
		n, err := unix.Read(int(fd), s.space())
		switch err {
		case nil:
			s.n, s.err = n, nil
			return true
		case unix.EINTR:
		case unix.EAGAIN:
			s.n, s.err = 0, nil
			s.empty()
			return false
		default:
			s.n, s.err = 0, err
			return true
		}
	}
}

// closeWrite shuts the sending side down.
func (s *stream) closeWrite() error {
	if half, ok := s.net.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// reset closes the connection so that the client cannot take it for a regular end.
func (s *stream) reset() error {
	if tcp, ok := s.net.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	return s.net.Close()
}

// errStopped ends a read because the front is closing.
var errStopped = errors.New("the front is closing")
