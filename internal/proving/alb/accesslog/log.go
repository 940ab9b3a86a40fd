package accesslog

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Record is what a log takes: *Entry, *Connection or *Health. It belongs to the log from then on.
type Record interface{ Append(line []byte) []byte }

const (
	queued    = 1 << 14  // records that wait for the sink
	batch     = 64 << 10 // bytes that are written at once
	warnEvery = 10 * time.Second
	patience  = 5 * time.Second // with the sink, at the end
)

// Log is a bounded queue of records before a sink. A full queue drops, and counts what it dropped.
type Log struct {
	sink    Sink
	queue   chan Record
	dropped atomic.Int64
	warn    func(error)
	warned  time.Time
}

// New makes a log before a sink. warn is told of errors, not more often than every ten seconds, and at the
// end of how many records were dropped; nil: nobody.
func New(s Sink, warn func(error)) *Log {
	if warn == nil {
		warn = func(error) {}
	}
	return &Log{sink: s, queue: make(chan Record, queued), warn: warn}
}

// Put hands a record over and never blocks. A nil Log takes nothing.
func (l *Log) Put(r Record) {
	if l == nil {
		return
	}
	select {
	case l.queue <- r:
	default:
		l.dropped.Add(1)
	}
}

// Dropped is how many records were not written: the queue was full or the sink failed. Those of a file
// that could not be finished are among them.
func (l *Log) Dropped() int64 {
	if l == nil {
		return 0
	}
	return l.dropped.Load()
}

// Run writes until ctx ends, then what is still in the queue, and closes the sink. Who puts records is
// to have ended before: what comes later is lost. At the end it warns of what was dropped in all. A sink
// that takes nothing then, a pipe whose reader stands still, is waited for only so long and left behind.
func (l *Log) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- l.run(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case err := <-ended:
		return err
	case <-late.C:
		return fmt.Errorf("the last lines of a log are missing: they could not be written for %v", patience)
	}
}

func (l *Log) run(ctx context.Context) error {
	var lines []byte
	due := time.NewTimer(time.Hour)
	defer due.Stop()
	for {
		if at := l.sink.Due(); at.IsZero() {
			due.Stop()
		} else {
			due.Reset(time.Until(at))
		}
		select {
		case r := <-l.queue:
			lines = l.write(r, lines[:0])
		case <-due.C:
			l.failed(l.sink.Flush())
		case <-ctx.Done():
			return l.finish(lines)
		}
	}
}

// write writes the record and what waits behind it, as much as one write may hold.
func (l *Log) write(r Record, lines []byte) []byte {
	lines = r.Append(lines)
	for more := true; more && len(lines) < batch; {
		select {
		case r := <-l.queue:
			lines = r.Append(lines)
		default:
			more = false
		}
	}
	l.failed(l.sink.Write(lines))
	return lines
}

func (l *Log) finish(lines []byte) error {
	for {
		select {
		case r := <-l.queue:
			lines = l.write(r, lines[:0])
		default:
			lost, err := l.sink.Close()
			l.dropped.Add(lost)
			if n := l.Dropped(); n > 0 {
				l.warn(fmt.Errorf("%d lines are missing in it, which could not be written or came too fast", n))
			}
			return err
		}
	}
}

func (l *Log) failed(lost int64, err error) {
	l.dropped.Add(lost)
	if now := time.Now(); err != nil && now.Sub(l.warned) >= warnEvery {
		l.warned = now
		l.warn(err)
	}
}
