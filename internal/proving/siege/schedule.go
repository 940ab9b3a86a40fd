package siege

import (
	"math/rand/v2"
	"time"
)

// schedule is the times of the arrivals of an open phase, from its beginning. It knows nothing of
// answers: that is what makes the model open.
type schedule struct {
	rate float64
	rand *rand.Rand // nil: evenly spaced
	n    int64
	at   float64 // seconds, of the last random arrival
}

// next is the time of the next arrival.
func (s *schedule) next() time.Duration {
	if s.rand != nil {
		s.at += s.rand.ExpFloat64() / s.rate
		return time.Duration(s.at * float64(time.Second))
	}
	// From the count, not from the last one: no error adds up.
	t := time.Duration(float64(s.n) / s.rate * float64(time.Second))
	s.n++
	return t
}
