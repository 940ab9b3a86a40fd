package lab

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"fender/internal/proving/lab/stack"
	"fender/internal/proving/report"
)

// board is one row's time axis: everything that is watched is written on it, and who waits for an
// event of the workers' lives is told by it. Its methods may be called by anybody.
type board struct {
	begin time.Time

	mu      sync.Mutex
	armed   bool // births count: the start is over
	live    map[int]bool
	born    int
	dead    int
	reasons map[string]int
	events  []report.Event
	steps   []step // of the number of live workers
	waits   []*wait
	samples []report.Sample
	done    map[string]int
	log     logCount
	lost    int // events and samples beyond the bound
}

type step struct {
	at      float64
	workers int
}

type wait struct {
	born bool
	left int
	done chan struct{}
}

// mostEvents bounds what is kept of one row; the counts go on.
const mostEvents = 20_000

func newBoard(begin time.Time, bin float64) *board {
	return &board{begin: begin, live: map[int]bool{}, reasons: map[string]int{}, done: map[string]int{}, log: newLogCount(bin)}
}

func (b *board) at(t time.Time) float64 { return t.Sub(b.begin).Seconds() }

// worker notes that a worker came or went.
func (b *board) worker(now time.Time, e stack.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := fmt.Sprintf("worker (pid %d)", e.PID)
	switch {
	case e.Born:
		b.live[e.PID] = true
		if b.armed {
			b.born++
			b.event(now, "born", text)
		}
	case b.live[e.PID]:
		delete(b.live, e.PID)
		if b.armed {
			b.dead++
			b.reasons[e.Reason]++
			b.event(now, "dead", text+": "+e.Reason)
		}
	default:
		return
	}
	b.steps = append(b.steps, step{b.at(now), len(b.live)})
	if !b.armed {
		return
	}
	for _, w := range b.waits {
		if w.born == e.Born && w.left > 0 {
			if w.left--; w.left == 0 {
				close(w.done)
			}
		}
	}
}

func (b *board) event(now time.Time, kind, text string) {
	if len(b.events) == mostEvents {
		b.lost++
		return
	}
	b.events = append(b.events, report.Event{At: b.at(now), Kind: kind, Text: text})
}

// did notes what the lab has done to the server.
func (b *board) did(now time.Time, what, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done[what]++
	b.event(now, "done", text)
}

// arm ends the start: the axis begins, and from now on births and deaths count.
func (b *board) arm(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begin, b.armed = now, true
	b.steps = []step{{0, len(b.live)}}
}

// disarm begins the end: what dies now is the lab's doing.
func (b *board) disarm() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.armed = false
}

// await returns a channel that is closed when so many workers more have come, or gone.
func (b *board) await(kind string, count int) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := &wait{born: kind == "born", left: count, done: make(chan struct{})}
	b.waits = append(b.waits, w)
	return w.done
}

// workers are the pids of the live ones.
func (b *board) workers() []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.live))
}

// counts are the births and deaths until now.
func (b *board) counts() (born, dead, live int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.born, b.dead, len(b.live)
}

func (b *board) sample(s report.Sample) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.samples) == mostEvents {
		b.lost++
		return
	}
	b.samples = append(b.samples, s)
}

// fill writes all that was watched into the row.
func (b *board) fill(row *report.Row) {
	b.mu.Lock()
	defer b.mu.Unlock()
	row.Born, row.Dead = b.born, b.dead
	row.Reasons, row.Done = maps.Clone(b.reasons), maps.Clone(b.done)
	row.Events, row.Samples = slices.Clone(b.events), slices.Clone(b.samples)
	for _, s := range b.samples {
		row.Peak.Processes = max(row.Peak.Processes, s.Processes)
		row.Peak.Threads = max(row.Peak.Threads, s.Threads)
		row.Peak.Memory = max(row.Peak.Memory, s.Memory)
		row.Peak.CPU = max(row.Peak.CPU, s.CPU)
	}
	for i := range row.Series {
		bin := &row.Series[i]
		bin.Workers = b.workersAt(bin.At + bin.Width)
	}
	row.Statuses, row.Causes, row.Lines = b.log.statuses, b.log.causes, b.log.lines
	if b.lost > 0 {
		row.Notes = append(row.Notes, fmt.Sprintf("%d events and samples are not drawn: there were too many", b.lost))
	}
}

func (b *board) workersAt(t float64) int {
	workers := 0
	for _, s := range b.steps {
		if s.at > t {
			break
		}
		workers = s.workers
	}
	return workers
}

// served notes that a slow client was served whole.
func (b *board) served() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done["slow"]++
}
