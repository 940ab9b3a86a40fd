package wire

import (
	"fmt"
	"math"
	"sync/atomic"
	"unsafe"
)

// The page's layout, in bytes.
const (
	pageMagic = 0x66656e646572_01 // "fender", version 1
	pageUnit  = 64                // the head's size, and each slot's: one cache line

	pageHeard     = 8
	slotState     = 0
	slotTID       = 8
	slotInterrupt = 16
	slotAbort     = 24
	slotWithdrawn = 32

	phaseBits = 3
)

// Phase is what a slot's thread does.
type Phase uint8

// The phases.
const (
	PhaseIdle      Phase = 0 // nothing: its last request's close() has returned
	PhaseCalling   Phase = 1 // inside the application's call
	PhaseIterating Phase = 2 // inside the answer's iterator
	PhaseClosing   Phase = 3 // inside the answer's close()
)

var phaseNames = [...]string{"idle", "calling", "iterating", "closing"}

// String is the phase's word.
func (p Phase) String() string {
	if int(p) >= len(phaseNames) {
		return fmt.Sprintf("phase %d", uint8(p))
	}
	return phaseNames[p]
}

// Page is the memory that a worker and the master share. Every field is one aligned 64-bit word of
// the machine, written with one store, so that neither side ever sees half of one. The master maps
// the page and unmaps it; a Page must not be used after that.
//
// The worker's words are as trustworthy as the worker: they decide what happens to its own
// requests, and nothing else.
type Page struct {
	words []uint64
	slots int
}

// PageSize is the number of bytes that the page of a worker with so many slots has.
func PageSize(slots int) int { return pageUnit * (slots + 1) }

// NewPage makes a page of fresh, zeroed memory, and writes its magic.
func NewPage(memory []byte, slots int) (*Page, error) {
	switch {
	case slots < 1:
		return nil, fmt.Errorf("a page of %d slots", slots)
	case len(memory) < PageSize(slots):
		return nil, fmt.Errorf("a page of %d bytes for %d slots, which need %d", len(memory), slots, PageSize(slots))
	case uintptr(unsafe.Pointer(&memory[0]))%8 != 0:
		return nil, fmt.Errorf("a page at an address that is no multiple of 8")
	}
	p := &Page{words: unsafe.Slice((*uint64)(unsafe.Pointer(&memory[0])), len(memory)/8), slots: slots}
	atomic.StoreUint64(p.head(0), pageMagic)
	return p, nil
}

func (p *Page) head(field int) *uint64 { return &p.words[field/8] }

// slot is a word of a slot. A slot that the page does not have is the master's own mistake.
func (p *Page) slot(slot, field int) *uint64 {
	if slot < 0 || slot >= p.slots {
		panic(fmt.Sprintf("wire: slot %d of a page with %d", slot, p.slots))
	}
	return &p.words[(pageUnit*(slot+1)+field)/8]
}

// Slots is the number of slots.
func (p *Page) Slots() int { return p.slots }

// Heard counts the interrupts that the worker's main thread has seen.
func (p *Page) Heard() uint64 { return atomic.LoadUint64(p.head(pageHeard)) }

// State is the sequence of the request that the slot began last, 0 before the first, and its phase.
// A sequence above what a frame can carry reads as the greatest that it can.
func (p *Page) State(slot int) (seq uint32, phase Phase) {
	word := atomic.LoadUint64(p.slot(slot, slotState))
	return uint32(min(word>>phaseBits, math.MaxUint32)), Phase(word & (1<<phaseBits - 1))
}

// Begun reports whether the application has begun the slot's request seq.
func (p *Page) Begun(slot int, seq uint32) bool {
	last, _ := p.State(slot)
	return seq <= last
}

// Idle reports whether the slot has begun the request seq and is free: nothing of it, and nothing
// after it, still runs.
func (p *Page) Idle(slot int, seq uint32) bool {
	last, phase := p.State(slot)
	return seq <= last && phase == PhaseIdle
}

// Over reports whether nothing of the request seq runs any more. Unlike Idle it is true when the
// slot has gone on to a request that was sent ahead.
func (p *Page) Over(slot int, seq uint32) bool {
	last, phase := p.State(slot)
	return seq < last || seq == last && phase == PhaseIdle
}

// TID is the slot's thread, 0 before it runs. It is for signals: a caller makes sure that the thread
// is one of the worker's before it uses it.
func (p *Page) TID(slot int) int {
	return int(min(atomic.LoadUint64(p.slot(slot, slotTID)), math.MaxInt32))
}

// Interrupt asks that the request seq be interrupted. 0 asks for nothing.
func (p *Page) Interrupt(slot int, seq uint32) {
	atomic.StoreUint64(p.slot(slot, slotInterrupt), uint64(seq))
}

// Abort says that the client of the request seq has gone.
func (p *Page) Abort(slot int, seq uint32) {
	atomic.StoreUint64(p.slot(slot, slotAbort), uint64(seq))
}

// Withdraw has the worker not begin the request seq, which it may have read. The worker says that it
// begins before it looks at this: what has not begun a moment later never will.
func (p *Page) Withdraw(slot int, seq uint32) {
	atomic.StoreUint64(p.slot(slot, slotWithdrawn), uint64(seq))
}
