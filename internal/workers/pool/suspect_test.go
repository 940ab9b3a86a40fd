package pool

import (
	"slices"
	"testing"
	"time"

	"fender/internal/exchange"
)

func TestPool_RunsASuspectAlone(t *testing.T) {
	b := serving(t, Options{Processes: 2, Threads: 2})
	b.get(1, 2, 3)
	b.begins(1, 2)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 1/1")
	b.crashes(1) // 1 is a suspect, 3 was not begun
	b.get(4)
	b.expect("spawn 3 as number 1 of generation 1")
	b.ends(2)
	b.expect("finish 2", "send 1 to 2/0")
	b.begins(1)
	b.passes(time.Second)
	b.get(5)
	b.expect()
	b.ends(1)
	b.expect("finish 1", "send 3 to 2/0", "send 4 to 2/1", "send 5 to 2/0 ahead")
}

func TestPool_NamesAPoisonRequestAtItsSecondDeath(t *testing.T) {
	b := serving(t, Options{Processes: 2, Threads: 2})
	b.get(1, 2, 3)
	b.begins(1, 2, 3)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 1/1")
	b.ends(2)
	b.crashes(1)
	b.expect("finish 2", "spawn 3 as number 1 of generation 1", "send 1 to 2/0")
	b.begins(1)
	b.crashes(2)
	b.expect("fail 1: poison", "spawn 4 as number 2 of generation 1")
	if f := b.facts[1]; f.Attempts != 2 || f.Spawn != 2 {
		t.Errorf("facts %+v", f)
	}
	b.Hello(b.now, 3)
	b.runs(3) // the innocent one
	b.expect("send 3 to 3/0", "finish 3")
	if n := b.Totals(); n.Poison != 1 || n.Failed != 1 || n.Answered != 2 {
		t.Errorf("totals %+v", n)
	}
}

func TestPool_DoesNotCountADeathFromOutsideAsPoison(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.crashes(1)
	b.Hello(b.now, 2)
	b.begins(1)
	b.killed(2)
	b.Hello(b.now, 3)
	b.runs(1)
	b.expect("send 1 to 1/0", "spawn 2 as number 1 of generation 1", "send 1 to 2/0",
		"spawn 3 as number 1 of generation 1", "send 1 to 3/0", "finish 1")
}

func TestPool_KeepsAtMostHalfOfTheWorkersForSuspects(t *testing.T) {
	for _, c := range []struct{ processes, kept int }{{2, 1}, {3, 1}, {4, 2}, {5, 2}} {
		b := serving(t, Options{Processes: c.processes, Threads: 2})
		var all []exchange.ID
		for i := range exchange.ID(2 * c.processes) {
			all = append(all, i+1)
		}
		b.get(all...)
		b.begins(all...)
		for id := range SpawnID(c.processes) {
			b.crashes(id + 1)
		}
		for id := range SpawnID(c.processes) {
			b.Hello(b.now, SpawnID(c.processes)+id+1)
		}
		kept := 0
		for _, w := range b.workers {
			if w.reserved != nil {
				kept++
			}
		}
		if kept != c.kept {
			t.Errorf("%d of %d workers are kept for suspects, expected %d", kept, c.processes, c.kept)
		}
	}
}

func TestPool_GivesASuspectTheOnlyWorker(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.crashes(1)
	b.get(2)
	b.Hello(b.now, 2)
	b.expect("send 1 to 1/0", "spawn 2 as number 1 of generation 1", "send 1 to 2/0")
	b.runs(1)
	b.expect("finish 1", "send 2 to 2/0")
}

func TestPool_TakesBackWhatWaitsOnAWorkerThatASuspectShallHave(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1, 2, 3, 4)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 1/0 ahead", "send 4 to 2/0 ahead")
	b.begins(1, 2)
	b.TookBack(b.now, 1, 0, 1)
	b.forget()
	b.crashes(1)
	b.expect("spawn 3 as number 1 of generation 1", "take back 2/0")
	b.TookBack(b.now, 2, 0, 1)
	b.expect()
	b.endsBeforeClose(2)
	b.expect("finish 2")
	b.thread(2, 0).phase = PhaseIdle
	b.get(5) // the page is looked at before the suspect waits on
	b.expect("send 1 to 2/0")
}

func TestPool_TakesBackWhatWaitsBehindACloseThatASuspectWaitsFor(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1, 2, 3, 4)
	b.begins(1, 2)
	b.endsBeforeClose(2)
	b.forget()
	b.crashes(1)
	b.expect("spawn 3 as number 1 of generation 1", "take back 2/0")
}

func TestPool_MovesASuspectToAWorkerThatIsEmptySooner(t *testing.T) {
	b := serving(t, Options{Processes: 3})
	b.get(1, 2, 3)
	b.begins(1, 2, 3)
	b.crashes(1)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 3/0", "spawn 4 as number 1 of generation 1")
	if b.find(2).reserved == nil {
		t.Fatal("worker 2 is not kept for the suspect")
	}
	b.ends(3)
	b.expect("finish 3", "send 1 to 3/0")
	if b.find(2).reserved != nil {
		t.Error("worker 2 is still kept for nobody")
	}
}

func TestPool_DoesNotHoldUpOneSuspectBecauseOfAnother(t *testing.T) {
	b := serving(t, Options{Processes: 2, Threads: 2})
	b.get(1)
	b.Submit(b.now, Request{ID: 2, Safe: true})
	b.begins(1, 2)
	b.SendFailed(b.now, 7, 0)
	b.crashes(1) // 1 waits for worker 2, on which 2 runs
	b.expect("send 1 to 1/0", "send 2 to 2/0", "spawn 3 as number 1 of generation 1")
	b.Submit(b.now, Request{ID: 3, Safe: true, Priority: 1})
	b.Hello(b.now, 3)
	b.expect("send 1 to 3/0", "send 3 to 2/1")
	b.begins(3)
	b.crashes(2) // 2 and 3 are suspects, and there is only worker 3, which 1 has
	b.runs(1)
	b.expect("spawn 4 as number 2 of generation 1", "finish 1", "send 3 to 3/0")
}

func TestPool_FreesAWorkerWhoseSuspectHasGone(t *testing.T) {
	for name, goes := range map[string]func(*bench){
		"its client left":    func(b *bench) { b.Cancel(b.now, 1) },
		"it waited too long": func(b *bench) { b.passes(800 * ms) },
	} {
		b := serving(t, Options{Processes: 2, Threads: 2, QueueTimeout: 1300 * ms})
		b.get(1, 2)
		b.begins(1, 2)
		b.crashes(1)
		b.passes(500 * ms)
		b.post(3)
		b.expect("send 1 to 1/0", "send 2 to 2/0", "spawn 3 as number 1 of generation 1")
		goes(b)
		b.drain()
		if w := b.find(2); w.reserved != nil || b.suspects.len != 0 {
			t.Errorf("%s: worker 2 is kept for %+v", name, w.reserved)
		}
		if n := len(b.lines); n < 2 || b.lines[1] != "send 3 to 2/1" {
			t.Errorf("%s: effects %q", name, b.lines)
		}
	}
}

func TestPool_FindsASuspectAnotherWorkerWhenItsOwnLeaves(t *testing.T) {
	for name, goes := range map[string]func(*bench){
		"it dies":        func(b *bench) { b.killed(2) },
		"it is struck":   func(b *bench) { b.Protocol(b.now, 2, "rubbish") },
		"it is replaced": func(b *bench) { b.find(2).due = "memory"; b.Hello(b.now, 4) },
	} {
		b := serving(t, Options{Processes: 3})
		b.get(1, 2, 3)
		b.begins(1, 2, 3)
		b.crashes(1)
		b.forget()
		goes(b)
		b.drain()
		if b.find(3).reserved == nil && !slices.Contains(b.lines, "send 1 to 4/0") {
			t.Errorf("%s: nobody is kept for the suspect: %q", name, b.lines)
		}
	}
}

func TestPool_FindsASuspectAnotherWorkerWhenItsOwnDoesNotRead(t *testing.T) {
	b := serving(t, Options{Processes: 3})
	b.get(1)
	b.begins(1)
	b.crashes(1)
	b.expect("send 1 to 1/0", "spawn 4 as number 1 of generation 1", "send 1 to 2/0")
	b.passes(unreadBound)
	b.expect("take back 2/0")
	b.TookBack(b.now, 2, 0, 1)
	b.expect("send 1 to 3/0")
	b.get(2)
	b.expect()
	b.passes(unreadBound)
	b.expect("take back 3/0", "send 2 to 2/0")
}

func TestPool_LeavesAStalledHostForAnEmptyOne(t *testing.T) {
	b := serving(t, Options{Processes: 3, Threads: 2})
	b.get(1, 2, 3)
	b.begins(1, 2, 3)
	b.get(4)
	b.crashes(1)
	b.forget()
	if b.find(2).reserved == nil {
		t.Fatal("worker 2 is not kept for the suspect")
	}
	b.stallWorker(b.now, b.find(2))
	b.ends(2) // its first frame trusts it again
	b.expect("finish 2", "send 1 to 2/0")
}

func TestPool_RunsSuspectsInTheOrderOfArrival(t *testing.T) {
	b := serving(t, Options{Threads: 3})
	b.get(1, 2)
	b.Submit(b.now, Request{ID: 3, Safe: true, Priority: 1})
	b.begins(1, 2, 3)
	b.crashes(1)
	b.Hello(b.now, 2)
	b.runs(3, 1, 2)
	b.expect("send 1 to 1/0", "send 2 to 1/1", "send 3 to 1/2", "spawn 2 as number 1 of generation 1",
		"send 3 to 2/0", "finish 3", "send 1 to 2/0", "finish 1", "send 2 to 2/0", "finish 2")
}

func TestPool_LetsNobodyInBesideACancelledSuspect(t *testing.T) {
	b := serving(t, Options{Threads: 2})
	b.get(1)
	b.begins(1)
	b.crashes(1)
	b.Hello(b.now, 2)
	b.begins(1)
	b.Cancel(b.now, 1)
	b.get(2)
	b.expect("send 1 to 1/0", "spawn 2 as number 1 of generation 1", "send 1 to 2/0", "fail 1: client-gone", "abort 2/0 seq 1")
	b.ends(1)
	b.expect("send 2 to 2/0")
}

func TestPool_TakesRequestsWhileSuspectsFillTheQueue(t *testing.T) {
	b := serving(t, Options{Processes: 4, Threads: 2, QueueLimit: 2})
	b.get(1, 2, 3, 4, 5, 6)
	b.begins(1, 2, 3, 4, 5, 6)
	b.crashes(1)
	b.crashes(2)
	b.forget()
	if n := b.QueueLength(); n != 4 {
		t.Fatalf("%d suspects wait", n)
	}
	b.get(7)
	b.expect("send 7 to 4/1") // a free slot is no queue
	b.get(8)
	b.expect("fail 8: queue-full")
}

func TestPool_RunsTwoSuspectsAtATimeWhenThereAreWorkersEnough(t *testing.T) {
	b := serving(t, Options{Processes: 5, Threads: 2})
	b.get(1, 2, 3, 4, 5, 6)
	b.begins(1, 2, 3, 4, 5, 6)
	b.ends(2, 3, 4, 5)
	b.forget()
	b.crashes(1)
	b.expect("spawn 6 as number 1 of generation 1", "send 1 to 2/0", "send 6 to 3/0")
}

func TestPool_KeepsAWorkerForASuspectUntilItIsEmpty(t *testing.T) {
	b := serving(t, Options{Processes: 2, Threads: 2})
	b.get(1, 2, 3, 4)
	b.begins(1, 2, 3, 4)
	b.crashes(1) // 1 and 3 are suspects
	b.forget()
	b.ends(2)
	b.expect("finish 2")
	b.ends(4)
	b.expect("finish 4", "send 1 to 2/0")
	b.Hello(b.now, 3)
	b.expect() // one of two is the most
	b.ends(1)
	b.expect("finish 1", "send 3 to 2/0")
}
