package loop

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is an owner for tests: a mailbox of functions and one deadline.
type bench struct {
	box      *Mailbox[func()]
	deadline time.Duration
	fired    chan time.Duration
}

func (b *bench) Turn(now time.Duration) {
	for _, f := range b.box.Take() {
		f()
	}
	if b.deadline > 0 && b.deadline <= now {
		b.deadline = 0
		b.fired <- now
	}
}

func (b *bench) Next() (time.Duration, bool) { return b.deadline, b.deadline > 0 }
func (b *bench) Pending() bool               { return b.box.Pending() }

// run starts a loop and ends it with the test.
func run(t *testing.T) (*Loop, *bench) {
	t.Helper()
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{box: NewMailbox[func()](l), fired: make(chan time.Duration, 1)}
	var ended sync.WaitGroup
	ended.Go(func() { l.Run(b) })
	t.Cleanup(func() {
		l.Quit()
		ended.Wait()
		l.Close()
	})
	return l, b
}

// on runs f on the loop and waits for it.
func (b *bench) on(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	if !b.box.Put(func() { f(); close(done) }) {
		t.Fatal("the mailbox is closed")
	}
	<-done
}

type handler func(now time.Duration, events uint32)

func (h handler) Ready(now time.Duration, events uint32) { h(now, events) }

func pair(t *testing.T) (a, b int) {
	t.Helper()
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = unix.Close(p[0])
		_ = unix.Close(p[1])
	})
	return p[0], p[1]
}

func send(t *testing.T, fd int) {
	t.Helper()
	if _, err := unix.Write(fd, []byte("x")); err != nil {
		t.Fatal(err)
	}
}

func TestLoop_TakesLettersOfManyGoroutinesInTheOrderOfEach(t *testing.T) {
	_, b := run(t)
	const posters, each = 8, 5000
	next := make([]int, posters)
	wrong := 0
	var all sync.WaitGroup
	for p := range posters {
		all.Go(func() {
			for i := range each {
				b.box.Put(func() {
					if next[p] != i {
						wrong++
					}
					next[p]++
				})
				if i%100 == 0 {
					runtime.Gosched() // so that the loop falls asleep now and then
				}
			}
		})
	}
	all.Wait()
	b.on(t, func() {})
	for p, n := range next {
		if n != each {
			t.Errorf("poster %d: %d letters arrived, not %d", p, n, each)
		}
	}
	if wrong > 0 {
		t.Errorf("%d letters came out of turn", wrong)
	}
}

func TestLoop_WakesFromSleepForALetter(t *testing.T) {
	l, b := run(t)
	for range 200 {
		for !l.asleep.Load() {
			runtime.Gosched()
		}
		b.on(t, func() {})
	}
}

func TestLoop_KeepsADeadlineAndIsNotEarly(t *testing.T) {
	l, b := run(t)
	for _, d := range []time.Duration{300 * time.Microsecond, 3 * time.Millisecond} {
		var at time.Duration
		b.on(t, func() { at = l.Now() + d; b.deadline = at })
		if now := <-b.fired; now < at {
			t.Errorf("a deadline in %v came %v early", d, at-now)
		}
	}
}

func TestLoop_KeepsADeadlineWithoutNanoseconds(t *testing.T) {
	l, b := run(t)
	var at time.Duration
	b.on(t, func() { l.noPwait2 = true; at = l.Now() + 1500*time.Microsecond; b.deadline = at })
	if now := <-b.fired; now < at {
		t.Errorf("the deadline came %v early", at-now)
	}
}

func TestLoop_ReportsADescriptorAgainUntilItIsDrained(t *testing.T) {
	l, b := run(t)
	ours, theirs := pair(t)
	for range 3 {
		send(t, theirs)
	}
	seen := make(chan struct{}, 3)
	b.on(t, func() {
		_, err := l.Add(ours, unix.EPOLLIN, handler(func(time.Duration, uint32) {
			var buf [1]byte
			if _, err := unix.Read(ours, buf[:]); err == nil {
				seen <- struct{}{}
			}
		}))
		if err != nil {
			t.Error(err)
		}
	})
	for range 3 {
		<-seen
	}
}

func TestLoop_DoesNotReportADescriptorThatWasRemovedInTheSameBatch(t *testing.T) {
	l, b := run(t)
	var ours [2]int
	var tokens [2]Token
	calls := 0
	b.on(t, func() {
		for i := range ours {
			mine, theirs := pair(t)
			ours[i] = mine
			tok, err := l.Add(mine, unix.EPOLLIN, handler(func(time.Duration, uint32) {
				calls++
				// Both are ready: whoever is told first removes both.
				l.Remove(tokens[0])
				l.Remove(tokens[1])
			}))
			if err != nil {
				t.Error(err)
			}
			tokens[i] = tok
			send(t, theirs)
		}
	})
	b.on(t, func() {}) // at least one turn later
	b.on(t, func() {
		if calls != 1 {
			t.Errorf("%d calls for two ready descriptors of which the first removed both, not 1", calls)
		}
		if n := l.Watched(); n != 0 {
			t.Errorf("%d descriptors are still watched", n)
		}
	})
}

func TestLoop_ATokenOfARemovedDescriptorDoesNotReachItsSuccessor(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, c := pair(t)
	none := handler(func(time.Duration, uint32) {})
	old, err := l.Add(a, unix.EPOLLIN, none)
	if err != nil {
		t.Fatal(err)
	}
	l.Remove(old)
	successor, err := l.Add(c, unix.EPOLLIN, none)
	if err != nil {
		t.Fatal(err)
	}
	if successor.index != old.index {
		t.Fatalf("the place was not used again: %v, %v", old, successor)
	}
	if l.Change(old, 0) == nil {
		t.Error("the old token changed its successor")
	}
	l.Remove(old)
	if l.Watched() != 1 {
		t.Error("the old token removed its successor")
	}
}

func TestLoop_RefusesADescriptorThatCannotBeWatched(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Add(-1, unix.EPOLLIN, handler(nil)); err == nil {
		t.Error("descriptor -1 is watched")
	}
	if n := l.Watched(); n != 0 {
		t.Errorf("%d descriptors are watched", n)
	}
}

func TestLoop_MeasuresTheLongestTurn(t *testing.T) {
	l, b := run(t)
	b.on(t, func() {
		for end := l.Now() + 5*time.Millisecond; l.Now() < end; {
			runtime.Gosched()
		}
	})
	b.on(t, func() {}) // the long turn is over
	lag := l.Lag()
	if lag.Longest < 5*time.Millisecond || lag.Recent < 5*time.Millisecond || lag.Turns == 0 || lag.Total < lag.Longest {
		t.Errorf("lag %+v after a turn of 5 ms", lag)
	}
	if again := l.Lag(); again.Longest < lag.Longest || again.Recent >= lag.Recent {
		t.Errorf("lag %+v, then %+v: Recent should start anew, Longest stay", lag, again)
	}
}

func TestMailbox_RefusesLettersAfterClose(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m := NewMailbox[int](l)
	m.Put(1)
	m.Put(2)
	if rest := m.Close(); len(rest) != 2 {
		t.Errorf("Close gave back %v", rest)
	}
	if m.Put(3) {
		t.Error("a letter was taken after Close")
	}
	if m.Pending() || len(m.Take()) != 0 {
		t.Error("a closed mailbox has letters")
	}
}

func TestLoop_DoesNotAllocatePerTurn(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	type small [2]uint64
	m := NewMailbox[small](l)
	o := &turner[small]{l: l, m: m, limit: 2000}
	ours, theirs := pair(t)
	var one [1]byte
	if _, err := l.Add(ours, unix.EPOLLIN, handler(func(time.Duration, uint32) {
		_, _ = unix.Read(ours, one[:])
	})); err != nil {
		t.Fatal(err)
	}
	o.each = func() { _, _ = unix.Write(theirs, one[:]); m.Put(small{}) }
	o.each()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l.Run(o)
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > 200 {
		t.Errorf("%d allocations in %d turns", n, o.turns)
	}
	if o.letters.Load() < 1000 {
		t.Errorf("only %d letters in %d turns", o.letters.Load(), o.turns)
	}
}

// turner writes to itself each turn, until it has had enough.
type turner[T any] struct {
	l       *Loop
	m       *Mailbox[T]
	each    func()
	turns   int
	limit   int
	letters atomic.Int64
}

func (o *turner[T]) Turn(time.Duration) {
	o.letters.Add(int64(len(o.m.Take())))
	if o.turns++; o.turns == o.limit {
		o.l.Quit()
		return
	}
	o.each()
}
func (o *turner[T]) Next() (time.Duration, bool) { return 0, false }
func (o *turner[T]) Pending() bool               { return o.m.Pending() }

// Owners that share a loop have their turns one after the other, and the earliest deadline of any counts.
func TestLoop_WorksForSeveralOwners(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var owners [2]*bench
	for i := range owners {
		owners[i] = &bench{box: NewMailbox[func()](l), fired: make(chan time.Duration, 1)}
	}
	var ended sync.WaitGroup
	ended.Go(func() { l.Run(owners[0], owners[1]) })
	defer func() { l.Quit(); ended.Wait(); l.Close() }()
	for i, b := range owners {
		b.on(t, func() { b.deadline = l.Now() + time.Duration(2-i)*time.Millisecond })
	}
	for _, b := range owners {
		<-b.fired
	}
}

func TestHelpers_AreBoundedAndDoEverything(t *testing.T) {
	const most, all = 3, 40
	h := NewHelpers(most)
	var running, peak, done atomic.Int32
	hold := make(chan struct{})
	full := make(chan struct{}, all)
	for range all {
		h.Do(func() {
			if n := running.Add(1); n > peak.Load() {
				peak.Store(n)
			}
			full <- struct{}{}
			<-hold
			running.Add(-1)
			done.Add(1)
		})
	}
	for range most {
		<-full
	}
	if !h.Busy() {
		t.Error("nothing waits, it says")
	}
	close(hold)
	h.Wait()
	if n := peak.Load(); n != most || done.Load() != all {
		t.Errorf("%d at once, %d done", n, done.Load())
	}
	if h.Busy() {
		t.Error("something waits, it says")
	}
}
