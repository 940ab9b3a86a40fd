package pool

import (
	"testing"
	"time"
)

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
	b.passes(unreadBound + withdrawBound)
	b.expect("send 1 to 1/0", "take back 1/0", "withdraw 1/0 seq 1", "send 1 to 2/0")
	b.runs(1)
	b.expect("finish 1")
	if n := b.facts[1].Attempts; n != 1 {
		t.Errorf("%d attempts", n)
	}
	b.passes(time.Second - 2*unreadBound - withdrawBound)
	b.expect("probe 1")
	b.passes(probeLate - 1)
	b.expect()
	b.passes(1)
	b.expect("take back 1/0", "retire 1: harakiri", "kill 1", "spawn 3 as number 3 of generation 1")
	b.killed(1)
	b.expect()
}

func TestPool_WaitsForAThreadThatIsOnlySlowToBegin(t *testing.T) {
	b := serving(t, Options{Harakiri: time.Second})
	b.post(1)
	b.passes(unreadBound)
	b.TookBack(b.now, 1, 0, 0)
	b.passes(time.Second - unreadBound)
	b.expect("send 1 to 1/0", "take back 1/0", "withdraw 1/0 seq 1", "probe 1")
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
	b.expect("send 1 to 1/0", "send 2 to 1/1", "take back 1/1", "withdraw 1/1 seq 1")
	b.passes(2*time.Second - unreadBound + probeSoon)
	b.expect(append([]string{"probe 1", "fail 1: harakiri", "take back 1/1", "retire 1: harakiri", "stacks 1/0 seq 1",
		"interrupt 1/0 seq 1", respawn}, again("interrupt 1/0 seq 1", "kill 1")...)...)
	b.Hello(b.now, 2)
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
	b.expect("send 1 to 1/0", "finish 1", "send 2 to 1/1", "take back 1/1", "withdraw 1/1 seq 1")
}

func TestPool_AsksAFrozenWorkerAnewAfterSomebodyElseWasWaitedFor(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: time.Second})
	b.post(1)
	b.passes(unreadBound)
	b.TookBack(b.now, 1, 0, 0)
	b.passes(time.Second - unreadBound)
	b.expect("send 1 to 1/0", "take back 1/0", "withdraw 1/0 seq 1", "probe 1")
	b.Cancel(b.now, 1)
	b.expect("fail 1: client-gone")
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
	b.expect("send 1 to 1/0", "take back 1/0", "withdraw 1/0 seq 1", "probe 1", "take back 1/0", "retire 1: harakiri", "kill 1", respawn)
}
