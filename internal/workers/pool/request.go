package pool

import "fender/internal/exchange"

// Request is what the pool needs to know of a request.
type Request struct {
	ID       exchange.ID
	Safe     bool // its method is one of retry-methods: it may be begun again
	Class    exchange.Class
	Priority int8
	Size     int // bytes of the message that takes it to a worker
}

// where a request is.
type place uint8

const (
	placeQueue    place = iota + 1 // waiting for a slot
	placeSuspects                  // waiting for a worker of its own
	placeSlot                      // on a slot, its answer awaited
	placeGhost                     // on a slot, but answered already (harakiri, cancelled, bad answer)
)

type request struct {
	Request
	place      place
	prev, next *request // in its list
	slot       *slot
	seq        uint32

	turn     uint64 // requests submitted before it
	arrived  Time
	sent     Time // when the last slot got it
	headed   Time // when it came to the head of that slot's line, never while it has not
	deadline timer
	until    Time // until when it may be begun again, 0 while no worker has died with it
	begins   int  // times the application began it on workers that are gone
	deaths   int  // ... that died by their own doing
	suspect  bool
	released bool // its answer has begun to leave
	length   int64
	held     int64
}

// reqList is a ring of requests in the order in which they go.
type reqList struct {
	head request
	len  int
}

func (l *reqList) init() { l.head.prev, l.head.next = &l.head, &l.head }

func (l *reqList) first() *request {
	if l.len == 0 {
		return nil
	}
	return l.head.next
}

func (l *reqList) insertAfter(r, after *request) {
	r.prev, r.next = after, after.next
	after.next.prev = r
	after.next = r
	l.len++
}

// pushBack puts r behind all of its priority and above.
func (l *reqList) pushBack(r *request) {
	after := l.head.prev
	for after != &l.head && after.Priority < r.Priority {
		after = after.prev
	}
	l.insertAfter(r, after)
}

// pushFront puts r before all of its priority and below, but behind those that came earlier: what
// is moved keeps its turn.
func (l *reqList) pushFront(r *request) {
	after := &l.head
	for after.next != &l.head && (after.next.Priority > r.Priority ||
		after.next.Priority == r.Priority && after.next.turn < r.turn) {
		after = after.next
	}
	l.insertAfter(r, after)
}

func (l *reqList) remove(r *request) {
	r.prev.next, r.next.prev = r.next, r.prev
	l.len--
}

func (p *Pool) newRequest(q Request) *request {
	r := p.spare
	if r == nil {
		r = &request{}
	} else {
		p.spare = r.next
	}
	r.Request = q
	r.deadline.req = r
	return r
}

// forget ends the pool's knowledge of r. It must be in no list and on no slot.
func (p *Pool) forget(r *request) {
	if p.requests[r.ID] == r { // not what stands in for one that was withdrawn
		delete(p.requests, r.ID)
	}
	*r = request{next: p.spare}
	p.spare = r
}

// LineMost is how many requests a slot's line holds at most: the one that its thread works on, and
// those sent ahead behind it. With so much at hand a thread of a fast application need not stop, and the
// loop need not run, for each request: Linux gives a thread some 3 ms at a time.
const LineMost = 8

// LineBytes bounds the messages of a line that holds more than two: a socket holds at least 192 KiB, by
// the kernel's count, in which a message may take twice its length.
const LineBytes = 96 << 10

// never is the time before all others.
const never Time = -1

// slot is one thread of a worker, and the line of requests that were sent to it and are not answered.
type slot struct {
	w     *worker
	index int
	seq   uint32 // of the last message sent

	line  [LineMost]*request // oldest first: the thread works on the first one
	n     int
	bytes int  // of their messages
	part  bool // the answer of line[0] has begun to come

	closing    bool   // the last answer is complete, close() is still running
	closingSeq uint32 // its sequence
	began      Time   // when line[0] became the one that the thread works on
	slow       bool   // nothing is sent ahead until line[0] is answered
	late       bool   // line[0] was not begun in time: its clocks start when that is seen
	withdrawal withdrawal
	taking     bool // what is unread is being taken back
	paused     bool // the client's side reads too slowly: harakiri's clock stands
	left       Time // what was left on harakiri's clock then
	probed     Time // since when its thread is spared as a victim, 0 is not
	onLock     bool // it was seen asleep on a lock since then
	struck     bool // over its time: interrupted, being discarded
	tries      int  // how often it was interrupted

	unread, ahead, quiet, shut, harakiri, grace timer
	heard                                       uint64 // interrupts the worker had seen when struck
}

func (s *slot) isFree() bool { return s.n == 0 && !s.closing && !s.struck }

// last is the request sent last.
func (s *slot) last() *request { return s.line[s.n-1] }

// off takes r off the line.
func (s *slot) off(r *request) {
	i := 0
	for s.line[i] != r {
		i++
	}
	if i == 0 {
		s.withdrawal = withdrawalNone
	}
	copy(s.line[i:], s.line[i+1:s.n])
	s.n--
	s.bytes -= r.Size
}

// sent is the request of the line that has this sequence, or nil.
func (s *slot) sent(seq uint32) *request {
	for _, r := range s.line[:s.n] {
		if r.seq == seq {
			return r
		}
	}
	return nil
}

// waiting is the part of the line that waits behind something: another request, or its close().
func (s *slot) waiting() []*request {
	if s.closing || s.n == 0 {
		return s.line[:s.n]
	}
	return s.line[1:s.n]
}

func (s *slot) init(w *worker, index int) {
	s.w, s.index = w, index
	for _, t := range []*timer{&s.unread, &s.ahead, &s.quiet, &s.shut, &s.harakiri, &s.grace} {
		t.slot = s
	}
}
