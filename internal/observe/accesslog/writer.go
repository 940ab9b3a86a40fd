package accesslog

import (
	"fmt"
	"io"
	"sync"
	"time"

	"fender/internal/observe/sink"
)

// linger is how long a line may wait for others that go with it in one write. A person who follows
// the log does not notice it, and a busy server saves a system call and a wake-up for each request.
const linger = 10 * time.Millisecond

// Destinations that are not files.
const (
	Stdout = "stdout" // also "-"
	Stderr = "stderr"
	Off    = "off"
)

// Options are the settings of a Writer. The zero value writes text to nowhere.
type Options struct {
	// Destination is the option access-log: "stdout" or "-", "stderr", "off" or "", or a file's
	// path. The file is appended to, and made when it does not exist.
	Destination    string
	Stdout, Stderr io.Writer // what those words mean
	Format         Format    // "" is Text
	Rules          Rules
	Limit          int               // bytes that may wait for the destination; 0 is sink.DefaultLimit
	Notify         func(sink.Notice) // is told of lost lines, see sink.Options; may be nil
}

// Writer is the access log. Its methods may be called from any goroutine; a nil *Writer logs nothing.
type Writer struct {
	sink    *sink.Sink // nil when off
	rules   Rules
	json    bool
	buffers sync.Pool // of *[]byte, one line each
}

// Open starts the access log.
func Open(o Options) (*Writer, error) {
	w := &Writer{rules: o.Rules}
	w.buffers.New = func() any { b := make([]byte, 0, 512); return &b }
	switch o.Format {
	case Text, "":
	case JSON:
		w.json = true
	default:
		return nil, fmt.Errorf("access-log-format: %q is neither %q nor %q", o.Format, Text, JSON)
	}
	so := sink.Options{Limit: o.Limit, Linger: linger, Notify: o.Notify}
	switch o.Destination {
	case Off, "":
	case Stdout, "-":
		return w.to(o.Stdout, "standard output", so)
	case Stderr:
		return w.to(o.Stderr, "standard error", so)
	default:
		so.Name = "access log " + o.Destination
		s, err := sink.OpenFile(o.Destination, so)
		if err != nil {
			return nil, fmt.Errorf("access-log: %w: name a file that can be written, or stdout, stderr, off", err)
		}
		w.sink = s
	}
	return w, nil
}

func (w *Writer) to(out io.Writer, name string, so sink.Options) (*Writer, error) {
	if out == nil {
		return nil, fmt.Errorf("access-log: there is no %s", name)
	}
	so.Name = "access log on " + name
	w.sink = sink.New(out, so)
	return w, nil
}

// keepLine is the largest line whose buffer is kept for the next one.
const keepLine = 8 << 10

// Write logs the request if the rules want it. It never waits for the destination, and does not
// keep the entry.
func (w *Writer) Write(e *Entry) {
	if w == nil || w.sink == nil || !w.rules.Wants(e) {
		return
	}
	b := w.buffers.Get().(*[]byte)
	if w.json {
		*b = AppendJSON((*b)[:0], e, w.rules)
	} else {
		*b = AppendText((*b)[:0], e, w.rules)
	}
	w.sink.Write(*b)
	if cap(*b) <= keepLine {
		w.buffers.Put(b)
	}
}

// Lost is the number of lines dropped since the start.
func (w *Writer) Lost() uint64 {
	if w == nil || w.sink == nil {
		return 0
	}
	return w.sink.Lost()
}

// Close writes what waits, for at most the given time.
func (w *Writer) Close(wait time.Duration) error {
	if w == nil || w.sink == nil {
		return nil
	}
	return w.sink.Close(wait)
}
