package front

import (
	"errors"

	"fender/internal/exchange"
	"fender/internal/serve/http1"
)

// inboxSize is the first size of an inbox: the head of nearly every request, and small bodies.
const inboxSize = 8 << 10

// errNoMemory ends a head for which the memory budget has no room.
var errNoMemory = errors.New("no memory for a large head")

// inbox is what was read from a connection and not used yet, with the parser that looks at it. An
// idle connection has none.
type inbox struct {
	buf        []byte
	start, end int // the unread bytes
	most       int // up to which it grows
	memory     *exchange.Budget
	taken      int64 // of it, for what is above inboxSize
	parser     http1.Parser
}

// newInbox is an empty inbox.
func (f *Front) newInbox() *inbox {
	in, ok := f.inboxes.take()
	if !ok {
		in = &inbox{buf: make([]byte, inboxSize)}
	}
	in.start, in.end, in.most, in.memory = 0, 0, f.options.limits.Size()+inboxSize, f.options.Memory
	in.parser.Reset(f.options.limits)
	return in
}

// freeInbox gives the connection's inbox back, if it has one.
func (c *conn) freeInbox() {
	in := c.in
	if in == nil {
		return
	}
	c.in = nil
	if in.taken > 0 { // a large one is not kept for small requests
		in.memory.Give(in.taken)
		return
	}
	c.front.inboxes.keep(in)
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

// space is room behind the unread bytes, at least one byte after makeSpace. It may move them.
func (in *inbox) space() []byte {
	if in.start == in.end {
		in.start, in.end = 0, 0
	}
	return in.buf[in.end:]
}

// makeSpace sees to it that there is room behind the unread bytes. It reports false when the memory budget
// has none left for a larger inbox: many clients with large heads that do not come to an end must not take
// more than there is.
func (in *inbox) makeSpace() bool {
	switch {
	case in.end < len(in.buf) || in.start == in.end:
		return true
	case in.start > 0:
		in.end = copy(in.buf, in.unread())
		in.start = 0
		return true
	}
	// The limits end a head before the inbox is full; this only keeps a mistake there from looping.
	size := min(2*len(in.buf), max(in.most, len(in.buf)+1))
	more := int64(size - len(in.buf))
	if !in.memory.Take(more) {
		return false
	}
	in.taken += more
	grown := make([]byte, size)
	in.end = copy(grown, in.unread())
	in.buf = grown
	return true
}
