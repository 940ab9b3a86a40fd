// Package metric counts by the names that CloudWatch has for an Application Load Balancer, for the load
// balancer and for each target group. It owns the numbers only; who serves them is admin.
package metric

import (
	"math"
	"sync"
	"sync/atomic"
)

// Set is the numbers of the load balancer or of a target group. A nil Set counts nothing.
type Set struct {
	parent *Set
	counts [names]atomic.Int64
	time   timing

	mu     sync.Mutex
	groups map[string]*Set
}

// New is the set of a load balancer.
func New() *Set { return &Set{groups: map[string]*Set{}} }

// TargetGroup is the set of a target group. What is added there counts for the load balancer as well.
func (s *Set) TargetGroup(name string) *Set {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[name]
	if g == nil {
		g = &Set{parent: s}
		s.groups[name] = g
	}
	return g
}

// Add counts.
func (s *Set) Add(n Name, by int64) {
	for ; s != nil; s = s.parent {
		s.counts[n].Add(by)
	}
}

// Store sets a gauge: HealthyHostCount and the like. The load balancer's is the sum of its groups'.
func (s *Set) Store(n Name, v int64) {
	if s == nil {
		return
	}
	before := s.counts[n].Swap(v)
	s.parent.Add(n, v-before)
}

// Value is what was counted.
func (s *Set) Value(n Name) int64 {
	if s == nil {
		return 0
	}
	return s.counts[n].Load()
}

// Observe adds a measurement in seconds: TargetResponseTime.
func (s *Set) Observe(n Name, seconds float64) {
	if n != TargetResponseTime {
		panic("metric: " + n.String() + " is not measured but counted")
	}
	for ; s != nil; s = s.parent {
		s.time.add(seconds)
	}
}

// Status counts a status code: one made by the balancer, where some have a metric of their own, or one
// of a target.
func (s *Set) Status(code int, fromTarget bool) {
	for n := range classes(code, fromTarget) {
		s.Add(n, 1)
	}
}

// timing is the statistics of a measurement.
type timing struct {
	mu       sync.Mutex
	n        int64
	sum      float64
	min, max float64
}

func (t *timing) add(v float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == 0 {
		t.min, t.max = math.Inf(1), math.Inf(-1)
	}
	t.n++
	t.sum += v
	t.min, t.max = min(t.min, v), max(t.max, v)
}
