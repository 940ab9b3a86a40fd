package pool

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fender/internal/exchange"
	"fender/internal/observe/event"
)

const ms = time.Millisecond

// place of a slot's thread on the fake pages.
type threadOf struct {
	spawn SpawnID
	slot  int
}

type thread struct {
	seq     uint32
	phase   Phase
	blocked bool
}

// bench is a pool whose workers' pages the test writes and whose effects it reads as short lines.
type bench struct {
	*Pool
	t       *testing.T
	now     Time
	threads map[threadOf]*thread
	heard   map[SpawnID]uint64
	lines   []string
	notes   []Note
	facts   map[exchange.ID]exchange.Facts
}

func (b *bench) thread(id SpawnID, slot int) *thread {
	k := threadOf{id, slot}
	if b.threads[k] == nil {
		b.threads[k] = &thread{}
	}
	return b.threads[k]
}

func (b *bench) State(id SpawnID, slot int) (uint32, Phase) {
	t := b.thread(id, slot)
	return t.seq, t.phase
}
func (b *bench) Heard(id SpawnID) uint64           { return b.heard[id] }
func (b *bench) Blocked(id SpawnID, slot int) bool { return b.thread(id, slot).blocked }

// newBench is a pool that has been started at 10 s, and nothing more.
func newBench(t *testing.T, o Options) *bench {
	t.Helper()
	b := &bench{
		t: t, now: 10 * time.Second, threads: map[threadOf]*thread{}, heard: map[SpawnID]uint64{},
		facts: map[exchange.ID]exchange.Facts{},
	}
	if o.Ahead == 0 {
		o.Ahead = 1
	}
	if o.AheadBelow == 0 {
		o.AheadBelow = time.Hour // the requests of the tests take as long as the tests like
	}
	b.Pool = New(o, b)
	b.Start(b.now)
	b.expect("start template 1")
	return b
}

// serving is a pool whose first workers are all ready.
func serving(t *testing.T, o Options) *bench {
	t.Helper()
	b := newBench(t, o)
	b.TemplateReady(b.now, 1)
	for _, w := range slices.Clone(b.workers) {
		b.Hello(b.now, w.spawn)
	}
	b.forget()
	return b
}

// drain reads the effects into lines and notes.
func (b *bench) drain() {
	for {
		es := b.Effects()
		if len(es) == 0 {
			return
		}
		for _, e := range es {
			if e.Op == OpNote {
				b.notes = append(b.notes, *e.Note)
				continue
			}
			if e.Facts != (exchange.Facts{}) {
				b.facts[e.ID] = e.Facts
			}
			b.lines = append(b.lines, b.line(e))
		}
	}
}

func (b *bench) line(e Effect) string {
	at := fmt.Sprintf("%d/%d", e.Spawn, e.Slot)
	switch e.Op {
	case OpSend:
		s := fmt.Sprintf("send %d to %s", e.ID, at)
		if e.Ahead {
			s += " ahead"
		}
		return s
	case OpTakeBack:
		return "take back " + at
	case OpRelease:
		return fmt.Sprintf("release %d", e.ID)
	case OpFinish:
		return fmt.Sprintf("finish %d", e.ID)
	case OpFail:
		return fmt.Sprintf("fail %d: %s", e.ID, e.Cause)
	case OpCut:
		return fmt.Sprintf("cut %d: %s", e.ID, e.Cause)
	case OpAbort:
		return fmt.Sprintf("abort %s seq %d", at, e.Seq)
	case OpWithdraw:
		return fmt.Sprintf("withdraw %s seq %d", at, e.Seq)
	case OpStacks:
		return fmt.Sprintf("stacks %s seq %d", at, e.Seq)
	case OpInterrupt:
		return fmt.Sprintf("interrupt %s seq %d", at, e.Seq)
	case OpProbe:
		return fmt.Sprintf("probe %d", e.Spawn)
	case OpSpawn:
		return fmt.Sprintf("spawn %d as number %d of generation %d", e.Spawn, e.Number, e.Generation)
	case OpRetire:
		reason := event.Reason("?")
		if w := b.find(e.Spawn); w != nil {
			reason = w.reason
		}
		return fmt.Sprintf("retire %d: %s", e.Spawn, reason)
	case OpKill:
		return fmt.Sprintf("kill %d", e.Spawn)
	case OpStartTemplate:
		return fmt.Sprintf("start template %d", e.Generation)
	case OpStopTemplate:
		return fmt.Sprintf("stop template %d", e.Generation)
	case OpReloadDone:
		if e.Text != "" {
			return fmt.Sprintf("reload %d refused (%d): %s", e.Generation, e.Code, e.Text)
		}
		return fmt.Sprintf("reload %d done", e.Generation)
	case OpFatal:
		return fmt.Sprintf("fatal %d: %s", e.Code, e.Text)
	case OpStopped:
		return "stopped"
	}
	return fmt.Sprintf("op %d", e.Op)
}

// expect compares all effects since the last call, but for the notes.
func (b *bench) expect(want ...string) {
	b.t.Helper()
	b.drain()
	if !slices.Equal(b.lines, want) {
		b.t.Fatalf("at %v the effects are\n  %s\nexpected\n  %s", b.now,
			strings.Join(b.lines, "\n  "), strings.Join(want, "\n  "))
	}
	b.lines = nil
}

// forget passes over what the pool wants.
func (b *bench) forget() {
	b.drain()
	b.lines, b.notes = nil, nil
}

// noted returns the notes of a kind since the last call of noted, and forgets all.
func (b *bench) noted(kind NoteKind) []Note {
	all := b.notesOf(kind)
	b.notes = nil
	return all
}

// notesOf does not forget them.
func (b *bench) notesOf(kind NoteKind) []Note {
	b.drain()
	var all []Note
	for _, n := range b.notes {
		if n.Kind == kind {
			all = append(all, n)
		}
	}
	return all
}

// passes lets time pass, deadline by deadline.
func (b *bench) passes(d Time) {
	until := b.now + d
	for at, ok := b.Next(); ok && at <= until; at, ok = b.Next() {
		b.now = max(b.now, at)
		b.Tick(b.now)
		b.drain()
	}
	b.now = until
}

// ---- what clients do ----

func (b *bench) get(ids ...exchange.ID) {
	for _, id := range ids {
		b.Submit(b.now, Request{ID: id, Safe: true})
	}
}

func (b *bench) post(ids ...exchange.ID) {
	for _, id := range ids {
		b.Submit(b.now, Request{ID: id})
	}
}

// TookBack reports that the n newest messages of a slot came back.
func (b *bench) TookBack(now Time, id SpawnID, slot, n int) {
	var seqs []uint32
	if s := b.findSlot(id, slot); s != nil {
		for _, r := range s.line[max(0, s.n-n):s.n] {
			seqs = append(seqs, r.seq)
		}
	}
	b.Pool.TookBack(now, id, slot, seqs)
}

// SendFailed reports that the newest message of a slot did not get into its socket.
func (b *bench) SendFailed(now Time, id SpawnID, slot int) {
	var seq uint32
	if s := b.findSlot(id, slot); s != nil {
		seq = s.seq
	}
	b.Pool.SendFailed(now, id, slot, seq)
}

// ---- what workers do ----

// on is the slot that has the request.
func (b *bench) on(id exchange.ID) *slot {
	b.t.Helper()
	r := b.requests[id]
	if r == nil || r.slot == nil {
		b.t.Fatalf("request %d is on no slot", id)
	}
	return r.slot
}

// begins has the slot's thread begin the request.
func (b *bench) begins(ids ...exchange.ID) {
	b.t.Helper()
	for _, id := range ids {
		s := b.on(id)
		t := b.thread(s.w.spawn, s.index)
		t.seq, t.phase = b.requests[id].seq, PhaseCalling
	}
}

// gives reports a part of the answer, n bytes, that does not end it. length is -1 for none.
func (b *bench) gives(id exchange.ID, n int, length int64) {
	b.t.Helper()
	s := b.on(id)
	b.thread(s.w.spawn, s.index).phase = PhaseIterating
	if !b.AnswerPart(b.now, s.w.spawn, s.index, id, b.requests[id].seq, n, length) {
		b.t.Fatalf("the pool does not know the answer %d", id)
	}
}

// ends reports the last part of the answer, with nothing left to do.
func (b *bench) ends(ids ...exchange.ID) {
	b.t.Helper()
	for _, id := range ids {
		b.end(id, PhaseIdle, false)
	}
}

// endsBeforeClose reports the last part of the answer while close() is still to be called.
func (b *bench) endsBeforeClose(id exchange.ID) {
	b.t.Helper()
	b.end(id, PhaseClosing, false)
}

// breaks reports that the application failed after its answer had begun.
func (b *bench) breaks(id exchange.ID) {
	b.t.Helper()
	b.end(id, PhaseIdle, true)
}

func (b *bench) end(id exchange.ID, phase Phase, broken bool) {
	b.t.Helper()
	s := b.on(id)
	seq := b.requests[id].seq
	t := b.thread(s.w.spawn, s.index)
	t.seq, t.phase = seq, phase
	if !b.AnswerEnd(b.now, s.w.spawn, s.index, id, seq, 10, 10, phase == PhaseClosing, broken) {
		b.t.Fatalf("the pool does not know the answer %d", id)
	}
}

// runs begins and ends requests, one after the other.
func (b *bench) runs(ids ...exchange.ID) {
	b.t.Helper()
	for _, id := range ids {
		b.begins(id)
		b.ends(id)
	}
}

// crashes is a death by the worker's own doing, killed one by somebody else's.
func (b *bench) crashes(id SpawnID) { b.dies(id, Death{Own: true, Signal: 11, Text: "SIGSEGV"}) }
func (b *bench) killed(id SpawnID)  { b.dies(id, Death{Signal: 9, Text: "SIGKILL"}) }

// leaves is the end of a retired worker.
func (b *bench) leaves(id SpawnID) { b.dies(id, Death{}) }

func (b *bench) dies(id SpawnID, d Death) {
	b.drain() // its reason is asked for while it lives
	b.Died(b.now, id, d)
}

// stalledNoMore ends a stall, as a frame of the worker would.
func (b *bench) stalledNoMore(id SpawnID) { b.alive(b.now, b.find(id)) }

// state is a living worker's state, or gone.
func (b *bench) state(id SpawnID) State {
	if w := b.find(id); w != nil {
		return w.state
	}
	return StateGone
}
