package group

import "sync/atomic"

// Automatic target weights. AWS says that targets with more errors (5xx and connection failures) than
// their like are anomalous, that three healthy ones are needed for that, and that weights change every
// five seconds (WeightsEvery); not by which numbers. These are ours: an anomalous target's weight is halved down to
// a 64th, and grows by a tenth again while it is none.
const (
	leastTargets = 3
	leastErrors  = 3    // in a window: fewer are chance
	leastRate    = 0.05 // of errors
	timesOthers  = 3    // so many times the rate of the others
	leastWeight  = 1.0 / 64
	regained     = 0.1
)

// window counts what became of requests since the weights were last set.
type window struct{ requests, errors atomic.Int64 }

func (w *window) add(o Outcome) {
	w.requests.Add(1)
	if o.ConnectFailed || o.Broken || o.Status >= 500 {
		w.errors.Add(1)
	}
}

// sample is a window that has ended.
type sample struct{ requests, errors int64 }

func (w *window) take() sample { return sample{w.requests.Swap(0), w.errors.Swap(0)} }

func (s sample) rate() float64 {
	if s.requests == 0 {
		return 0
	}
	return float64(s.errors) / float64(s.requests)
}

// anomalous says of which targets more fails than of their like.
func anomalous(samples []sample) []bool {
	odd := make([]bool, len(samples))
	if len(samples) < leastTargets {
		return odd
	}
	var all sample
	for _, s := range samples {
		all.requests += s.requests
		all.errors += s.errors
	}
	for i, s := range samples {
		others := sample{all.requests - s.requests, all.errors - s.errors}
		odd[i] = s.errors >= leastErrors && s.rate() >= leastRate && s.rate() > timesOthers*others.rate()
	}
	return odd
}

// nextWeight is a target's weight in the next window.
func nextWeight(weight float64, odd bool) float64 {
	if odd {
		return max(leastWeight, weight/2)
	}
	return min(1, weight+regained)
}

// reweigh ends a window.
func (g *Group) reweigh() {
	g.mu.Lock()
	defer g.mu.Unlock()
	var of []*Target
	var samples []sample
	for _, t := range g.targets {
		s := t.window.take()
		if t.left.IsZero() && t.health.serves() {
			of, samples = append(of, t), append(samples, s)
		} else {
			t.anomalous = false
		}
	}
	for i, odd := range anomalous(samples) {
		of[i].anomalous = odd
		of[i].weight = nextWeight(of[i].weight, odd && g.config.AnomalyMitigation)
	}
	g.gauges()
}
