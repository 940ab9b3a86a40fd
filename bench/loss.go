package main

import (
	"fmt"
	"slices"
)

// lossGoal is the most of uWSGI's loss by recycling that fender's may be.
const lossGoal = 0.2

// loss is what recycling costs a stack: 1 - rate with / rate without, round by round.
func (l *loadResult) loss(stack string) spread {
	plain := map[int]float64{}
	for _, r := range l.Rounds {
		if r.Stack == stack && r.Plain && r.Void == "" {
			plain[r.Number] = r.PerS
		}
	}
	var values []float64
	rounds, _ := l.counted(stack)
	for _, r := range rounds {
		if without := plain[r.Number]; without > 0 {
			values = append(values, 1-r.PerS/without)
		}
	}
	return summarize(values)
}

// recycling sums up what came of replacing workers: how many were, and the requests
// that failed.
func (l *loadResult) recycling(stack string) (workers int, failures int64) {
	for _, r := range l.Rounds {
		if r.Stack == stack && !r.Plain {
			workers += r.Recycled
			failures += r.Failures
		}
	}
	return workers, failures
}

// verdictsOfLoss judge fender's loss beside uWSGI's, and its failures.
func (l *loadResult) verdictsOfLoss() []verdict {
	names := l.stacks()
	if !l.Recycled || !slices.Contains(names, "fender") {
		return nil
	}
	_, failures := l.recycling("fender")
	all := []verdict{{What: l.Name + ": failures", Wanted: "0", Got: fmt.Sprint(failures), Reached: failures == 0}}
	if slices.Contains(names, baseline) {
		ours, theirs := l.loss("fender"), l.loss(baseline)
		all = append(all, verdict{
			What:   l.Name + ": loss, beside NGINX + uWSGI's",
			Wanted: fmt.Sprintf("at most %.3g of it", lossGoal),
			Got:    fmt.Sprintf("%s beside %s", ours.format(3), theirs.format(3)),
			// Where uWSGI loses nothing, nothing is what fender may lose.
			Reached: ours.Median <= max(0, theirs.Median)*lossGoal,
		})
	}
	return all
}
