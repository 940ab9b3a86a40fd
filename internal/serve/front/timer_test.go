package front

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// named is an owner of a timer.
type named struct{ timer timer }

func (n *named) expired() {}

// TestTimers_ExpireAsASortedListWould does at random what connections do with their timers, and compares
// with a list of deadlines: whatever expires does so when its time has come and not before, nothing is
// left out, and the heap is never asked for too late.
func TestTimers_ExpireAsASortedListWould(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 300 {
		var h timers
		owners := make([]*named, 1+r.IntN(40))
		for i := range owners {
			owners[i] = &named{}
			owners[i].timer.owner = owners[i]
		}
		want := map[*named]time.Time{}
		now := time.Unix(1_000_000, 0)
		for range 400 {
			n := owners[r.IntN(len(owners))]
			switch r.IntN(10) {
			default:
				due := now.Add(time.Duration(r.IntN(60)-5) * time.Second)
				h.set(&n.timer, due)
				want[n] = due
			case 0:
				n.timer.clear()
				delete(want, n)
			case 1:
				h.remove(&n.timer)
				delete(want, n)
			case 2:
				now = now.Add(time.Duration(r.IntN(20)) * time.Second)
				got := allExpired(t, &h, now)
				var due []*named
				for n, at := range want {
					if !at.After(now) {
						due = append(due, n)
						delete(want, n)
					}
				}
				if !sameOwners(got, due) {
					t.Fatalf("%d have expired, %d should have", len(got), len(due))
				}
			}
			h.check(t)
			for _, at := range want {
				if next, ok := h.next(); !ok || next.After(at) {
					t.Fatalf("the heap wants to be looked at at %v, %v, and something is due at %v", next, ok, at)
				}
			}
		}
		for _, n := range owners {
			h.remove(&n.timer)
		}
		if len(h.heap) != 0 {
			t.Fatalf("%d timers are left", len(h.heap))
		}
	}
}

// allExpired takes out all that have expired.
func allExpired(t *testing.T, h *timers, now time.Time) (got []*named) {
	t.Helper()
	for x := h.expired(now); x != nil; x = h.expired(now) {
		n := x.owner.(*named)
		if x.index != 0 || !x.due.IsZero() {
			t.Fatalf("a timer that has expired has index %d and is due at %v", x.index, x.due)
		}
		got = append(got, n)
	}
	return got
}

func sameOwners(a, b []*named) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(n *named) bool { return !slices.Contains(b, n) })
}

// check looks at the order of the heap and at the places in it.
func (h *timers) check(t *testing.T) {
	t.Helper()
	for i, x := range h.heap {
		switch {
		case x.index != i+1:
			t.Fatalf("the timer at %d believes to be at %d", i+1, x.index)
		case i > 0 && h.less(i+1, (i+1)/2):
			t.Fatalf("the timer at %d comes before the one above it", i+1)
		case !x.due.IsZero() && x.key.After(x.due):
			t.Fatalf("the timer at %d is looked at after it is due", i+1)
		}
	}
}

// A connection in steady use has its deadline moved with every request: that must not be work.
func TestTimers_AreMovedOnlyWhenTheirTimeHasCome(t *testing.T) {
	var h timers
	t0 := time.Unix(1000, 0)
	used, other := &named{}, &named{}
	used.timer.owner, other.timer.owner = used, other
	h.set(&used.timer, t0.Add(1*time.Second))
	h.set(&other.timer, t0.Add(2*time.Second))
	for i := range 10 {
		h.set(&used.timer, t0.Add(time.Duration(10+i)*time.Second))
		if at, _ := h.next(); at != t0.Add(time.Second) {
			t.Fatalf("it was moved: %v", at.Sub(t0))
		}
	}
	if x := h.expired(t0.Add(time.Second)); x != nil {
		t.Error("it has expired though it was moved")
	}
	if at, _ := h.next(); at != t0.Add(2*time.Second) {
		t.Errorf("the next is at %v", at.Sub(t0))
	}
	if x := h.expired(t0.Add(time.Minute)); x != &other.timer {
		t.Error("the other one should have expired first")
	}
	if x := h.expired(t0.Add(time.Minute)); x != &used.timer {
		t.Error("the moved one should have expired")
	}
	h.set(&used.timer, t0)
	used.timer.clear()
	if x := h.expired(t0.Add(time.Minute)); x != nil || len(h.heap) != 0 {
		t.Error("one that was cleared has expired, or has stayed")
	}
}
