// Package event is the one list of things that happen to fender and its workers, and the journal
// that tells them: as lines for people on standard error, as JSON lines in a file, and to
// subscribers in the same process.
//
// It owns the words (Kind, Reason), their JSON form, and the journal's goroutines. It decides
// nothing, holds no state of workers or requests, and never makes the one who emits wait.
package event

import (
	"encoding/json"
	"strings"
	"time"
)

// Version is the number "v" of the JSON form. It changes only with an entry in the CHANGELOG.
const Version = 1

// Kind says what an event is about. The words are a contract.
type Kind string

// The kinds. What From and To mean depends on the kind, see docs/events.md.
const (
	Listening    Kind = "listening"     // an address takes connections
	Template     Kind = "template"      // a template starts, is ready, fails, is gone
	Worker       Kind = "worker"        // a worker changed its state
	RequestError Kind = "request-error" // a request was answered by the front with a cause, or cut
	Retry        Kind = "retry"         // a request that had begun goes to another worker
	TakenBack    Kind = "taken-back"    // a request that had not begun goes back to the queue
	Scale        Kind = "scale"         // the number of workers wanted changed
	Reload       Kind = "reload"        // a reload started, is done, was refused
	Drain        Kind = "drain"         // fender leaves
	Config       Kind = "config"        // what an option was understood as; which Python runs
	Warning      Kind = "warning"       // something an operator should know
)

// Kinds lists every kind, in the order of the documentation.
var Kinds = []Kind{
	Listening, Template, Worker, RequestError, Retry, TakenBack, Scale, Reload, Drain, Config,
	Warning,
}

// Words for From and To of the kinds whose states no other room owns.
const (
	StateStarting = "starting" // template
	StateReady    = "ready"    // template, worker
	StateFailed   = "failed"   // template
	StateRetiring = "retiring" // worker
	StateDoomed   = "doomed"   // worker
	StateGone     = "gone"     // template, worker

	StateStarted = "started" // reload, drain
	StateDone    = "done"    // reload, drain
	StateMerged  = "merged"  // reload: asked for during a reload, one more will follow
	StateRefused = "refused" // reload: the new code does not come up, the old goes on
	StateForced  = "forced"  // drain: a second signal, or the timeout
)

// Event is one thing that happened. A zero field is absent, in the JSON form too. Paths are
// without their query strings; Emit cuts one off that was left.
type Event struct {
	Time time.Time `json:"time"` // Emit fills it in when it is zero
	Kind Kind      `json:"event"`

	Worker     int    `json:"worker,omitempty"` // its number, 1..processes or a spare one above
	Spawn      uint64 `json:"spawn,omitempty"`  // never reused
	PID        int    `json:"pid,omitempty"`    // of the worker or template
	Generation int    `json:"generation,omitempty"`

	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
	Reason Reason `json:"reason,omitempty"` // why a worker goes

	RequestID uint64 `json:"request_id,omitempty"`
	TraceID   string `json:"trace_id,omitempty"` // X-Amzn-Trace-Id
	Method    string `json:"method,omitempty"`
	Path      string `json:"path,omitempty"`
	Cause     string `json:"cause,omitempty"`
	Attempts  int    `json:"attempts,omitempty"` // how often the application has begun the request

	Requests int `json:"requests,omitempty"` // answers that a worker had given when it went
	Failed   int `json:"failed,omitempty"`   // requests that failed with a worker's death
	Moved    int `json:"moved,omitempty"`    // requests that went to others at a worker's death

	Signal   int     `json:"signal,omitempty"`    // that ended a process, or began a drain
	ExitCode *int    `json:"exit_code,omitempty"` // of a process that ended by itself; 0 is a code too
	Seconds  float64 `json:"seconds,omitempty"`   // how long what ended had taken

	Address string `json:"address,omitempty"` // that is listened on, as a URL
	Python  string `json:"python,omitempty"`  // version and path of the interpreter
	Text    string `json:"text,omitempty"`    // one line for people
	Error   string `json:"error,omitempty"`   // one line: what went wrong
}

// maxText bounds every text of an event, in bytes: some of them come from clients and applications.
const maxText = 4 << 10

// TimeFormat is the form of "time": UTC, always with microseconds, so that lines sort as text.
const TimeFormat = "2006-01-02T15:04:05.000000Z"

// tidy bounds what a hostile client or application can put into an event.
func (e *Event) tidy() {
	if i := strings.IndexByte(e.Path, '?'); i >= 0 {
		e.Path = e.Path[:i]
	}
	for _, s := range []*string{
		&e.From, &e.To, &e.TraceID, &e.Method, &e.Path, &e.Cause, &e.Address, &e.Python, &e.Text,
		&e.Error,
	} {
		if len(*s) > maxText {
			*s = strings.Clone((*s)[:maxText])
		}
	}
}

// MarshalJSON gives the JSON form: "v" and "time" first.
func (e Event) MarshalJSON() ([]byte, error) {
	type fields Event // without this method
	return json.Marshal(struct {
		V    int    `json:"v"`
		Time string `json:"time"`
		fields
	}{Version, e.Time.UTC().Format(TimeFormat), fields(e)})
}
