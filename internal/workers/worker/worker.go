// Package worker is the master's half of one worker: its slots' sockets, the page, and what was
// sent on each slot. It sends requests, receives frames and takes unread messages back.
//
// It owns these descriptors and the line of messages of each slot. It decides nothing, waits for
// nothing, keeps no answer, and does not know the process.
//
// Of each slot the master holds two descriptors: its own end, and a duplicate of the worker's end,
// with which an unread message can be received back. The duplicate shares its description with the
// worker, so it is never made non-blocking and never wrapped in an os.File: MSG_DONTWAIT is said
// with each call instead. With the duplicate open, the master's end never reports a hang-up: a
// worker's death is told by its pidfd alone.
package worker

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
	"fender/internal/workers/wire"
)

// Errors of a slot. ErrFull and ErrEmpty are everyday; after any other the worker cannot be
// trusted with this slot any more.
var (
	// ErrEmpty means that there is nothing to receive now.
	ErrEmpty = errors.New("nothing to receive")
	// ErrFull means that the message does not fit now: the worker does not read, or the kernel has
	// no memory for it. Nothing of it was sent.
	ErrFull = errors.New("the worker's socket is full")
	// ErrClosed means that the worker has closed or shut down its end, or sent an empty message,
	// which reads the same.
	ErrClosed = errors.New("the worker has shut its end")
	// ErrLong means that the worker sent a message above wire.MaxMessage.
	ErrLong = errors.New("the worker sent a message longer than 64 KiB")
	// ErrDescriptors means that more than one descriptor came with a message.
	ErrDescriptors = errors.New("the worker sent more than one descriptor with a message")
	// ErrNoDescriptor means that a descriptor came with a message and could not be received: this
	// process has too many open files.
	ErrNoDescriptor = errors.New("a descriptor could not be received: too many open files (nofile)")
)

// Sent names a request that was sent on a slot and is not answered.
type Sent struct {
	ID  exchange.ID
	Seq uint32
}

// Depth is how many requests a slot holds: one that is worked on, the others ahead.
const Depth = 8

// slot is one pair of connected sockets.
type slot struct {
	ours, theirs int
	line         [Depth]Sent // oldest first
	n            int
	shut         bool
}

// Worker is one worker's sockets and page.
type Worker struct {
	slots  []slot
	page   *wire.Page
	memory []byte
	pagefd int
	small  bool // the kernel's socket buffers are smaller than wanted
}

// room is what a socket must be able to hold: two whole messages, or more that are together as long as
// one and a half, and a return between them.
const room = 3 * wire.MaxMessage

// New makes the sockets of so many slots and the page.
func New(slots int) (*Worker, error) {
	w := &Worker{pagefd: -1}
	if err := w.makePage(slots); err != nil {
		w.Close()
		return nil, err
	}
	for range slots {
		p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			w.Close()
			return nil, fmt.Errorf("making a slot's sockets: %w", err)
		}
		w.slots = append(w.slots, slot{ours: p[0], theirs: p[1]})
		for _, fd := range p {
			w.small = !enlarge(fd) || w.small
		}
	}
	return w, nil
}

// enlarge asks how much the socket holds and, if that is little, for more. The default of most
// kernels, 208 KiB, is enough.
func enlarge(fd int) bool {
	for _, option := range []int{0, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF} {
		if option != 0 {
			// The kernel doubles the value for its own bookkeeping; FORCE needs a privilege.
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, room/2)
		}
		if n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF); err == nil && n >= room {
			return true
		}
	}
	return false
}

// Small reports whether the kernel gives less room than two whole messages need; requests are then
// sometimes moved because a socket is full.
func (w *Worker) Small() bool { return w.small }

// Slots is the number of slots.
func (w *Worker) Slots() int { return len(w.slots) }

// End is the master's end of a slot, for waiting on it.
func (w *Worker) End(slot int) int { return w.slots[slot].ours }

// Gift lists the descriptors that the worker gets: its end of each slot, then the page.
func (w *Worker) Gift() []int {
	fds := make([]int, 0, len(w.slots)+1)
	for i := range w.slots {
		fds = append(fds, w.slots[i].theirs)
	}
	return append(fds, w.pagefd)
}

// Given closes what only the worker needs from now on: the page's descriptor. The mapping stays.
func (w *Worker) Given() {
	if w.pagefd >= 0 {
		_ = unix.Close(w.pagefd)
		w.pagefd = -1
	}
}

// Page is the page that the worker writes.
func (w *Worker) Page() *wire.Page { return w.page }

// Owed is the request that the slot answers next.
func (w *Worker) Owed(slot int) (Sent, bool) {
	s := &w.slots[slot]
	return s.line[0], s.n > 0
}

// Waiting is the number of requests on the slot.
func (w *Worker) Waiting(slot int) int { return w.slots[slot].n }

// Answered takes the request that the slot owed off its line.
func (w *Worker) Answered(slot int) {
	s := &w.slots[slot]
	copy(s.line[:], s.line[1:s.n])
	s.n--
}

// Shut half-closes a slot: the worker reads what is there, then the end. It is never closed while
// the worker lives: an answer that was not read would then reset the worker's next send.
func (w *Worker) Shut(slot int) {
	s := &w.slots[slot]
	if !s.shut {
		s.shut = true
		_ = unix.Shutdown(s.ours, unix.SHUT_WR)
	}
}

// Close gives everything back. The worker must be dead, or never have been born.
func (w *Worker) Close() {
	for i := range w.slots {
		_ = unix.Close(w.slots[i].ours)
		_ = unix.Close(w.slots[i].theirs)
	}
	w.slots = nil
	w.Given()
	w.dropPage()
}
