package pool

import (
	"testing"
	"time"

	"fender/internal/observe/event"
)

// readAndNotBegun is a pool of two workers, the first of which has read request 1 and not begun it
// for so long that it is withdrawn now.
func readAndNotBegun(t *testing.T, o Options) *bench {
	t.Helper()
	o.Processes = 2
	b := serving(t, o)
	b.post(1)
	b.passes(unreadBound)
	b.TookBack(b.now, 1, 0, 0)
	b.expect("send 1 to 1/0", "take back 1/0")
	b.passes(unreadBound)
	b.expect("withdraw 1/0 seq 1")
	return b
}

// refuses has the worker's thread find that its request was withdrawn.
func (b *bench) refuses(id SpawnID, slot int) bool { return b.Refused(b.now, id, slot) }

func TestPool_MovesWhatIsNotBegunAfterItsWithdrawal(t *testing.T) {
	b := readAndNotBegun(t, Options{})
	b.passes(withdrawBound - 1)
	b.expect()
	b.passes(1)
	b.expect("send 1 to 2/0")
	if n := b.noted(NoteTakenBack); len(n) != 1 || n[0].Spawn != 1 || n[0].ID != 1 {
		t.Errorf("notes %+v", n)
	}
	for i, want := range []SlotStatus{{}, {ID: 1, Since: b.now}} {
		if w := b.Status(b.now).Workers[i]; w.Slots[0] != want || !w.Busy {
			t.Errorf("worker %d: %+v", w.Spawn, w)
		}
	}
	b.get(2)
	b.expect("send 2 to 2/0 ahead") // the first worker stands still
	b.runs(1)
	b.runs(2)
	b.expect("finish 1", "finish 2")
	if n := b.Totals(); n.TakenBack != 1 || n.Answered != 2 || n.Failed != 0 || n.Retried != 0 {
		t.Errorf("totals %+v", n)
	}
	b.passes(time.Hour)
	b.expect()
	if !b.refuses(1, 0) {
		t.Error("the pool does not know that it withdrew the request")
	}
	b.get(3)
	b.expect("send 3 to 1/0") // the refusal is a sign of life
}

func TestPool_LeavesWhatIsBegunInTheMomentOfItsWithdrawal(t *testing.T) {
	b := readAndNotBegun(t, Options{Threads: 2, Harakiri: time.Second})
	b.begins(1)
	b.killed(2)
	b.get(2)
	b.expect("spawn 3 as number 2 of generation 1") // the first worker gets nothing
	b.passes(withdrawBound)
	b.expect("send 2 to 1/1") // until it is seen that it runs
	b.ends(1)
	b.runs(2)
	b.expect("finish 1", "finish 2")
	b.passes(time.Hour)
	b.expect()
}

func TestPool_TakesARefusalThatComesBeforeItIsMoved(t *testing.T) {
	b := readAndNotBegun(t, Options{})
	if !b.refuses(1, 0) {
		t.Error("the pool does not know that it withdraws the request")
	}
	b.expect("send 1 to 1/0")
	b.runs(1)
	b.expect("finish 1")
	b.passes(time.Hour)
	b.expect()
}

func TestPool_DoesNotTakeTheAnswerOfWhatItHasMoved(t *testing.T) {
	b := readAndNotBegun(t, Options{})
	b.passes(withdrawBound)
	b.expect("send 1 to 2/0")
	if b.AnswerPart(b.now, 1, 0, 1, 1, 10, -1) || b.AnswerEnd(b.now, 1, 0, 1, 1, 10, 10, false, false) {
		t.Error("a worker's answer is taken though its request was withdrawn")
	}
	b.expect()
}

func TestPool_ForgetsWhatItHasMovedWhenTheOldWorkerDies(t *testing.T) {
	b := readAndNotBegun(t, Options{})
	b.passes(withdrawBound)
	b.expect("send 1 to 2/0")
	b.begins(1)
	b.killed(1)
	b.expect("spawn 3 as number 1 of generation 1")
	b.ends(1)
	b.expect("finish 1")
	if n := len(b.requests); n != 0 {
		t.Errorf("%d requests are left", n)
	}
}

func TestPool_SendsWhatWaitsBehindAWithdrawnRequestElsewhere(t *testing.T) {
	b := serving(t, Options{Threads: 2})
	b.post(1, 2)
	b.begins(1)
	b.passes(unreadBound)
	b.TookBack(b.now, 1, 1, 0)
	b.passes(unreadBound + withdrawBound)
	b.expect("send 1 to 1/0", "send 2 to 1/1", "take back 1/1", "withdraw 1/1 seq 1")
	b.ends(1) // the lock is free again
	b.expect("finish 1", "send 2 to 1/0")
	b.begins(2)
	b.refuses(1, 1)
	b.post(3)
	b.expect("send 3 to 1/1")
}

func TestPool_WithdrawsWhatHasNoClient(t *testing.T) {
	b := readAndNotBegun(t, Options{})
	b.Cancel(b.now, 1)
	b.expect("fail 1: client-gone", "abort 1/0 seq 1")
	b.passes(withdrawBound)
	b.expect()
	b.refuses(1, 0)
	b.get(2)
	b.expect("send 2 to 1/0")
	if n := len(b.requests); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestPool_WithdrawsFromAWorkerThatLeaves(t *testing.T) {
	b := readAndNotBegun(t, Options{})
	b.passes(withdrawBound)
	b.runs(1)
	b.expect("send 1 to 2/0", "finish 1")
	b.Reload(b.now, event.ReasonReload)
	b.TemplateReady(b.now, 2)
	b.Hello(b.now, 3)
	b.forget()
	if s := b.state(1); s != StateReady {
		t.Fatalf("the first worker is %s: the idle one goes first", s)
	}
	b.Hello(b.now, 4)
	b.expect("take back 1/0", "retire 1: reload", "reload 2 done")
	b.refuses(1, 0)
	b.leaves(1)
	b.leaves(2)
	b.expect("stop template 1")
}

func TestPool_AnswersWhatWasNotBegunWhenItStops(t *testing.T) {
	b := serving(t, Options{})
	b.post(1)
	b.Stop(b.now)
	b.TookBack(b.now, 1, 0, 0)
	b.forget()
	b.passes(2*unreadBound + withdrawBound)
	b.expect("take back 1/0", "withdraw 1/0 seq 1", "fail 1: draining")
}

func TestPool_KillsACondemnedWorkerWhenItsLastNeighbourWasWithdrawn(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second, NoInterrupt: true})
	b.get(1)
	b.begins(1)
	b.passes(950 * ms)
	b.post(2)
	b.passes(unreadBound)
	b.TookBack(b.now, 1, 1, 0)
	b.passes(probeSoon)
	b.TookBack(b.now, 1, 1, 0)
	b.forget()
	if w := b.find(1); !w.condemned || w.killed {
		t.Fatalf("condemned %v, killed %v", w.condemned, w.killed)
	}
	b.passes(withdrawBound)
	b.expect("kill 1")
}

func TestPool_GivesASuspectAnotherWorkerWhenItsOwnDoesNotBeginIt(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1)
	b.begins(1)
	b.crashes(1)
	b.Hello(b.now, 3)
	b.expect("send 1 to 1/0", "spawn 3 as number 1 of generation 1", "send 1 to 2/0")
	b.passes(unreadBound)
	b.TookBack(b.now, 2, 0, 0)
	b.passes(unreadBound + withdrawBound - ms)
	b.get(2)
	b.begins(2)
	b.passes(ms)
	b.expect("take back 2/0", "withdraw 2/0 seq 1", "send 2 to 3/0")
	b.get(3)
	b.expect() // the other worker is kept for it as soon as it is free
	b.ends(2)
	b.expect("finish 2", "send 1 to 3/0")
}

func TestPool_StallsAWorkerThatRefusesByItself(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.post(1)
	if b.Refused(b.now, 1, 0) {
		t.Error("nobody had withdrawn it")
	}
	b.expect("send 1 to 1/0", "send 1 to 2/0")
	if b.Refused(b.now, 1, 0) || b.Refused(b.now, 9, 0) {
		t.Error("nothing is there that could be refused")
	}
	b.expect()
}

func TestPool_TakesTheRefusalOfAThreadThatWasHeldUpInTheMomentOfItsBegin(t *testing.T) {
	b := readAndNotBegun(t, Options{Harakiri: time.Second})
	b.begins(1) // and right here the process stands still
	b.passes(unreadBound + time.Second)
	b.expect("fail 1: harakiri", "retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1", "spawn 3 as number 3 of generation 1")
	b.thread(1, 0).seq, b.thread(1, 0).phase = 0, PhaseIdle
	if !b.refuses(1, 0) {
		t.Error("the pool does not know that it withdrew the request")
	}
	b.passes(time.Hour)
	w := b.find(1)
	if w.occupied != 0 || !w.killed { // by its mercy: the test lets it not end
		t.Errorf("occupied %d, killed %v", w.occupied, w.killed)
	}
}
