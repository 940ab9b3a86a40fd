package worker

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"fender/internal/workers/wire"
)

// errStranger means that a message came back which was not sent.
var errStranger = errors.New("a message came back that was not sent")

// TakeBack receives everything on the slot that the worker has not read, by the duplicate of its
// end, takes the requests among it off the slot's line, and returns their sequences in the order in
// which they were sent. That need not be the line's end: a thread that wakes up in the middle receives
// one between two of ours. The slice is valid until the next TakeBack. Whatever was unread and is no request, returns of calls, is sent again: a thread waits for it.
//
// recv may wait for a page fault of the worker's own recv on the same socket, so this is for
// messages that lie too long, and for the dead.
func (in *Inbox) TakeBack(o *Outbox, w *Worker, slot int) ([]uint32, error) {
	s := &w.slots[slot]
	in.back = in.back[:0]
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
			return nil, fmt.Errorf("%w: %w", errStranger, err)
		}
		if f.Kind != wire.KindRequest {
			again = append(again, append([]byte(nil), in.buf[:m.size]...))
			continue
		}
		if !s.off(Sent{f.ID, f.Seq}) {
			return in.back, fmt.Errorf("%w: request %d, sequence %d", errStranger, f.ID, f.Seq)
		}
		in.back = append(in.back, f.Seq)
	}
	for _, message := range again {
		if err := o.send(s.ours, nil, message); err != nil && !errors.Is(err, ErrClosed) {
			return in.back, err
		}
	}
	return in.back, nil
}

// off takes a request that came back off the line.
func (s *slot) off(x Sent) bool {
	for i := range s.n {
		if s.line[i] == x {
			copy(s.line[i:], s.line[i+1:s.n])
			s.n--
			return true
		}
	}
	return false
}
