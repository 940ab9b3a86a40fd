package pool

import (
	"testing"
	"time"

	"fender/internal/exchange"
)

func TestPool_SendsAheadBehindTheRequestThatHasRunLongest(t *testing.T) {
	b := serving(t, Options{Processes: 3})
	b.get(1)
	b.passes(2 * ms)
	b.get(2)
	b.passes(2 * ms)
	b.get(3, 4, 5, 6, 7)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 3/0",
		"send 4 to 1/0 ahead", "send 5 to 2/0 ahead", "send 6 to 3/0 ahead")
	if n := b.Totals().SentAhead; n != 3 {
		t.Errorf("%d sent ahead", n)
	}
}

func TestPool_SendsNothingAheadOfASlowRequest(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.passes(aheadBound - 1)
	b.get(2)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead")
	b.Cancel(b.now, 2)
	b.TookBack(b.now, 1, 0, 1)
	b.forget()
	b.get(3)
	b.expect() // it was slow once already
	b.ends(1)
	b.expect("finish 1", "send 3 to 1/0")

	b = serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.passes(aheadBound)
	b.get(2)
	b.expect("send 1 to 1/0")
}

func TestPool_TakesBackWhatHasWaitedTooLongBehindAnotherRequest(t *testing.T) {
	b := serving(t, Options{})
	b.get(1, 2)
	b.begins(1)
	b.passes(aheadBound - 1)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead")
	b.passes(1)
	b.expect("take back 1/0")
	b.TookBack(b.now, 1, 0, 1)
	b.passes(time.Second)
	b.expect() // not sent there again
	b.ends(1)
	b.expect("finish 1", "send 2 to 1/0")
	b.begins(2)
	b.get(3)
	b.expect("send 3 to 1/0 ahead") // the slot is not slow for ever
}

func TestPool_WaitsForAStalledPairToBeTakenBackTogether(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1, 2, 3)
	b.begins(2)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 1/0 ahead")
	b.passes(unreadBound - 1)
	b.expect()
	b.passes(1)
	b.expect("take back 1/0")
	b.TookBack(b.now, 1, 0, 2)
	b.expect()
	b.ends(2)
	b.expect("finish 2", "send 1 to 2/0", "send 3 to 2/0 ahead")
}

func TestPool_LeavesTheOneAheadThatWasReadMeanwhile(t *testing.T) {
	b := serving(t, Options{})
	b.get(1, 2)
	b.begins(1)
	b.passes(aheadBound)
	b.TookBack(b.now, 1, 0, 0)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "take back 1/0")
	b.runs(1, 2)
	b.expect("finish 1", "finish 2")
}

func TestPool_GivesAFreeSlotWhatWaitsBehindAnotherRequest(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1, 2, 3)
	b.begins(1, 2)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 1/0 ahead")
	b.passes(aheadSteal)
	b.expect()
	b.ends(2)
	b.expect("finish 2", "take back 1/0")
	b.TookBack(b.now, 1, 0, 1)
	b.expect("send 3 to 2/0")
}

func TestPool_DoesNotStealBeforeItIsWorthIt(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1, 2, 3)
	b.begins(1, 2)
	b.ends(2)
	b.passes(aheadSteal - 1)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 1/0 ahead", "finish 2")
	b.passes(1)
	b.expect("take back 1/0")

	b = serving(t, Options{Processes: 2})
	b.get(1, 2, 3)
	b.begins(1, 2)
	b.ends(2)
	b.runs(1)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 1/0 ahead", "finish 2", "finish 1")
	b.begins(3)
	b.passes(time.Second)
	b.expect() // nobody waits behind anybody any more
}

func TestPool_StealsWhatHasWaitedLongestFirst(t *testing.T) {
	b := serving(t, Options{Processes: 3})
	b.get(1, 2, 3, 4)
	b.begins(2, 3)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 3/0", "send 4 to 1/0 ahead")
	b.passes(aheadBound - 1) // 1 is not begun: the pair is left to lie until its own bound
	b.get(5)
	b.expect("send 5 to 2/0 ahead")
	b.passes(2 * ms)
	b.ends(3)
	b.expect("finish 3", "take back 1/0")
	b.TookBack(b.now, 1, 0, 2)
	b.expect("send 1 to 1/0", "send 4 to 3/0")
}

func TestPool_StealsNothingWhileSomethingIsQueued(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1, 2, 3, 4, 5)
	b.begins(1, 2)
	b.passes(aheadSteal)
	b.ends(2)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 1/0 ahead", "send 4 to 2/0 ahead", "finish 2", "send 5 to 2/0 ahead")
}

func TestPool_SendsNothingToASlotOfWhichItTakesBack(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.endsBeforeClose(1)
	b.get(2)
	b.expect("send 1 to 1/0", "finish 1", "send 2 to 1/0 ahead")
	b.passes(aheadBound)
	b.expect("take back 1/0")
	b.thread(1, 0).phase = PhaseIdle
	b.Idle(b.now, 1, 0) // close() has returned, and the taking back has not been reported
	b.get(3)
	b.expect()
	b.TookBack(b.now, 1, 0, 1)
	b.expect("send 2 to 1/0", "send 3 to 1/0 ahead")
}

func TestPool_KeepsTheNewerOfTwoWhenItWasReadFirst(t *testing.T) {
	b := serving(t, Options{Harakiri: time.Second})
	b.get(1, 2)
	b.passes(unreadBound)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "take back 1/0")
	b.begins(2)
	older := []uint32{b.requests[1].seq}
	b.Pool.TookBack(b.now, 1, 0, older)
	b.Pool.TookBack(b.now, 1, 0, older) // it is on no slot any more
	b.Pool.TookBack(b.now, 9, 0, older)
	b.expect()
	b.gives(2, 1, 10)
	b.expect("send 1 to 1/0 ahead") // the worker runs again
	b.passes(aheadBound)
	b.TookBack(b.now, 1, 0, 1)
	b.passes(time.Second - aheadBound)
	b.expect("take back 1/0", "fail 2: harakiri", "retire 1: harakiri", "stacks 1/0 seq 2", "interrupt 1/0 seq 2", "spawn 2 as number 2 of generation 1")
}

func TestPool_SendsNothingAheadWhileRequestsAreUsuallySlow(t *testing.T) {
	b := serving(t, Options{AheadBelow: 5 * ms})
	b.get(1)
	b.begins(1)
	b.passes(time.Second)
	b.ends(1)
	b.get(2, 3)
	b.expect("send 1 to 1/0", "finish 1", "send 2 to 1/0")
	b.begins(2)
	b.ends(2)
	b.expect("finish 2", "send 3 to 1/0")
	for id := exchange.ID(4); id < 100; id++ { // until the slow one is forgotten
		b.get(id)
		b.begins(id - 1)
		b.ends(id - 1)
	}
	b.forget()
	b.get(100)
	b.expect("send 100 to 1/0 ahead")
}

func TestPool_KnowsTheUsualTimeOfARequest(t *testing.T) {
	b := serving(t, Options{})
	for i, c := range []struct{ takes, usual Time }{
		{0, 0},
		{160 * ms, 10 * ms}, // a sixteenth of it
		{26 * ms, 11 * ms},  // and of the difference
		{11 * ms, 11 * ms},
		{3 * ms, 10*ms + ms/2},
	} {
		id := exchange.ID(i + 1)
		b.get(id)
		b.begins(id)
		b.passes(c.takes)
		b.ends(id)
		if b.usual != c.usual {
			t.Errorf("after %v the usual time is %v, expected %v", c.takes, b.usual, c.usual)
		}
	}
}

func TestPool_SendsAheadUpToTheUsualTimeThatItWasTold(t *testing.T) {
	for usual, waiting := range map[Time]int{5 * ms: 0, 5*ms + 1: 1} {
		b := serving(t, Options{AheadBelow: 5 * ms})
		b.usual = usual
		b.get(1, 2)
		if n := b.QueueLength(); n != waiting {
			t.Errorf("usually %v: %d wait, expected %d", usual, n, waiting)
		}
	}
}
