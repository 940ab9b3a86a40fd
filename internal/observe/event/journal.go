package event

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"fender/internal/observe/sink"
)

// ringSize is the number of events that may wait for the journal's goroutine. That goroutine never
// waits for a destination, so that only a starved machine fills it.
const ringSize = 1024

// sinkLimit bounds the bytes that wait for one destination: thousands of events.
const sinkLimit = 1 << 20

// Options are the settings of a Journal. Without any, events reach subscribers only.
type Options struct {
	// Lines gets the lines for people: standard error. nil is none.
	Lines io.Writer
	// File gets the JSON lines, appended: the option events. "" is none.
	File string
	// Observe is called with every event inside of Emit, by the goroutine that emits, also when
	// the event is dropped later: metrics count there. It must not block.
	Observe func(Event)
}

// Journal tells events. A nil *Journal is a journal that nobody reads.
type Journal struct {
	opts  Options
	lines *sink.Sink // nil: none
	file  *sink.Sink // nil: none
	quiet quiet      // owned by run

	ring    chan Event
	dropped atomic.Uint64 // since the last warning
	total   atomic.Uint64
	subs    atomic.Pointer[[]*Subscription]
	subsMu  sync.Mutex // held while subs is replaced
	ended   bool       // under subsMu: the last event was told

	closing sync.Once
	quit    chan struct{}
	done    chan struct{}
}

// Open starts a journal. The error is about the file.
func Open(o Options) (*Journal, error) {
	j := &Journal{
		opts: o,
		ring: make(chan Event, ringSize), quit: make(chan struct{}), done: make(chan struct{}),
	}
	if o.File != "" {
		file, err := sink.OpenFile(o.File, j.sinkOptions("events file "+o.File))
		if err != nil {
			return nil, fmt.Errorf("events: %w: name a file that can be written, or leave the option out", err)
		}
		j.file = file
	}
	if o.Lines != nil {
		j.lines = sink.New(o.Lines, j.sinkOptions("standard error"))
	}
	go j.run()
	return j, nil
}

func (j *Journal) sinkOptions(name string) sink.Options {
	return sink.Options{Name: name, Limit: sinkLimit, Notify: j.Notice}
}

// Notice emits a warning about lines that a sink lost.
func (j *Journal) Notice(n sink.Notice) { j.Warn("%s", n) }

// Warn emits a warning.
func (j *Journal) Warn(format string, args ...any) {
	j.Emit(Event{Kind: Warning, Text: fmt.Sprintf(format, args...)})
}

// Emit tells an event. It never waits: when more events wait than the ring holds, this one is
// dropped, and a warning with the number of dropped ones follows as soon as there is room.
func (j *Journal) Emit(e Event) {
	if j == nil {
		return
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.tidy()
	if j.opts.Observe != nil {
		j.opts.Observe(e)
	}
	select {
	case j.ring <- e:
	default:
		j.dropped.Add(1)
		j.total.Add(1)
	}
}

// Lost is the number of events that did not reach every place they should have, since the start.
func (j *Journal) Lost() uint64 {
	if j == nil {
		return 0
	}
	n := j.total.Load()
	for _, s := range []*sink.Sink{j.lines, j.file} {
		if s != nil {
			n += s.Lost()
		}
	}
	return n
}

// Close writes what was emitted before it, waiting at most the given time for each destination.
func (j *Journal) Close(wait time.Duration) error {
	if j == nil {
		return nil
	}
	j.closing.Do(func() { close(j.quit) })
	<-j.done // run waits for nobody
	var first error
	for _, s := range []*sink.Sink{j.lines, j.file} {
		if s != nil {
			if err := s.Close(wait); err != nil && first == nil {
				first = err
			}
		}
	}
	return first
}

// run is the journal's goroutine.
func (j *Journal) run() {
	defer close(j.done)
	defer j.endSubscriptions()
	for {
		select {
		case e := <-j.ring:
			j.tell(e)
		case now := <-j.quiet.timer():
			j.line(j.quiet.summary(now))
		case <-j.quit:
			for {
				select {
				case e := <-j.ring:
					j.tell(e)
				default:
					j.line(j.quiet.summary(time.Now()))
					return
				}
			}
		}
	}
}

func (j *Journal) tell(e Event) {
	j.write(e)
	if n := j.dropped.Swap(0); n > 0 {
		j.write(Event{
			Time: time.Now(), Kind: Warning,
			Text: fmt.Sprintf("%d events were dropped: more came at once than the journal could take", n),
		})
	}
}

func (j *Journal) write(e Event) {
	if subs := j.subs.Load(); subs != nil {
		for _, s := range *subs {
			s.give(e)
		}
	}
	if j.file != nil {
		line, err := json.Marshal(e)
		if err != nil { // no field can fail; a word is better than silence
			line, _ = json.Marshal(Event{Time: e.Time, Kind: Warning, Error: err.Error()})
		}
		j.file.Write(append(line, '\n'))
	}
	if j.lines != nil {
		if text := e.Line(); text != "" && j.quiet.allow(e.Kind, time.Now()) {
			j.line(text)
		}
	}
}

func (j *Journal) line(text string) {
	if text != "" && j.lines != nil {
		j.lines.Write([]byte(Prefix + text + "\n"))
	}
}
