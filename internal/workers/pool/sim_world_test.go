package pool

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"fender/internal/exchange"
	"fender/internal/workers/scaler"
)

type message struct {
	id   exchange.ID
	seq  uint32
	sent Time
}

type frame struct {
	message
	end, closing, broken, idle, bad bool
	refused                         bool
	n                               int
	length                          int64
}

// simSlot is a thread of a simulated worker and its socket.
type simSlot struct {
	inbox   []message // sent, not read
	cur     message   // read, if reading
	reading bool
	begun   bool
	parts   int
	ended   bool // the last frame is out, close() runs
	endedAt Time // when close() began
	stuck   bool // never comes back by itself
	outbox  []frame
	seq     uint32 // page
	phase   Phase
	shut    bool // half-closed by the front
	paused  bool
	abort   uint32
	barred  uint32 // the sequence that was withdrawn
	torn    bool   // the page says that cur is begun, and it was withdrawn

	// For the rules about harakiri: when cur was begun, when the pool heard the last of what came
	// before it, and for how long its clock stood, was moved, or ran while nothing else did.
	begunAt, knownAt, pausedAt Time
	clearAt                    Time // knownAt, on a clock that stands while everything does
	stood, extended, frozen    Time
	gaps                       int
}

// running tells whether the slot's thread is in the application for a request.
func (s *simSlot) running() bool { return s.reading && s.begun && !s.ended }

type simWorker struct {
	id       SpawnID
	gen      int
	slots    []simSlot
	hello    bool // has been sent
	helloed  bool // has been delivered
	dead     bool
	noticed  bool // the hands have seen its death
	death    Death
	retired  bool
	gone     bool
	garbage  bool // has been sent
	deaf     bool // holds its interpreter lock for ever: hears nothing
	calls    bool // its requests ask the master for something
	heard    uint64
	bootFail bool
}

type simRequest struct {
	id                                exchange.ID
	safe                              bool
	priority                          int8
	size                              int
	ownDeaths                         int
	begins                            int
	torn                              bool // some page said for a moment that it was begun
	released, finished, failed, cut   bool
	killer, sticks, streams, bad, brk bool // what its code does

	// The answer as the pool has heard of it.
	length   int64
	held     int64
	partAt   Time
	hasParts bool
	forced   bool // the hands can hold it no longer
}

func (q *simRequest) over() bool { return q.finished || q.failed || q.cut }

// world is everything outside of the pool.
type world struct {
	rng      *rand.Rand
	p        *Pool
	opts     Options
	now      Time
	workers  []*simWorker // by spawn, from 1
	living   []*simWorker // not gone
	requests []*simRequest
	open     int
	temps    map[int]string // generation -> loading, ready, dead
	calm     bool           // no more faults: come to rest
	badCode  bool
	ready    int // workers, as the notes say: in the order of the decisions
	target   int // the set point, likewise
	stopped  bool
	fatal    bool
	began    int // reloads
	done     int
	seen     coverage
	fault    string
	tracing  bool
	trace    []string
}

func (w *world) worker(id SpawnID) *simWorker {
	if id == 0 || int(id) > len(w.workers) {
		return nil
	}
	return w.workers[id-1]
}

func (w *world) request(id exchange.ID) *simRequest { return w.requests[id-1] }

// State, Heard and Blocked are the workers' pages.
func (w *world) State(id SpawnID, slot int) (uint32, Phase) {
	sw := w.worker(id)
	if sw == nil {
		return 0, PhaseIdle
	}
	return sw.slots[slot].seq, sw.slots[slot].phase
}

func (w *world) Heard(id SpawnID) uint64 { return w.worker(id).heard }

// Blocked is the truth about a deaf worker: all but the one that holds the lock wait for it.
func (w *world) Blocked(id SpawnID, slot int) bool {
	sw := w.worker(id)
	return sw != nil && sw.deaf && !sw.slots[slot].stuck
}

func (w *world) failf(format string, args ...any) {
	if w.fault == "" {
		w.fault = fmt.Sprintf(format, args...)
	}
}

func (w *world) say(format string, args ...any) {
	if w.tracing {
		w.trace = append(w.trace, fmt.Sprintf("%8v ", w.now)+fmt.Sprintf(format, args...))
	}
}

func (w *world) chance(percent int) bool { return w.rng.IntN(100) < percent }

func simulate(seed uint64, tracing bool) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 7)), temps: map[int]string{}, tracing: tracing}
	defer func() {
		if r := recover(); r != nil {
			w.failf("panic: %v", r)
			if tracing {
				buf := make([]byte, 8192)
				w.trace = append(w.trace, string(buf[:runtime.Stack(buf, false)]))
			}
		}
	}()
	w.p = New(w.chooseOptions(seed), w)
	w.opts, w.target = w.p.opts, w.p.target
	w.p.Start(0)
	w.act()
	for i := 0; i < 60+w.rng.IntN(120) && w.fault == "" && !w.fatal; i++ {
		w.step()
		w.check()
	}
	w.rest()
	return w
}

func (w *world) chooseOptions(seed uint64) Options {
	rng := w.rng
	o := Options{
		Processes:  1 + rng.IntN(4),
		Threads:    1 + rng.IntN(3),
		QueueLimit: 1 + rng.IntN(8),
		Seed:       seed,
		NeedApp:    true,
	}
	if w.chance(70) {
		o.AheadBelow = time.Hour // its requests take as long as the schedule likes
	}
	if w.chance(50) {
		o.Ahead = 1 + rng.IntN(LineMost-1)
	} else {
		o.Ahead = 1
	}
	if w.chance(50) {
		o.Harakiri = time.Duration(1+rng.IntN(5)) * time.Second
		o.NoInterrupt = w.chance(20)
	}
	if w.chance(40) {
		o.MaxRequests = 1 + rng.IntN(5)
		o.MaxRequestsDelta = rng.IntN(3)
	}
	if w.chance(20) {
		o.MaxLifetime = time.Duration(1+rng.IntN(10)) * time.Second
	}
	if w.chance(10) {
		o.MinLifetime = time.Duration(1+rng.IntN(3)) * time.Second
	}
	if w.chance(20) {
		o.ReloadOnRSS = 100
	}
	if w.chance(30) {
		o.QueueTimeout = time.Duration(1+rng.IntN(3000)) * time.Millisecond
	}
	if w.chance(30) {
		o.AnswerBuffer = 500
	}
	if w.chance(20) {
		o.ReloadStep = 2
	}
	if o.Processes > 1 && w.chance(40) {
		o.Cheaper = 1 + rng.IntN(o.Processes-1)
		o.Initial = o.Cheaper
		s, err := scaler.New(scaler.Options{Overload: 1})
		if err != nil {
			panic(err)
		}
		o.Scaler = s
	}
	return o
}
