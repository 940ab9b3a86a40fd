package front

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/loop"
)

const (
	// acceptPause is how long accepting rests when there are no descriptors left.
	acceptPause = 50 * time.Millisecond
	// acceptBatch is how many connections of one socket are accepted in one turn.
	acceptBatch = 64
)

// acceptor accepts the connections of one socket. It is the loop's handler of the listening descriptor.
type acceptor struct {
	front  *Front
	socket *Socket
	token  loop.Token
	timer  timer // set: resting, for want of descriptors
	full   bool  // resting, because there are as many clients as there may be
}

// listen begins to accept. Clients that come while the limits allow no more wait in the kernel's queue.
func (f *Front) listen(s *Socket) {
	if f.stopping {
		return
	}
	a := &acceptor{front: f, socket: s}
	a.timer.owner = a
	var err error
	if a.token, err = f.loop.Add(s.fd, unix.EPOLLIN, a); err != nil {
		f.warn(fmt.Errorf("%s %s: %w", optionName(s.Option), s.Address, err))
		return
	}
	f.acceptors = append(f.acceptors, a)
}

// Ready accepts what waits, a bounded number.
func (a *acceptor) Ready(time.Duration, uint32) {
	f := a.front
	f.look()
	for range acceptBatch {
		if most := f.options.Connections; most > 0 && len(f.conns) >= most {
			f.warn(fmt.Errorf("%d clients are connected, more must wait: the limit of open files (nofile) allows no more; raise it", most))
			a.full = true
			a.watch(false)
			return
		}
		switch err := a.accept(); {
		case err == nil, errors.Is(err, unix.ECONNABORTED): // broke before it was accepted: there may be others
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			return
		default: // no descriptors
			f.warn(fmt.Errorf("%s %s: accepting: %w; is the limit of open files (nofile) too low?", optionName(a.socket.Option), a.socket.Address, err))
			a.watch(false)
			f.timers.set(&a.timer, f.clock.Add(acceptPause))
			return
		}
	}
}

// accept accepts one connection and begins to serve it.
func (a *acceptor) accept() error {
	fd, peer, err := unix.Accept4(a.socket.fd, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	if err == nil {
		newConn(a.front, a.socket, fd, peer)
	}
	return err
}

// watch turns the loop's attention on and off.
func (a *acceptor) watch(on bool) {
	events := uint32(0)
	if on {
		events = unix.EPOLLIN
	}
	if err := a.front.loop.Change(a.token, events); err != nil {
		a.front.warn(fmt.Errorf("%s %s: %w", optionName(a.socket.Option), a.socket.Address, err))
	}
}

// expired ends the rest.
func (a *acceptor) expired() { a.watch(true) }

// goOn is told that a connection has ended.
func (a *acceptor) goOn() {
	if a.full {
		a.full = false
		a.watch(true)
	}
}

// end accepts what waits in the kernel's queue and ends accepting: closing the socket would reset those
// connections, and their clients have done nothing wrong.
func (a *acceptor) end() {
	a.front.timers.remove(&a.timer)
	a.front.loop.Remove(a.token)
	for {
		err := a.accept()
		if err != nil && !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.ECONNABORTED) {
			return
		}
	}
}
