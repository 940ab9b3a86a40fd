package pool

import (
	"slices"
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
	b.passes(50 * ms)
	b.begins(2)
	b.Extend(b.now, 1, 1, time.Hour)
	b.passes(950*ms + probeSoon)
	b.forget()
	b.passes(harakiriGrace/2 - 1)
	b.expect(again("interrupt 1/0 seq 1")...)
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
	b.passes(400 * ms)
	b.expect("send 1 to 1/0", "send 2 to 1/1", "take back 1/1", "withdraw 1/1 seq 1", "probe 1")
	b.passes(probeSoon)
	b.expect("fail 1: harakiri", "take back 1/1", "retire 1: harakiri", "stacks 1/0 seq 1", "probe 1", "kill 1", respawn)
	b.passes(time.Second)
	b.expect()
	b.Hello(b.now, 2)
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
	b.expect(again("interrupt 1/0 seq 1", "kill 1")...)
}

func TestPool_InterruptsAgainUntilItIsHeard(t *testing.T) {
	b := serving(t, Options{Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.passes(time.Second)
	b.forget()
	b.passes(interruptAgain - 1)
	b.expect()
	b.passes(1)
	b.expect("interrupt 1/0 seq 1")
	b.heard[1]++ // and the thread takes its time
	b.passes(harakiriGrace/2 - interruptAgain - 1)
	b.expect()
	b.passes(1)
	b.expect("kill 1")
}

func TestPool_DoesNotInterruptAThreadThatHasComeBack(t *testing.T) {
	b := serving(t, Options{Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.passes(time.Second)
	b.forget()
	b.ends(1)
	b.passes(30 * time.Second)
	b.expect()
}

func TestPool_InterruptsACloseAgain(t *testing.T) {
	b := serving(t, Options{Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.endsBeforeClose(1)
	b.passes(time.Second)
	b.expect("send 1 to 1/0", "finish 1", "retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1", respawn)
	b.passes(interruptAgain)
	b.expect("interrupt 1/0 seq 1")
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
	b.expect(again("interrupt 1/0 seq 1")...)
	b.passes(1)
	b.expect("kill 1")
}

// again is what follows a strike that is not heard: the same interrupt until half the grace is over.
func again(line string, then ...string) []string {
	return append(slices.Repeat([]string{line}, interrupts-1), then...)
}
