package pool

import (
	"iter"
	"math"
)

// A timer list holds deadlines in order. Nearly every kind of deadline is "now plus a constant",
// so a new one belongs at the end: insertion looks from there, and removal is O(1). That is why
// there is one list per kind and no heap: a request that ends takes its deadlines with it, at no
// cost that grows with the number of requests.

type timerKind uint8

const (
	timerQueue    timerKind = iota // a request's deadline in the queue
	timerUnread                    // a message before a free slot has not been begun
	timerAhead                     // a request sent ahead has waited too long
	timerSteal                     // ... long enough to go to a slot that is free
	timerQuiet                     // no frame followed: the answer is a stream
	timerClosing                   // close() should have returned
	timerHarakiri                  // a request is over its time
	timerGrace                     // an interrupted thread is over its grace
	timerStall                     // a stalled worker may be tried again
	timerMercy                     // a retired worker should have ended
	timerBackoff                   // a new attempt to start a template or a worker
	timerKinds
)

type timer struct {
	at         Time
	prev, next *timer
	on         bool
	kind       timerKind
	req        *request
	slot       *slot
	worker     *worker
}

type timerList struct{ head timer } // ring

type timerSet struct{ lists [timerKinds]timerList }

func (t *timerSet) init() {
	for i := range t.lists {
		h := &t.lists[i].head
		h.prev, h.next = h, h
	}
}

func (t *timerSet) set(x *timer, kind timerKind, at Time) {
	t.clear(x)
	x.kind, x.at, x.on = kind, at, true
	h := &t.lists[kind].head
	after := h.prev
	for after != h && after.at > at {
		after = after.prev
	}
	x.prev, x.next = after, after.next
	after.next.prev = x
	after.next = x
}

func (t *timerSet) clear(x *timer) {
	if !x.on {
		return
	}
	x.prev.next, x.next.prev = x.next, x.prev
	x.prev, x.next, x.on = nil, nil, false
}

// first returns the earliest timer of the kind, or nil.
func (t *timerSet) first(kind timerKind) *timer {
	h := &t.lists[kind].head
	if h.next == h {
		return nil
	}
	return h.next
}

// all goes through the timers of the kind, the earliest first. None may be set or cleared meanwhile.
func (t *timerSet) all(kind timerKind) iter.Seq[*timer] {
	return func(yield func(*timer) bool) {
		h := &t.lists[kind].head
		for x := h.next; x != h && yield(x); x = x.next {
		}
	}
}

// next returns the earliest deadline of all kinds.
func (t *timerSet) next() (Time, bool) {
	at, found := Time(math.MaxInt64), false
	for k := range t.lists {
		if x := t.first(timerKind(k)); x != nil {
			at, found = min(at, x.at), true
		}
	}
	return at, found
}

// due takes out and returns one timer that is due, or nil.
func (t *timerSet) due(now Time) *timer {
	for k := range t.lists {
		if x := t.first(timerKind(k)); x != nil && x.at <= now {
			t.clear(x)
			return x
		}
	}
	return nil
}

// shift moves every deadline of the kind by d.
func (t *timerSet) shift(kind timerKind, d Time) {
	for x := range t.all(kind) {
		x.at += d
	}
}
