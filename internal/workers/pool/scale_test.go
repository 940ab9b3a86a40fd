package pool

import (
	"slices"
	"testing"
	"time"

	"fender/internal/observe/event"
	"fender/internal/workers/scaler"
)

// script is a scaler that does what it is told and keeps what it was shown.
type script struct {
	decisions []scaler.Decision
	samples   []scaler.Sample
}

func (s *script) Decide(m scaler.Sample) scaler.Decision {
	m.Workers = slices.Clone(m.Workers)
	s.samples = append(s.samples, m)
	if len(s.decisions) == 0 {
		return scaler.Decision{}
	}
	d := s.decisions[0]
	s.decisions = s.decisions[1:]
	return d
}

func (s *script) last() scaler.Sample { return s.samples[len(s.samples)-1] }

func scaling(t *testing.T, o Options, decisions ...int) (*bench, *script) {
	s := &script{}
	for _, d := range decisions {
		s.decisions = append(s.decisions, scaler.Decision{Delta: d, Why: "told"})
	}
	o.Scaler = s
	return serving(t, o), s
}

func TestPool_StartsAndRetiresWhatTheScalerWants(t *testing.T) {
	b, _ := scaling(t, Options{Processes: 3, Cheaper: 1, Initial: 1}, +1, 0, +5, 0, -1, -1, -1)
	b.passes(cycle)
	b.expect("spawn 2 as number 2 of generation 1")
	b.Hello(b.now, 2)
	b.passes(2 * cycle)
	b.expect("spawn 3 as number 3 of generation 1") // not above processes
	b.Hello(b.now, 3)
	b.get(1)
	b.begins(1)
	b.passes(cycle)
	b.expect("send 1 to 1/0")
	b.passes(cycle)
	b.expect("retire 2: cheaper") // the oldest idle one
	b.passes(cycle)
	b.expect("retire 3: cheaper")
	b.ends(1)
	b.passes(cycle)
	b.expect("finish 1") // not below cheaper
	n := b.noted(NoteScale)
	if len(n) != 4 || n[1].Delta != 1 || n[3].Delta != -1 || n[0].Text != "told" {
		t.Errorf("notes %+v", n)
	}
}

func TestPool_TellsWhatTheScalerReportsWhenNothingChanges(t *testing.T) {
	b, s := scaling(t, Options{Processes: 3, Cheaper: 1, Initial: 2})
	s.decisions = []scaler.Decision{{Report: "calm"}, {}, {Delta: 1, Why: "told", Report: "busy"}}
	b.passes(3 * cycle)
	n := b.noted(NoteScale)
	if len(n) != 2 || n[0].Delta != 0 || n[0].Text != "calm" || n[1].Delta != 1 || n[1].Text != "told" {
		t.Errorf("notes %+v", n)
	}
}

func TestPool_DoesNotRetireABusyWorkerForTheScaler(t *testing.T) {
	b, _ := scaling(t, Options{Processes: 2, Cheaper: 1, Initial: 2}, -1, -1)
	b.get(1, 2)
	b.begins(1, 2)
	b.passes(cycle)
	b.expect("send 1 to 1/0", "send 2 to 2/0")
	if b.target != 2 {
		t.Errorf("target %d: nobody can go", b.target)
	}
	b.ends(1, 2)
	b.passes(cycle)
	b.expect("finish 1", "finish 2", "retire 1: cheaper")
}

func TestPool_GoesNoLowerThanOneWorkerForTheScaler(t *testing.T) {
	b, _ := scaling(t, Options{Processes: 4, Cheaper: 3, Initial: 3}, -1, -1, -1)
	b.Scale(b.now, -2)
	b.forget()
	b.passes(cycle)
	b.expect()
	if b.target != 1 || b.processes != 2 {
		t.Errorf("target %d of %d", b.target, b.processes)
	}
	b.Scale(b.now, 1)
	b.forget()
	b.passes(cycle)
	b.expect() // cheaper is 3, of which there are only 3 processes
	if b.target != 2 {
		t.Errorf("target %d", b.target)
	}
}

func TestPool_ShowsTheScalerWhatItNeeds(t *testing.T) {
	b, s := scaling(t, Options{Processes: 4, Threads: 2, Cheaper: 1, Initial: 2, MaxRequests: 5, QueueLimit: 9}, 0, 0, +2)
	b.MemoryUse(300, 1000)
	b.get(1, 2)
	b.begins(1, 2)
	b.passes(400 * ms)
	b.get(3, 4, 5)
	b.begins(3, 4)
	b.passes(aheadBound)
	b.TookBack(b.now, 1, 1, 1)
	b.passes(600*ms - aheadBound)
	m := s.last()
	if m.Queue != 1 || m.Now != b.now || m.Processes != 4 || m.Cheaper != 1 || m.MemoryUsed != 300 || m.MemoryLimit != 1000 ||
		m.Starting != 0 || m.Leaving != 0 || len(m.Workers) != 2 {
		t.Fatalf("sample %+v", m)
	}
	sum := Time(0)
	for i, w := range m.Workers {
		if w.Spawn != uint64(i+1) || !w.Busy || w.Slots != 2 || w.LastSpawn != 10*time.Second {
			t.Errorf("worker %+v", w)
		}
		sum += w.Running
	}
	if want := 2*time.Second + 2*600*ms; sum != want {
		t.Errorf("the slots ran for %v, expected %v", sum, want)
	}
	b.passes(200 * ms)
	b.ends(1, 2, 3, 4)
	b.runs(5)
	b.passes(cycle)
	sum = 0
	for _, w := range s.last().Workers {
		if w.Busy || w.BusySlots != 0 {
			t.Errorf("worker %+v", w)
		}
		sum += w.Running
	}
	if want := 2*time.Second + 2*600*ms + 4*200*ms; sum != want {
		t.Errorf("the slots ran for %v, expected %v", sum, want)
	}
	b.passes(cycle) // two more are wanted
	b.passes(cycle)
	if m := s.last(); m.Starting != 2 || len(m.Workers) != 2 {
		t.Errorf("sample %+v", m)
	}
}

func TestPool_ShowsTheScalerHowLongTheQueueWaits(t *testing.T) {
	b, s := scaling(t, Options{Processes: 2, Cheaper: 1, Initial: 1})
	b.passes(300 * ms)
	b.get(1)
	b.begins(1)
	b.passes(100 * ms)
	b.get(2, 3)
	b.passes(600 * ms)
	if m := s.last(); m.Queue != 2 || m.OldestWait != 600*ms {
		t.Errorf("sample %+v", m)
	}
}

func TestPool_DoesNotCountReplacementsAsGrowth(t *testing.T) {
	b, s := scaling(t, Options{Processes: 4, Cheaper: 1, Initial: 2, MaxRequests: 1})
	b.get(1)
	b.runs(1)
	b.passes(cycle)
	if m := s.last(); m.Starting != 0 || len(m.Workers) != 2 {
		t.Errorf("sample %+v", m)
	}
}

func TestPool_ShowsTheScalerWhatItHasRetired(t *testing.T) {
	b, s := scaling(t, Options{Processes: 3, Cheaper: 1, Initial: 3}, -1)
	b.passes(cycle)
	b.passes(cycle)
	if m := s.last(); m.Leaving != 1 || len(m.Workers) != 2 {
		t.Errorf("sample %+v", m)
	}
	b.leaves(1)
	b.passes(cycle)
	if m := s.last(); m.Leaving != 0 {
		t.Errorf("sample %+v", m)
	}
	b.find(2).due = event.ReasonMemory
	b.Scale(b.now, 0)
	b.Hello(b.now, 4)
	if b.state(2) != StateRetiring {
		t.Fatalf("worker 2 is %s", b.state(2))
	}
	b.passes(cycle)
	if m := s.last(); m.Leaving != 0 || m.Cheaper != 1 {
		t.Errorf("sample %+v: only what the scaler retired", m)
	}
}

func TestPool_AsksTheScalerOncePerCycleAlsoWhenIdle(t *testing.T) {
	b, s := scaling(t, Options{Processes: 2, Cheaper: 1})
	b.passes(10 * cycle)
	if n := len(s.samples); n != 10 {
		t.Errorf("asked %d times", n)
	}
	b.now += 5*cycle + 100*ms
	b.Tick(b.now)
	if n := len(s.samples); n != 11 {
		t.Errorf("asked %d times: what was missed is not made up for", n)
	}
	if at, ok := b.Next(); !ok || at != b.now+cycle {
		t.Errorf("next %v at %v", at, b.now)
	}
	b.now += cycle + 300*ms
	b.Tick(b.now)
	if at, _ := b.Next(); at != b.now+cycle-300*ms {
		t.Errorf("next %v at %v: a little late is no reason to be late for ever", at, b.now)
	}
	b.now += 2*cycle - 300*ms // two at once
	b.Tick(b.now)
	if at, _ := b.Next(); at != b.now+cycle {
		t.Errorf("next %v at %v", at, b.now)
	}
	s.samples = s.samples[:11]
	b.Stop(b.now)
	b.passes(2 * cycle)
	if n := len(s.samples); n != 11 {
		t.Errorf("asked %d times: a pool that stops does not scale", n)
	}
}

func TestPool_TakesItsSettingsTogether(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		want Options
	}{
		{"nothing", Options{}, Options{Processes: 1, Threads: 1, Initial: 1}},
		{"no scaler", Options{Processes: 4, Cheaper: 2, Initial: 2}, Options{Processes: 4, Threads: 1, Initial: 4}},
		{"no cheaper", Options{Processes: 4, Threads: 3, Initial: 2, Scaler: &script{}}, Options{Processes: 4, Threads: 3, Initial: 4}},
		{"cheaper", Options{Processes: 4, Cheaper: 2, Scaler: &script{}}, Options{Processes: 4, Threads: 1, Cheaper: 2, Initial: 2}},
		{"all", Options{Processes: 4, Cheaper: 2, Initial: 3, Scaler: &script{}}, Options{Processes: 4, Threads: 1, Cheaper: 2, Initial: 3}},
		{"too many", Options{Processes: 4, Cheaper: 9, Initial: 9, Scaler: &script{}}, Options{Processes: 4, Threads: 1, Cheaper: 4, Initial: 4}},
		{"negative", Options{Processes: -4, Threads: -1, Cheaper: -1, Scaler: &script{}}, Options{Processes: 1, Threads: 1, Initial: 1}},
	} {
		got := c.o.withDefaults()
		if got.Processes != c.want.Processes || got.Threads != c.want.Threads || got.Cheaper != c.want.Cheaper || got.Initial != c.want.Initial {
			t.Errorf("%s: %+v", c.name, got)
		}
		if (got.Scaler != nil) != (got.Cheaper > 0) {
			t.Errorf("%s: scaler %v with cheaper %d", c.name, got.Scaler, got.Cheaper)
		}
	}
	got := Options{}.withDefaults()
	if got.ReloadStep != 1 || got.QueueLimit != 1024 || got.QueueTimeout != 30*time.Second ||
		got.AnswerBuffer != 1<<20 || got.AheadBelow != 5*ms || got.RetireMercy != 60*time.Second {
		t.Errorf("defaults %+v", got)
	}
	own := Options{ReloadStep: 2, QueueLimit: 3, QueueTimeout: 4, AnswerBuffer: 5, RetireMercy: 6, AheadBelow: 7}.withDefaults()
	if own.ReloadStep != 2 || own.QueueLimit != 3 || own.QueueTimeout != 4 || own.AnswerBuffer != 5 || own.RetireMercy != 6 || own.AheadBelow != 7 {
		t.Errorf("settings %+v", own)
	}
}

func TestPool_SaysWhoLoweredTheSetPoint(t *testing.T) {
	b, _ := scaling(t, Options{Processes: 3, Cheaper: 1, Initial: 3}, -1)
	b.passes(cycle)
	b.expect("retire 1: cheaper")
	b.Scale(b.now, -1)
	b.expect("retire 2: manual")
}
