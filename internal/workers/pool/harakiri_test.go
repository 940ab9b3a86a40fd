package pool

import (
	"testing"
	"time"

	"fender/internal/observe/event"
)

const respawn = "spawn 2 as number 2 of generation 1"

func TestPool_AnswersInTheFrontsNameWhenARequestIsOverItsTime(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second})
	b.get(1, 2, 3)
	b.begins(1)
	b.passes(5 * ms)
	b.begins(2)
	b.gives(2, 1, 10)
	b.expect("send 1 to 1/0", "send 2 to 1/1", "send 3 to 1/0 ahead")
	b.ends(2)
	b.passes(995*ms - 1)
	b.expect("finish 2", "take back 1/0") // 3 is stolen for the free slot
	b.TookBack(b.now, 1, 0, 1)
	b.begins(3)
	b.expect("send 3 to 1/1")
	b.passes(1)
	b.expect("probe 1")
	b.passes(probeSoon) // it sleeps on no lock: it is nobody's victim
	b.expect("fail 1: harakiri", "retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1", respawn)
	if f := b.facts[1]; f.Attempts != 1 || f.Work != time.Second+probeSoon {
		t.Errorf("facts %+v", f)
	}
	b.ends(3) // the neighbour finishes
	b.expect("finish 3")
	b.ends(1) // and what the interrupted thread says is discarded
	b.expect()
	b.passes(time.Second)
	b.expect()
	if n := b.Totals(); n.Harakiri != 1 || n.Failed != 1 || n.Answered != 2 {
		t.Errorf("totals %+v", n)
	}
	if w := b.find(1); w.state != StateDoomed || w.occupied != 0 || w.killed {
		t.Errorf("worker %+v", w)
	}
}

func TestPool_HasNoClockWithoutHarakiri(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.passes(time.Hour)
	b.expect("send 1 to 1/0")
}

func TestPool_CutsAnAnswerThatLeavesWhenItsRequestIsOverItsTime(t *testing.T) {
	b := serving(t, Options{Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.gives(1, streamBytes, -1)
	b.passes(time.Second)
	b.expect("send 1 to 1/0", "release 1", "cut 1: harakiri", "retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1", respawn)
	if n := b.Totals(); n.Cut != 1 || n.Failed != 1 {
		t.Errorf("totals %+v", n)
	}
	b.gives(1, 10, -1) // discarded
	b.passes(streamQuiet)
	b.expect()
}

func TestPool_GivesEachRequestOfASlotItsOwnTime(t *testing.T) {
	b := serving(t, Options{Harakiri: time.Second})
	b.get(1, 2)
	b.begins(1)
	b.passes(5 * ms)
	b.ends(1)
	b.begins(2)
	b.passes(time.Second - 1)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "finish 1")
	b.ends(2)
	b.passes(time.Hour)
	b.expect("finish 2")
}

func TestPool_KillsTheWorkerWhoseThreadDoesNotHearOnceItsNeighboursAreDone(t *testing.T) {
	b := serving(t, Options{Threads: 3, Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.passes(500 * ms)
	b.get(2, 3)
	b.begins(2, 3)
	b.passes(500*ms + probeSoon)
	b.expect("send 1 to 1/0", "send 2 to 1/1", "send 3 to 1/2", "probe 1",
		"fail 1: harakiri", "retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1", respawn)
	b.heard[1]++
	b.passes(300 * ms)
	b.Extend(b.now, 1, 1, time.Hour)
	b.Extend(b.now, 1, 2, time.Hour)
	b.passes(700 * ms)
	b.expect() // its neighbours may finish
	b.ends(2)
	b.expect("finish 2")
	b.Cancel(b.now, 3) // nobody waits for it any more
	b.expect("fail 3: client-gone", "abort 1/2 seq 1", "kill 1")
	b.passes(time.Hour)
	b.expect()
}

func TestPool_DoesNotKillAStruckWorkerWhoseThreadCameBackLate(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second})
	b.get(1, 2)
	b.begins(1, 2)
	b.Extend(b.now, 1, 1, time.Hour)
	b.passes(time.Second + probeSoon)
	b.heard[1]++
	b.passes(harakiriGrace / 2)
	b.forget()
	if !b.find(1).condemned {
		t.Error("the worker is not condemned")
	}
	b.ends(1)
	b.ends(2)
	b.passes(time.Second)
	b.expect("finish 2")
	if w := b.find(1); w.killed || w.state != StateDoomed {
		t.Errorf("killed %v, %s", w.killed, w.state)
	}
}

func TestPool_KillsACondemnedWorkerWhenItsLastNeighbourIsRefused(t *testing.T) {
	for name, last := range map[string]func(*bench){
		"bad answer":   func(b *bench) { b.BadAnswer(b.now, 1, 1, "bad") },
		"its own time": func(b *bench) { b.passes(3 * time.Second) },
	} {
		b := serving(t, Options{Threads: 2, Harakiri: time.Second})
		b.get(1)
		b.begins(1)
		b.passes(900 * ms)
		b.get(2)
		b.begins(2)
		b.Extend(b.now, 1, 1, time.Second)
		b.passes(100*ms + probeSoon)
		b.heard[1]++
		b.passes(harakiriGrace / 2)
		if w := b.find(1); !w.condemned || w.killed {
			t.Errorf("%s: condemned %v, killed %v", name, w.condemned, w.killed)
		}
		last(b)
		if w := b.find(1); !w.killed {
			t.Errorf("%s: not killed", name)
		}
	}
}

func TestPool_KillsAtOnceAWorkerThatDoesNotHearAtAll(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second})
	b.get(1)
	b.post(2)
	b.begins(1)
	b.passes(500 * ms)
	b.begins(2)
	b.passes(500*ms + probeSoon)
	b.Extend(b.now, 1, 1, time.Hour)
	b.forget()
	b.passes(harakiriGrace/2 - 1)
	b.expect()
	b.passes(1)
	b.expect("kill 1")
	b.Hello(b.now, 2)
	b.killed(1)
	b.expect("fail 2: harakiri") // the neighbour goes along: it is said why
	if n := b.Totals(); n.Poison != 0 || n.Failed != 2 {
		t.Errorf("totals %+v", n)
	}
}

func TestPool_BeginsTheNeighboursOfAFrozenWorkerAgain(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.passes(500 * ms)
	b.get(2)
	b.begins(2)
	b.thread(1, 1).blocked = true
	b.passes(500*ms + harakiriGrace/2)
	b.forget()
	b.Hello(b.now, 2)
	b.killed(1)
	b.expect("send 2 to 2/0")
	if r := b.requests[2]; r.suspect {
		t.Error("it is known who did it")
	}
}

func TestPool_KillsWithoutInterruptingWhenAskedTo(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second, NoInterrupt: true})
	b.get(1)
	b.begins(1)
	b.passes(time.Second)
	b.expect("send 1 to 1/0", "fail 1: harakiri", "retire 1: harakiri", "stacks 1/0 seq 1", "probe 1", "kill 1", respawn)

	b = serving(t, Options{Threads: 2, Harakiri: time.Second, NoInterrupt: true})
	b.get(1)
	b.begins(1)
	b.passes(500 * ms)
	b.get(2)
	b.begins(2)
	b.passes(500*ms + probeSoon)
	b.forget()
	b.heard[1]++
	b.passes(100 * ms)
	b.expect()
	b.ends(2)
	b.expect("finish 2", "kill 1")
}

func TestPool_DoesNotWaitForNeighboursThatCannotRun(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second, NoInterrupt: true})
	b.get(1)
	b.begins(1)
	b.passes(500 * ms)
	b.get(2) // read, and not begun: the interpreter is held
	b.passes(unreadBound)
	b.TookBack(b.now, 1, 1, 0)
	b.passes(400*ms + probeSoon)
	b.forget()
	b.TookBack(b.now, 1, 1, 0)
	b.passes(harakiriGrace / 2)
	b.expect("kill 1")
	b.Hello(b.now, 2)
	b.killed(1)
	b.expect("send 2 to 2/0")
}

func TestPool_StrikesASecondThreadOfTheSameWorker(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.passes(200 * ms)
	b.get(2)
	b.begins(2)
	b.passes(800*ms + probeSoon)
	b.heard[1]++
	b.forget()
	b.passes(200 * ms)
	b.expect("probe 1", "fail 2: harakiri", "stacks 1/1 seq 1", "interrupt 1/1 seq 1")
	b.ends(2)
	b.ends(1)
	b.passes(harakiriGrace)
	b.expect()
}

func TestPool_StrikesARequestWhoseClientHasGoneToo(t *testing.T) {
	b := serving(t, Options{Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.Cancel(b.now, 1)
	b.forget()
	b.passes(time.Second)
	b.expect("retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1", respawn)
	if n := b.Totals(); n.Failed != 0 || n.Harakiri != 1 {
		t.Errorf("totals %+v", n)
	}
}

func TestPool_StrikesAWorkerThatLeavesAnyway(t *testing.T) {
	b := serving(t, Options{Processes: 2, Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.Reload(b.now, event.ReasonReload)
	b.TemplateReady(b.now, 2)
	b.Hello(b.now, 3)
	b.Hello(b.now, 4)
	b.Hello(b.now, 5)
	b.forget()
	if s := b.state(1); s != StateRetiring {
		t.Fatalf("worker 1 is %s", s)
	}
	b.passes(time.Second)
	b.expect("fail 1: harakiri", "retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1")
	b.passes(harakiriGrace / 2)
	b.expect("kill 1")
}

func TestPool_DoesNotStrikeAWorkerThatIsBeingKilled(t *testing.T) {
	b := serving(t, Options{Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.Protocol(b.now, 1, "rubbish")
	b.forget()
	b.passes(time.Hour)
	b.expect()
}

// ---- who holds the interpreter? ----

func TestPool_SparesAThreadThatSleepsOnALockUntilItIsKnownWhose(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.passes(10 * ms)
	b.get(2)
	b.begins(2)
	b.Extend(b.now, 1, 1, time.Hour)
	b.thread(1, 0).blocked = true
	b.forget()
	b.passes(990 * ms)
	b.expect("probe 1")
	b.heard[1]++ // the interpreter runs: the lock is the application's own
	b.passes(probeSoon - 1)
	b.expect()
	b.passes(1)
	b.expect("fail 1: harakiri", "retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1", respawn)
}

func TestPool_KillsAFrozenWorkerWithoutNamingAnybody(t *testing.T) {
	b := serving(t, Options{Threads: 3, Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.thread(1, 0).blocked = true
	b.passes(5 * ms)
	b.get(2)
	b.post(3)
	b.begins(2, 3) // 2 holds the interpreter's lock and has more time
	b.Extend(b.now, 1, 1, time.Hour)
	b.Extend(b.now, 1, 2, time.Hour)
	b.passes(995 * ms)
	b.expect("send 1 to 1/0", "send 2 to 1/1", "send 3 to 1/2", "probe 1")
	b.passes(probeLate - 1)
	b.expect()
	b.passes(1)
	b.expect("retire 1: harakiri", "kill 1", respawn)
	b.Hello(b.now, 2)
	b.killed(1)
	b.expect("fail 3: harakiri", "send 1 to 2/0")
	b.get(4)
	b.runs(1)
	b.expect("finish 1", "send 2 to 2/0") // alone, and nobody beside it
	b.begins(2)
	b.passes(time.Second) // it holds the lock again, and nobody else can be the victim
	b.expect("fail 2: harakiri", "retire 2: harakiri", "stacks 2/0 seq 2", "interrupt 2/0 seq 2", "spawn 3 as number 1 of generation 1")
}

func TestPool_LooksSeveralTimesWhetherAThreadSleepsOnALock(t *testing.T) {
	for _, c := range []struct {
		name   string
		asleep Time // for 10 ms, so long after the deadline
		spared Time
	}{
		{"never", time.Hour, probeSoon},
		{"at the deadline", 0, probeLate},
		{"at the second look", probeStep, probeLate},
		{"at the last look", probeSoon - 5*ms, probeLate},
		{"after that", probeSoon + 5*ms, probeSoon},
	} {
		b := serving(t, Options{Threads: 2, Harakiri: time.Second})
		b.get(1)
		b.begins(1)
		b.passes(10 * ms)
		b.get(2)
		b.begins(2)
		b.Extend(b.now, 1, 1, time.Hour)
		b.passes(990*ms - 1)
		b.forget()
		deadline := b.now + 1
		for b.now < deadline+c.spared-1 {
			since := b.now + 5*ms - deadline
			b.thread(1, 0).blocked = since >= c.asleep && since < c.asleep+10*ms
			b.passes(min(5*ms, deadline+c.spared-1-b.now))
		}
		b.expect("probe 1")
		b.passes(1)
		b.drain()
		if len(b.lines) == 0 {
			t.Errorf("%s: still spared after %v", c.name, c.spared)
		}
	}
}

func TestPool_DoesNotSpareAThreadThatNobodyCanHoldUp(t *testing.T) {
	strike := []string{"send 1 to 1/0", "fail 1: harakiri", "retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1", respawn}
	b := serving(t, Options{Threads: 2, Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.thread(1, 0).blocked = true
	b.passes(time.Second)
	b.expect(strike...)
}

func TestPool_KnowsWhoFrozeAWorkerWhenOneIsStruckAlready(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second})
	b.get(1, 2)
	b.begins(1, 2)
	b.Extend(b.now, 1, 1, 2*time.Second)
	b.passes(time.Second + probeSoon)
	b.heard[1]++
	b.passes(harakiriGrace / 2) // condemned: it ends with its neighbour, which now stands still
	b.thread(1, 1).blocked = true
	b.forget()
	b.passes(900*ms + probeLate - 1)
	b.expect("probe 1")
	b.passes(1)
	b.expect("kill 1")
	b.Hello(b.now, 2)
	b.killed(1)
	b.expect("send 2 to 2/0")
	if b.requests[2].suspect {
		t.Error("2 is a suspect")
	}
}

func TestPool_MovesWhatAFrozenWorkerHasReadAndNotBegun(t *testing.T) {
	b := serving(t, Options{Processes: 2, Harakiri: time.Second})
	b.post(1)
	b.passes(unreadBound)
	b.TookBack(b.now, 1, 0, 0)
	b.passes(time.Second - unreadBound)
	b.expect("send 1 to 1/0", "take back 1/0", "probe 1")
	b.passes(probeLate - 1)
	b.expect()
	b.passes(1)
	b.expect("take back 1/0", "retire 1: harakiri", "kill 1", "spawn 3 as number 3 of generation 1")
	b.killed(1)
	b.expect("send 1 to 2/0")
	if r := b.requests[1]; r.suspect || r.begins != 0 {
		t.Errorf("request %+v", r)
	}
}

func TestPool_WaitsForAThreadThatIsOnlySlowToBegin(t *testing.T) {
	b := serving(t, Options{Harakiri: time.Second})
	b.post(1)
	b.passes(unreadBound)
	b.TookBack(b.now, 1, 0, 0)
	b.passes(time.Second - unreadBound)
	b.expect("send 1 to 1/0", "take back 1/0", "probe 1")
	b.heard[1]++
	b.passes(probeSoon)
	b.passes(time.Second - 1)
	b.expect()
	b.passes(1)
	b.expect("probe 1") // asked again after as long again
}

func TestPool_LeavesAHeldUpThreadToTheClockOfWhoHoldsItUp(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.Extend(b.now, 1, 0, time.Second)
	b.post(2)
	b.passes(unreadBound)
	b.TookBack(b.now, 1, 1, 0)
	b.passes(time.Second)
	b.expect("send 1 to 1/0", "send 2 to 1/1", "take back 1/1")
	b.passes(2*time.Second - unreadBound + probeSoon)
	b.expect("probe 1", "fail 1: harakiri", "take back 1/1", "retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1", respawn, "kill 1")
	b.Hello(b.now, 2)
	b.killed(1)
	b.expect("send 2 to 2/0")
}

func TestPool_LeavesAHeldUpThreadToTheClockOfAClose(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.Extend(b.now, 1, 0, time.Hour)
	b.endsBeforeClose(1)
	b.post(2)
	b.passes(time.Second + unreadBound)
	b.expect("send 1 to 1/0", "finish 1", "send 2 to 1/1", "take back 1/1")
}

func TestPool_StartsTheClockOfALateRequestWhenItIsSeenToRun(t *testing.T) {
	for name, c := range map[string]struct {
		harakiri Time
		begun    Time // so long after it was sent
		seen     func(*bench)
		from     Time // when its clock starts
	}{
		"by a look at the page": {time.Second, 920 * ms, func(*bench) {}, time.Second},
		"by its first frame":    {time.Second, 920 * ms, func(b *bench) { b.gives(1, 10, 100) }, 920 * ms},
		"at its deadline":       {950 * ms, 920 * ms, func(*bench) {}, 950 * ms},
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

func TestPool_AsksAFrozenWorkerAnewAfterSomebodyElseWasWaitedFor(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second})
	b.post(1)
	b.passes(unreadBound)
	b.TookBack(b.now, 1, 0, 0)
	b.passes(time.Second - unreadBound)
	b.expect("send 1 to 1/0", "take back 1/0", "probe 1")
	s := &b.find(1).slots[1]
	b.stalledNoMore(1)
	b.post(2)
	b.begins(2) // the other thread runs, and has a clock of its own
	b.passes(probeSoon)
	b.expect("send 2 to 1/1")
	b.ends(2)
	b.passes(time.Second - 1)
	b.expect("finish 2")
	b.passes(1)
	b.expect("probe 1") // and not killed for what was not heard then
	if s.probed != 0 {
		t.Error("the wrong slot is probed")
	}
}

func TestPool_StrikesWhoIsOnNoLockAlsoWhenItLooksLate(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second})
	b.get(1, 2)
	b.begins(1, 2)
	b.Extend(b.now, 1, 1, time.Hour)
	b.passes(time.Second)
	b.expect("send 1 to 1/0", "send 2 to 1/1", "probe 1")
	b.now += probeLate // one late tick, less than a pause of the container
	b.Tick(b.now)
	b.expect("fail 1: harakiri", "retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1", respawn)
}

func TestPool_ReplacesAFrozenWorkerAtOnce(t *testing.T) {
	b := serving(t, Options{Harakiri: 1300 * ms})
	b.post(1)
	b.passes(unreadBound)
	b.TookBack(b.now, 1, 0, 0)
	b.passes(1300*ms + probeLate - unreadBound)
	b.expect("send 1 to 1/0", "take back 1/0", "probe 1", "take back 1/0", "retire 1: harakiri", "kill 1", respawn)
}

func TestPool_ComparesWhatIsHeardWithTheMomentOfTheInterrupt(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second})
	b.get(1, 2)
	b.begins(1, 2)
	b.Extend(b.now, 1, 1, time.Hour)
	b.passes(time.Second)
	b.heard[1]++ // the probe; what follows is not heard
	b.passes(probeStep)
	b.forget()
	b.passes(harakiriGrace/2 - 1)
	b.expect()
	b.passes(1)
	b.expect("kill 1")
}

func TestPool_KillsACondemnedWorkerWhenItsLastNeighbourComesBack(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second, NoInterrupt: true})
	b.get(1)
	b.begins(1)
	b.passes(980 * ms)
	b.get(2) // unread
	b.passes(20*ms + probeSoon)
	b.expect("send 1 to 1/0", "send 2 to 1/1", "probe 1", "take back 1/1", "fail 1: harakiri", "retire 1: harakiri",
		"stacks 1/0 seq 1", "probe 1", respawn)
	b.TookBack(b.now, 1, 1, 1)
	b.expect("kill 1")
}
