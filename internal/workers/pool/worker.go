package pool

import (
	"fmt"

	"fender/internal/observe/event"
)

// State is a worker's state. "busy" is not one of them: it is idle with a request on a slot.
type State uint8

// The states of a worker. ARCHITECTURE.md draws them; a test compares it with Transitions.
const (
	StateNone     State = iota // before its spawn
	StateStarting              // forked or about to be, hello has not come
	StateReady                 // takes requests
	StateRetiring              // leaves as planned: gets nothing more, finishes what it has
	StateDoomed                // leaves by force: gets nothing more, frames of the guilty are discarded
	StateGone                  // its process has ended
)

var stateNames = [...]string{"none", "starting", "ready", "retiring", "doomed", "gone"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// Transition is one legal step of a worker.
type Transition struct{ From, To State }

// Transitions are all legal steps. move panics on any other: it would be a fault of the pool.
var Transitions = []Transition{
	{StateNone, StateStarting},
	{StateStarting, StateReady},
	{StateStarting, StateRetiring}, // no longer wanted before it was ready
	{StateStarting, StateDoomed},
	{StateStarting, StateGone}, // boot failure
	{StateReady, StateRetiring},
	{StateReady, StateDoomed},
	{StateReady, StateGone}, // crash
	{StateRetiring, StateDoomed},
	{StateRetiring, StateGone},
	{StateDoomed, StateGone},
}

func legal(from, to State) bool {
	for _, t := range Transitions {
		if t.From == from && t.To == to {
			return true
		}
	}
	return false
}

// worker is one process as the pool sees it.
type worker struct {
	spawn      SpawnID
	number     int
	generation int
	state      State
	reason     event.Reason // why it goes, once it does
	due        event.Reason // why it shall go as soon as its replacement is ready

	slots    []slot
	occupied int // slots that are not free
	requests int // answers it has completed
	limit    int // max-requests with its delta, 0 is none
	leaveAt  Time
	rss      int64

	decided Time // when its spawn was decided
	ready   Time
	busyFor Time // for which slots were occupied, summed over them, for the scaler
	busyAt  Time // when that was brought up to date

	reserved *request // a suspect that runs, or shall run, alone here
	calls    bool     // its requests ask the master for something while they run

	stalled  bool
	stallFor Time
	stall    timer
	mercy    timer

	killed    bool
	own       bool // we end it for something that it did, and it is not known which request did it
	condemned bool // to be killed as soon as its neighbours are done
	proving   bool // the first worker of a new generation
	failCode  int
	failText  string
}

func (p *Pool) move(w *worker, to State, after Time, d *Death) {
	from := w.state
	if !legal(from, to) {
		panic(fmt.Sprintf("pool: worker %d: illegal step from %s to %s", w.spawn, from, to))
	}
	if from == StateReady {
		for i := range w.slots {
			if w.slots[i].isFree() {
				p.freeSlots--
			}
		}
	}
	w.state = to
	if to == StateReady {
		for i := range w.slots {
			if w.slots[i].isFree() {
				p.freeSlots++
			}
		}
	}
	p.noteWorker(w, from, after, d)
}

// find returns the living worker of the spawn, or nil.
func (p *Pool) find(id SpawnID) *worker {
	for _, w := range p.workers {
		if w.spawn == id {
			return w
		}
	}
	return nil
}

func (p *Pool) findSlot(id SpawnID, i int) *slot {
	w := p.find(id)
	if w == nil || i < 0 || i >= len(w.slots) {
		return nil
	}
	return &w.slots[i]
}

func (p *Pool) count(match func(*worker) bool) int {
	n := 0
	for _, w := range p.workers {
		if match(w) {
			n++
		}
	}
	return n
}

// freeNumber is the lowest number that no living worker has: 1..processes, or a spare number
// above while a replacement waits for its elder to go.
func (p *Pool) freeNumber() int {
	for n := 1; ; n++ {
		if p.count(func(w *worker) bool { return w.number == n }) == 0 {
			return n
		}
	}
}

// occupy and vacate keep the books of a slot that gets its first request, or is free again.
func (p *Pool) occupy(now Time, s *slot) {
	w := s.w
	w.clock(now)
	w.occupied++
	if w.state == StateReady {
		p.freeSlots--
	}
	p.startCycle(now)
}

func (p *Pool) vacate(now Time, s *slot) {
	w := s.w
	w.clock(now)
	w.occupied--
	if w.occupied == 0 && (w.state == StateRetiring || w.state == StateDoomed) {
		p.armMercy(now, w)
	}
	if w.state == StateReady {
		p.freeSlots++
	}
}

// clock brings the sum of the times for which the slots were occupied up to now.
func (w *worker) clock(now Time) {
	w.busyFor += Time(w.occupied) * (now - w.busyAt)
	w.busyAt = now
}
