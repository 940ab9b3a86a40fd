package main

import (
	"fmt"
	"io"
	"time"
)

// What a run takes beside the load itself, as seen on 2 processors: for its estimate.
const (
	startTime  = time.Second            // a stack's start, until it answers, and its end
	betweenTwo = 200 * time.Millisecond // rounds: a look at the processes, one more question
	crowdTime  = 3 * time.Second        // 10,000 connections that say nothing, one after the other
)

// loadTakes is about how long a workload takes.
func (b *bench) loadTakes(w workload) time.Duration {
	one := startTime + warmUp + time.Duration(b.rounds)*(b.length+betweenTwo+crowdTime*time.Duration(w.Idle)/crowdConnections)
	if w.Open {
		one += capacityRounds * (b.length + betweenTwo)
	}
	if w.Recycled { // beside one whose workers stay
		one *= 2
	}
	return one * time.Duration(b.count(func(s stack) bool { return s.leftOut(w) == "" }))
}

// flatTakes is about how long a series takes.
func (b *bench) flatTakes(s series) time.Duration {
	one := startTime + time.Duration(b.rounds)*(2*settle+b.length+betweenTwo)
	return one * time.Duration(len(b.pointsOf(s))*b.count(stack.inSeries))
}

// eightTakes is about how long the memory of 8 workers takes.
func (b *bench) eightTakes() time.Duration {
	return (startTime + 2*warmUp) * time.Duration(b.count(func(s stack) bool { return s.leftOut(find("hello")) == "" }))
}

// idleTakes is about how long that many idle connections take.
func (b *bench) idleTakes(connections int, stacks ...string) time.Duration {
	one := startTime + warmUp + crowdTime*time.Duration(connections)/crowdConnections
	return one * time.Duration(b.count(func(s stack) bool { return s.holds(stacks...) }))
}

// count is how many of the stacks are such.
func (b *bench) count(such func(stack) bool) int {
	n := 0
	for _, s := range b.stacks {
		if such(s) {
			n++
		}
	}
	return n
}

// progress tells how much of a run is left. The estimate is corrected by how long what
// is done was to take and took.
type progress struct {
	w       io.Writer
	left    []measurement
	planned time.Duration // of what is done
	took    time.Duration
}

// next tells the measurement that begins, and what is left with it.
func (p *progress) next() {
	fmt.Fprintf(p.w, "bench: %s, %d to go, about %s left\n", p.left[0].name, len(p.left), p.rest().Round(time.Minute/2))
}

// done takes a measurement off.
func (p *progress) done(took time.Duration) {
	p.planned += p.left[0].takes
	p.took += took
	p.left = p.left[1:]
}

// rest is about how long what is left takes.
func (p *progress) rest() time.Duration {
	var sum time.Duration
	for _, m := range p.left {
		sum += m.takes
	}
	if p.planned <= 0 {
		return sum
	}
	return time.Duration(float64(sum) * float64(p.took) / float64(p.planned))
}
