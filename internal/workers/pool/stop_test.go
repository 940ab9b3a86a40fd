package pool

import (
	"testing"
	"time"

	"fender/internal/exchange"
)

func TestPool_FinishesWhatRunsWhenItStops(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1, 2, 3, 4, 5)
	b.begins(1, 2)
	b.forget()
	b.Stop(b.now)
	b.Stop(b.now)
	b.expect("fail 5: draining", "take back 1/0", "retire 1: shutdown", "take back 2/0", "retire 2: shutdown", "stop template 1")
	b.TookBack(b.now, 1, 0, 1)
	b.expect("fail 3: draining")
	b.TookBack(b.now, 2, 0, 1)
	b.get(6)
	b.expect("fail 4: draining", "fail 6: draining")
	b.ends(1)
	b.leaves(1)
	b.expect("finish 1")
	b.ends(2)
	b.leaves(2)
	b.expect("finish 2", "stopped")
	if n := b.Totals(); n.Answered != 2 || n.Failed != 4 || n.Gone != 2 || n.Born != 2 {
		t.Errorf("totals %+v", n)
	}
	if !b.Status(b.now).Stopping {
		t.Error("the status does not say so")
	}
}

func TestPool_StopsSuspectsToo(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1, 2)
	b.begins(1, 2)
	b.crashes(1)
	b.forget()
	b.Stop(b.now)
	b.expect("fail 1: draining", "retire 2: shutdown", "retire 3: shutdown", "stop template 1")
	if w := b.find(2); w.reserved != nil {
		t.Error("a worker is kept for nobody")
	}
}

func TestPool_RetriesNothingWhileItStops(t *testing.T) {
	b := serving(t, Options{Threads: 3})
	b.get(1)
	b.post(2, 3)
	b.begins(1, 2)
	b.Stop(b.now)
	b.TookBack(b.now, 1, 2, 0) // 3 has been read
	b.forget()
	b.crashes(1)
	b.expect("fail 1: draining", "fail 2: worker-crash", "fail 3: draining", "stopped")
	if n := b.Totals(); n.Retried != 0 {
		t.Errorf("totals %+v", n)
	}
}

func TestPool_StopsAtOnceWhenThereIsNothing(t *testing.T) {
	b := newBench(t, Options{})
	b.Stop(b.now)
	b.expect("stop template 1", "stopped")
	b.Force(b.now)
	b.TemplateReady(b.now, 1)
	b.TemplateDied(b.now, 1, "told to")
	b.passes(time.Hour)
	b.expect()
}

func TestPool_WaitsForWorkersThatStart(t *testing.T) {
	b := newBench(t, Options{})
	b.TemplateReady(b.now, 1)
	b.forget()
	b.Stop(b.now)
	b.expect("retire 1: shutdown", "stop template 1")
	b.Hello(b.now, 1)
	b.expect()
	b.leaves(1)
	b.expect("stopped")
}

func TestPool_EndsByForceWhatDoesNotEndByItself(t *testing.T) {
	b := serving(t, Options{Processes: 2, Threads: 2})
	b.get(1, 2, 3, 4, 5)
	b.begins(1, 2)
	b.gives(2, streamBytes, -1)
	b.Cancel(b.now, 3)
	b.forget()
	b.Force(b.now)
	b.expect("take back 1/0", "take back 1/1", "retire 1: shutdown", "take back 2/1", "retire 2: shutdown", "stop template 1",
		"fail 1: draining", "fail 5: draining", "kill 1", "cut 2: draining", "fail 4: draining", "kill 2")
	if n := b.noted(NoteError); len(n) != 4 || n[0].ID != 1 || n[0].Cause != exchange.CauseDraining || n[0].Spawn != 1 {
		t.Errorf("notes %+v", n)
	}
	b.TookBack(b.now, 1, 0, 1)
	b.killed(1)
	b.expect()
	b.killed(2)
	b.expect("stopped")
	if n := b.Totals(); n.Failed != 4 || n.Cut != 1 || n.Cancelled != 1 || len(b.requests) != 0 {
		t.Errorf("totals %+v, %d requests stay", n, len(b.requests))
	}
}

func TestPool_ForcesAfterStop(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.Stop(b.now)
	b.forget()
	b.Force(b.now)
	b.Force(b.now)
	b.expect("fail 1: draining", "kill 1")
	b.killed(1)
	b.expect("stopped")
	b.Force(b.now)
	b.expect()
}

func TestPool_KeepsHarakiriWhileItStops(t *testing.T) {
	b := serving(t, Options{Harakiri: time.Second})
	b.get(1, 2)
	b.begins(1)
	b.Stop(b.now)
	b.TookBack(b.now, 1, 0, 1)
	b.forget()
	b.passes(time.Second)
	b.expect("fail 1: harakiri", "retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1")
	b.passes(harakiriGrace / 2)
	b.expect(again("interrupt 1/0 seq 1", "kill 1")...)
}

func TestPool_StopsItsCycleWhenItHasStopped(t *testing.T) {
	b := serving(t, Options{MaxLifetime: time.Hour})
	b.Stop(b.now)
	b.leaves(1)
	b.forget()
	b.passes(2 * cycle)
	if at, ok := b.Next(); ok {
		t.Errorf("it wants to be woken at %v", at)
	}
}

func TestPool_DoesNothingAboutADeathWhileItStops(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.Stop(b.now)
	b.forget()
	b.crashes(1)
	b.expect()
	if b.boot.until.on {
		t.Error("it pauses before nothing")
	}
}

func TestPool_ForgetsAReloadWhenItStops(t *testing.T) {
	b := serving(t, Options{})
	b.Reload(b.now, "reload")
	b.TemplateReady(b.now, 2)
	b.Stop(b.now)
	b.forget()
	b.leaves(2) // the first worker of the new generation
	b.leaves(1)
	b.expect("stopped")

	b = serving(t, Options{Processes: 2})
	b.get(1, 2)
	b.begins(1, 2)
	b.Reload(b.now, "reload")
	b.TemplateReady(b.now, 2)
	b.Hello(b.now, 3)
	b.Stop(b.now)
	b.forget()
	b.ends(1, 2)
	b.expect("finish 1", "finish 2")
	b.Scale(b.now, 1)
	if n := b.noted(NoteScale); len(n) != 0 {
		t.Errorf("notes %+v", n)
	}
}
