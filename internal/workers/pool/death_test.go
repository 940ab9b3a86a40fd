package pool

import (
	"fmt"
	"testing"
	"time"

	"fender/internal/exchange"
	"fender/internal/observe/event"
)

// deathTable is the table of ARCHITECTURE.md, "What a worker's death means for its requests": what
// happens to request 1, safe or unsafe, when worker 1 dies. Worker 2 is free.
var deathTable = []struct {
	name         string
	when         func(*bench)
	safe, unsafe string
}{
	{"unread", func(b *bench) { b.TookBack(b.now, 1, 0, 1) }, moved, moved},
	{"read, not begun", func(*bench) {}, moved, moved},
	{"begun, nothing given", func(b *bench) { b.begins(1) }, moved, crashed},
	{"begun, all it gave is held", func(b *bench) { b.begins(1); b.gives(1, 100, 1000) }, moved, crashed},
	{"its answer has begun to leave", func(b *bench) { b.begins(1); b.gives(1, streamBytes, -1) }, cutOff, cutOff},
	{"answered", func(b *bench) { b.runs(1) }, answered, answered},
	{"answered, in close()", func(b *bench) { b.begins(1); b.endsBeforeClose(1) }, answered, answered},
	{"its client has gone", func(b *bench) { b.begins(1); b.Cancel(b.now, 1) }, left, left},
}

const (
	moved    = "send 1 to 2/0"
	crashed  = "fail 1: worker-crash"
	cutOff   = "cut 1: answer-cut"
	answered = "finish 1"
	left     = "fail 1: client-gone"
)

func TestPool_DecidesByTheTableWhenAWorkerDies(t *testing.T) {
	for _, row := range deathTable {
		for _, safe := range []bool{true, false} {
			for _, own := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, safe %v, own %v", row.name, safe, own), func(t *testing.T) {
					b := serving(t, Options{Processes: 2})
					b.Submit(b.now, Request{ID: 1, Safe: safe})
					b.expect("send 1 to 1/0")
					row.when(b)
					b.Died(b.now, 1, Death{Own: own})
					b.drain()
					want := row.unsafe
					if safe {
						want = row.safe
					}
					found := false
					for _, line := range b.lines {
						found = found || line == want
					}
					if !found {
						t.Errorf("effects %q, expected %q among them", b.lines, want)
					}
					if want != moved {
						if len(b.requests) != 0 || b.QueueLength() != 0 {
							t.Errorf("the request stays: %v", b.requests)
						}
						return
					}
					begun := row.name[:5] == "begun"
					if r := b.requests[1]; r.suspect != (begun && own) || (r.begins > 0) != begun {
						t.Errorf("request %+v", r)
					}
				})
			}
		}
	}
}

func TestPool_MovesUnreadRequestWhenWorkerDies(t *testing.T) {
	b := serving(t, Options{Processes: 2, Threads: 2})
	b.post(1, 2, 3, 4, 5, 6)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 1/1", "send 4 to 2/1", "send 5 to 1/0 ahead", "send 6 to 1/1 ahead")
	b.begins(1, 2, 4)
	b.TookBack(b.now, 1, 0, 1)
	b.expect("send 5 to 2/0 ahead")
	b.crashes(1)
	b.expect("fail 1: worker-crash", "spawn 3 as number 1 of generation 1", "send 3 to 2/1 ahead")
	b.runs(2)
	b.expect("finish 2", "send 6 to 2/0 ahead")
	n := b.noted(NoteTakenBack)
	if len(n) != 3 || n[0].ID != 5 || n[1].ID != 6 || n[2].ID != 3 || n[2].Spawn != 1 || n[2].Number != 1 {
		t.Errorf("notes %+v", n)
	}
	if n := b.Totals(); n.TakenBack != 3 || n.Retried != 0 {
		t.Errorf("totals %+v", n)
	}
}

func TestPool_TellsHowAWorkerDied(t *testing.T) {
	for _, c := range []struct {
		death  Death
		reason event.Reason
	}{
		{Death{Own: true, Signal: 11}, event.ReasonCrash},
		{Death{Signal: 9}, event.ReasonCrash},
		{Death{Own: true, Signal: 9, OOM: true}, event.ReasonOOM},
	} {
		b := serving(t, Options{Processes: 2})
		b.passes(time.Second)
		b.forget()
		b.Died(b.now, 2, c.death)
		n := b.noted(NoteWorker)
		if len(n) == 0 || n[0].From != StateReady || n[0].To != StateGone || n[0].Reason != c.reason ||
			*n[0].Death != c.death || n[0].After != time.Second || n[0].Number != 2 || n[0].Spawn != 2 || n[0].Generation != 1 {
			t.Errorf("notes %+v", n)
		}
		b.Died(b.now, 2, c.death)
		if n := b.Totals(); n.Gone != 1 {
			t.Errorf("a worker died %d times", n.Gone)
		}
	}
}

func TestPool_TellsWhoHadTheRequestThatFailed(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1)
	b.post(2)
	b.begins(1, 2)
	b.passes(time.Second)
	b.killed(1)
	b.killed(2)
	b.drain()
	want := exchange.Facts{Worker: 2, Spawn: 2, Generation: 1, Attempts: 1, Work: time.Second}
	if f := b.facts[2]; f != want {
		t.Errorf("facts %+v, expected %+v", f, want)
	}
	var failed, retried []Note
	for _, n := range b.notes {
		switch n.Kind {
		case NoteError:
			failed = append(failed, n)
		case NoteRetry:
			retried = append(retried, n)
		}
	}
	if len(failed) != 1 || failed[0].ID != 2 || failed[0].Cause != exchange.CauseWorkerCrash || failed[0].Spawn != 2 || failed[0].Number != 2 {
		t.Errorf("notes %+v", failed)
	}
	if len(retried) != 1 || retried[0].ID != 1 || retried[0].Spawn != 1 || retried[0].Number != 1 || retried[0].Generation != 1 {
		t.Errorf("notes %+v", retried)
	}
	if n := b.Totals(); n.Retried != 1 || n.Failed != 1 || n.TakenBack != 0 {
		t.Errorf("totals %+v", n)
	}
}

func TestPool_RetriesASafeRequestUntilItsDeadlineWhenSomebodyKeepsKilling(t *testing.T) {
	b := serving(t, Options{QueueTimeout: time.Second})
	b.get(1)
	id := SpawnID(1)
	for range 9 {
		b.begins(1)
		b.passes(100 * ms)
		b.killed(id)
		b.forget()
		id++
		b.Hello(b.now, id)
	}
	b.begins(1)
	b.forget()
	b.passes(199 * ms) // the first death was after 100 ms, and a second is given from there
	b.killed(id)
	b.expect("spawn 11 as number 1 of generation 1")
	b.Hello(b.now, 11)
	b.begins(1)
	b.passes(ms)
	b.killed(11)
	b.expect("send 1 to 11/0", "fail 1: worker-crash", "spawn 12 as number 1 of generation 1")
	if f := b.facts[1]; f.Attempts != 11 {
		t.Errorf("facts %+v", f)
	}
	if n := b.Totals(); n.Retried != 10 || n.Poison != 0 {
		t.Errorf("totals %+v", n)
	}
}

func TestPool_RetriesASafeRequestThatRanForLongerThanTheQueueTimeout(t *testing.T) {
	b := serving(t, Options{Processes: 2, QueueTimeout: time.Second})
	b.get(1)
	b.begins(1)
	b.passes(time.Hour)
	b.killed(1)
	b.expect("send 1 to 1/0", "spawn 3 as number 1 of generation 1", "send 1 to 2/0")
}

func TestPool_CountsHarakiriIntoTheDeadlineOfARetry(t *testing.T) {
	b := serving(t, Options{QueueTimeout: time.Second, Harakiri: 10 * time.Second})
	b.get(1)
	b.begins(1)
	b.passes(time.Second)
	b.killed(1)
	b.expect("send 1 to 1/0", "spawn 2 as number 1 of generation 1")
	b.passes(10*time.Second - 1)
	b.expect()
	b.passes(1)
	b.expect("fail 1: worker-crash")
}

func TestPool_LeavesNoTraceOfADeadWorkersClocks(t *testing.T) {
	b := serving(t, Options{Threads: 3, Harakiri: time.Second, QueueTimeout: time.Hour})
	b.get(1, 2, 3, 4)
	b.begins(1, 2)
	b.gives(1, 1, -1)
	b.endsBeforeClose(2)
	b.SendFailed(b.now, 1, 2)
	b.killed(1)
	for k := range b.timers.lists {
		for x := range b.timers.all(timerKind(k)) {
			if x.slot != nil || x.worker != nil {
				t.Errorf("a timer of kind %d runs for the dead", k)
			}
		}
	}
	if b.closing != 0 || b.freeSlots != 0 {
		t.Errorf("%d closing, %d free", b.closing, b.freeSlots)
	}
}

func TestPool_MovesTheYoungerOfTwoBehindTheOlder(t *testing.T) {
	b := serving(t, Options{})
	b.post(1, 2, 3)
	b.killed(1)
	b.Hello(b.now, 2)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "spawn 2 as number 1 of generation 1", "send 1 to 2/0", "send 2 to 2/0 ahead")
}
