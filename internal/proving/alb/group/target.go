package group

import (
	"sync/atomic"
	"time"

	"fender/internal/proving/alb/config"
)

var lastKey atomic.Uint64

// Target is an address from its registration until it is gone. One that is registered again while it
// drains stays the same Target; one that is registered after it was gone is another.
type Target struct {
	Addr string        // host:port
	ID   config.Target // as it was registered
	Key  uint64        // unique within the process

	outstanding atomic.Int64
	window      window
	gone        chan struct{}
	changed     chan struct{} // wakes its keeper; one element

	// What follows is the group's, under its lock.
	health       health
	registration int       // counts, so that a check of the one before is not taken for one of this
	left         time.Time // Deregister was called; zero: it is registered
	slowly       bool      // it was registered beside targets that were at work already
	slowSince    time.Time // slow start began; zero: it is not in it
	turn         float64   // of round robin
	weight       float64   // of weighted random: 1, or less while it is mitigated
	anomalous    bool
	kept         bool // Run has a keeper for it
}

func newTarget(id config.Target) *Target {
	return &Target{
		Addr: id.HostPort(), ID: id, Key: lastKey.Add(1), weight: 1,
		gone: make(chan struct{}), changed: make(chan struct{}, 1),
	}
}

// Gone is closed when the deregistration delay has elapsed: what is still in flight gets 502, and all
// connections to the target are closed. Only Run closes it.
func (t *Target) Gone() <-chan struct{} { return t.gone }

// Outstanding is how many requests have begun and are not done.
func (t *Target) Outstanding() int { return int(t.outstanding.Load()) }

// Begin counts a request that is about to be sent.
func (t *Target) Begin() { t.outstanding.Add(1) }

// Done ends what Begin began.
func (t *Target) Done(o Outcome) {
	t.outstanding.Add(-1)
	t.window.add(o)
}

// Outcome is how a request ended, which the automatic target weights learn from.
type Outcome struct {
	Status        int  // the target's; 0: it sent none
	ConnectFailed bool // no connection could be made
	Broken        bool // the connection ended before its response
}

func (t *Target) wake() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}
