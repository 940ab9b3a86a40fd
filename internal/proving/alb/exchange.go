package alb

import (
	"sync/atomic"
	"time"

	"fender/internal/proving/alb/accesslog"
	"fender/internal/proving/alb/desync"
	"fender/internal/proving/alb/group"
	"fender/internal/proving/alb/message"
	"fender/internal/proving/alb/page"
)

// What has happened to an exchange. But for held and waiting each bit is set once.
const (
	settled  uint32 = 1 << iota // somebody has decided what the client gets, and alone writes it
	sentAll                     // the client's side is done: the request is sent, or given up
	ending                      // the last bytes for the client are being written
	answered                    // the target's side is done
	over                        // both are: it is logged, and the target's connection is free
	waiting                     // the client's side waits for over, or for tunnel
	ahead                       // the client's side reads on with a part of the next request in its hands
	tunnel                      // a WebSocket: bytes go both ways
	gone                        // the client has left before ending
	held                        // who settled it from outside of both sides has not written it down yet
)

// sink is the client's end of an exchange. But for poke, only who has settled the exchange calls it.
type sink interface {
	// begin takes the head of a target's response. It says whether the body is wanted as it travels
	// (raw) or as what it carries.
	begin(ex *exchange, r *message.Response, bodyless bool) (raw bool)
	// send writes what begin took, then p. last says that the response is complete.
	send(p []byte, last bool) error
	// page answers with a page of the balancer's own.
	page(p *page.Page) error
	// cut ends the client's connection (or stream) so that it sees that the response is incomplete.
	cut()
	// close says that the connection ends behind this response.
	close()
	// poke wakes the client's side up if it waits for the client.
	poke()
	// sent is how many bytes have gone to the client.
	sent() int64
}

// exchange is one request and what becomes of it. Two goroutines share it: the client's, which sends
// the request, and the target's, which answers it. Whoever is done second finishes it. An exchange is
// used again for the client's next request.
type exchange struct {
	state atomic.Uint32
	wake  chan struct{} // of the client's side; one message at most
	sink  sink
	bal   *Balancer
	lis   *listener

	// Written by the client's side before the target's knows of the exchange.
	head     bool // the method is HEAD
	minor    int  // of the client's HTTP/1; 2 for HTTP/2
	keep     bool // the client's connection may live on
	separate bool // desync: neither connection is used again
	upgrade  bool // it asks for a WebSocket
	agent    []byte
	created  time.Time
	dispatch time.Time // when it was sent to the target
	choice   group.Choice
	service  *service
	cookies  []string // of the weighted target groups
	backend  atomic.Pointer[backend]
	entry    logEntry
	verdict  desync.Verdict

	received atomic.Int64

	// Written by who settled it.
	status, targetStatus int
	times                [3]time.Duration
	responded            time.Time
	reuse                bool // the target's connection
	closing              bool // the client's connection ends behind this
	outcome              group.Outcome
}

const notDone = accesslog.NotDone

var nothingDone = [3]time.Duration{notDone, notDone, notDone}

// reset makes it ready for another request.
func (ex *exchange) reset(now time.Time) {
	ex.state.Store(0)
	ex.head, ex.keep, ex.separate, ex.upgrade = false, false, false, false
	ex.agent, ex.created, ex.dispatch = nil, now, time.Time{}
	ex.choice, ex.service, ex.cookies = group.Choice{}, nil, nil
	ex.backend.Store(nil)
	ex.entry.reset()
	ex.verdict = desync.Verdict{}
	ex.received.Store(0)
	ex.status, ex.targetStatus, ex.times, ex.responded = 0, 0, nothingDone, time.Time{}
	ex.reuse, ex.closing, ex.outcome = false, false, group.Outcome{}
}

func (ex *exchange) is(bit uint32) bool { return ex.state.Load()&bit != 0 }

// settle claims the right to decide what the client gets.
func (ex *exchange) settle() bool { return ex.state.Or(settled)&settled == 0 }

// left ends the exchange because the client has gone. Whoever notices it may be neither side: the client's
// is perhaps done with the request, and the target's with the response at this very moment. So the
// exchange is held until its end is written down.
func (ex *exchange) left(status int) {
	for !ex.is(settled) {
		if old := ex.state.Load(); old&settled == 0 && ex.state.CompareAndSwap(old, old|settled|held) {
			ex.status, ex.times, ex.responded, ex.closing = status, nothingDone, time.Now(), false
			ex.sever()
			if ex.state.And(^held)&(sentAll|answered) == sentAll|answered {
				ex.finish()
			}
			return
		}
	}
	if ex.leave() {
		ex.sever()
	}
}

// sever closes the target's connection, so that its goroutine comes to an end with the exchange.
func (ex *exchange) sever() {
	if b := ex.backend.Load(); b != nil {
		b.sever()
	}
}

// leave notes that the client has left in the midst of a response. It says whether the target's
// connection is to be ended for it: not when the last bytes are on their way already.
func (ex *exchange) leave() bool {
	for {
		old := ex.state.Load()
		if old&(ending|over) != 0 {
			return false
		}
		if ex.state.CompareAndSwap(old, old|gone) {
			return true
		}
	}
}

// done is called once by each side, with sentAll or answered.
func (ex *exchange) done(side uint32) {
	old := ex.state.Or(side)
	if (old|side)&(sentAll|answered|held) == sentAll|answered {
		ex.finish()
	} else if side == answered {
		ex.sink.poke() // the rest of the request is of no use any more
	}
}

// finish gives the target's connection back, logs, and lets the client's side go on.
func (ex *exchange) finish() {
	if b := ex.backend.Load(); b != nil {
		if ex.reuse && !ex.separate && !b.spoiled.Load() && !ex.is(gone) {
			b.pool.put(b)
		} else {
			b.close()
		}
	}
	if ex.choice.Target != nil {
		ex.choice.Target.Done(ex.outcome)
	}
	ex.log()
	if ex.closing {
		ex.sink.close()
	}
	ex.tell(over, ex.closing)
}

// tell sets over or tunnel and lets the client's side know that waits for it, or reads ahead; or does
// anything, if it must know. The exchange may belong to the next request when it returns.
func (ex *exchange) tell(bit uint32, must bool) {
	sink, wake := ex.sink, ex.wake
	old := ex.state.Load()
	for !ex.state.CompareAndSwap(old, (old|bit)&^waiting) {
		old = ex.state.Load()
	}
	switch {
	case old&waiting != 0:
		wake <- struct{}{}
	case must || old&ahead != 0:
		sink.poke()
	}
}

// wait blocks until one of the bits is set: over, or tunnel.
func (ex *exchange) wait(bits uint32) {
	for {
		old := ex.state.Load()
		if old&bits != 0 {
			return
		}
		if ex.state.CompareAndSwap(old, old|waiting) {
			<-ex.wake
		}
	}
}

// fail answers with the balancer's own page. Only who settled it calls it.
func (ex *exchange) fail(status int) {
	ex.answer(&page.Page{Status: status})
}

func (ex *exchange) answer(p *page.Page) {
	ex.status = p.Status
	if page.Closes(p.Status) {
		ex.keep = false
	}
	p.KeepAlive, p.Head, p.Bare, p.UserAgent = ex.keep, ex.head, ex.minor < 0, ex.agent
	p.Date = ex.bal.date()
	p.Classic = ex.bal.o.Classic
	ex.closing = !ex.keep
	ex.responded = time.Now()
	ex.state.Or(ending)
	if err := ex.sink.page(p); err != nil {
		ex.closing = true
	}
}
