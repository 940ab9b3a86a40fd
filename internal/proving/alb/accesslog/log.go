package accesslog

import (
	"context"
	"io"
	"time"
)

// Record is what a log takes: *Entry, *Connection or *Health. It belongs to the log from then on.
type Record interface{ Append(line []byte) []byte }

// Log is a bounded queue of records before a sink. A full queue drops, and counts what it dropped.
type Log struct{}

// Sink is where the lines go.
type Sink interface {
	// Write takes whole lines.
	Write(lines []byte) error
	// Due is when Flush is wanted next; the zero time: never.
	Due() time.Time
	// Flush finishes what is due.
	Flush() error
	// Close finishes everything.
	Close() error
}

// New makes a log before a sink. warn is told of errors, not more often than every ten seconds; nil: nobody.
func New(s Sink, warn func(error)) *Log { panic("not built yet") }

// Put hands a record over and never blocks. A nil Log takes nothing.
func (l *Log) Put(r Record) { panic("not built yet") }

// Dropped is how many records were not written: the queue was full or the sink failed.
func (l *Log) Dropped() int64 { panic("not built yet") }

// Run writes until ctx ends, then what is still in the queue, and closes the sink.
func (l *Log) Run(ctx context.Context) error { panic("not built yet") }

// Stream is a sink that writes at once.
func Stream(w io.Writer) Sink { panic("not built yet") }

// Kind is which of the three logs a file holds; it is the prefix of its name.
type Kind string

// The kinds of log files.
const (
	AccessLog     Kind = ""
	ConnectionLog Kind = "conn_log_"
	HealthLog     Kind = "health_check_log_"
)

// Layout names log files as S3 has them.
type Layout struct {
	Dir, Prefix     string // the bucket and the prefix
	Kind            Kind
	Account, Region string
	LoadBalancer    string // app/<name>/<id>
	Node            string
	Every           time.Duration // 5 minutes unless given
}

// Files is a sink that makes a gzip file of each interval.
func Files(l Layout) (Sink, error) { panic("not built yet") }

// Open makes the sink of a destination: "-" is standard output, a folder (or a name that ends in a
// slash) gets gzip files in the layout of S3, everything else is a file that is appended to.
func Open(destination string, l Layout) (Sink, error) { panic("not built yet") }
