package event

import (
	"slices"
	"sync/atomic"
)

// Subscription receives events within the process.
type Subscription struct {
	journal *Journal
	events  chan Event
	lost    atomic.Uint64
}

// Subscribe gives every event from now on to the returned subscription, at most buffer of them
// waiting; more are lost to it (Lost).
func (j *Journal) Subscribe(buffer int) *Subscription {
	s := &Subscription{journal: j, events: make(chan Event, buffer)}
	if j == nil {
		close(s.events)
		return s
	}
	j.replaceSubscriptions(func(subs []*Subscription) []*Subscription {
		if j.ended { // there will be no event any more
			close(s.events)
			return subs
		}
		return append(subs, s)
	})
	return s
}

// Events is closed when the journal has told its last event.
func (s *Subscription) Events() <-chan Event { return s.events }

// Lost is the number of events that found no room.
func (s *Subscription) Lost() uint64 { return s.lost.Load() }

// Close ends the subscription. Events is not closed by it: an event may be on its way.
func (s *Subscription) Close() {
	if s.journal == nil {
		return
	}
	s.journal.replaceSubscriptions(func(subs []*Subscription) []*Subscription {
		return slices.DeleteFunc(subs, func(x *Subscription) bool { return x == s })
	})
}

// give is called by the journal's goroutine alone.
func (s *Subscription) give(e Event) {
	select {
	case s.events <- e:
	default:
		s.lost.Add(1)
	}
}

// replaceSubscriptions changes a copy, so that the journal's goroutine never waits for a lock.
func (j *Journal) replaceSubscriptions(change func([]*Subscription) []*Subscription) {
	j.subsMu.Lock()
	defer j.subsMu.Unlock()
	var now []*Subscription
	if old := j.subs.Load(); old != nil {
		now = slices.Clone(*old)
	}
	now = change(now)
	j.subs.Store(&now)
}

func (j *Journal) endSubscriptions() {
	j.replaceSubscriptions(func(subs []*Subscription) []*Subscription {
		j.ended = true
		for _, s := range subs {
			close(s.events)
		}
		return nil
	})
}
