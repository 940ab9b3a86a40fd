package pool

import (
	"testing"
	"time"
)

func TestPool_StallsAWorkerThatLetsAMessageLie(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1)
	b.passes(unreadBound - 1)
	b.expect("send 1 to 1/0")
	b.passes(1)
	b.expect("take back 1/0")
	b.TookBack(b.now, 1, 0, 1)
	b.expect("send 1 to 2/0")
	b.begins(1)
	b.get(2)
	b.expect("send 2 to 2/0 ahead") // not to the stalled worker
	b.passes(aheadBound)
	b.TookBack(b.now, 2, 0, 1)
	b.expect("take back 2/0")
	b.passes(unreadBound - aheadBound)
	b.expect("send 2 to 1/0") // it is tried again
	b.passes(unreadBound)
	b.TookBack(b.now, 1, 0, 1)
	b.expect("take back 1/0")
	b.passes(2*unreadBound - 1)
	b.expect() // after twice as long
	b.passes(1)
	b.expect("send 2 to 1/0")
	if n := b.noted(NoteTakenBack); len(n) != 3 || n[0].ID != 1 || n[0].Spawn != 1 || n[0].Number != 1 {
		t.Errorf("notes %+v", n)
	}
}

func TestPool_NeverPausesAStalledWorkerForLongerThanItsBound(t *testing.T) {
	b := serving(t, Options{QueueTimeout: time.Hour})
	b.get(1)
	for range 10 {
		b.passes(unreadBound)
		b.TookBack(b.now, 1, 0, 1)
		b.passes(stallMax)
	}
	if w := b.find(1); w.stallFor != stallMax {
		t.Errorf("stalled for %v, expected %v", w.stallFor, stallMax)
	}
}

func TestPool_TrustsAStalledWorkerAgainWhenAFrameOfItComes(t *testing.T) {
	b := serving(t, Options{Threads: 2})
	b.get(1, 2)
	b.begins(1)
	b.passes(unreadBound)
	b.expect("send 1 to 1/0", "send 2 to 1/1", "take back 1/1")
	b.TookBack(b.now, 1, 1, 1)
	b.expect()
	b.gives(1, 10, -1)
	b.expect("send 2 to 1/1")
	b.passes(unreadBound)
	b.forget()
	b.TookBack(b.now, 1, 1, 1)
	if w := b.find(1); !w.stalled || w.stallFor != unreadBound {
		t.Errorf("stalled %v for %v: the pauses begin anew after a frame", w.stalled, w.stallFor)
	}
	b.ends(1)
	b.expect("finish 1") // the rest of an answer is no news
}

func TestPool_StartsTheClocksOfALateRequestWhenItIsBegun(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second})
	b.get(1)
	b.passes(unreadBound)
	b.TookBack(b.now, 1, 0, 0)
	b.expect("send 1 to 1/0", "take back 1/0")
	b.get(2)
	b.passes(80 * ms)
	b.expect() // stalled as long as it is not begun, and not taken back again
	b.begins(1)
	b.passes(20 * ms)
	b.expect("send 2 to 1/1") // the look at the page finds that it runs
	b.runs(2)
	b.passes(time.Second - 1)
	b.expect("finish 2")
	b.passes(1)
	b.expect("fail 1: harakiri", "retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1", "spawn 2 as number 2 of generation 1")
}

func TestPool_TrustsAStalledWorkerAgainWhenItsCloseHasReturned(t *testing.T) {
	b := serving(t, Options{Threads: 2})
	b.get(1, 2)
	b.begins(1)
	b.endsBeforeClose(1)
	b.passes(unreadBound)
	b.TookBack(b.now, 1, 1, 1)
	b.expect("send 1 to 1/0", "send 2 to 1/1", "finish 1", "take back 1/1")
	b.Idle(b.now, 1, 0)
	b.expect("send 2 to 1/1")
}

func TestPool_TakesBackEverythingThatWaitsOnAStalledWorker(t *testing.T) {
	for name, ends := range map[string]func(*bench){
		"behind a request": func(b *bench) { b.begins(3) },
		"behind a close()": func(b *bench) { b.begins(3); b.endsBeforeClose(3) },
	} {
		b := serving(t, Options{Threads: 2})
		b.get(1, 2)
		b.begins(1)
		b.passes(unreadBound - 5*ms)
		b.ends(1)
		b.get(3)
		b.begins(3)
		b.get(4)
		ends(b)
		b.forget()
		b.passes(5 * ms)
		b.drain()
		if len(b.lines) != 2 || b.lines[0] != "take back 1/0" || b.lines[1] != "take back 1/1" {
			t.Errorf("%s: effects %q", name, b.lines)
		}
		if !b.find(1).stalled {
			t.Errorf("%s: not stalled", name)
		}
	}
}

func TestPool_StartsTheClockOfALateRequestWhenItIsSeenToRun(t *testing.T) {
	for name, c := range map[string]struct {
		harakiri Time
		begun    Time // so long after it was sent
		seen     func(*bench)
		from     Time // when its clock starts
	}{
		"by a look at the page": {time.Second, 120 * ms, func(*bench) {}, 200 * ms},
		"by its first frame":    {time.Second, 120 * ms, func(b *bench) { b.gives(1, 10, 100) }, 120 * ms},
		"at its deadline":       {150 * ms, 120 * ms, func(*bench) {}, 150 * ms},
	} {
		b := serving(t, Options{Harakiri: c.harakiri})
		b.get(1)
		b.passes(unreadBound)
		b.TookBack(b.now, 1, 0, 0)
		b.passes(c.begun - unreadBound)
		b.begins(1)
		c.seen(b)
		b.forget()
		b.passes(c.from + c.harakiri - c.begun - 1)
		b.expect()
		b.passes(1)
		b.drain()
		if len(b.lines) == 0 || b.lines[0] != "fail 1: harakiri" {
			t.Errorf("%s: effects %q", name, b.lines)
		}
	}
}
