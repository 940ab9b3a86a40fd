package front

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Front owns the connections of all its sockets.
type Front struct {
	options Options
	watcher *watcher
	spooler spooler
	places  *places
	dates   dates
	counts  counts

	draining atomic.Bool // every further answer ends its connection
	stopping atomic.Bool // idle connections end
	aborting atomic.Bool // all connections end

	requests    atomic.Int64 // begun and not answered
	lastRequest atomic.Int64 // Unix nanoseconds
	changed     chan struct{}

	mu      sync.Mutex
	sockets []*Socket
	accepts sync.WaitGroup
	conns   sync.WaitGroup
	warned  map[string]time.Time
}

// New makes a front. It serves nothing until Serve.
func New(o Options) (*Front, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	w, err := newWatcher()
	if err != nil {
		return nil, err
	}
	f := &Front{options: o.withDefaults(), watcher: w, changed: make(chan struct{}, 1), warned: map[string]time.Time{}}
	f.spooler.warn = f.warn
	f.places = newPlaces(f.options.Connections, func(n int) {
		f.warn(fmt.Errorf("%d clients are connected, more must wait: the limit of open files (nofile) allows no more; raise it", n))
	})
	return f, nil
}

// Serve begins to serve the connections of s and returns at once. The front owns s from now on.
func (f *Front) Serve(s *Socket) {
	f.mu.Lock()
	f.sockets = append(f.sockets, s)
	f.mu.Unlock()
	f.accepts.Go(func() { f.accept(s) })
}

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
	q := Quiet{Connections: f.watcher.len(), Requests: int(f.requests.Load())}
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
	sockets := f.sockets
	f.sockets = nil
	f.mu.Unlock()
	f.places.close()
	for _, s := range sockets {
		s.interrupt()
	}
	f.accepts.Wait()
	gone := make(chan struct{})
	go func() {
		f.conns.Wait()
		f.spooler.stopped.Wait()
		f.watcher.close()
		close(gone)
	}()
	f.stopping.Store(true)
	f.watcher.all((*conn).rouse)
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	open := f.requests.Load()
	f.aborting.Store(true)
	f.watcher.all((*conn).rouse)
	select {
	case <-gone:
	case <-time.After(closeGrace):
		f.watcher.all(func(c *conn) {
			c.stream.net.Close()
			c.signal()
		})
	}
	if open == 0 {
		return nil
	}
	return fmt.Errorf("%d requests were not answered when the time to leave was over", open)
}

// rouse makes a connection look at the front's state, whatever it waits for.
func (c *conn) rouse() {
	c.stream.kick()
	c.signal()
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

// isStopping reports whether idle connections end.
func (f *Front) isStopping() bool { return f.stopping.Load() }

// isAborting reports whether even lingering ends.
func (f *Front) isAborting() bool { return f.aborting.Load() }

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
