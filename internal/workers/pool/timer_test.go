package pool

import (
	"slices"
	"testing"
	"time"
)

func order(s *timerSet, kind timerKind) []Time {
	var all []Time
	for x := range s.all(kind) {
		all = append(all, x.at)
	}
	return all
}

func TestTimers_KeepTheirOrder(t *testing.T) {
	var s timerSet
	s.init()
	x := make([]timer, 5)
	for i, at := range []Time{30, 10, 20, 10, 40} {
		s.set(&x[i], timerQueue, at)
	}
	if got := order(&s, timerQueue); !slices.Equal(got, []Time{10, 10, 20, 30, 40}) {
		t.Errorf("%v", got)
	}
	if s.first(timerQueue) != &x[1] {
		t.Error("of two at the same time the first one set is due first")
	}
	s.set(&x[1], timerQueue, 25) // moved
	s.clear(&x[2])
	s.clear(&x[2])
	if got := order(&s, timerQueue); !slices.Equal(got, []Time{10, 25, 30, 40}) {
		t.Errorf("%v", got)
	}
	if x[2].on || x[2].next != nil || x[2].prev != nil || !x[1].on {
		t.Error("a cleared timer is off, and a set one on")
	}
	for range s.all(timerQueue) {
		break
	}
}

func TestTimers_KnowTheEarliestOfAllKinds(t *testing.T) {
	var s timerSet
	s.init()
	if _, ok := s.next(); ok {
		t.Error("there is none")
	}
	var a, b, c timer
	s.set(&a, timerBackoff, 20)
	s.set(&b, timerUnread, 30)
	s.set(&c, timerHarakiri, 20)
	if at, ok := s.next(); at != 20 || !ok {
		t.Errorf("next %v %v", at, ok)
	}
	if s.due(19) != nil {
		t.Error("nothing is due yet")
	}
	if x := s.due(20); x != &c || x.on {
		t.Errorf("due %+v", x)
	}
	if x := s.due(20); x != &a {
		t.Errorf("due %+v", x)
	}
	if x := s.due(29); x != nil {
		t.Errorf("due %+v", x)
	}
	if at, ok := s.next(); at != 30 || !ok {
		t.Errorf("next %v %v", at, ok)
	}
	s.shift(timerUnread, 7)
	s.shift(timerAhead, 7)
	if b.at != 37 {
		t.Errorf("shifted to %v", b.at)
	}
}

func TestPool_TellsWhenItIsToBeWoken(t *testing.T) {
	b := serving(t, Options{QueueTimeout: 700 * ms, Harakiri: 3 * time.Second})
	if _, ok := b.Next(); ok {
		t.Error("an idle pool needs no tick")
	}
	b.get(1, 2)
	for _, c := range []struct {
		what string
		at   Time
		do   func()
	}{
		{"sent ahead", aheadBound, func() { b.begins(1); b.TookBack(b.now, 1, 0, 1) }},
		{"unread", unreadBound, func() {}},
		{"in the queue", 700 * ms, func() {}},
		{"the cycle", cycle, func() {}},
		{"the cycle", 2 * cycle, func() {}},
		{"harakiri", 3 * time.Second, func() {}},
	} {
		at, ok := b.Next()
		if !ok || at != 10*time.Second+c.at {
			t.Fatalf("%s: next %v %v, expected %v", c.what, at, ok, 10*time.Second+c.at)
		}
		b.now = at
		b.Tick(at)
		b.drain()
		c.do()
	}
}

func TestPool_DoesNothingBeforeItsTime(t *testing.T) {
	b := serving(t, Options{Scaler: &script{}, Processes: 2, Cheaper: 1})
	b.get(1, 2)
	b.begins(1)
	b.forget()
	b.Tick(b.now + aheadBound - 1)
	b.expect()
	b.Tick(b.now + aheadBound)
	b.expect("take back 1/0")
}
