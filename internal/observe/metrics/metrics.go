// Package metrics counts what happens and shows it to Prometheus. Counting is atomic additions
// only; the form that Prometheus wants is made when it asks.
//
// It owns the counters and their names (docs/metrics.md lists them, a test compares). Values that
// other rooms keep are read from them in a Sample. It decides nothing, and keeps no
// history.
package metrics

import (
	"net/http"
	"sync/atomic"
	"time"

	"fender/internal/observe/event"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Cause is one word of the label "cause" and the status that the front answers with for it, so
// that its series exist, with 0, before it happens.
type Cause struct {
	Name   string
	Status int // 0: none of its own
}

// Sample is what other rooms keep at one moment.
type Sample struct {
	QueueLength   int    // requests that wait for a slot
	Connections   int    // open connections of clients
	Accepted      uint64 // connections of clients since the start
	WorkersWanted int    // the set point of scaling
	Generation    int    // that serves

	LoopTurns   uint64        // turns of the workshop's loop since the start
	LoopBusy    time.Duration // that they took in all
	LoopLongest time.Duration // the longest one since the last Sample: what became ready waited for it

	SpoolBytes, SpoolLimit   int64  // bytes in spool files, and their bound
	MemoryBytes, MemoryLimit int64  // bytes of requests and answers in memory, and their bound
	AccessLogLost            uint64 // lines
	EventsLost               uint64 // events and lines of them
}

// Options are the settings of Metrics.
type Options struct {
	Version string // of fender, for fender_build_info
	Causes  []Cause
	States  []string // of living workers, for fender_workers
	// Sample is called when Prometheus asks, from any goroutine; nil is all zero.
	Sample func() Sample
}

// classes are the words of the label "status"; none is for a number that is no status.
var classes = [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

// other is the word for a cause or reason that no list names: none is lost.
const other = "other"

// Metrics is the counters. All methods may be called from any goroutine.
type Metrics struct {
	opts Options

	causeIndex map[string]int // name -> row of requests; "" is 0
	causes     []string
	requests   [][len(classes)]atomic.Uint64
	queueTime  histogram
	workTime   histogram

	received, sent atomic.Uint64

	stateIndex map[string]int
	states     []string
	workers    []atomic.Int64

	born      atomic.Uint64
	died      []atomic.Uint64 // by event.Reasons, then one for all others
	retried   atomic.Uint64
	takenBack atomic.Uint64
	cut       atomic.Uint64
	reloaded  atomic.Uint64
	refused   atomic.Uint64
	templates atomic.Uint64
	warnings  atomic.Uint64

	registry *prometheus.Registry
}

// New returns counters at zero.
func New(o Options) *Metrics {
	m := &Metrics{
		opts:       o,
		causeIndex: map[string]int{"": 0}, causes: []string{""},
		stateIndex: map[string]int{},
		died:       make([]atomic.Uint64, len(event.Reasons)+1),
		queueTime:  newHistogram(timeBounds),
		workTime:   newHistogram(timeBounds),
		registry:   prometheus.NewRegistry(),
	}
	for _, c := range o.Causes {
		m.causeIndex[c.Name] = len(m.causes)
		m.causes = append(m.causes, c.Name)
	}
	m.causes = append(m.causes, other)
	m.requests = make([][len(classes)]atomic.Uint64, len(m.causes))
	for _, s := range o.States {
		m.stateIndex[s] = len(m.states)
		m.states = append(m.states, s)
	}
	m.workers = make([]atomic.Int64, len(m.states))
	m.registry.MustRegister(
		m,
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector(),
	)
	return m
}

// Request counts a request that is over. status is what was sent, 0 when nothing was; worked is
// false when no worker ever had it: then it has no queue time and no worker time.
func (m *Metrics) Request(status int, cause string, worked bool, queue, work time.Duration) {
	i, known := m.causeIndex[cause]
	if !known {
		i = len(m.causes) - 1
	}
	m.requests[i][class(status)].Add(1)
	if cause == causeCut {
		m.cut.Add(1)
	}
	if worked {
		m.queueTime.observe(queue)
		m.workTime.observe(work)
	}
}

// Totals is how many requests have ended, and how many of them failed: those with a cause, but for
// clients that left by themselves.
func (m *Metrics) Totals() (ended, failed uint64) {
	for i, cause := range m.causes {
		n := uint64(0)
		for c := range classes {
			n += m.requests[i][c].Load()
		}
		ended += n
		if cause != "" && cause != causeGone {
			failed += n
		}
	}
	return ended, failed
}

// causeCut is exchange.CauseAnswerCut, causeGone exchange.CauseClientGone.
const (
	causeCut  = "answer-cut"
	causeGone = "client-gone"
)

// Bytes counts bytes of bodies: received from clients, sent to them.
func (m *Metrics) Bytes(received, sent int64) {
	m.received.Add(uint64(max(received, 0)))
	m.sent.Add(uint64(max(sent, 0)))
}

// Observe counts what an event says, and keeps the number of workers in each state by their steps.
// It is meant for event.Options.Observe.
func (m *Metrics) Observe(e event.Event) {
	switch e.Kind {
	case event.Worker:
		m.move(e.From, -1)
		m.move(e.To, +1)
		switch {
		case e.To == event.StateReady:
			m.born.Add(1)
		case e.To == event.StateGone:
			m.died[reasonIndex(e.Reason)].Add(1)
		}
	case event.Template:
		if e.To == event.StateReady {
			m.templates.Add(1)
		}
	case event.Retry:
		m.retried.Add(1)
	case event.TakenBack:
		m.takenBack.Add(1)
	case event.Reload:
		switch e.To {
		case event.StateDone:
			m.reloaded.Add(1)
		case event.StateRefused:
			m.refused.Add(1)
		}
	case event.Warning:
		m.warnings.Add(1)
	}
}

// move keeps fender_workers: a worker leaves one state and enters another. States that are not
// listed (before its spawn, after its end) are those of no living worker.
func (m *Metrics) move(state string, by int64) {
	if i, ok := m.stateIndex[state]; ok {
		m.workers[i].Add(by)
	}
}

func reasonIndex(r event.Reason) int {
	for i, known := range event.Reasons {
		if r == known {
			return i
		}
	}
	return len(event.Reasons) // none, or unknown: "other"
}

func class(status int) int {
	if status < 100 || status > 599 {
		return 0
	}
	return status / 100
}

// Handler answers Prometheus, at most a few at a time.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}
