package wire_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
	"testing"

	"fender/internal/workers/wire"
	"fender/internal/workers/wire/wiretest"
)

func newPage(t *testing.T, slots int) ([]byte, *wire.Page) {
	t.Helper()
	memory := make([]byte, wire.PageSize(slots))
	p, err := wire.NewPage(memory, slots)
	if err != nil {
		t.Fatal(err)
	}
	return memory, p
}

func TestPage_HasTheLayoutOfTheContract(t *testing.T) {
	memory, p := newPage(t, 2)
	if len(memory) != 192 || p.Slots() != 2 {
		t.Errorf("%d bytes, %d slots", len(memory), p.Slots())
	}
	word := func(off int) uint64 { return binary.NativeEndian.Uint64(memory[off:]) }
	if got := word(0); got != 0x66656e646572_01 {
		t.Errorf("magic %x", got)
	}
	p.Interrupt(1, 7)
	p.Abort(0, 1<<32-1)
	if word(128+16) != 7 || word(64+24) != 1<<32-1 {
		t.Errorf("the master's words are elsewhere: %v", memory)
	}
	if wiretest.Interrupted(memory, 1) != 7 || wiretest.Aborted(memory, 0) != 1<<32-1 {
		t.Error("the worker does not see them")
	}
	put := func(off int, v uint64) { binary.NativeEndian.PutUint64(memory[off:], v) }
	put(8, 3)
	put(128, 5<<3|2)
	put(136, 4711)
	if p.Heard() != 3 || p.TID(1) != 4711 || p.TID(0) != 0 {
		t.Errorf("heard %d, tid %d and %d", p.Heard(), p.TID(1), p.TID(0))
	}
	if seq, phase := p.State(1); seq != 5 || phase != wire.PhaseIterating {
		t.Errorf("state %d %v", seq, phase)
	}
	if seq, phase := p.State(0); seq != 0 || phase != wire.PhaseIdle {
		t.Errorf("state before the first request %d %v", seq, phase)
	}
}

func TestPage_SaysWhatHasBegunAndWhatIsOver(t *testing.T) {
	for _, c := range []struct {
		seq               uint32
		phase             wire.Phase
		begun, idle, over bool
	}{
		{0, wire.PhaseIdle, false, false, false}, // nothing yet
		{6, wire.PhaseCalling, false, false, false},
		{6, wire.PhaseIdle, false, false, false}, // idle, but from the one before
		{7, wire.PhaseCalling, true, false, false},
		{7, wire.PhaseIterating, true, false, false},
		{7, wire.PhaseClosing, true, false, false},
		{7, wire.PhaseIdle, true, true, true},
		{8, wire.PhaseCalling, true, false, true}, // the one that was sent ahead
		{8, wire.PhaseIdle, true, true, true},
		{7, 5, true, false, false}, // no phase of the contract is not idle
	} {
		memory, p := newPage(t, 1)
		wiretest.SetState(memory, 0, c.seq, c.phase)
		if p.Begun(0, 7) != c.begun || p.Idle(0, 7) != c.idle || p.Over(0, 7) != c.over {
			t.Errorf("%d %v: begun %v, idle %v, over %v", c.seq, c.phase, p.Begun(0, 7), p.Idle(0, 7), p.Over(0, 7))
		}
	}
}

func TestPage_StandsWhatAWorkerWrites(t *testing.T) {
	memory, p := newPage(t, 1)
	for i := range memory {
		memory[i] = 0xFF
	}
	if seq, phase := p.State(0); seq != math.MaxUint32 || phase != 7 || phase.String() != "phase 7" {
		t.Errorf("%d %v", seq, phase)
	}
	if !p.Begun(0, math.MaxUint32) || p.Idle(0, 1) || p.TID(0) != math.MaxInt32 || p.Heard() != math.MaxUint64 {
		t.Error("rubbish reads as something else than busy")
	}
}

func TestNewPage_RefusesMemoryThatCannotBeAPage(t *testing.T) {
	memory := make([]byte, 256)
	for name, c := range map[string]struct {
		memory []byte
		slots  int
	}{"no slots": {memory, 0}, "too small": {memory[:191], 2}, "odd address": {memory[1:], 2}, "none": {nil, 1}} {
		if _, err := wire.NewPage(c.memory, c.slots); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestPage_HasNoSlotsBeyondItsOwn(t *testing.T) {
	memory := make([]byte, 1024) // a real page is longer than its slots need
	p, err := wire.NewPage(memory, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, slot := range []int{-1, 1} {
		func() {
			defer func() {
				if got := recover(); got != fmt.Sprintf("wire: slot %d of a page with 1", slot) {
					t.Errorf("slot %d: %v", slot, got)
				}
			}()
			p.State(slot)
		}()
	}
}

// Under the race detector: both sides touch the words with atomic operations only.
func TestPage_IsSharedWithoutARace(t *testing.T) {
	const last = 2000
	memory, p := newPage(t, 1)
	var worker sync.WaitGroup
	worker.Go(func() {
		for seq := uint32(1); seq <= last; seq++ {
			wiretest.SetState(memory, 0, seq, wire.PhaseCalling)
			wiretest.SetHeard(memory, wiretest.Interrupted(memory, 0))
			wiretest.SetTID(memory, 0, int(wiretest.Aborted(memory, 0)))
			wiretest.SetState(memory, 0, seq, wire.PhaseIdle)
		}
	})
	before := uint32(0)
	for before < last {
		seq, _ := p.State(0)
		if seq < before {
			t.Fatalf("sequence went from %d to %d", before, seq)
		}
		before = seq
		p.Interrupt(0, seq)
		p.Abort(0, seq)
		p.Heard()
		p.TID(0)
	}
	worker.Wait()
	if !p.Idle(0, last) {
		t.Error("the last request is not over")
	}
	if s := fmt.Sprint(wire.PhaseIdle, wire.PhaseCalling, wire.PhaseIterating, wire.PhaseClosing); s != "idle calling iterating closing" {
		t.Error(s)
	}
}
