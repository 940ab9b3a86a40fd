package front

import (
	"sync"

	"fender/internal/serve/http1"
)

// inboxSize is the first size of an inbox: the head of nearly every request, and small bodies.
const inboxSize = 8 << 10

// inbox is what was read from a connection and not used yet, with the parser that looks at it. An
// idle connection has none.
type inbox struct {
	buf        []byte
	start, end int // the unread bytes
	most       int // up to which it grows
	parser     http1.Parser
}

var inboxes = sync.Pool{New: func() any { return &inbox{buf: make([]byte, inboxSize)} }}

// newInbox fetches an empty inbox, for heads within the limits.
func newInbox(limits http1.Limits) *inbox {
	in := inboxes.Get().(*inbox)
	in.start, in.end, in.most = 0, 0, limits.Size()+inboxSize
	in.parser.Reset(limits)
	return in
}

// free gives the inbox back.
func (in *inbox) free() {
	if len(in.buf) > inboxSize {
		in.buf = make([]byte, inboxSize) // a large one is not kept for small requests
	}
	inboxes.Put(in)
}

// unread is what is there.
func (in *inbox) unread() []byte { return in.buf[in.start:in.end] }

// drop uses n bytes up.
func (in *inbox) drop(n int) { in.start += n }

// take uses up to n bytes up and returns them. They are valid until the next space.
func (in *inbox) take(n int64) []byte {
	b := in.unread()
	if int64(len(b)) > n {
		b = b[:n]
	}
	in.drop(len(b))
	return b
}

// space is room behind the unread bytes, at least one byte. It may move them.
func (in *inbox) space() []byte {
	if in.start == in.end {
		in.start, in.end = 0, 0
	}
	if in.end == len(in.buf) {
		in.makeSpace()
	}
	return in.buf[in.end:]
}

func (in *inbox) makeSpace() {
	if in.start > 0 {
		in.end = copy(in.buf, in.unread())
		in.start = 0
		return
	}
	// The limits end a head before the inbox is full; this only keeps a mistake there from looping.
	grown := make([]byte, min(2*len(in.buf), max(in.most, len(in.buf)+1)))
	in.end = copy(grown, in.unread())
	in.buf = grown
}
