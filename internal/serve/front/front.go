package front

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"fender/internal/loop"
)

// Front owns the connections of all its sockets.
type Front struct {
	options Options
	spooler spooler
	files   *loop.Helpers // do what may wait for a disk
	dates   dates
	counts  counts

	draining atomic.Bool // every further answer ends its connection

	open        atomic.Int64 // connections
	requests    atomic.Int64 // begun and not answered
	lastRequest atomic.Int64 // Unix nanoseconds
	changed     chan struct{}

	loop *loop.Loop
	box  *loop.Mailbox[letter]
	own  chan struct{} // closed when a loop of its own has ended; nil: the loop is somebody else's

	mu      sync.Mutex
	begun   bool
	closed  bool
	sockets []*Socket
	warned  map[string]time.Time

	// All below is the loop's.
	clock     time.Time // of the event that is dealt with
	timers    timers
	acceptors []*acceptor
	conns     []*conn
	inboxes   spares[*inbox]
	environs  spares[[]byte]
	replies   spares[*reply]
	bodies    spares[[]byte]
	uploads   spares[*upload]
	outputs   spares[*output]
	stopping  bool // idle connections end
	aborting  bool // all connections end
	gone      chan struct{}
	scratch
}

// scratch is what connections use within one turn and keep only while they are blocked.
type scratch struct {
	head    []byte
	pieces  []piece
	iovecs  iovecs
	discard [64 << 10]byte
}

// maxSpares is how many of each kind are kept for further requests: as many as are dealt with at once on a
// busy day.
const maxSpares = 256

// fileHelpers is how many goroutines wait for disks at once. One that hangs (a file on a network whose
// server is gone) must leave others.
const fileHelpers = 16

// New makes a front. It serves nothing until Serve.
func New(o Options) (*Front, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	f := &Front{
		options: o.withDefaults(), files: loop.NewHelpers(fileHelpers), changed: make(chan struct{}, 1),
		warned: map[string]time.Time{}, gone: make(chan struct{}), loop: o.Loop,
	}
	f.spooler = spooler{warn: f.warn, helpers: loop.NewHelpers(spoolers)}
	if f.loop == nil {
		var err error
		if f.loop, err = loop.New(); err != nil {
			return nil, err
		}
		f.own = make(chan struct{})
	}
	f.box = loop.NewMailbox[letter](f.loop)
	for _, most := range []*int{&f.inboxes.most, &f.environs.most, &f.replies.most, &f.bodies.most, &f.uploads.most, &f.outputs.most} {
		*most = maxSpares
	}
	return f, nil
}

// Serve begins to serve the connections of s and returns at once. The front owns s from now on.
func (f *Front) Serve(s *Socket) {
	f.mu.Lock()
	f.sockets = append(f.sockets, s)
	if !f.begun && f.own != nil {
		go func() {
			defer close(f.own)
			f.loop.Run(f.Owner())
		}()
	}
	f.begun = true
	f.mu.Unlock()
	f.do(func() { f.listen(s) })
}

// do has the loop run something, unless the front has ended.
func (f *Front) do(what func()) { f.box.Put(letter{do: what}) }

// Drain makes every further answer end its connection and the health check fail. Connections and
// requests are still accepted, and no idle connection is closed: the balancer may be about to use it.
func (f *Front) Drain() {
	f.draining.Store(true)
	f.notify()
}

// Draining reports whether Drain was called.
func (f *Front) Draining() bool { return f.draining.Load() }

// Quiet is what is still going on, for Plan.Decide.
func (f *Front) Quiet() Quiet {
	q := Quiet{Connections: int(f.open.Load()), Requests: int(f.requests.Load())}
	if ns := f.lastRequest.Load(); ns != 0 {
		q.LastRequest = time.Unix(0, ns)
	}
	return q
}

// Changed signals while draining that a request or a connection has ended, so that the master asks
// again. Signals that nobody takes merge into one.
func (f *Front) Changed() <-chan struct{} { return f.changed }

func (f *Front) notify() {
	if f.Draining() {
		select {
		case f.changed <- struct{}{}:
		default:
		}
	}
}

// closeGrace is how long connections that are cut have to notice it.
const closeGrace = time.Second

// Close ends everything and returns when all connections are gone. No new connection is accepted;
// those that the kernel has accepted and nobody has seen yet are served. Idle connections are closed,
// requests that have begun are still answered. When ctx ends, those that were not answered get 503
// with the cause draining, answers that have begun are cut, and the error says how many there were.
func (f *Front) Close(ctx context.Context) error {
	f.Drain()
	f.mu.Lock()
	begun, closed, sockets := f.begun, f.closed, f.sockets
	f.closed, f.sockets = true, nil
	f.mu.Unlock()
	if closed {
		return nil
	}
	var left error
	if begun {
		left = f.close(ctx)
	}
	for _, s := range sockets {
		_ = s.Close() // which may have to remove a file
	}
	f.box.Close()
	if f.own != nil {
		if begun {
			f.loop.Quit()
			<-f.own
		}
		f.loop.Close()
	}
	return left
}

// close ends the connections.
func (f *Front) close(ctx context.Context) error {
	f.do(f.stop)
	select {
	case <-f.gone:
		f.awaitHelpers(ctx)
		return nil
	case <-ctx.Done():
	}
	left := f.requests.Load()
	f.do(f.abort)
	late := time.NewTimer(closeGrace)
	defer late.Stop()
	select {
	case <-f.gone:
	case <-late.C:
		dead := make(chan struct{})
		f.do(func() {
			f.each((*conn).kill)
			close(dead)
		})
		<-dead
	}
	if left == 0 {
		return nil
	}
	return fmt.Errorf("%d requests were not answered when the time to leave was over", left)
}

// awaitHelpers waits for those who touch files. What they still do is for nobody, so a disk that hangs gets
// no more time than there is.
func (f *Front) awaitHelpers(ctx context.Context) {
	idle := make(chan struct{})
	go func() {
		defer close(idle)
		f.spooler.helpers.Wait()
		f.files.Wait()
	}()
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

// stop accepts what the kernel has accepted already, and no more, and ends idle connections.
func (f *Front) stop() {
	f.look()
	f.stopping = true
	for _, a := range f.acceptors {
		a.end()
	}
	f.acceptors = nil
	f.each((*conn).run)
	f.checkGone()
}

// abort ends all connections.
func (f *Front) abort() {
	f.look()
	f.aborting = true
	f.each((*conn).run)
}

// each calls what for all connections, which may end meanwhile.
func (f *Front) each(what func(*conn)) {
	for _, c := range append([]*conn(nil), f.conns...) {
		what(c)
	}
}

// add and remove keep the list of connections.
func (f *Front) add(c *conn) {
	f.conns = append(f.conns, c)
	c.place = len(f.conns) - 1
	f.open.Add(1)
	f.counts.connections.Add(1)
}

func (f *Front) remove(c *conn) {
	last := len(f.conns) - 1
	f.conns[c.place] = f.conns[last]
	f.conns[c.place].place = c.place
	f.conns[last] = nil
	f.conns = f.conns[:last]
	f.open.Add(-1)
	f.timers.remove(&c.timer)
	for _, a := range f.acceptors {
		a.goOn()
	}
	f.checkGone()
	f.notify()
}

// checkGone tells Close when nothing is left.
func (f *Front) checkGone() {
	if !f.stopping || len(f.conns) > 0 {
		return
	}
	select {
	case <-f.gone:
	default:
		close(f.gone)
	}
}

// notReady is why the health check fails, or nil.
func (f *Front) notReady() error {
	if f.Draining() {
		return errors.New("draining")
	}
	return f.options.Ready()
}

func (f *Front) beginRequest(at time.Time) {
	f.counts.requests.Add(1)
	f.requests.Add(1)
	f.lastRequest.Store(at.UnixNano())
}

func (f *Front) endRequest() {
	f.requests.Add(-1)
	f.notify()
}

// nextID is a number that no other exchange has.
func (f *Front) nextID() uint64 { return f.options.IDs.Add(1) }

// warnPause is how long the same trouble is not told again.
const warnPause = time.Minute

// warn tells the operator, once a minute for each text.
func (f *Front) warn(err error) {
	now := time.Now()
	f.mu.Lock()
	last, told := f.warned[err.Error()]
	quiet := told && now.Sub(last) < warnPause
	if !quiet {
		if len(f.warned) > 100 { // texts with numbers in them must not fill the memory
			clear(f.warned)
		}
		f.warned[err.Error()] = now
	}
	f.mu.Unlock()
	if !quiet {
		f.options.Warn(err)
	}
}
