package pool

import (
	"testing"
	"time"

	"fender/internal/exchange"
)

func TestPool_SendsToTheLeastBusyWorkerAndThenToTheLowestNumber(t *testing.T) {
	b := serving(t, Options{Processes: 2, Threads: 2})
	b.get(1, 2, 3, 4)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 1/1", "send 4 to 2/1")
	b.runs(1, 3, 2)
	b.get(5)
	b.expect("finish 1", "finish 3", "finish 2", "send 5 to 1/0")
}

func TestPool_ReusesTheFirstFreeSlot(t *testing.T) {
	b := serving(t, Options{Threads: 3})
	b.get(1, 2, 3)
	b.runs(2)
	b.get(4)
	b.expect("send 1 to 1/0", "send 2 to 1/1", "send 3 to 1/2", "finish 2", "send 4 to 1/1")
}

func TestPool_QueuesInTheOrderOfArrival(t *testing.T) {
	b := serving(t, Options{})
	b.get(1, 2, 3, 4, 5)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead")
	b.runs(1, 2, 3, 4)
	b.expect("finish 1", "send 3 to 1/0 ahead", "finish 2", "send 4 to 1/0 ahead",
		"finish 3", "send 5 to 1/0 ahead", "finish 4")
}

func TestPool_SendsHigherPrioritiesFirst(t *testing.T) {
	b := serving(t, Options{})
	b.get(1, 2)
	for i, priority := range []int8{0, 1, 0, 2, 1} {
		b.Submit(b.now, Request{ID: exchange.ID(10 + i), Priority: priority})
	}
	b.runs(1, 2, 13, 11, 14, 10)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead",
		"finish 1", "send 13 to 1/0 ahead", "finish 2", "send 11 to 1/0 ahead",
		"finish 13", "send 14 to 1/0 ahead", "finish 11", "send 10 to 1/0 ahead",
		"finish 14", "send 12 to 1/0 ahead", "finish 10")
}

func TestPool_KeepsTheTurnOfWhatComesBack(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1, 2, 3, 4, 5)
	b.Submit(b.now, Request{ID: 6, Safe: true, Priority: 1})
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 1/0 ahead", "send 4 to 2/0 ahead")
	b.begins(1, 2)
	b.passes(aheadBound)
	b.expect("take back 1/0", "take back 2/0")
	// The later one comes back first.
	b.TookBack(b.now, 2, 0, 1)
	b.TookBack(b.now, 1, 0, 1)
	b.ends(1, 2)
	b.expect("finish 1", "send 6 to 1/0", "send 3 to 1/0 ahead", "finish 2", "send 4 to 2/0", "send 5 to 2/0 ahead")
}

func TestPool_RefusesWhatTheQueueHasNoRoomFor(t *testing.T) {
	b := serving(t, Options{QueueLimit: 2})
	b.get(1, 2, 3, 4, 5)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "fail 5: queue-full")
	if n := b.QueueLength(); n != 2 {
		t.Errorf("%d requests wait, expected 2", n)
	}
	n := b.noted(NoteError)
	if len(n) != 1 || n[0].ID != 5 || n[0].Cause != exchange.CauseQueueFull || n[0].Spawn != 0 {
		t.Errorf("notes %+v", n)
	}
	if f := b.facts[5]; f != (exchange.Facts{}) {
		t.Errorf("facts %+v", f)
	}
}

func TestPool_FailsWhatWaitsUntilItsDeadline(t *testing.T) {
	b := serving(t, Options{QueueTimeout: time.Second})
	b.get(1, 2, 3)
	b.begins(1)
	b.passes(100 * ms)
	b.TookBack(b.now, 1, 0, 1)
	b.get(4)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "take back 1/0")
	b.passes(900*ms - 1)
	b.expect()
	b.passes(1)
	b.expect("fail 3: queue-timeout", "fail 2: queue-timeout")
	b.passes(100 * ms)
	b.expect("fail 4: queue-timeout")
	if f := b.facts[4]; f.Queue != time.Second || f.Worker != 0 || f.Attempts != 0 {
		t.Errorf("facts %+v", f)
	}
}

func TestPool_SaysBootingWhileNothingHasEverBeenReady(t *testing.T) {
	b := newBench(t, Options{QueueTimeout: time.Second})
	b.get(1)
	b.passes(time.Second)
	b.expect("fail 1: booting")
}

func TestPool_HoldsRequestsUntilAWorkerIsReady(t *testing.T) {
	b := newBench(t, Options{Threads: 2})
	b.post(1)
	b.TemplateReady(b.now, 1)
	b.expect("spawn 1 as number 1 of generation 1")
	b.post(2)
	b.Hello(b.now, 1)
	b.expect("send 1 to 1/0", "send 2 to 1/1")
}

func TestPool_DropsAWaitingRequestWhoseClientHasGone(t *testing.T) {
	b := serving(t, Options{})
	b.get(1, 2, 3, 4)
	b.Cancel(b.now, 3)
	b.runs(1)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "fail 3: client-gone", "finish 1", "send 4 to 1/0 ahead")
	b.Cancel(b.now, 3)
	b.Cancel(b.now, 99)
	b.expect()
	if n := b.Totals(); n.Cancelled != 1 || n.Failed != 0 {
		t.Errorf("totals %+v", n)
	}
}

func TestPool_TellsTheWorkerThatTheClientHasGone(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.Cancel(b.now, 1)
	b.Cancel(b.now, 1)
	b.expect("send 1 to 1/0", "fail 1: client-gone", "abort 1/0 seq 1")
	if f := b.facts[1]; f.Attempts != 1 || f.Worker != 1 || f.Spawn != 1 || f.Generation != 1 {
		t.Errorf("facts %+v", f)
	}
	b.get(2)
	b.ends(1)
	b.begins(2)
	b.ends(2)
	b.expect("send 2 to 1/0 ahead", "finish 2")
	if len(b.requests) != 0 {
		t.Errorf("%d requests stay", len(b.requests))
	}
}

func TestPool_CutsAnAnswerThatHasBegunToLeaveWhenTheClientHasGone(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.gives(1, streamBytes, -1)
	b.Cancel(b.now, 1)
	b.expect("send 1 to 1/0", "release 1", "cut 1: client-gone", "abort 1/0 seq 1")
}

func TestPool_TakesBackACancelledRequestThatWaitsBehindAnotherOne(t *testing.T) {
	b := serving(t, Options{})
	b.get(1, 2)
	b.begins(1)
	b.Cancel(b.now, 2)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "fail 2: client-gone", "take back 1/0")
	if f := b.facts[2]; f.Attempts != 0 {
		t.Errorf("facts %+v: it was never begun", f)
	}
	b.TookBack(b.now, 1, 0, 1)
	b.ends(1)
	b.expect("finish 1")
	if len(b.requests) != 0 || b.Totals().TakenBack != 0 {
		t.Errorf("requests %v, totals %+v", b.requests, b.Totals())
	}
}

func TestPool_GivesARequestThatDoesNotFitToAnotherWorker(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1)
	b.expect("send 1 to 1/0")
	b.SendFailed(b.now, 1, 0)
	b.expect("send 1 to 2/0")
	if !b.find(1).stalled {
		t.Error("the worker is not stalled")
	}
	b.SendFailed(b.now, 9, 0)
	b.TookBack(b.now, 1, 7, 1)
	b.expect()
}

func TestPool_RefusesTheSameRequestTwice(t *testing.T) {
	b := serving(t, Options{})
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	b.get(1, 1)
}

func TestPool_CountsTheTimesOfARequest(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.passes(20 * ms)
	b.get(2)
	b.passes(10 * ms)
	b.ends(1)
	b.passes(5 * ms)
	b.runs(2)
	b.drain()
	want := exchange.Facts{Worker: 1, Spawn: 1, Generation: 1, Attempts: 1, Work: 30 * ms}
	if f := b.facts[1]; f != want {
		t.Errorf("facts %+v, expected %+v", f, want)
	}
	want.Queue, want.Work = 10*ms, 5*ms
	if f := b.facts[2]; f != want {
		t.Errorf("facts %+v, expected %+v", f, want)
	}
	if n := b.Totals(); n.Submitted != 2 || n.Answered != 2 || n.Born != 1 || n.SentAhead != 0 {
		t.Errorf("totals %+v", n)
	}
}

func TestPool_PrefersTheLessBusyWorkerToTheLowerNumber(t *testing.T) {
	b := serving(t, Options{Processes: 2, Threads: 3})
	b.killed(1)
	b.Hello(b.now, 3) // number 1, and the younger one
	b.get(1, 2)
	b.runs(2)
	b.get(3, 4)
	b.expect("spawn 3 as number 1 of generation 1", "send 1 to 3/0", "send 2 to 2/0", "finish 2", "send 3 to 2/0", "send 4 to 3/1")
}

func TestPool_IsNotConfusedByMoreThanItSent(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.TookBack(b.now, 1, 0, 5)
	b.SendFailed(b.now, 1, 0)
	b.SendFailed(b.now, 1, 0)
	b.expect("send 1 to 1/0", "send 1 to 1/0")
	if b.QueueLength() != 1 || b.find(1).occupied != 0 {
		t.Errorf("%d wait, %d slots are occupied", b.QueueLength(), b.find(1).occupied)
	}
}

func TestPool_ForgetsTheWaitOfWhatCouldNotBeSentAhead(t *testing.T) {
	b := serving(t, Options{})
	b.get(1, 2)
	b.begins(1)
	b.SendFailed(b.now, 1, 0)
	b.forget()
	b.passes(aheadBound)
	b.expect()
}
