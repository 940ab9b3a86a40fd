package pool

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fender/internal/exchange"
	"fender/internal/observe/event"
	"fender/internal/workers/scaler"
)

var (
	schedules = flag.Int("schedules", 100_000, "random schedules to simulate")
	oneSeed   = flag.Uint64("schedule", 0, "simulate only this schedule, with its trace")
)

// TestPool_KeepsItsPromisesInRandomSchedules runs the pool against a simulated kernel, workers and
// clients in random order and checks the design's invariants after every step.
func TestPool_KeepsItsPromisesInRandomSchedules(t *testing.T) {
	if *oneSeed != 0 {
		w := simulate(*oneSeed, true)
		t.Log(strings.Join(w.trace, "\n"))
		if w.fault != "" {
			t.Fatal(w.fault)
		}
		return
	}
	n := *schedules
	if testing.Short() {
		n = min(n, 10_000)
	}
	if raceEnabled {
		n = min(n, 5_000)
	}
	var next atomic.Uint64
	var sum coverage
	var mu sync.Mutex
	var failed atomic.Bool
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			var own coverage
			for !failed.Load() {
				seed := next.Add(1)
				if seed > uint64(n) {
					break
				}
				w := simulate(seed, false)
				own.add(&w.seen)
				if w.fault != "" {
					failed.Store(true)
					t.Errorf("schedule %d: %s\n(again with -schedule=%d)", seed, w.fault, seed)
				}
			}
			mu.Lock()
			sum.add(&own)
			mu.Unlock()
		})
	}
	wg.Wait()
	// A simulation in which something never happens shows nothing about it.
	if !failed.Load() {
		sum.check(t, n)
	}
	t.Logf("%d schedules: %+v", n, sum)
}

// coverage counts what happened, so that the test fails when a fault was never tried.
type coverage struct {
	Steps, Submitted, Answered, Begun, MovedUnread, MovedNotBegun, Retried, Poisoned, CrashAnswers,
	Cut, Cancelled, SentAhead, Struck, Interrupted, Killed, OutsideKills, OwnDeaths, BootFailures,
	Reloads, ReloadsRefused, Recycled, Scaled, QueueTimeouts, QueueFull, TemplateDeaths, Stops,
	Forced, SlowCloses, Streams, Paused, Protocol, Probed int
}

func (c *coverage) fields() []*int {
	return []*int{
		&c.Steps, &c.Submitted, &c.Answered, &c.Begun, &c.MovedUnread, &c.MovedNotBegun, &c.Retried, &c.Poisoned,
		&c.CrashAnswers, &c.Cut, &c.Cancelled, &c.SentAhead, &c.Struck, &c.Interrupted, &c.Killed,
		&c.OutsideKills, &c.OwnDeaths, &c.BootFailures, &c.Reloads, &c.ReloadsRefused, &c.Recycled,
		&c.Scaled, &c.QueueTimeouts, &c.QueueFull, &c.TemplateDeaths, &c.Stops, &c.Forced,
		&c.SlowCloses, &c.Streams, &c.Paused, &c.Protocol, &c.Probed,
	}
}

func (c *coverage) add(o *coverage) {
	from := o.fields()
	for i, f := range c.fields() {
		*f += *from[i]
	}
}

func (c *coverage) check(t *testing.T, n int) {
	if n < 1000 {
		return
	}
	for i, f := range c.fields() {
		if *f == 0 {
			t.Errorf("field %d of the coverage is 0: that never happened: %+v", i, *c)
		}
	}
}

// ---- the simulated world ----

type message struct {
	id  exchange.ID
	seq uint32
}

type frame struct {
	message
	end, closing, broken, idle, bad bool
	n                               int
	length                          int64
}

// simSlot is a thread of a simulated worker and its socket.
type simSlot struct {
	inbox   []message // sent, not read
	cur     *message  // read
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
}

type simWorker struct {
	id       SpawnID
	gen      int
	slots    []simSlot
	hello    bool // has been sent
	helloed  bool // has been delivered
	dead     bool
	death    Death
	retired  bool
	gone     bool
	deaf     bool // holds its interpreter lock for ever: hears nothing
	heard    uint64
	bootFail bool
}

type simRequest struct {
	id                                exchange.ID
	safe                              bool
	ownDeaths                         int
	begins                            int
	released, finished, failed, cut   bool
	cancelled                         bool
	cause                             exchange.Cause
	killer, sticks, streams, bad, brk bool // what its code does
}

type world struct {
	rng      *rand.Rand
	p        *Pool
	opts     Options
	now      Time
	workers  map[SpawnID]*simWorker
	order    []SpawnID
	requests map[exchange.ID]*simRequest
	ids      []exchange.ID
	temps    map[int]string // generation -> loading, ready, dead
	lastID   exchange.ID
	calm     bool // no more faults: come to rest
	badCode  bool
	stopped  bool
	fatal    bool
	seen     coverage
	fault    string
	tracing  bool
	trace    []string
}

func (w *world) State(id SpawnID, slot int) (uint32, Phase) {
	sw := w.workers[id]
	if sw == nil {
		return 0, PhaseIdle
	}
	return sw.slots[slot].seq, sw.slots[slot].phase
}

func (w *world) Heard(id SpawnID) uint64 { return w.workers[id].heard }

// Blocked is the truth about a deaf worker: all but the one that holds the lock wait for it.
func (w *world) Blocked(id SpawnID, slot int) bool {
	sw := w.workers[id]
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
	rng := rand.New(rand.NewPCG(seed, 7))
	w := &world{
		rng: rng, workers: map[SpawnID]*simWorker{}, requests: map[exchange.ID]*simRequest{},
		temps: map[int]string{}, tracing: tracing,
	}
	defer func() {
		if r := recover(); r != nil {
			w.failf("panic: %v", r)
			if tracing {
				buf := make([]byte, 8192)
				w.failf("%s", buf[:runtime.Stack(buf, false)])
				w.trace = append(w.trace, string(buf))
			}
		}
	}()
	o := Options{
		Processes:  1 + rng.IntN(4),
		Threads:    1 + rng.IntN(3),
		QueueLimit: 1 + rng.IntN(8),
		Seed:       seed,
		NeedApp:    true,
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
	if w.chance(20) {
		o.ReloadOnRSS = 100
	}
	if w.chance(30) {
		o.QueueTimeout = time.Duration(1+rng.IntN(3000)) * time.Millisecond
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
	w.opts = o
	w.p = New(o, w)
	w.opts = w.p.opts
	w.p.Start(0)
	w.act()
	for i := 0; i < 60+rng.IntN(120) && w.fault == "" && !w.fatal; i++ {
		w.step()
		w.check()
	}
	w.rest()
	return w
}

// step does one random thing.
func (w *world) step() {
	w.seen.Steps++
	switch k := w.rng.IntN(100); {
	case k < 15:
		w.submit()
	case k < 17:
		w.cancel()
	case k < 56:
		for range 3 {
			w.workerStep()
		}
	case k < 74:
		for range 2 {
			w.deliver()
		}
	case k < 84:
		w.pass(time.Duration(w.rng.IntN(20)) * time.Millisecond / 4)
	case k < 88:
		w.pass(time.Duration(w.rng.IntN(1500)) * time.Millisecond)
	case k < 91:
		w.killOne()
	case k < 93:
		w.bury()
	case k < 95:
		w.templateStep()
	case k < 96:
		if w.chance(50) {
			w.badCode = w.chance(30)
			w.say("reload")
			w.p.Reload(w.now, event.ReasonReload)
			w.seen.Reloads++
			w.act()
		}
	case k < 97:
		w.p.Scale(w.now, 1-2*w.rng.IntN(2))
		w.act()
	case k < 98:
		for range 4 {
			w.pauseOne()
		}
		if w.chance(10) {
			w.garbage()
		}
	case k < 99:
		w.memory()
	default:
		if w.chance(15) {
			w.killTemplate()
		} else if w.chance(5) {
			w.stop()
		}
	}
}

func (w *world) stop() {
	w.say("stop")
	w.seen.Stops++
	w.p.Stop(w.now)
	w.act()
	if w.chance(30) {
		w.say("force")
		w.seen.Forced++
		w.p.Force(w.now)
		w.act()
	}
}

func (w *world) submit() {
	w.lastID++
	q := &simRequest{id: w.lastID, safe: w.chance(60)}
	if !w.calm {
		q.killer, q.sticks, q.streams = w.chance(4), w.chance(4), w.chance(15)
		q.bad, q.brk = w.chance(3), w.chance(3)
	}
	w.requests[q.id] = q
	w.ids = append(w.ids, q.id)
	w.seen.Submitted++
	w.say("submit %d safe=%v killer=%v sticks=%v", q.id, q.safe, q.killer, q.sticks)
	w.p.Submit(w.now, Request{ID: q.id, Safe: q.safe, Priority: int8(w.rng.IntN(8) / 7)})
	w.act()
}

func (w *world) cancel() {
	if len(w.ids) == 0 {
		return
	}
	q := w.requests[w.ids[w.rng.IntN(len(w.ids))]]
	if !q.over() {
		q.cancelled = true
		w.seen.Cancelled++
	}
	w.say("cancel %d", q.id)
	w.p.Cancel(w.now, q.id)
	w.act()
}

func (q *simRequest) over() bool { return q.finished || q.failed || q.cut }

func (w *world) alive() []*simWorker {
	var all []*simWorker
	for _, id := range w.order {
		if sw := w.workers[id]; !sw.dead && !sw.gone {
			all = append(all, sw)
		}
	}
	return all
}

// workerStep lets one thread of one worker do its next thing.
func (w *world) workerStep() {
	all := w.alive()
	if len(all) == 0 {
		return
	}
	sw := all[w.rng.IntN(len(all))]
	if !sw.hello {
		if sw.bootFail {
			sw.dead = true
			sw.death = Death{Own: true, Code: 1}
			w.seen.BootFailures++
			return
		}
		sw.hello = true
		return
	}
	w.threadStep(sw, &sw.slots[w.rng.IntN(len(sw.slots))])
}

func (w *world) threadStep(sw *simWorker, s *simSlot) {
	if sw.deaf || s.stuck {
		return
	}
	switch {
	case s.cur == nil && len(s.inbox) > 0:
		m := s.inbox[0]
		s.inbox = s.inbox[1:]
		s.cur, s.begun, s.parts, s.ended = &m, false, 0, false
		w.say("worker %d reads %d", sw.id, m.id)
	case s.cur == nil:
		if s.shut {
			for i := range sw.slots {
				if x := &sw.slots[i]; x.cur != nil || len(x.inbox) > 0 || !x.shut {
					return
				}
			}
			sw.dead = true
			sw.death = Death{}
			w.say("worker %d ends", sw.id)
		}
	case !s.begun:
		w.begin(sw, s)
	case !s.ended:
		w.produce(sw, s)
	default: // close() returns
		if s.phase == PhaseClosing {
			s.phase = PhaseIdle
			if w.now-s.endedAt >= time.Millisecond {
				w.seen.SlowCloses++
				s.outbox = append(s.outbox, frame{message: *s.cur, idle: true})
			}
		}
		s.cur = nil
	}
}

func (w *world) begin(sw *simWorker, s *simSlot) {
	q := w.requests[s.cur.id]
	s.begun, s.seq, s.phase = true, s.cur.seq, PhaseCalling
	q.begins++
	w.seen.Begun++
	w.say("worker %d begins %d", sw.id, q.id)
	if q.released {
		w.failf("request %d is begun again after its answer had begun to leave", q.id)
	}
	if q.begins > 1 && !q.safe {
		w.failf("request %d is unsafe and begun %d times", q.id, q.begins)
	}
	if q.ownDeaths >= poisonDeaths {
		w.failf("request %d is begun again after %d deaths", q.id, q.ownDeaths)
	}
	if q.ownDeaths > 0 {
		for i := range sw.slots {
			if o := &sw.slots[i]; o != s && o.cur != nil && !o.ended {
				w.failf("suspect %d is begun beside %d", q.id, o.cur.id)
			}
		}
	}
	if q.killer && w.chance(70) {
		w.die(sw, true)
	} else if q.sticks && !w.calm {
		s.stuck = true
		sw.deaf = w.chance(30)
	}
}

func (w *world) produce(sw *simWorker, s *simSlot) {
	q := w.requests[s.cur.id]
	f := frame{message: *s.cur, n: w.rng.IntN(200), length: -1}
	if !q.streams {
		f.length = 1000
	} else if w.chance(30) {
		f.n = 2 << 20
	}
	s.parts++
	if s.abort == s.cur.seq || w.chance(60) || s.parts > 4 {
		f.end = true
		f.closing = w.chance(50)
		f.broken = q.brk
		f.bad = q.bad
		if f.closing {
			s.phase, s.endedAt = PhaseClosing, w.now
		} else {
			s.phase = PhaseIdle
		}
		s.ended = true
	} else {
		s.phase = PhaseIterating
		w.seen.Streams++
	}
	s.outbox = append(s.outbox, f)
}

// deliver hands one frame to the pool.
func (w *world) deliver() {
	var from []*simWorker
	for _, id := range w.order {
		if sw := w.workers[id]; !sw.gone && !sw.dead {
			from = append(from, sw)
		}
	}
	if len(from) == 0 {
		return
	}
	sw := from[w.rng.IntN(len(from))]
	if sw.hello && !sw.helloed {
		sw.helloed = true
		w.say("worker %d is ready", sw.id)
		w.p.Hello(w.now, sw.id)
		w.act()
		return
	}
	i := w.rng.IntN(len(sw.slots))
	if s := &sw.slots[i]; len(s.outbox) > 0 && !s.paused {
		w.deliverFrom(sw, i)
	}
}

func (w *world) deliverFrom(sw *simWorker, i int) {
	s := &sw.slots[i]
	f := s.outbox[0]
	s.outbox = s.outbox[1:]
	w.say("frame of %d from worker %d end=%v closing=%v idle=%v", f.id, sw.id, f.end, f.closing, f.idle)
	ok := true
	if f.bad {
		w.p.BadAnswer(w.now, sw.id, i, "bad")
	}
	switch {
	case f.idle:
		w.p.Idle(w.now, sw.id, i)
	case f.end:
		ok = w.p.AnswerEnd(w.now, sw.id, i, f.id, f.seq, f.n, f.length, f.closing, f.broken)
	default:
		ok = w.p.AnswerPart(w.now, sw.id, i, f.id, f.seq, f.n, f.length)
	}
	if !ok {
		w.failf("the pool does not know the answer %d of worker %d", f.id, sw.id)
	}
	w.act()
}

// pass lets time pass, deadline by deadline.
func (w *world) pass(d time.Duration) {
	until := w.now + d
	for n := 0; w.fault == ""; n++ {
		at, ok := w.p.Next()
		if !ok || at > until {
			break
		}
		if n > 100_000 {
			w.failf("the pool wants to be woken at %v again and again", at)
			return
		}
		w.now = max(w.now, at)
		w.p.Tick(w.now)
		w.act()
		w.check()
	}
	w.now = until
	w.p.Tick(w.now)
	w.act()
}

func (w *world) die(sw *simWorker, own bool) {
	sw.dead = true
	sw.death = Death{Own: own, Signal: 11}
	w.say("worker %d dies own=%v", sw.id, own)
	if own {
		w.seen.OwnDeaths++
		w.blame(sw)
	}
}

// blame counts a death for every request that the worker had begun.
func (w *world) blame(sw *simWorker) {
	for i := range sw.slots {
		if s := &sw.slots[i]; s.cur != nil && s.begun && !s.ended {
			w.requests[s.cur.id].ownDeaths++
		}
	}
}

func (w *world) killOne() {
	if all := w.alive(); len(all) > 0 {
		w.seen.OutsideKills++
		w.die(all[w.rng.IntN(len(all))], w.chance(20))
		if sw := all[0]; sw.dead && !sw.death.Own {
			sw.death.Signal = 9
		}
	}
}

// bury reports one death in the order of the design: frames, taking back, then the death.
func (w *world) bury() {
	for _, id := range w.order {
		sw := w.workers[id]
		if !sw.dead || sw.gone {
			continue
		}
		if sw.hello && !sw.helloed {
			sw.helloed = true
			w.p.Hello(w.now, sw.id)
			w.act()
		}
		for i := range sw.slots {
			s := &sw.slots[i]
			s.paused = false
			for len(s.outbox) > 0 && w.fault == "" {
				w.deliverFrom(sw, i)
			}
			w.takeBack(sw, i)
			if s.cur != nil && !s.begun {
				w.seen.MovedNotBegun++
			}
		}
		if sw.bootFail {
			w.p.BootFailed(w.now, sw.id, 22, "no module named nowhere")
		}
		w.say("worker %d is buried", sw.id)
		sw.gone = true
		w.p.Died(w.now, sw.id, sw.death)
		w.act()
		return
	}
}

func (w *world) takeBack(sw *simWorker, i int) {
	s := &sw.slots[i]
	n := len(s.inbox)
	w.seen.MovedUnread += n
	s.inbox = nil
	w.say("take back %d from worker %d", n, sw.id)
	w.p.TookBack(w.now, sw.id, i, n)
	w.act()
}

func (w *world) templateStep() {
	for g := 1; g <= w.p.lastGeneration; g++ {
		if w.temps[g] != "loading" {
			continue
		}
		if w.badCode && g > 1 && !w.calm {
			w.temps[g] = "dead"
			w.p.TemplateFailed(w.now, g, 1, "does not import")
		} else {
			w.temps[g] = "ready"
			w.say("template %d ready", g)
			w.p.TemplateReady(w.now, g)
		}
		w.act()
		return
	}
}

func (w *world) killTemplate() {
	for g := w.p.lastGeneration; g > 0; g-- {
		if w.temps[g] == "ready" {
			w.seen.TemplateDeaths++
			w.temps[g] = "dead"
			w.say("template %d dies", g)
			w.p.TemplateDied(w.now, g, "killed")
			w.act()
			return
		}
	}
}

func (w *world) pauseOne() {
	for _, sw := range w.alive() {
		for i := range sw.slots {
			s := &sw.slots[i]
			if s.paused {
				s.paused = false
				w.p.Resumed(w.now, sw.id, i)
				w.act()
				return
			}
			if s.cur != nil && s.begun && !s.ended && sw.helloed && w.requests[s.cur.id].released {
				s.paused = true
				w.seen.Paused++
				w.p.Paused(w.now, sw.id, i)
				w.act()
				return
			}
		}
	}
}

// garbage is a frame that no honest worker sends.
func (w *world) garbage() {
	if all := w.alive(); len(all) > 0 {
		sw := all[w.rng.IntN(len(all))]
		w.seen.Protocol++
		w.say("garbage from worker %d", sw.id)
		w.p.Protocol(w.now, sw.id, "garbage")
		w.act()
	}
}

func (w *world) memory() {
	if all := w.alive(); len(all) > 0 {
		w.p.Memory(w.now, all[w.rng.IntN(len(all))].id, int64(50+w.rng.IntN(80)))
		w.act()
	}
}

// act carries the pool's effects out.
func (w *world) act() {
	for {
		es := w.p.Effects()
		if len(es) == 0 {
			break
		}
		for i := range es {
			w.carryOut(es[i])
		}
	}
}

func (w *world) carryOut(e Effect) {
	switch e.Op {
	case OpSend:
		sw := w.workers[e.Spawn]
		if sw == nil || sw.gone || sw.retired || !sw.helloed {
			w.failf("request %d is sent to worker %d, which takes nothing", e.ID, e.Spawn)
			return
		}
		w.say("send %d to worker %d slot %d seq %d ahead=%v", e.ID, e.Spawn, e.Slot, e.Seq, e.Ahead)
		s := &sw.slots[e.Slot]
		if e.Ahead {
			w.seen.SentAhead++
		}
		s.inbox = append(s.inbox, message{e.ID, e.Seq})
		if q := w.requests[e.ID]; q.over() {
			w.failf("request %d is sent after it was answered", e.ID)
		}
	case OpTakeBack:
		if sw := w.workers[e.Spawn]; !sw.gone {
			s := &sw.slots[e.Slot]
			n := len(s.inbox)
			w.seen.MovedUnread += n
			s.inbox = nil
			w.say("take back %d from worker %d slot %d", n, e.Spawn, e.Slot)
			w.p.TookBack(w.now, e.Spawn, e.Slot, n)
		}
	case OpRelease:
		q := w.requests[e.ID]
		if q.released || q.over() {
			w.failf("answer %d is released twice or after its end", e.ID)
		}
		q.released = true
	case OpFinish, OpFail, OpCut:
		w.answered(e)
	case OpAbort:
		if sw := w.workers[e.Spawn]; sw != nil {
			sw.slots[e.Slot].abort = e.Seq
		}
	case OpStacks:
		w.seen.Struck++
	case OpProbe:
		w.seen.Probed++
		if sw := w.workers[e.Spawn]; !sw.deaf && !sw.dead {
			sw.heard++
		}
	case OpInterrupt:
		w.seen.Interrupted++
		sw := w.workers[e.Spawn]
		if sw.deaf || sw.dead {
			return
		}
		sw.heard++
		s := &sw.slots[e.Slot]
		if w.chance(70) {
			s.stuck = false
			if s.cur != nil && !s.ended {
				s.outbox = append(s.outbox, frame{message: *s.cur, end: true, length: -1, broken: s.parts > 0})
				s.ended, s.phase = true, PhaseIdle
			}
		}
	case OpSpawn:
		sw := &simWorker{id: e.Spawn, gen: e.Generation, slots: make([]simSlot, w.opts.Threads)}
		if w.temps[e.Generation] != "ready" && !w.calm {
			if w.temps[e.Generation] != "dead" {
				w.failf("worker %d is spawned from template %d, which is %q", e.Spawn, e.Generation, w.temps[e.Generation])
			}
		}
		sw.bootFail = !w.calm && w.chance(4) && w.p.boot.ever
		w.workers[e.Spawn] = sw
		w.order = append(w.order, e.Spawn)
		w.say("spawn worker %d number %d generation %d", e.Spawn, e.Number, e.Generation)
	case OpRetire:
		sw := w.workers[e.Spawn]
		if sw == nil {
			return
		}
		w.say("retire worker %d (%s)", e.Spawn, w.reason(e.Spawn))
		sw.retired = true
		for i := range sw.slots {
			sw.slots[i].shut = true
		}
		w.checkCapacity(e.Spawn)
	case OpKill:
		w.seen.Killed++
		if sw := w.workers[e.Spawn]; sw != nil && !sw.dead {
			if x := w.p.find(e.Spawn); x != nil && x.frozen {
				w.blame(sw)
			}
			sw.dead = true
			sw.death = Death{Signal: 9}
			sw.retired = true
			w.say("kill worker %d", e.Spawn)
		}
	case OpStartTemplate:
		w.temps[e.Generation] = "loading"
		w.say("start template %d", e.Generation)
	case OpStopTemplate:
		w.temps[e.Generation] = "dead"
	case OpReloadDone:
		if e.Text != "" {
			w.seen.ReloadsRefused++
		}
	case OpFatal:
		w.fatal = true
	case OpStopped:
		w.stopped = true
	case OpNote:
		w.noted(e.Note)
	}
}

func (w *world) reason(id SpawnID) event.Reason {
	if x := w.p.find(id); x != nil {
		return x.reason
	}
	return ""
}

func (w *world) noted(n *Note) {
	switch n.Kind {
	case NoteRetry:
		w.seen.Retried++
	case NoteScale:
		w.seen.Scaled++
	case NoteWorker:
		if n.To == StateRetiring {
			switch n.Reason {
			case event.ReasonMaxRequests, event.ReasonMaxLifetime, event.ReasonMemory:
				w.seen.Recycled++
			}
		}
	}
}

func (w *world) answered(e Effect) {
	q := w.requests[e.ID]
	w.say("answer %d op=%d cause=%s", e.ID, e.Op, e.Cause)
	if q.over() {
		w.failf("request %d is answered twice", e.ID)
	}
	q.cause = e.Cause
	switch e.Op {
	case OpFinish:
		q.finished = true
		w.seen.Answered++
	case OpFail:
		if q.released {
			w.failf("request %d fails with %s after its answer had begun to leave", e.ID, e.Cause)
		}
		q.failed = true
	case OpCut:
		if !q.released {
			w.failf("request %d is cut before its answer had begun to leave", e.ID)
		}
		w.seen.Cut++
		q.cut = true
	}
	switch e.Cause {
	case exchange.CauseWorkerCrash:
		w.seen.CrashAnswers++
		if q.begins == 0 {
			w.failf("request %d was never begun and fails with worker-crash", e.ID)
		}
	case exchange.CausePoison:
		w.seen.Poisoned++
		if q.ownDeaths < poisonDeaths {
			w.failf("request %d is called poison after %d deaths", e.ID, q.ownDeaths)
		}
	case exchange.CauseQueueTimeout:
		w.seen.QueueTimeouts++
	case exchange.CauseQueueFull:
		w.seen.QueueFull++
	}
}

// checkCapacity fails when a planned event leaves fewer ready workers than wanted.
func (w *world) checkCapacity(id SpawnID) {
	x := w.p.find(id)
	if x == nil || w.p.stopping {
		return
	}
	switch x.reason {
	case event.ReasonMaxRequests, event.ReasonMaxLifetime, event.ReasonMemory, event.ReasonReload,
		event.ReasonCheaper, event.ReasonManual:
	default:
		return
	}
	if x.ready == 0 {
		return // was never ready
	}
	if n := w.p.Ready(); n < w.p.target {
		w.failf("worker %d leaves (%s) and %d of %d are left", id, x.reason, n, w.p.target)
	}
}

// check compares the pool with itself and with the world.
func (w *world) check() {
	p := w.p
	if n := p.QueueLength(); n > w.opts.QueueLimit+w.opts.Threads*2*(len(p.workers)+4) {
		w.failf("%d requests wait, the limit is %d", n, w.opts.QueueLimit)
	}
	n := 0
	for r := p.queue.head.next; r != &p.queue.head; r = r.next {
		n++
		if !r.deadline.on || r.deadline.at < w.now {
			w.failf("request %d waits past its deadline", r.ID)
		}
	}
	if n != p.queue.len {
		w.failf("the queue has %d requests and says %d", n, p.queue.len)
	}
	free, closing, generations := 0, 0, map[int]bool{}
	for _, x := range p.workers {
		generations[x.generation] = true
		occupied := 0
		for i := range x.slots {
			s := &x.slots[i]
			if !s.isFree() {
				occupied++
			} else if x.state == StateReady {
				free++
			}
			if s.closing {
				closing++
			}
			if s.n == 0 && (s.unread.on || s.ahead.on || s.quiet.on) {
				w.failf("a clock runs for an empty slot of worker %d", x.spawn)
			}
		}
		if occupied != x.occupied {
			w.failf("worker %d has %d occupied slots and says %d", x.spawn, occupied, x.occupied)
		}
	}
	if free != p.freeSlots || closing != p.closing {
		w.failf("%d slots free, the pool says %d; %d closing, it says %d", free, p.freeSlots, closing, p.closing)
	}
	if len(generations) > 2 {
		w.failf("%d generations at a time", len(generations))
	}
	if p.queue.len > 0 && p.freeSlot() != nil {
		w.failf("%d requests wait while a slot is free", p.queue.len)
	}
	open := 0
	for _, q := range w.requests {
		if !q.over() {
			open++
		}
	}
	t := p.totals
	known := 0
	for _, r := range p.requests {
		if r.place != placeGhost {
			known++
		}
	}
	if open != known {
		w.failf("%d requests are open, the pool knows %d", open, known)
	}
	if done := t.Answered + t.Failed + t.Cancelled; t.Submitted != done+uint64(known) {
		w.failf("counters do not add up: %+v with %d open", t, known)
	}
}

// rest stops all faults, lets everything run and checks that everything comes to rest.
func (w *world) rest() {
	if w.fault != "" {
		return
	}
	w.calm = true
	w.badCode = false
	for round := 0; round < 400 && w.fault == ""; round++ {
		for _, id := range append([]SpawnID(nil), w.order...) {
			sw := w.workers[id]
			if sw.gone {
				continue
			}
			if w.opts.Harakiri == 0 || round > 300 {
				// Nothing bounds what is stuck: let it come back.
				sw.deaf = false
			}
			if sw.dead {
				w.bury()
				continue
			}
			if !sw.hello {
				sw.hello, sw.bootFail = true, false
			}
			if !sw.helloed {
				sw.helloed = true
				w.p.Hello(w.now, sw.id)
				w.act()
			}
			for i := range sw.slots {
				s := &sw.slots[i]
				if w.opts.Harakiri == 0 || round > 300 {
					s.stuck = false
				}
				if s.paused {
					s.paused = false
					w.p.Resumed(w.now, sw.id, i)
					w.act()
				}
				for n := 0; n < 12 && !sw.dead; n++ {
					w.threadStep(sw, s)
				}
				for len(s.outbox) > 0 && w.fault == "" {
					w.deliverFrom(sw, i)
				}
			}
		}
		if !w.fatal {
			w.templateStep()
		}
		w.pass(500 * time.Millisecond)
		w.check()
		if w.resting() {
			return
		}
	}
	if w.fault == "" && !w.fatal {
		w.failf("no rest: %d requests open, ready %d of %d, queue %d, stopped %v, %+v",
			w.open(), w.p.Ready(), w.p.target, w.p.QueueLength(), w.stopped, w.p.Status(w.now))
	}
}

func (w *world) open() int {
	n := 0
	for _, q := range w.requests {
		if !q.over() {
			n++
		}
	}
	return n
}

func (w *world) resting() bool {
	if w.open() > 0 {
		return false
	}
	if w.p.stopping {
		return w.stopped && len(w.p.workers) == 0
	}
	if w.p.Ready() != w.p.target || len(w.p.workers) != w.p.target || w.p.next != nil || w.p.old != nil {
		return w.opts.MaxLifetime > 0 // lifetimes go on
	}
	for _, x := range w.p.workers {
		if x.occupied > 0 || x.reserved != nil || x.stalled {
			return false
		}
	}
	return len(w.p.requests) == 0
}
