package metric

import "iter"

// Statistics is a measurement as CloudWatch gives it.
type Statistics struct {
	SampleCount, Average, Sum, Minimum, Maximum float64
}

// Snapshot is all numbers at one moment, with the zeros: a metric that is missing reads as one that does
// not exist.
type Snapshot struct {
	Counts             map[string]int64
	TargetResponseTime Statistics
	TargetGroups       map[string]Snapshot `json:",omitempty"`
}

// Snapshot is all numbers of the set, and of its target groups.
func (s *Set) Snapshot() Snapshot {
	out := Snapshot{Counts: map[string]int64{}}
	if s == nil {
		return out
	}
	for n := range names {
		if n != TargetResponseTime {
			out.Counts[n.String()] = s.counts[n].Load()
		}
	}
	out.TargetResponseTime = s.time.statistics()
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, g := range s.groups {
		if out.TargetGroups == nil {
			out.TargetGroups = map[string]Snapshot{}
		}
		out.TargetGroups[name] = g.Snapshot()
	}
	return out
}

func (t *timing) statistics() Statistics {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == 0 {
		return Statistics{}
	}
	return Statistics{float64(t.n), t.sum / float64(t.n), t.sum, t.min, t.max}
}

// classes are the metrics that a status code counts for.
func classes(code int, fromTarget bool) iter.Seq[Name] {
	return func(yield func(Name) bool) {
		class, ok := elbClasses[code/100]
		if fromTarget {
			class, ok = targetClasses[code/100]
		}
		if ok && !yield(class) || fromTarget {
			return
		}
		if n, ok := elbCodes[code]; ok {
			yield(n)
		}
	}
}

var (
	elbClasses    = map[int]Name{3: HTTPCodeELB3XX, 4: HTTPCodeELB4XX, 5: HTTPCodeELB5XX}
	elbCodes      = map[int]Name{500: HTTPCodeELB500, 502: HTTPCodeELB502, 503: HTTPCodeELB503, 504: HTTPCodeELB504}
	targetClasses = map[int]Name{2: HTTPCodeTarget2XX, 3: HTTPCodeTarget3XX, 4: HTTPCodeTarget4XX, 5: HTTPCodeTarget5XX}
)
