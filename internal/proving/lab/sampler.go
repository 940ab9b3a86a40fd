package lab

import (
	"context"
	"time"

	"fender/internal/proving/proctree"
	"fender/internal/proving/report"
)

// sampleEvery is how often the processes are looked at.
const sampleEvery = 500 * time.Millisecond

// meter adds up what a changing set of processes costs. CPU time of a process that has gone since the
// last look is the most that was seen of it.
type meter struct {
	was  map[key]time.Duration
	last time.Time
}

type key struct {
	pid     int
	started uint64
}

func newMeter() *meter { return &meter{was: map[key]time.Duration{}} }

// look turns one look at the processes into a sample.
func (m *meter) look(now time.Time, at float64, all []proctree.Process, pss func(proctree.Process) int64) (s report.Sample, spent time.Duration) {
	s.At, s.Processes = at, len(all)
	is := map[key]time.Duration{}
	for _, p := range all {
		s.Threads += p.Threads
		s.Memory += pss(p)
		k := key{p.PID, p.Started}
		is[k] = p.CPU
		spent += p.CPU - m.was[k]
	}
	if !m.last.IsZero() && now.After(m.last) {
		s.CPU = spent.Seconds() / now.Sub(m.last).Seconds()
	}
	m.was, m.last = is, now
	return s, spent
}

// watch samples the processes until ctx ends, and returns the CPU time that was seen.
func watch(ctx context.Context, b *board, processes func() []proctree.Process) time.Duration {
	m := newMeter()
	var total time.Duration
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for first := true; ; first = false {
		now := time.Now()
		s, spent := m.look(now, b.at(now), processes(), func(p proctree.Process) int64 {
			n, err := p.PSS()
			if err != nil {
				return 0 // it has ended meanwhile
			}
			return n
		})
		if !first {
			total += spent // what was spent before the first look belongs to the start
		}
		b.sample(s)
		select {
		case <-ctx.Done():
			return total
		case <-tick.C:
		}
	}
}
