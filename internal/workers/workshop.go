// Package workers is the workshop: everything between a whole request and its answer. It carries
// out what the pool decides: it starts templates, has them fork workers, sends requests to their
// slots, takes messages back, reads answers, and buries the dead. It is the front's exchange.Door.
//
// One goroutine, the loop's, owns all of it; nothing in it waits or touches a disk. The decisions
// are package pool's; sockets, processes and the loop itself are the packages below. It knows no
// HTTP beyond methods and statuses, and no client connection.
package workers

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"fender/internal/exchange"
	"fender/internal/loop"
	"fender/internal/observe/event"
	"fender/internal/workers/osproc"
	"fender/internal/workers/pool"
	"fender/internal/workers/python"
	"fender/internal/workers/worker"
)

// Options are the workshop's settings. The zero value of a field means its default, which stands
// behind it.
type Options struct {
	Pool pool.Options
	// Launch prepares the template of a generation. It may touch disks: it runs in a goroutine of
	// its own.
	Launch func(generation int) (Launch, error)
	// RetryMethods are the methods that may be begun again. nil is those that HTTP calls safe: GET,
	// HEAD, OPTIONS; empty is none.
	RetryMethods []string
	// Memory bounds the bytes of answers that are held until they may leave: 256 MiB. Above it they
	// leave as they come.
	Memory *exchange.Budget
	// Journal gets the events; nil is none.
	Journal *event.Journal
	// Processes waits for children; nil is one of the workshop's own. There is one per process.
	Processes *osproc.Supervisor
	// Loop is the loop that the workshop shares with other rooms. Its caller runs it with the workshop
	// among its owners, from before Start until after Close; nil is one of the workshop's own.
	Loop *loop.Loop
}

// defaultMemory is generous for a page's worth of answers of some hundred requests, and small
// beside the workers.
const defaultMemory = 256 << 20

func (o Options) withDefaults() Options {
	if o.RetryMethods == nil {
		o.RetryMethods = []string{http.MethodGet, http.MethodHead, http.MethodOptions}
	}
	if o.Memory == nil {
		o.Memory = exchange.NewBudget(defaultMemory)
	}
	return o
}

// Fatal says that nothing can ever be served.
type Fatal struct {
	Code int // exit code
	Text string
}

// Workshop is the room behind the front.
type Workshop struct {
	opts    Options
	threads int
	safe    map[string]bool

	loop      *loop.Loop
	ownsLoop  bool
	ran       chan struct{} // closed when a loop of its own has ended
	box       *loop.Mailbox[letter]
	procs     *osproc.Supervisor
	ownsProcs bool
	memory    *osproc.Memory
	sampler   *osproc.Sampler
	helpers   sync.WaitGroup // goroutines that do what the loop must not
	closer    *loop.Helpers  // closes what workers have sent and nobody wants
	begun     atomic.Bool
	done      chan struct{} // closed when the workshop has ended
	stopped   chan struct{} // closed when every worker and template is gone after Stop
	fatal     chan Fatal
	ready     atomic.Int32
	closing   sync.Once

	// All below is the loop's.
	pool      *pool.Pool
	in        *worker.Inbox
	out       *worker.Outbox
	members   map[pool.SpawnID]*member
	templates map[int]*template // by generation, the process that forks for it
	processes map[*template]struct{}
	flights   map[exchange.ID]*flight
	spare     *flight
	failed    []failedFlight // of the effects that are being carried out
	effects   []pool.Effect
	carrying  bool
	alarms    alarms
	urgency   urgency
	reloads   reloads
	kills     int64 // the kernel's out-of-memory count when last looked at
	idle      bool  // the pool has nothing left
	stopping  bool
	ending    bool // Close has been called
	over      bool // nothing is left to do
	toldSmall bool
}

// failedFlight is a request that has had its last word, for the note about it that follows.
type failedFlight struct {
	id                    exchange.ID
	method, path, traceID string // copies: the request is its maker's again
	attempts              int
}

// New prepares a workshop: it asks the kernel for what is needed and begins to wait for children.
// Nothing is started before Start. Close gives everything back.
func New(o Options) (*Workshop, error) {
	o = o.withDefaults()
	if o.Launch == nil {
		return nil, errors.New("workers: Options.Launch is missing")
	}
	if o.Pool.Threads > python.MaxThreads {
		return nil, fmt.Errorf("threads = %d: a worker has at most %d; use more processes", o.Pool.Threads, python.MaxThreads)
	}
	if err := osproc.Probe(); err != nil {
		return nil, err
	}
	w := &Workshop{
		opts: o, threads: max(o.Pool.Threads, 1), safe: make(map[string]bool),
		loop: o.Loop, ran: make(chan struct{}), closer: loop.NewHelpers(closers),
		procs: o.Processes, memory: osproc.FindMemory(),
		done: make(chan struct{}), stopped: make(chan struct{}), fatal: make(chan Fatal, 1),
		in: worker.NewInbox(), out: worker.NewOutbox(),
		members: make(map[pool.SpawnID]*member), templates: make(map[int]*template),
		processes: make(map[*template]struct{}), flights: make(map[exchange.ID]*flight),
		reloads: reloads{waiting: make(map[int][]chan<- error)},
	}
	for _, m := range o.RetryMethods {
		w.safe[m] = true
	}
	var err error
	if w.loop == nil {
		if w.loop, err = loop.New(); err != nil {
			return nil, err
		}
		w.ownsLoop = true
	}
	if w.procs == nil {
		var warnings []string
		if w.procs, warnings, err = osproc.New(); err != nil {
			if w.ownsLoop {
				w.loop.Close()
			}
			return nil, err
		}
		w.ownsProcs = true
		for _, text := range warnings {
			o.Journal.Warn("%s", text)
		}
	}
	if !w.loop.Precise() {
		o.Journal.Warn("this kernel has no epoll_pwait2 (Linux 5.11): deadlines are kept to the millisecond")
	}
	if text := w.memory.Warning(); text != "" {
		o.Journal.Warn("%s", text)
	}
	if _, text := osproc.OpenFiles(); text != "" {
		o.Journal.Warn("%s", text)
	}
	w.box = loop.NewMailbox[letter](w.loop)
	w.pool = pool.New(o.Pool, pages{w})
	w.kills = w.memory.Kills()
	if o.Pool.ReloadOnRSS > 0 || o.Pool.Scaler != nil {
		w.sampler = osproc.NewSampler(w.memory, osproc.SamplePeriod, w.sampled)
	}
	return w, nil
}

// The pool's lines are as long as the sockets' and the program's.
var _, _ = [1]struct{}{}[pool.LineMost-worker.Depth], [1]struct{}{}[pool.LineMost-python.MaxLine]

// closers is how many goroutines close files. The last close of an unlinked file frees its blocks on the
// disk, one of a file on a network asks another machine, and one of a socket may linger.
const closers = 2

// Start asks for the first template, and starts the loop if it is the workshop's own. It returns at once.
func (w *Workshop) Start() {
	if w.begun.Swap(true) {
		return
	}
	w.post(func(now time.Duration) { w.pool.Start(now) })
	if w.ownsLoop {
		go func() {
			defer close(w.ran)
			w.loop.Run(w)
		}()
	}
}

// Turn is the loop's: letters, alarms, the pool's deadlines.
func (w *Workshop) Turn(now time.Duration) {
	if w.over {
		return
	}
	letters := w.box.Take()
	for i := range letters {
		w.open(now, &letters[i])
		w.carry(now)
	}
	if w.ending {
		w.end(now)
		return
	}
	for a := w.alarms.due(now); a != nil; a = w.alarms.due(now) {
		a.ring(now)
		w.carry(now)
	}
	if at, ok := w.pool.Next(); ok && at <= now {
		w.pool.Tick(now)
		w.carry(now)
	}
	w.adapt(now)
}

// Next is the loop's: the earliest deadline.
func (w *Workshop) Next() (time.Duration, bool) {
	if w.over {
		return 0, false
	}
	at, ok := w.pool.Next()
	if mine, also := w.alarms.next(); also && (!ok || mine < at) {
		at, ok = mine, true
	}
	if mine, also := w.urgency.next(); also && (!ok || mine < at) {
		at, ok = mine, true
	}
	return at, ok
}

// Pending is the loop's: whether there are letters.
func (w *Workshop) Pending() bool { return w.box.Pending() }

// pages is the pool's view of the workers' pages.
type pages struct{ w *Workshop }

func (p pages) State(id pool.SpawnID, slot int) (uint32, pool.Phase) {
	m := p.w.members[id]
	if m == nil || m.buried {
		return 0, pool.PhaseIdle
	}
	seq, phase := m.sockets.Page().State(slot)
	return seq, pool.Phase(phase)
}

func (p pages) Heard(id pool.SpawnID) uint64 {
	m := p.w.members[id]
	if m == nil || m.buried {
		return 0
	}
	return m.sockets.Page().Heard()
}

func (p pages) Blocked(id pool.SpawnID, slot int) bool {
	m := p.w.members[id]
	if m == nil || m.dead || m.proc == nil {
		return false
	}
	return m.proc.SleepsOnLock(m.sockets.Page().TID(slot))
}

// sampled gives the pool what the sampler has read.
func (w *Workshop) sampled(all []osproc.Sample, used, limit int64) {
	all = append([]osproc.Sample(nil), all...)
	w.post(func(now time.Duration) {
		w.pool.MemoryUse(used, limit)
		for _, s := range all {
			w.pool.Memory(now, pool.SpawnID(s.Key), s.RSS)
			w.carry(now)
		}
	})
}

// count keeps the number of ready workers where others may read it.
func (w *Workshop) count() { w.ready.Store(int32(w.pool.Ready())) }

// Ready reports whether at least one worker takes requests. Any goroutine may ask.
func (w *Workshop) Ready() bool { return w.ready.Load() > 0 }

// Fatal gets at most one value: nothing can ever be served.
func (w *Workshop) Fatal() <-chan Fatal { return w.fatal }

func (w *Workshop) fail(code int, text string) {
	select {
	case w.fatal <- Fatal{code, text}:
	default: // the first one is the reason
	}
}

// Scale moves the number of workers by hand: SIGTTIN and SIGTTOU.
func (w *Workshop) Scale(delta int) {
	w.post(func(now time.Duration) { w.pool.Scale(now, delta) })
}
