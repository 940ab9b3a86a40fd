package osproc

import (
	"sync"
	"time"
)

// SamplePeriod is how often a Sampler looks.
const SamplePeriod = time.Second

// Sample is the resident memory of one process.
type Sample struct {
	PID int
	Key uint64 // as given to Watch
	RSS int64  // bytes
}

// Sampler reads the memory of processes and of the container, in a goroutine of its own, as long
// as there is something to watch.
type Sampler struct {
	memory *Memory
	tell   func(samples []Sample, used, limit int64)

	mu      sync.Mutex
	watched map[uint64]int // pid by key
	wake    chan struct{}
	stop    chan struct{}
	ended   chan struct{}
	once    sync.Once
}

// NewSampler starts a sampler. tell gets the samples and the container's memory (0 is unknown or
// no limit) once per period, in the sampler's goroutine; the slice is valid during the call.
func NewSampler(m *Memory, period time.Duration, tell func([]Sample, int64, int64)) *Sampler {
	s := &Sampler{
		memory: m, tell: tell, watched: make(map[uint64]int),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	go s.run(period)
	return s
}

// Watch adds a process under a key that is never used again (its pid may be).
func (s *Sampler) Watch(key uint64, pid int) {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.watched[key] = pid
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Unwatch removes a process.
func (s *Sampler) Unwatch(key uint64) {
	if s == nil {
		return
	}
	s.mu.Lock()
	delete(s.watched, key)
	s.mu.Unlock()
}

// Close ends the sampler.
func (s *Sampler) Close() {
	if s == nil {
		return
	}
	s.once.Do(func() { close(s.stop) })
	<-s.ended
}

func (s *Sampler) run(period time.Duration) {
	defer close(s.ended)
	t := time.NewTicker(period)
	defer t.Stop()
	t.Stop()
	ticking := false
	var list []Sample
	for {
		select {
		case <-s.stop:
			return
		case <-s.wake:
			if !ticking {
				t.Reset(period)
				ticking = true
			}
			continue
		case <-t.C:
		}
		list = list[:0]
		s.mu.Lock()
		for key, pid := range s.watched {
			list = append(list, Sample{PID: pid, Key: key})
		}
		s.mu.Unlock()
		if len(list) == 0 {
			t.Stop()
			ticking = false
			continue
		}
		seen := list[:0]
		for _, x := range list {
			if rss, err := RSS(x.PID); err == nil && rss > 0 { // 0: a zombie
				x.RSS = rss
				seen = append(seen, x)
			}
		}
		s.tell(seen, s.memory.Used(), s.memory.Limit())
	}
}
