package siege

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"fender/internal/proving/latency"
)

// Version is the number of the result document.
const Version = 1

// Result is a run as a document: it is what --json prints and --out saves.
type Result struct {
	V           int       `json:"v"`
	Mark        string    `json:"mark,omitempty"`
	URLs        []string  `json:"urls"` // the first of them
	Started     time.Time `json:"started"`
	Elapsed     float64   `json:"elapsed_s"`
	Interrupted bool      `json:"interrupted"`    // ended early, by a signal or for want of open files
	Left        int64     `json:"left,omitempty"` // of an interrupted run: requests that had begun or were due, not counted below
	Load        Load      `json:"load"`

	Requests     int64            `json:"requests"`
	OK           int64            `json:"ok"`
	Failed       int64            `json:"failed"`
	Availability float64          `json:"availability"` // percent of the requests that were ok
	Failures     map[string]int64 `json:"failures"`     // by kind
	Statuses     map[string]int64 `json:"statuses"`     // of whole answers
	BodyBytes    int64            `json:"body_bytes"`
	Received     int64            `json:"received_bytes"`
	Rate         float64          `json:"rate"`        // requests a second
	Concurrency  float64          `json:"concurrency"` // requests under way on average

	Latency   latency.Summary `json:"latency"`    // of all requests, failed ones too
	LatencyOK latency.Summary `json:"latency_ok"` // of those that were ok

	Connections Connections `json:"connections"`
	Open        *Open       `json:"open,omitempty"` // of the open model
	Examples    []Example   `json:"examples"`
	Seconds     []Second    `json:"seconds"`
}

// Load is what was asked for.
type Load struct {
	Phases  []string `json:"phases"`
	Reps    int      `json:"reps,omitempty"`
	Once    bool     `json:"once,omitempty"`
	Random  bool     `json:"random,omitempty"`
	Delay   float64  `json:"delay_s,omitempty"`
	Poisson bool     `json:"poisson,omitempty"`
	Timeout float64  `json:"timeout_s"`
}

// Connections is what became of connections.
type Connections struct {
	Opened     int64 `json:"opened"`
	IdleClosed int64 `json:"idle_closed"` // by the target, while nothing was asked: no failure
}

// Open is what the open model knows besides.
type Open struct {
	Connections int     `json:"connections"` // the bound
	Late        int64   `json:"late"`        // arrivals that had to wait for a free connection
	Lag         float64 `json:"lag_s"`       // the most that the generator itself was behind
}

// shownURLs is how many URLs a result names.
const shownURLs = 10

func (r *run) result(start, end time.Time, interrupted bool) *Result {
	t, o := r.tally, r.opts
	t.end(end)
	all, ok, s := t.merged()
	res := &Result{
		V: Version, Mark: o.Mark, Started: start.UTC(), Elapsed: latency.Seconds(end.Sub(start)), Interrupted: interrupted, Left: r.counts.left.Load(),
		Requests: s.numbers.requests, OK: s.numbers.kinds[OK], Failures: s.numbers.failures(), Statuses: map[string]int64{},
		BodyBytes: s.body, Received: s.received, Latency: all.Summary(), LatencyOK: ok.Summary(),
		Connections: Connections{r.counts.opened.Load(), r.counts.idleClosed.Load()},
		Examples:    t.examples.all(), Seconds: t.series.all(),
		Load: Load{Reps: o.Reps, Once: o.Once, Random: o.Random, Delay: o.Delay.Seconds(), Poisson: o.Poisson, Timeout: o.Timeout.Seconds()},
	}
	res.Failed = res.Requests - res.OK
	if res.Requests > 0 {
		res.Availability = 100 * float64(res.OK) / float64(res.Requests)
	}
	if seconds := end.Sub(start).Seconds(); seconds > 0 {
		res.Rate = round(float64(res.Requests)/seconds, 2)
		res.Concurrency = round(all.Sum().Seconds()/seconds, 2)
	}
	for status, n := range s.statuses {
		if n > 0 && status > 0 {
			res.Statuses[strconv.Itoa(status)] = n
		}
	}
	if res.Failures == nil {
		res.Failures = map[string]int64{}
	}
	for _, q := range o.Requests[:min(len(o.Requests), shownURLs)] {
		res.URLs = append(res.URLs, q.URL)
	}
	for _, p := range o.Phases {
		res.Load.Phases = append(res.Load.Phases, p.String())
		if p.Open {
			res.Open = &Open{o.Connections, r.counts.late.Load(), latency.Seconds(time.Duration(r.crew.lag.ns.Load()))}
		}
	}
	return res
}

func round(f float64, digits int) float64 {
	shift := math.Pow10(digits)
	return math.Round(f*shift) / shift
}

// Write prints the document.
func (r *Result) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// longestResult bounds a saved result.
const longestResult = 256 << 20

// ReadResult reads a saved result.
func ReadResult(r io.Reader) (*Result, error) {
	res := &Result{}
	if err := json.NewDecoder(io.LimitReader(r, longestResult)).Decode(res); err != nil {
		return nil, fmt.Errorf("it is no result of fender siege: %w", err)
	}
	switch {
	case res.V == 0:
		return nil, errors.New("it is no result of fender siege")
	case res.V != Version:
		return nil, fmt.Errorf("it is a result of version %d, this fender reads version %d", res.V, Version)
	case res.Started.IsZero() || len(res.URLs) == 0: // other documents have a version too
		return nil, errors.New("it is no result of fender siege, though it has its version")
	}
	return res, nil
}
