package group

import (
	"slices"
	"time"

	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/metric"
)

// Selection is what may bind a request to a target.
type Selection struct {
	Cookies []string // the values of the request's Cookie fields
}

// leastShare is what a target gets at the very start of slow start: nothing would be no start.
const leastShare = 0.01

// Choose picks the target of a request. The caller calls Begin and Done of the target.
func (g *Group) Choose(s Selection) (Choice, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	pool, open := g.eligible(now)
	if len(pool) == 0 {
		return Choice{}, ErrNoTargets
	}
	if open {
		g.metrics.Add(metric.UnhealthyRoutingRequestCount, 1)
	}
	c := Choice{group: g}
	if c.Target, c.bound = g.sticky(s.Cookies, pool, now); c.Target == nil {
		c.Target = g.pick(pool, open, now)
	}
	return c, nil
}

// eligible are the targets that may be chosen: the healthy ones, or all (fail-open, unless only healthy ones
// are wanted) when they are fewer than the group wants. A target that left counts until the balancer's
// nodes have heard of it.
func (g *Group) eligible(now time.Time) (pool []*Target, open bool) {
	g.pool, g.healthy = g.pool[:0], g.healthy[:0]
	for _, t := range g.targets {
		if !t.left.IsZero() && now.Sub(t.left) >= g.options.PropagationLag || t.health.state == Unused {
			continue
		}
		g.pool = append(g.pool, t)
		if t.health.serves() {
			g.healthy = append(g.healthy, t)
		}
	}
	if g.options.HealthyOnly || len(g.healthy) > 0 && enough(g.config.UnhealthyRouting, len(g.healthy), len(g.pool)) {
		return g.healthy, false
	}
	return g.pool, true
}

func (g *Group) pick(pool []*Target, open bool, now time.Time) *Target {
	switch g.config.Algorithm {
	case config.LeastRequests:
		return g.leastRequests(pool)
	case config.WeightedRandom:
		return weightedRandom(pool, g.options.Random())
	}
	return roundRobin(pool, g.shares(pool, open, now))
}

// leastRequests is the target with the fewest outstanding requests. Among equals they take turns.
func (g *Group) leastRequests(pool []*Target) *Target {
	g.cursor++
	best := pool[g.cursor%len(pool)]
	for i := range pool {
		if t := pool[(g.cursor+i)%len(pool)]; t.Outstanding() < best.Outstanding() {
			best = t
		}
	}
	return best
}

func weightedRandom(pool []*Target, random float64) *Target {
	total := 0.0
	for _, t := range pool {
		total += t.weight
	}
	at := random * total
	for _, t := range pool {
		if at -= t.weight; at < 0 {
			return t
		}
	}
	return pool[len(pool)-1]
}

// roundRobin gives each target its share, as evenly as it goes: what a target is owed grows by its
// share each time, and who is owed most is chosen and pays for all.
func roundRobin(pool []*Target, share func(*Target) float64) *Target {
	var best *Target
	total := 0.0
	for _, t := range pool {
		s := share(t)
		total += s
		if t.turn += s; best == nil || t.turn > best.turn+1e-9 {
			best = t
		}
	}
	best.turn -= total
	return best
}

// shares says what part of a full share each target has: less than 1 in slow start, as long as there is
// one that is not in it.
func (g *Group) shares(pool []*Target, open bool, now time.Time) func(*Target) float64 {
	whole := func(*Target) float64 { return 1 }
	if g.config.SlowStart == 0 || open {
		return whole
	}
	full := false
	for _, t := range pool {
		full = full || !g.slow(t, now)
	}
	if !full {
		return whole
	}
	return func(t *Target) float64 {
		if !g.slow(t, now) {
			return 1
		}
		return max(leastShare, float64(now.Sub(t.slowSince))/float64(g.config.SlowStart))
	}
}

// slow reports whether a target is in slow start.
func (g *Group) slow(t *Target, now time.Time) bool {
	return !t.slowSince.IsZero() && now.Sub(t.slowSince) < g.config.SlowStart
}

// othersAtWork reports whether another target is registered, healthy and not in slow start.
func (g *Group) othersAtWork(t *Target, now time.Time) bool {
	return slices.ContainsFunc(g.targets, func(other *Target) bool {
		return other != t && other.left.IsZero() && other.health.serves() && !g.slow(other, now)
	})
}
