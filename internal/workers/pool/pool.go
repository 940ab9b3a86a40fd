// Package pool is the one decision maker of the workshop: the queue, the slots, what happens to a
// request when its worker dies, the lives of the workers, reload and scaling. It is pure: events,
// the time and a view of the workers' pages go in, effects come out. It has no sockets, no clock,
// no goroutines and no locks; its one caller is the workshop's loop, which carries the effects out
// (package workers), or a simulation.
//
// It owns every state of requests and workers from Submit to the end of the answer. It does not
// read or write messages, does not know pids, and does not hold any byte of a request or answer.
package pool

import (
	"fmt"
	"math/rand/v2"
	"time"

	"fender/internal/exchange"
	"fender/internal/observe/event"
	"fender/internal/workers/scaler"
)

// Time is a reading of a monotonic clock: the time since an origin that the caller chose.
type Time = time.Duration

// SpawnID names one worker process within one master. It is never reused.
type SpawnID uint64

// Phase is what a slot's thread does, read off the page.
type Phase uint8

// The phases, as the worker writes them.
const (
	PhaseIdle Phase = iota
	PhaseCalling
	PhaseIterating
	PhaseClosing
)

// Pages is the pool's view of the workers' pages.
type Pages interface {
	// State reads the slot's word: the sequence of the request that was begun last, and the phase.
	State(SpawnID, int) (seq uint32, phase Phase)
	// Heard counts the interrupts that the worker's main thread has seen.
	Heard(SpawnID) uint64
	// Blocked tells whether the slot's thread sleeps on a lock; false when that is not known.
	Blocked(SpawnID, int) bool
}

// Scaler decides once per cycle how many workers there shall be. scaler.Scaler is one.
type Scaler interface {
	Decide(scaler.Sample) scaler.Decision
}

// Bounds that are not options, each with its reason.
const (
	// aheadBound is how long a request may wait behind others in a slot's line: long enough for
	// any fast page to end, short enough not to be seen when one was slow after all.
	aheadBound = 10 * time.Millisecond
	// usualWeight is how many requests the usual time is a mean of, the newest counting most.
	usualWeight = 16
	// aheadSteal is how long a request waits in a line before a slot that came free may have it.
	// Below it the taking back costs more than it saves.
	aheadSteal = 1 * time.Millisecond
	// unreadBound is how long a message may lie before a free slot. Only a worker that cannot
	// run (stopped, starved, its interpreter lock held) lets it lie that long.
	unreadBound = 100 * time.Millisecond
	// withdrawBound is how long after its withdrawal a request that is still not begun may be sent
	// elsewhere. The worker says that it begins and then looks at the withdrawal; what it said must
	// have reached this processor before the page is read. That takes well below a microsecond.
	withdrawBound = 10 * time.Millisecond
	// stallMax bounds the pause after which a stalled worker is tried again.
	stallMax = 1600 * time.Millisecond
	// closingCheck is when the page is looked at after an answer whose close() was still to come.
	// A close() that is slower than 1 ms is reported by an idle frame.
	closingCheck = 2 * time.Millisecond
	// streamQuiet and streamBytes say when an answer without a length begins to leave.
	streamQuiet = 5 * time.Millisecond
	streamBytes = 64 << 10
	// cycle is the period of scaling, lifetimes and the watch for gaps in the loop's own time:
	// uWSGI's master cycle.
	cycle = time.Second
	// gap is how late a cycle must be to count as a pause of the whole container.
	gap = 500 * time.Millisecond
	// interruptAgain is when an interrupt that the worker's main thread has not heard is sent again.
	// A signal that comes right before a system call is noticed only after it.
	interruptAgain = 100 * time.Millisecond
	// harakiriGrace is how long an interrupted thread may take. At half of it a worker whose main
	// thread has not even heard the interrupt is killed: its interpreter lock is held.
	harakiriGrace = 2 * time.Second
	// extendMost is how far away a request may move its deadline.
	extendMost = 7 * 24 * time.Hour
	// poisonDeaths is how many workers a request may take along.
	poisonDeaths = 2
	// backoffMin and backoffMax bound the pause after a worker or template that did not come up.
	backoffMin = 100 * time.Millisecond
	backoffMax = 30 * time.Second
)

// Options are the pool's settings. The zero value of a field means its default, which stands
// behind it.
type Options struct {
	Processes int // 1
	Threads   int // slots per worker, 1
	Cheaper   int // workers that always stay; 0 is no scaling
	Initial   int // workers at start; Cheaper, or Processes without scaling
	Scaler    Scaler

	ReloadStep int // workers above the set point during a replacement, 1

	QueueLimit   int  // 1024
	QueueTimeout Time // 30 s

	AnswerBuffer int64 // 1 MiB; a longer answer leaves as it comes

	// Ahead is how many requests may be sent ahead to a slot whose thread works on another one,
	// and AheadBelow how long those before it in the line may usually take for that together: 7, and 5 ms.
	// What is slower gains nothing from having its next request at hand, and loses the order of the queue.
	Ahead      int
	AheadBelow Time

	Harakiri    Time // 0 is none
	NoInterrupt bool // kill at once instead of raising in the thread

	MaxRequests      int   // 0 is none
	MaxRequestsDelta int   // random, added
	MaxLifetime      Time  // 0 is none
	LifetimeDelta    Time  // random, added
	MinLifetime      Time  // max-requests and memory wait for it
	ReloadOnRSS      int64 // bytes, 0 is none
	RetireMercy      Time  // 60 s: from a retired worker's last answer to SIGKILL

	NeedApp bool // whether an application that does not come up at start is fatal
	Seed    uint64
}

func (o Options) withDefaults() Options {
	def := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	def(&o.Processes, 1)
	def(&o.Threads, 1)
	def(&o.ReloadStep, 1)
	def(&o.QueueLimit, 1024)
	if o.Scaler == nil || o.Cheaper <= 0 {
		o.Cheaper, o.Scaler = 0, nil
		o.Initial = o.Processes
	}
	if o.Scaler != nil {
		o.Cheaper = min(o.Cheaper, o.Processes)
		o.Initial = min(max(o.Initial, o.Cheaper), o.Processes)
	}
	if o.QueueTimeout <= 0 {
		o.QueueTimeout = 30 * time.Second
	}
	if o.AnswerBuffer <= 0 {
		o.AnswerBuffer = 1 << 20
	}
	o.MaxRequestsDelta = max(o.MaxRequestsDelta, 0)
	o.LifetimeDelta = max(o.LifetimeDelta, 0)
	if o.Ahead <= 0 || o.Ahead >= LineMost {
		o.Ahead = LineMost - 1
	}
	if o.AheadBelow <= 0 {
		o.AheadBelow = aheadBound / 2
	}
	if o.RetireMercy <= 0 {
		o.RetireMercy = 60 * time.Second
	}
	return o
}

// Pool is the decision maker. It is not safe for concurrent use.
type Pool struct {
	opts    Options
	pages   Pages
	rng     *rand.Rand
	effects []Effect
	given   []Effect // the buffer that the caller reads now

	requests map[exchange.ID]*request
	queue    reqList // waiting, in the order in which they go
	suspects reqList // waiting to run alone
	spare    *request

	workers   []*worker // alive, in the order of their spawn
	lastSpawn SpawnID
	freeSlots int // slots of ready workers that are free now
	closing   int // slots that wait for close()

	usual Time // time of a request, as the last ones took it

	timers    timerSet
	stealing  timer // not before then may a free slot take what waits behind another request
	nextCycle Time
	cycling   bool

	target    int          // serving workers wanted
	processes int          // its upper bound; SIGTTIN and SIGTTOU move it
	shrink    event.Reason // why the set point was lowered last

	gen  *generation // what new workers are forked from
	next *generation // a reload's, until its first worker is ready
	old  *generation // what a reload has replaced, until its last worker is gone

	lastGeneration int
	reload         reloadState
	boot           bootState
	stopping       bool
	stopped        bool
	memoryUsed     int64
	memoryLimit    int64
	totals         Totals
}

// Totals are the pool's counters since the start.
type Totals struct {
	Submitted, Answered, Failed, Cut, Cancelled uint64
	TakenBack, Retried, SentAhead               uint64
	Born, Gone                                  uint64
	Harakiri, Poison                            uint64
	Reloads                                     uint64 // that went well
}

// New returns a pool that has done nothing yet. Start begins.
func New(o Options, pages Pages) *Pool {
	o = o.withDefaults()
	p := &Pool{
		opts:      o,
		pages:     pages,
		rng:       rand.New(rand.NewPCG(o.Seed, 0x66656e646572)),
		requests:  make(map[exchange.ID]*request),
		processes: o.Processes,
		target:    o.Initial,
	}
	p.queue.init()
	p.suspects.init()
	p.timers.init()
	return p
}

// Start asks for the first template.
func (p *Pool) Start(now Time) {
	p.gen = p.newGeneration()
	p.startTemplate(p.gen)
}

// Effects returns what is to be done since the last call, in order. The slice stays whole while the
// caller reports further events, until the next call of Effects: so it must not be called for
// these before the last effect of this slice was carried out.
func (p *Pool) Effects() []Effect {
	e := p.effects
	p.effects, p.given = p.given[:0], e
	return e
}

func (p *Pool) emit(e Effect) { p.effects = append(p.effects, e) }

func (p *Pool) note(n Note) { p.emit(Effect{Op: OpNote, Note: &n}) }

func (p *Pool) warn(format string, args ...any) {
	p.note(Note{Kind: NoteWarning, Text: fmt.Sprintf(format, args...)})
}

// Totals returns the counters.
func (p *Pool) Totals() Totals { return p.totals }

// QueueLength is the number of requests that wait for a slot.
func (p *Pool) QueueLength() int { return p.queue.len + p.suspects.len }

// Waits reports whether any request waits: for a slot, or in a slot's line.
func (p *Pool) Waits() bool { return p.QueueLength() > 0 || p.timers.first(timerAhead) != nil }

// HasFree reports whether a slot of a worker that is ready has nothing to do.
func (p *Pool) HasFree() bool { return p.freeSlots > 0 }

func (p *Pool) noteWorker(w *worker, from State, after Time, d *Death) {
	p.note(Note{
		Kind: NoteWorker, Spawn: w.spawn, Number: w.number, Generation: w.generation,
		From: from, To: w.state, Reason: w.reason, After: after, Death: d,
	})
}
