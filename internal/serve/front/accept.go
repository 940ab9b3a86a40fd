package front

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// acceptPause is how long accepting rests when there are no descriptors left.
const acceptPause = 50 * time.Millisecond

// accept serves the connections of a socket until it is interrupted, then those that the kernel has
// already accepted, and closes it.
func (f *Front) accept(s *Socket) {
	defer s.net.Close()
	for f.places.wait() {
		c, err := s.net.Accept()
		switch {
		case err == nil:
			f.begin(s, c)
		case errors.Is(err, os.ErrDeadlineExceeded):
			f.acceptRest(s)
			return
		case errors.Is(err, net.ErrClosed):
			return
		default: // no descriptors, or a connection that broke before it was accepted
			if !errors.Is(err, unix.ECONNABORTED) {
				f.warn(fmt.Errorf("%s %s: accepting: %w; is the limit of open files (nofile) too low?", optionName(s.Option), s.Address, err))
			}
			time.Sleep(acceptPause)
		}
	}
	f.acceptRest(s)
}

// begin serves one connection.
func (f *Front) begin(s *Socket, nc net.Conn) {
	c, err := newConn(f, s, nc)
	if err != nil {
		nc.Close()
		return
	}
	f.counts.connections.Add(1)
	f.places.take()
	if err := f.watcher.add(c); err != nil { // it is served all the same, and read errors tell
		f.warn(fmt.Errorf("a connection cannot be watched: %w", err))
	}
	f.conns.Go(func() {
		c.serve()
		f.watcher.forget(c)
		f.places.give()
		f.notify()
	})
}

// interrupt makes accept stop, from another goroutine.
func (s *Socket) interrupt() {
	if l, ok := s.net.(interface{ SetDeadline(time.Time) error }); ok {
		_ = l.SetDeadline(time.Unix(1, 0)) // fails only on a closed socket
	}
}

// acceptRest serves what waits in the kernel's queue: closing the socket would reset those
// connections, and their clients have done nothing wrong.
func (f *Front) acceptRest(s *Socket) {
	raw, err := s.net.(syscall.Conn).SyscallConn()
	if err != nil {
		return
	}
	for {
		fd := -1
		if e := raw.Control(func(listener uintptr) {
			fd, _, err = unix.Accept4(int(listener), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		}); e != nil {
			return
		}
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
			continue // there may be others
		case err != nil:
			return
		}
		file := os.NewFile(uintptr(fd), "accepted")
		c, err := net.FileConn(file)
		file.Close()
		if err != nil {
			continue
		}
		f.begin(s, c)
	}
}
