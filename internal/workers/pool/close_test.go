package pool

import (
	"testing"
	"time"
)

func TestPool_SendsOnlyAheadWhileCloseRuns(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1)
	b.begins(1)
	b.endsBeforeClose(1)
	b.get(2, 3, 4, 5)
	b.expect("send 1 to 1/0", "finish 1", "send 2 to 2/0", "send 3 to 1/0 ahead", "send 4 to 2/0 ahead")
}

func TestPool_FreesASlotWhoseCloseHasReturnedAlready(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	s := b.on(1)
	b.begins(1)
	b.thread(1, 0).phase = PhaseIdle // between the end frame and our look at it
	b.AnswerEnd(b.now, 1, 0, 1, 1, 10, 10, true, false)
	b.expect("send 1 to 1/0", "finish 1")
	if !s.isFree() {
		t.Error("the slot is not free")
	}
}

func TestPool_LooksAtThePageWhenASlotIsNeeded(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.endsBeforeClose(1)
	b.passes(ms)
	b.thread(1, 0).phase = PhaseIdle
	b.get(2)
	b.expect("send 1 to 1/0", "finish 1", "send 2 to 1/0")
}

func TestPool_LooksAtThePageWhenTheFreeSlotsAreOfNoUse(t *testing.T) {
	b := serving(t, Options{Processes: 2, Threads: 2})
	b.get(1, 2)
	b.begins(1)
	b.endsBeforeClose(1)
	b.SendFailed(b.now, 2, 0) // stalls worker 2: its slots are free and take nothing
	b.expect("send 1 to 1/0", "send 2 to 2/0", "finish 1", "send 2 to 1/1")
	b.begins(2)
	b.thread(1, 0).phase = PhaseIdle
	b.get(3)
	b.expect("send 3 to 1/0")
}

func TestPool_LooksAtThePageOnceWhenACloseShouldHaveReturned(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.endsBeforeClose(1)
	s := &b.find(1).slots[0]
	b.passes(closingCheck - 1)
	b.thread(1, 0).phase = PhaseIdle
	if !s.closing {
		t.Fatal("it looked too soon")
	}
	b.passes(1)
	if s.closing || !s.isFree() || b.closing != 0 {
		t.Errorf("closing %v, %d in all", s.closing, b.closing)
	}
}

func TestPool_WaitsForTheIdleFrameOfALongClose(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.endsBeforeClose(1)
	b.passes(time.Second)
	s := &b.find(1).slots[0]
	b.Idle(b.now, 1, 0) // and its page says that it is not
	if !s.closing {
		t.Fatal("the page said closing")
	}
	b.get(2)
	b.expect("send 1 to 1/0", "finish 1") // not even ahead: it is slow
	b.thread(1, 0).phase = PhaseIdle
	b.Idle(b.now, 1, 0)
	b.expect("send 2 to 1/0")
	b.Idle(b.now, 1, 0)
	b.Idle(b.now, 7, 0)
	b.expect()
}

func TestPool_TakesBackWhatWaitsBehindACloseForTooLong(t *testing.T) {
	b := serving(t, Options{})
	b.get(1, 2)
	b.begins(1)
	b.passes(4 * ms)
	b.endsBeforeClose(1)
	b.passes(6*ms - 1)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "finish 1")
	b.passes(1)
	b.expect("take back 1/0") // ten since it was sent, not since the answer
	b.TookBack(b.now, 1, 0, 1)
	b.passes(time.Second)
	b.expect()
	if b.find(1).stalled {
		t.Error("a long close() is no stall")
	}
}

func TestPool_GivesAFreeSlotWhatWaitsBehindAClose(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1, 2, 3)
	b.begins(1, 2)
	b.endsBeforeClose(1)
	b.passes(aheadSteal)
	b.ends(2)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 1/0 ahead", "finish 1", "finish 2", "take back 1/0")
}

func TestPool_SeesByTheNextAnswerThatCloseHasReturned(t *testing.T) {
	b := serving(t, Options{})
	b.get(1, 2)
	b.begins(1)
	b.endsBeforeClose(1)
	b.begins(2)
	b.ends(2)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "finish 1", "finish 2")
	if b.closing != 0 || b.freeSlots != 1 {
		t.Errorf("%d closing, %d free", b.closing, b.freeSlots)
	}
}

func TestPool_SeesByTheNextSequenceThatCloseHasReturned(t *testing.T) {
	b := serving(t, Options{})
	b.get(1, 2)
	b.begins(1)
	b.endsBeforeClose(1)
	b.begins(2)
	b.passes(closingCheck)
	s := &b.find(1).slots[0]
	if s.closing || s.n != 1 || s.ahead.on {
		t.Errorf("closing %v, %d on the slot, ahead %v", s.closing, s.n, s.ahead.on)
	}
	if s.began != b.now {
		t.Errorf("2 began at %v, not %v", s.began, b.now)
	}
}

func TestPool_StrikesACloseThatTakesTooLong(t *testing.T) {
	b := serving(t, Options{Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.passes(400 * ms)
	b.endsBeforeClose(1)
	b.passes(600*ms - 1)
	b.expect("send 1 to 1/0", "finish 1")
	b.passes(1) // one clock for the request and its close()
	b.expect("retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1", "spawn 2 as number 2 of generation 1")
	b.heard[1]++
	b.passes(harakiriGrace/2 - 1)
	b.expect()
	b.passes(1)
	b.expect("kill 1")
}

func TestPool_SparesACloseThatReturnsInTime(t *testing.T) {
	for _, when := range []string{"at its deadline", "in its grace"} {
		b := serving(t, Options{Harakiri: time.Second})
		b.get(1)
		b.begins(1)
		b.endsBeforeClose(1)
		b.passes(time.Second - 1)
		if when == "at its deadline" {
			b.thread(1, 0).phase = PhaseIdle
			b.passes(time.Hour)
			b.expect("send 1 to 1/0", "finish 1")
			if b.closing != 0 || b.freeSlots != 1 {
				t.Errorf("%s: %d closing, %d free", when, b.closing, b.freeSlots)
			}
			continue
		}
		b.passes(1)
		b.thread(1, 0).phase = PhaseIdle
		b.forget()
		b.passes(harakiriGrace)
		b.drain()
		if s := &b.find(1).slots[0]; s.struck || s.closing || b.find(1).occupied != 0 || b.find(1).killed {
			t.Errorf("%s: struck %v, closing %v", when, s.struck, s.closing)
		}
	}
}

func TestPool_GivesASlotAwayWhoseCloseReturnedUnseen(t *testing.T) {
	b := serving(t, Options{Harakiri: 800 * ms})
	b.get(1)
	b.begins(1)
	b.endsBeforeClose(1)
	b.passes(500 * ms)
	b.get(2)
	b.expect("send 1 to 1/0", "finish 1")
	b.thread(1, 0).phase = PhaseIdle
	b.passes(300 * ms)
	b.expect("send 2 to 1/0")
}
