package pool

import (
	"testing"
	"time"

	"fender/internal/observe/event"
)

func TestPool_ReplacesAWorkerBeforeItRetires(t *testing.T) {
	for _, c := range []struct {
		reason event.Reason
		o      Options
		makes  func(*bench)
	}{
		{event.ReasonMaxRequests, Options{MaxRequests: 1}, func(b *bench) { b.get(1); b.runs(1) }},
		{event.ReasonMemory, Options{ReloadOnRSS: 100}, func(b *bench) { b.Memory(b.now, 1, 100) }},
		{event.ReasonMaxLifetime, Options{MaxLifetime: 2500 * ms}, func(b *bench) { b.passes(3 * time.Second) }},
	} {
		t.Run(string(c.reason), func(t *testing.T) {
			b := serving(t, c.o)
			c.makes(b)
			b.drain()
			if n := len(b.lines); n == 0 || b.lines[n-1] != "spawn 2 as number 2 of generation 1" {
				t.Fatalf("effects %q", b.lines)
			}
			b.forget()
			b.get(10)
			b.expect("send 10 to 1/0") // the old one serves until then
			b.runs(10)
			b.Hello(b.now, 2)
			b.expect("finish 10", "retire 1: "+string(c.reason))
			b.get(11)
			b.expect("send 11 to 2/0")
			b.leaves(1)
			b.expect()
			if n := b.Totals(); n.Born != 2 || n.Gone != 1 {
				t.Errorf("totals %+v", n)
			}
		})
	}
}

func TestPool_DoesNotReplaceAWorkerBelowItsLimits(t *testing.T) {
	b := serving(t, Options{MaxRequests: 2, ReloadOnRSS: 100, MaxLifetime: 3 * time.Second})
	b.get(1)
	b.runs(1)
	b.Memory(b.now, 1, 99)
	b.Memory(b.now, 9, 1000)
	b.passes(2999 * ms)
	b.expect("send 1 to 1/0", "finish 1")
	b.get(2)
	b.runs(2)
	b.expect("send 2 to 1/0", "finish 2", respawn)
	b.Memory(b.now, 1, 1000)
	b.expect() // once
	if r := b.find(1).due; r != event.ReasonMaxRequests {
		t.Errorf("it is due for %s", r)
	}
}

func TestPool_SpreadsRequestLimitsAndLifetimes(t *testing.T) {
	b := serving(t, Options{
		Processes: 40, Seed: 7, MaxRequests: 100, MaxRequestsDelta: 10,
		MaxLifetime: time.Minute, LifetimeDelta: 10 * time.Second,
	})
	limits, lives := map[int]bool{}, map[Time]bool{}
	least, most := 1000, 0
	for _, w := range b.workers {
		if w.limit < 100 || w.limit > 110 {
			t.Errorf("limit %d", w.limit)
		}
		if life := w.leaveAt - w.ready; life < time.Minute || life > 70*time.Second {
			t.Errorf("lifetime %v", life)
		}
		limits[w.limit], lives[w.leaveAt] = true, true
		least, most = min(least, w.limit), max(most, w.limit)
	}
	if len(limits) < 8 || len(lives) < 30 || least != 100 || most != 110 {
		t.Errorf("%d limits from %d to %d, %d lifetimes", len(limits), least, most, len(lives))
	}
	b = serving(t, Options{MaxRequests: 100, MaxLifetime: time.Minute})
	if w := b.find(1); w.limit != 100 || w.leaveAt != b.now+time.Minute {
		t.Errorf("limit %d, life until %v", w.limit, w.leaveAt)
	}
}

func TestPool_ReplacesOneWorkerAfterTheOther(t *testing.T) {
	b := serving(t, Options{Processes: 3, MaxRequests: 1})
	b.get(1, 2, 3)
	b.begins(1, 2, 3)
	b.get(4)
	b.forget()
	b.ends(1)
	b.begins(4)
	b.expect("finish 1", "spawn 4 as number 4 of generation 1")
	b.ends(2, 3)
	b.expect("finish 2", "finish 3")
	b.Hello(b.now, 4)
	b.expect("retire 2: max-requests", "spawn 5 as number 5 of generation 1") // 1 still works on 4
	b.leaves(2)
	b.Hello(b.now, 5)
	b.expect("retire 3: max-requests", "spawn 6 as number 2 of generation 1")
	b.Hello(b.now, 6)
	b.expect("retire 1: max-requests")
	b.ends(4)
	b.expect("finish 4")
}

func TestPool_ReplacesSeveralWorkersAtATimeWhenItMay(t *testing.T) {
	b := serving(t, Options{Processes: 4, MaxRequests: 1, ReloadStep: 2})
	b.get(1, 2, 3, 4)
	b.runs(1, 2, 3, 4)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 3/0", "send 4 to 4/0",
		"finish 1", "spawn 5 as number 5 of generation 1", "finish 2", "spawn 6 as number 6 of generation 1", "finish 3", "finish 4")
	b.Hello(b.now, 5)
	b.expect("retire 1: max-requests", "spawn 7 as number 7 of generation 1")
}

func TestPool_TakesBackWhatARetiringWorkerHasNotRead(t *testing.T) {
	b := serving(t, Options{Processes: 2, Threads: 2, MaxRequests: 1})
	b.get(1, 2, 3, 4, 5, 6)
	b.expect("send 1 to 1/0", "send 2 to 2/0", "send 3 to 1/1", "send 4 to 2/1", "send 5 to 1/0 ahead", "send 6 to 1/1 ahead")
	b.begins(1, 2, 4)
	b.ends(1)
	b.begins(5)
	b.forget()
	b.Hello(b.now, 3)
	b.expect("take back 1/1", "retire 1: max-requests")
	b.TookBack(b.now, 1, 1, 2)
	b.expect("send 3 to 3/0", "send 6 to 3/1")
	b.ends(5)
	b.expect("finish 5")
}

func TestPool_TakesBackAnUnreadRequestThatIsAloneOnItsSlot(t *testing.T) {
	b := serving(t, Options{Threads: 2, MaxRequests: 1})
	b.get(1, 2)
	b.runs(1)
	b.forget()
	b.Hello(b.now, 2)
	b.expect("take back 1/1", "retire 1: max-requests")
}

func TestPool_LetsARetiringWorkerFinish(t *testing.T) {
	b := serving(t, Options{Threads: 2, MaxRequests: 1})
	b.get(1, 2)
	b.begins(1, 2)
	b.ends(1)
	b.Hello(b.now, 2)
	b.forget()
	b.passes(90 * time.Second)
	b.ends(2)
	b.expect("finish 2")
	if n := b.noted(NoteWarning); len(n) != 1 {
		t.Errorf("warnings %+v", n)
	}
	b.passes(60*time.Second - 1)
	b.expect()
	b.passes(1) // its mercy began anew with its last answer
	b.expect("kill 1")
	if n := b.noted(NoteWarning); len(n) != 1 {
		t.Errorf("warnings %+v", n)
	}
	if s := b.state(1); s != StateDoomed {
		t.Errorf("worker 1 is %s", s)
	}
}

func TestPool_KillsARetiredWorkerThatDoesNotEnd(t *testing.T) {
	b := serving(t, Options{MaxRequests: 1, RetireMercy: time.Second})
	b.get(1)
	b.runs(1)
	b.Hello(b.now, 2)
	b.forget()
	b.passes(time.Second - 1)
	b.expect()
	b.passes(1)
	b.expect("kill 1")
	b.passes(time.Hour)
	b.expect()
	if n := b.noted(NoteWarning); len(n) != 1 {
		t.Errorf("warnings %+v", n)
	}
}

func TestPool_WarnsOnceAboutARetiredWorkerThatStillWorks(t *testing.T) {
	b := serving(t, Options{Threads: 2, MaxRequests: 1, RetireMercy: time.Second})
	b.get(1, 2, 3)
	b.begins(1, 2)
	b.ends(1)
	b.begins(3)
	b.Hello(b.now, 2)
	b.forget()
	b.passes(time.Hour)
	b.expect()
	if n := b.noted(NoteWarning); len(n) != 1 {
		t.Errorf("warnings %+v", n)
	}
}

func TestPool_SparesAYoungWorker(t *testing.T) {
	b := serving(t, Options{MaxRequests: 1, MinLifetime: 10 * time.Second})
	b.get(1)
	b.runs(1)
	b.passes(10*time.Second - 1)
	b.get(2)
	b.runs(2)
	b.expect("send 1 to 1/0", "finish 1", "send 2 to 1/0", "finish 2")
	b.passes(1)
	b.get(3)
	b.runs(3)
	b.expect("send 3 to 1/0", "finish 3", respawn)
}

func TestPool_LooksAtLifetimesWithoutRequests(t *testing.T) {
	b := serving(t, Options{MaxLifetime: time.Hour})
	b.passes(time.Hour - 1)
	b.expect()
	b.passes(1)
	b.expect(respawn)
}

func TestPool_ReplacesADeadWorkerAtOnce(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.killed(1)
	b.expect("spawn 3 as number 1 of generation 1")
	b.killed(2)
	b.expect("spawn 4 as number 2 of generation 1")
}

func TestPool_GivesEveryWorkerItsOwnNumber(t *testing.T) {
	b := serving(t, Options{Processes: 3, MaxRequests: 1})
	b.get(1)
	b.runs(1)
	b.expect("send 1 to 1/0", "finish 1", "spawn 4 as number 4 of generation 1")
	b.killed(2)
	b.expect("spawn 5 as number 2 of generation 1")
	b.Hello(b.now, 4)
	b.Hello(b.now, 5)
	b.leaves(1)
	b.killed(3)
	b.expect("retire 1: max-requests", "spawn 6 as number 1 of generation 1")
}

// ---- scaling ----

func TestPool_ScalesByHand(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.Scale(b.now, 1)
	b.expect("spawn 3 as number 3 of generation 1")
	b.Hello(b.now, 3)
	b.expect()
	b.passes(time.Second)
	b.get(1)
	b.Scale(b.now, -1)
	b.expect("send 1 to 1/0", "retire 2: manual") // the oldest idle one
	b.Scale(b.now, -1)
	b.expect("retire 3: manual")
	b.Scale(b.now, -1) // not below one
	b.expect()
	if st := b.Status(b.now); st.Target != 1 || st.Processes != 1 {
		t.Errorf("status %+v", st)
	}
	n := b.noted(NoteScale)
	if len(n) != 3 || n[0].Delta != 1 || n[1].Delta != -1 || n[2].Delta != -1 || n[0].Text != "by hand" {
		t.Errorf("notes %+v", n)
	}
	b.Scale(b.now, 5000)
	if b.target != maxProcesses || b.processes != maxProcesses {
		t.Errorf("%d of %d", b.target, b.processes)
	}
}

func TestPool_WaitsForAnIdleWorkerWhenItScalesIn(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1, 2)
	b.begins(1, 2)
	b.Scale(b.now, -1)
	b.expect("send 1 to 1/0", "send 2 to 2/0")
	b.ends(2)
	b.expect("finish 2", "retire 2: manual")
}

func TestPool_LetsADueWorkerGoFirstWhenItScalesIn(t *testing.T) {
	b := serving(t, Options{Processes: 2, MaxRequests: 1})
	b.get(1, 2)
	b.begins(2)
	b.runs(1)
	b.forget()
	b.Scale(b.now, -1)
	b.expect("retire 1: max-requests")
	b.Hello(b.now, 3) // it was no longer needed, and is idle
	b.expect("retire 3: manual")
}

func TestPool_DoesNotStopAReplacementBecauseOfScaling(t *testing.T) {
	b := serving(t, Options{Processes: 2, MaxRequests: 1})
	b.get(1)
	b.runs(1)
	b.Scale(b.now, 1)
	b.expect("send 1 to 1/0", "finish 1", "spawn 3 as number 3 of generation 1", "spawn 4 as number 4 of generation 1")
	b.Hello(b.now, 3)
	b.expect()
	b.Hello(b.now, 4)
	b.expect("retire 1: max-requests")
}

func TestPool_KeepsTheFirstReasonForWhichAWorkerIsDue(t *testing.T) {
	b := serving(t, Options{MaxRequests: 1, ReloadOnRSS: 100})
	b.Memory(b.now, 1, 100)
	b.get(1)
	b.runs(1)
	b.Hello(b.now, 2)
	b.expect(respawn, "send 1 to 1/0", "finish 1", "retire 1: memory")
	b.Memory(b.now, 1, 200)
	b.expect()
}

func TestPool_JudgesNoWorkerBeforeItIsReady(t *testing.T) {
	b := newBench(t, Options{ReloadOnRSS: 100, MaxLifetime: time.Hour})
	b.TemplateReady(b.now, 1)
	b.Memory(b.now, 1, 1000)
	b.Hello(b.now, 1)
	b.expect("spawn 1 as number 1 of generation 1")
	b.Memory(b.now, 1, 1000)
	b.expect(respawn)
}

func TestPool_HasNoRequestLimitWithoutOne(t *testing.T) {
	b := serving(t, Options{Processes: 20, MaxRequestsDelta: 50})
	for _, w := range b.workers {
		if w.limit != 0 {
			t.Errorf("limit %d", w.limit)
		}
	}
	b = serving(t, Options{MaxRequests: 3, MaxRequestsDelta: -1, MaxLifetime: time.Second, LifetimeDelta: -time.Second})
	if w := b.find(1); w.limit != 3 || w.leaveAt != b.now+time.Second {
		t.Errorf("limit %d, life until %v", w.limit, w.leaveAt)
	}
}
