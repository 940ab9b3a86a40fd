// Package sink writes lines to a place that may block or be full (a pipe nobody reads, a disk
// without room) and never lets that reach the one who has a line to write.
//
// A Sink owns one destination, a bounded buffer of whole lines, and one goroutine that writes them
// in batches. What does not fit is dropped, counted, and reported when there is room again. It does
// not know what the lines say and never reopens or rotates its file.
package sink

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultLimit is the number of bytes that may wait for a destination: a few seconds of access log
// at full speed, and little beside the memory of one Python worker.
const DefaultLimit = 4 << 20

const (
	// flushAt ends a Linger early: a write of this size costs little more than a small one.
	flushAt = 64 << 10
	// keepBuffer is the largest buffer that is kept for the next batch after a burst.
	keepBuffer = 512 << 10
)

// Options are the settings of a Sink. The zero value of a field means its default.
type Options struct {
	// Name is what a Notice calls the destination: "access log /var/log/access.log".
	Name string
	// Limit bounds the bytes that wait or are being written; 0 is DefaultLimit.
	Limit int
	// Linger is how long a line may wait for others that go with it in one write; 0 writes at once.
	Linger time.Duration
	// Notify is told of lost lines and of write errors. It runs on the Sink's goroutine: it must
	// not wait for the Sink. It is called when a destination begins to fail, and again when it has
	// taken a batch after lines were lost; not for each line.
	Notify func(Notice)
}

// Notice says what happened to a destination.
type Notice struct {
	Name string // of the Sink's Options
	Lost uint64 // lines lost since the last Notice
	Err  error  // why writing fails; nil when it works (again)
}

func (n Notice) String() string {
	switch {
	case n.Err != nil:
		return fmt.Sprintf("%s cannot be written: %v; lines are dropped until it can", n.Name, n.Err)
	case n.Lost == 1:
		return fmt.Sprintf("%s: 1 line was dropped, its reader or disk was too slow or full", n.Name)
	}
	return fmt.Sprintf("%s: %d lines were dropped, its reader or disk was too slow or full", n.Name, n.Lost)
}

// Sink is one destination. Write may be called from any goroutine.
type Sink struct {
	out  *output
	opts Options

	mu      sync.Mutex
	pending []byte // whole lines that wait
	writing int    // bytes of the batch that is being written
	lost    uint64 // lines dropped since the last Notice
	closed  bool

	total atomic.Uint64 // lines dropped since the start
	wake  chan struct{} // a batch may be worth writing
	quit  chan struct{}
	done  chan struct{}
}

// New returns a Sink that writes to w and starts its goroutine. Close ends it; w stays open.
func New(w io.Writer, o Options) *Sink { return start(newOutput(w), o) }

// OpenFile returns a Sink that appends to the file, which is made when it does not exist, and is
// closed by Close.
func OpenFile(path string, o Options) (*Sink, error) {
	out, err := openOutput(path)
	if err != nil {
		return nil, err
	}
	return start(out, o), nil
}

func start(out *output, o Options) *Sink {
	if o.Limit <= 0 {
		o.Limit = DefaultLimit
	}
	if o.Notify == nil {
		o.Notify = func(Notice) {}
	}
	s := &Sink{
		out: out, opts: o,
		wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	go s.run()
	return s
}

// Write copies one whole line, its newline included, and reports whether there was room. It never
// waits for the destination.
func (s *Sink) Write(line []byte) bool {
	s.mu.Lock()
	before := len(s.pending)
	if s.closed || before+s.writing+len(line) > s.opts.Limit {
		s.lost++
		s.mu.Unlock()
		s.total.Add(1)
		return false
	}
	s.pending = append(s.pending, line...)
	after := len(s.pending)
	s.mu.Unlock()
	if before == 0 || before < flushAt && after >= flushAt {
		select {
		case s.wake <- struct{}{}:
		default: // it is awake already
		}
	}
	return true
}

// Lost is the number of lines dropped since the start.
func (s *Sink) Lost() uint64 { return s.total.Load() }

// Close writes what waits, for at most the given time. Lines that come later are dropped. The error
// says that the destination did not take everything in time.
func (s *Sink) Close(wait time.Duration) error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.quit)
	}
	s.mu.Unlock()
	select {
	case <-s.done: // even when wait is 0
		return nil
	default:
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-s.done:
		return nil
	case <-t.C:
		return fmt.Errorf("%s did not take its last lines within %v", s.opts.Name, wait)
	}
}

// run is the Sink's goroutine.
func (s *Sink) run() {
	defer close(s.done)
	defer s.out.close()
	var spare []byte
	failing := false
	for more := true; more; {
		more = s.wait()
		s.mu.Lock()
		batch := s.pending
		s.pending, s.writing = spare[:0], len(batch)
		s.mu.Unlock()

		lost, err := s.out.write(batch)
		s.total.Add(lost)

		s.mu.Lock()
		s.writing = 0
		s.lost += lost
		n := Notice{Name: s.opts.Name, Lost: s.lost, Err: err}
		tell := err != nil && !failing || err == nil && s.lost > 0 && len(batch) > 0
		if tell {
			s.lost = 0
		}
		s.mu.Unlock()
		if len(batch) > 0 {
			failing = err != nil
		}
		if tell {
			s.opts.Notify(n)
		}
		if spare = batch; cap(spare) > keepBuffer {
			spare = nil
		}
	}
}

// wait returns when there is a batch to write; false says that it is the last one.
func (s *Sink) wait() bool {
	select {
	case <-s.wake:
	case <-s.quit:
		return false
	}
	if s.opts.Linger <= 0 {
		return true
	}
	t := time.NewTimer(s.opts.Linger)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.wake: // enough for one write
	case <-s.quit:
		return false
	}
	return true
}
