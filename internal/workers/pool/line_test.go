package pool

import (
	"strings"
	"testing"
	"time"

	"fender/internal/exchange"
)

func TestPool_SendsAheadToTheShortestLine(t *testing.T) {
	b := serving(t, Options{Processes: 2, Ahead: 3})
	b.get(1, 2, 3, 4, 5)
	b.begins(1, 2)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 1/0 ahead", "send 4 to 2/0 ahead", "send 5 to 1/0 ahead")
	b.ends(2)
	b.get(6, 7, 8, 9, 10)
	b.expect("finish 2", "send 6 to 2/0 ahead", "send 7 to 2/0 ahead", "send 8 to 1/0 ahead", "send 9 to 2/0 ahead")
	if b.QueueLength() != 1 {
		t.Errorf("%d wait", b.QueueLength())
	}
	b.runs(1, 3, 5, 8, 4, 6, 7, 9, 10)
	if n := b.Totals(); n.Answered != 10 || n.TakenBack != 0 || b.Waits() {
		t.Errorf("totals %+v, something waits: %v", n, b.Waits())
	}
}

func TestPool_SendsAheadWhatIsUsuallyBegunSoon(t *testing.T) {
	for usual, lines := range map[Time]int{0: 8, 5 * ms / 7: 8, 5*ms/7 + 1: 7, 5 * ms / 2: 3, 5*ms/2 + 1: 2, 5 * ms: 2, 5*ms + 1: 1} {
		b := serving(t, Options{Ahead: LineMost - 1, AheadBelow: 5 * ms})
		b.usual = usual
		b.get(1, 2, 3, 4, 5, 6, 7, 8, 9)
		if n := 9 - b.QueueLength(); n != lines {
			t.Errorf("usually %v: %d in the line, expected %d", usual, n, lines)
		}
	}
}

func TestPool_SendsAheadWhatTheSocketHolds(t *testing.T) {
	b := serving(t, Options{Ahead: LineMost - 1})
	for id, size := range []int{64 << 10, 64 << 10, 1} { // two fit, whatever they are
		b.Submit(b.now, Request{ID: 1 + exchange.ID(id), Size: size})
	}
	b.begins(1)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead")
	b.ends(1)
	b.expect("finish 1", "send 3 to 1/0 ahead")
	b.Submit(b.now, Request{ID: 4, Size: 32<<10 - 1})
	b.expect("send 4 to 1/0 ahead")
	b.Submit(b.now, Request{ID: 5, Size: 1})
	b.expect()
	b.begins(2)
	b.passes(aheadBound)
	b.TookBack(b.now, 1, 0, 2)
	b.expect("take back 1/0")
	b.runs(2)
	b.expect("finish 2", "send 3 to 1/0", "send 4 to 1/0 ahead", "send 5 to 1/0 ahead")
}

func TestPool_TakesBackALineThatHasWaitedTooLong(t *testing.T) {
	b := serving(t, Options{Ahead: 3})
	b.get(1, 2)
	b.begins(1)
	b.passes(9 * ms)
	b.get(3)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "send 3 to 1/0 ahead")
	b.ends(1)
	b.begins(2)
	b.expect("finish 1")
	b.passes(9 * ms)
	b.get(4)
	b.expect("send 4 to 1/0 ahead")
	b.passes(ms) // 3 was sent 10 ms ago
	b.expect("take back 1/0")
	b.TookBack(b.now, 1, 0, 2)
	b.get(5)
	b.expect() // 2 is slow
	b.ends(2)
	b.expect("finish 2", "send 3 to 1/0", "send 4 to 1/0 ahead", "send 5 to 1/0 ahead")
}

func TestPool_TakesBackAtOnceWhatIsOverdueWhenItsTurnToBeWatchedComes(t *testing.T) {
	b := serving(t, Options{Ahead: 3})
	b.get(1, 2, 3)
	b.begins(1)
	b.now += 2 * aheadBound // the loop did not run
	b.ends(1)
	b.begins(2)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "send 3 to 1/0 ahead", "finish 1")
	b.passes(0)
	b.expect("take back 1/0")
	b.TookBack(b.now, 1, 0, 0) // it was read meanwhile: nothing asks again
	b.passes(time.Second)
	b.expect()
}

func TestPool_GivesAFreeSlotTheWholeLineOfAnotherOne(t *testing.T) {
	b := serving(t, Options{Processes: 2, Ahead: 3})
	b.get(1, 2, 3, 4, 5)
	b.begins(1, 2)
	b.forget()
	b.runs(2, 4)
	b.expect("finish 2", "finish 4")
	b.passes(aheadSteal)
	b.expect("take back 1/0")
	b.TookBack(b.now, 1, 0, 2)
	b.expect("send 3 to 2/0", "send 5 to 2/0 ahead")
	b.runs(1)
	b.begins(3)
	b.expect("finish 1")
	b.passes(aheadSteal) // and the other way round
	b.expect("take back 2/0")
	b.TookBack(b.now, 2, 0, 1)
	b.expect("send 5 to 1/0")
}

func TestPool_KeepsTheOneInTheMiddleThatWasReadWhileTheOthersCameBack(t *testing.T) {
	b := serving(t, Options{Ahead: 3})
	b.get(1, 2, 3, 4)
	b.passes(unreadBound)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "send 3 to 1/0 ahead", "send 4 to 1/0 ahead", "take back 1/0")
	b.begins(3)
	b.Pool.TookBack(b.now, 1, 0, []uint32{1, 2, 4})
	b.expect()
	b.ends(3) // the worker runs again
	b.expect("send 1 to 1/0 ahead", "send 2 to 1/0 ahead", "send 4 to 1/0 ahead", "finish 3")
}

func TestPool_PutsBackExactlyWhatCouldNotBeSent(t *testing.T) {
	b := serving(t, Options{Processes: 2, Ahead: 3})
	b.get(1, 2, 3)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 1/0 ahead")
	b.Pool.SendFailed(b.now, 1, 0, 1) // the hands learn of it after the pool has sent more there
	b.expect("take back 1/0", "send 1 to 2/0 ahead")
	b.TookBack(b.now, 1, 0, 0)
	if s := &b.find(1).slots[0]; s.n != 1 || s.line[0].ID != 3 || s.bytes != 0 {
		t.Errorf("%d in the line, %d bytes", s.n, s.bytes)
	}
	b.runs(3)
	b.expect("finish 3")
}

func TestPool_SendsOneAheadToAWorkerWhoseRequestsCall(t *testing.T) {
	b := serving(t, Options{Processes: 2, Ahead: 3})
	b.Called(1)
	b.Called(9)
	b.get(1, 2, 3, 4, 5, 6)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 1/0 ahead", "send 4 to 2/0 ahead", "send 5 to 2/0 ahead", "send 6 to 2/0 ahead")
}

func TestPool_AbortsARequestThatTheWorkerHadReadWhenItsClientLeft(t *testing.T) {
	b := serving(t, Options{Ahead: 3})
	b.get(1, 2, 3)
	b.begins(1)
	b.Cancel(b.now, 2)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "send 3 to 1/0 ahead", "fail 2: client-gone", "take back 1/0")
	b.TookBack(b.now, 1, 0, 1) // 2 has been read
	b.ends(1)
	b.expect("finish 1", "abort 1/0 seq 2", "send 3 to 1/0 ahead")
}

func TestPool_CountsTheTimeInALineAsWaiting(t *testing.T) {
	b := serving(t, Options{Ahead: 3})
	b.get(1, 2, 3)
	b.begins(1)
	b.passes(3 * ms)
	b.ends(1)
	b.begins(2)
	b.passes(2 * ms)
	b.Cancel(b.now, 3)
	b.TookBack(b.now, 1, 0, 1)
	b.ends(2)
	b.drain()
	for id, want := range map[int][2]Time{1: {0, 3 * ms}, 2: {3 * ms, 2 * ms}, 3: {5 * ms, 0}} {
		if f := b.facts[exchange.ID(id)]; f.Queue != want[0] || f.Work != want[1] {
			t.Errorf("request %d waited %v and ran %v, expected %v", id, f.Queue, f.Work, want)
		}
	}
}

func TestPool_WaitsWhileAnythingDoes(t *testing.T) {
	b := serving(t, Options{})
	said := []string{}
	say := func() {
		said = append(said, map[bool]string{false: "none", true: "some"}[b.Waits()])
	}
	say()
	b.get(1)
	say()
	b.get(2) // in the line
	say()
	b.get(3) // in the queue
	say()
	b.runs(1, 2)
	say()
	b.runs(3)
	say()
	if got := strings.Join(said, " "); got != "none none some some none none" {
		t.Error(got)
	}
}

func TestPool_SendsAheadToTheLongestAtWorkAmongEqualLines(t *testing.T) {
	b := serving(t, Options{Processes: 2, Ahead: 3})
	b.get(1, 2)
	b.passes(ms)
	b.runs(1)
	b.get(3)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "finish 1", "send 3 to 1/0")
	b.get(4, 5, 6)
	b.expect("send 4 to 2/0 ahead", "send 5 to 1/0 ahead", "send 6 to 2/0 ahead")
	b.get(7) // 2 has worked longer, and has the longer line
	b.expect("send 7 to 1/0 ahead")
}

func TestPool_HoldsAtMostALineOfItsOwnLength(t *testing.T) {
	for given, want := range map[int]int{0: LineMost - 1, 1: 1, LineMost - 1: LineMost - 1, LineMost: LineMost - 1} {
		if p := New(Options{Ahead: given}, blank{}); p.opts.Ahead != want {
			t.Errorf("%d ahead becomes %d, expected %d", given, p.opts.Ahead, want)
		}
	}
}

func TestPool_KnowsWhetherASlotIsFree(t *testing.T) {
	b := newBench(t, Options{})
	if b.HasFree() {
		t.Error("a slot is free before there is a worker")
	}
	b.TemplateReady(b.now, 1)
	b.Hello(b.now, 1)
	b.forget()
	if !b.HasFree() {
		t.Error("the slot is not free")
	}
	b.get(1)
	if b.HasFree() {
		t.Error("the slot is free though it works")
	}
	b.runs(1)
	if !b.HasFree() {
		t.Error("the slot is not free again")
	}
}
