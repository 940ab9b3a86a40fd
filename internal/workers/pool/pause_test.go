package pool

import (
	"testing"
	"time"
)

var struck = []string{"cut 1: harakiri", "retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1", respawn}

// leaving is a pool whose request 1 gives an answer that leaves already.
func leaving(t *testing.T) *bench {
	b := serving(t, Options{Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.gives(1, streamBytes, -1)
	b.expect("send 1 to 1/0", "release 1")
	return b
}

func TestPool_StopsTheClockWhileTheClientIsSlow(t *testing.T) {
	b := leaving(t)
	b.passes(400 * ms)
	b.Paused(b.now, 1, 0)
	b.passes(100 * ms)
	b.Paused(b.now, 1, 0) // already
	b.passes(time.Hour)
	b.Resumed(b.now, 1, 0)
	b.Resumed(b.now, 1, 0)
	b.passes(600*ms - 1)
	b.expect()
	b.passes(1)
	b.expect(struck...)
}

func TestPool_DoesNotLoseAClockThatIsDueAlready(t *testing.T) {
	b := leaving(t)
	b.now += time.Second // and before the pool is told the time
	b.Paused(b.now, 1, 0)
	b.passes(time.Hour)
	b.Resumed(b.now, 1, 0)
	b.expect()
	b.passes(1)
	b.expect(struck...)
}

func TestPool_SendsNothingBehindAPausedAnswer(t *testing.T) {
	b := leaving(t)
	b.get(2)
	b.expect("send 2 to 1/0 ahead")
	b.Paused(b.now, 1, 0)
	b.expect("take back 1/0")
	b.TookBack(b.now, 1, 0, 1)
	b.get(3)
	b.expect()
	b.Resumed(b.now, 1, 0)
	b.expect() // it has held somebody up already
	b.ends(1)
	b.expect("finish 1", "send 2 to 1/0", "send 3 to 1/0 ahead")
}

func TestPool_SendsAheadAgainWhenTheClientReadsAgain(t *testing.T) {
	b := leaving(t)
	b.Paused(b.now, 1, 0)
	b.get(2)
	b.expect()
	b.Resumed(b.now, 1, 0)
	b.expect("send 2 to 1/0 ahead")
}

func TestPool_ForgetsAPauseWithItsAnswer(t *testing.T) {
	b := leaving(t)
	b.passes(400 * ms)
	b.Paused(b.now, 1, 0)
	b.ends(1) // of a worker that is dead, everything is read
	b.get(2)
	b.begins(2)
	b.Resumed(b.now, 1, 0)
	b.get(3)
	b.expect("finish 1", "send 2 to 1/0", "send 3 to 1/0 ahead")
	b.Cancel(b.now, 3)
	b.TookBack(b.now, 1, 0, 1)
	b.forget()
	b.passes(time.Second - 1)
	b.expect()
	b.passes(1)
	b.expect("fail 2: harakiri", "retire 1: harakiri", "stacks 1/0 seq 2", "interrupt 1/0 seq 2", respawn)
}

func TestPool_PausesOnlyWhatIsThere(t *testing.T) {
	b := serving(t, Options{})
	b.Paused(b.now, 1, 0)
	b.Paused(b.now, 1, 1)
	b.Resumed(b.now, 1, 0)
	b.Resumed(b.now, 2, 0)
	b.get(1)
	b.begins(1)
	b.gives(1, streamBytes, -1)
	b.Paused(b.now, 1, 0)
	b.Extend(b.now, 1, 0, time.Second)
	b.Resumed(b.now, 1, 0)
	b.passes(time.Hour)
	b.expect("send 1 to 1/0", "release 1") // no clock comes from nothing
}

func TestPool_BoundsWhatARequestMayAskFor(t *testing.T) {
	for name, paused := range map[string]bool{"running": false, "paused": true} {
		b := serving(t, Options{Harakiri: time.Second})
		b.get(1)
		b.begins(1)
		b.gives(1, 10, -1)
		b.passes(streamQuiet)
		if paused {
			b.Paused(b.now, 1, 0)
		}
		for range 3 {
			b.Extend(b.now, 1, 0, 1<<62)
		}
		b.Resumed(b.now, 1, 0)
		b.forget()
		b.passes(extendMost - 1)
		b.expect()
		b.passes(1)
		b.drain()
		if len(b.lines) == 0 || b.lines[0] != "cut 1: harakiri" {
			t.Errorf("%s: effects %q", name, b.lines)
		}
	}
}

func TestPool_ExtendsTheTimeOfARequest(t *testing.T) {
	b := serving(t, Options{Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.Extend(b.now, 1, 0, 0)
	b.Extend(b.now, 1, 0, -time.Hour)
	b.Extend(b.now, 2, 0, time.Hour)
	b.passes(500 * ms)
	b.Extend(b.now, 1, 0, 2*time.Second)
	b.passes(2500*ms - 1)
	b.expect("send 1 to 1/0")
	b.passes(1)
	b.expect("fail 1: harakiri", "retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1", respawn)
}

func TestPool_ExtendsTheTimeOfAPausedRequest(t *testing.T) {
	b := leaving(t)
	b.passes(400 * ms)
	b.Paused(b.now, 1, 0)
	b.Extend(b.now, 1, 0, time.Second)
	b.passes(time.Hour)
	b.Resumed(b.now, 1, 0)
	b.passes(1600*ms - 1)
	b.expect()
	b.passes(1)
	b.expect(struck...)
}

func TestPool_ExtendsTheTimeOfARequestWhoseBeginItHadNotSeen(t *testing.T) {
	b := serving(t, Options{Harakiri: time.Second})
	b.get(1)
	b.passes(unreadBound)
	b.TookBack(b.now, 1, 0, 0)
	b.passes(50 * ms)
	b.begins(1)
	b.Extend(b.now, 1, 0, time.Second)
	b.forget()
	b.passes(2*time.Second - 1)
	b.expect()
	b.passes(1)
	b.drain()
	if len(b.lines) == 0 || b.lines[0] != "fail 1: harakiri" {
		t.Errorf("effects %q", b.lines)
	}
}

func TestPool_ExtendsTheTimeOfTheRequestBehindACloseThatHasReturned(t *testing.T) {
	b := serving(t, Options{Harakiri: time.Second})
	b.get(1, 2)
	b.begins(1)
	b.endsBeforeClose(1)
	b.begins(2)
	b.Extend(b.now, 1, 0, time.Second)
	b.passes(2*time.Second - 1)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "finish 1")
	b.passes(1)
	b.drain()
	if len(b.lines) == 0 || b.lines[0] != "fail 2: harakiri" {
		t.Errorf("effects %q", b.lines)
	}
}

func TestPool_ExtendsNothingOfACloseThatRuns(t *testing.T) {
	b := serving(t, Options{Harakiri: time.Second})
	b.get(1)
	b.begins(1)
	b.endsBeforeClose(1)
	b.Extend(b.now, 1, 0, time.Hour)
	b.passes(time.Second)
	b.expect("send 1 to 1/0", "finish 1", "retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1", respawn)
}

func TestPool_DoesNotCountAPauseOfTheWholeContainer(t *testing.T) {
	b := serving(t, Options{Threads: 2, Harakiri: 2 * time.Second})
	b.get(1)
	b.begins(1)
	b.passes(900 * ms)
	b.now += time.Minute // everything stands still
	b.Tick(b.now)
	b.passes(time.Second)
	b.expect("send 1 to 1/0")
	b.passes(time.Second)
	b.expect("fail 1: harakiri", "retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1", respawn)
	b.heard[1]++
	b.passes(100 * ms)
	b.now += time.Minute
	b.Tick(b.now)
	b.expect() // neither does its grace
	b.passes(2 * time.Second)
	b.expect("kill 1")
}

func TestPool_CountsALateTickThatIsNoPause(t *testing.T) {
	b := serving(t, Options{Harakiri: 2 * time.Second})
	b.get(1)
	b.begins(1)
	b.passes(900 * ms)
	b.now += 100*ms + gap
	b.Tick(b.now)
	b.passes(500 * ms)
	b.expect("send 1 to 1/0", "fail 1: harakiri", "retire 1: harakiri", "stacks 1/0 seq 1", "interrupt 1/0 seq 1", respawn)
}

func TestPool_WatchesForPausesAsLongAsSomethingRuns(t *testing.T) {
	b := serving(t, Options{})
	if _, ok := b.Next(); ok {
		t.Fatal("an idle pool wants to be woken")
	}
	b.get(1)
	b.begins(1)
	for range 3 {
		b.passes(cycle)
		if at, ok := b.Next(); !ok || at != b.now+cycle {
			t.Fatalf("next %v %v at %v", at, ok, b.now)
		}
	}
	b.ends(1)
	b.passes(cycle)
	if at, ok := b.Next(); ok {
		t.Errorf("an idle pool wants to be woken at %v", at)
	}
	b.passes(cycle / 2)
	b.get(2)
	b.begins(2)
	if at, ok := b.Next(); !ok || at != b.now+unreadBound {
		t.Errorf("next %v %v at %v", at, ok, b.now)
	}
	b.passes(unreadBound)
	if at, _ := b.Next(); at != b.now+cycle-unreadBound {
		t.Errorf("next %v at %v", at, b.now)
	}
}
