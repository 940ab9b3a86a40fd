package worker

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"fender/internal/workers/wire"
)

// errStranger means that a message came back which was not sent, or not in this order.
var errStranger = errors.New("a message came back that was not sent")

// Back says which requests of a slot came back unread; they are off its line.
type Back struct {
	// Newest is how many, counted from the one sent last.
	Newest int
	// Overtaken means that it is the older one of two instead: the worker's thread woke up between
	// our two receives and has read the newer one.
	Overtaken bool
}

// TakeBack receives everything on the slot that the worker has not read, by the duplicate of its
// end. Whatever was unread and is no request, returns of calls, is sent again: a thread waits for it.
//
// recv may wait for a page fault of the worker's own recv on the same socket, so this is for
// messages that lie too long, and for the dead.
func (in *Inbox) TakeBack(o *Outbox, w *Worker, slot int) (Back, error) {
	s := &w.slots[slot]
	var back [depth]Sent
	n := 0
	var again [][]byte
	for {
		m, errno := in.receive(s.theirs)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 || m.size == 0 {
			break // EAGAIN; or the slot is half-closed, and its end is next
		}
		m.close() // a body's: whoever gets the request next is sent it anew
		f, err := wire.Decode(in.buf[:m.size])
		if err != nil {
			return Back{}, fmt.Errorf("%w: %w", errStranger, err)
		}
		if f.Kind != wire.KindRequest {
			again = append(again, append([]byte(nil), in.buf[:m.size]...))
			continue
		}
		if n == s.n {
			return Back{}, errStranger
		}
		back[n] = Sent{f.ID, f.Seq}
		n++
	}
	b, err := s.shorten(back[:n])
	if err != nil {
		return b, err
	}
	for _, message := range again {
		if err := o.send(s.ours, nil, message); err != nil && !errors.Is(err, ErrClosed) {
			return b, err
		}
	}
	return b, nil
}

// shorten takes what came back off the line.
func (s *slot) shorten(back []Sent) (Back, error) {
	if s.n == depth && len(back) == 1 && back[0] == s.line[0] {
		s.line[0] = s.line[1]
		s.n--
		return Back{Overtaken: true}, nil
	}
	for i, got := range back {
		if want := s.line[s.n-len(back)+i]; got != want {
			return Back{}, fmt.Errorf("%w: request %d, sequence %d, instead of %d, %d",
				errStranger, got.ID, got.Seq, want.ID, want.Seq)
		}
	}
	s.n -= len(back)
	return Back{Newest: len(back)}, nil
}
