// Package report is what a run of the lab leaves behind: result.json, the table for the terminal
// and one self-contained HTML page with the timelines drawn. It owns the names in result.json (its
// golden file holds them) and the look of the page. It measures and judges nothing.
package report

import (
	"encoding/json"
	"fmt"
	"time"
)

// Version is "v" of result.json.
const Version = 1

// Result is one run of a scenario. All times below it are seconds since the row's own begin.
type Result struct {
	V        int       `json:"v"`
	Scenario string    `json:"scenario"`
	Title    string    `json:"title"`
	About    []string  `json:"about,omitempty"`
	Started  time.Time `json:"started"`
	Speed    float64   `json:"speed"`
	Stress   bool      `json:"stress"`
	Target   string    `json:"target,omitempty"` // somebody's own service
	FinDelay float64   `json:"fin_delay_s"`
	Load     []string  `json:"load"`              // requests, in words
	Options  []string  `json:"options,omitempty"` // of the servers
	Machine  Machine   `json:"machine"`
	Notes    []string  `json:"notes,omitempty"`
	Rows     []Row     `json:"rows"`
	Passed   bool      `json:"passed"`
	Why      []string  `json:"why,omitempty"` // it did not
}

// Machine is what the numbers depend on.
type Machine struct {
	Kernel string `json:"kernel"`
	CPUs   int    `json:"cpus"`
	Memory int64  `json:"memory_bytes"`
	Python string `json:"python,omitempty"`
	Django string `json:"django,omitempty"`
	Fender string `json:"fender"`
}

// Row is one stack.
type Row struct {
	Stack   string   `json:"stack"`
	Title   string   `json:"title"`
	Chain   string   `json:"chain"` // ALB -> ... -> Django
	Version string   `json:"version,omitempty"`
	Skipped string   `json:"skipped,omitempty"` // why it did not run: what to install
	Error   string   `json:"error,omitempty"`   // why it broke off
	Notes   []string `json:"notes,omitempty"`

	Phases   []Phase        `json:"phases,omitempty"`
	Total    Count          `json:"total"`
	Failures map[string]int `json:"failures,omitempty"` // by kind, as the clients saw them
	Statuses map[string]int `json:"statuses,omitempty"` // in the balancer's log
	Causes   map[string]int `json:"elb_502_by_signature,omitempty"`
	Born     int            `json:"born"`
	Dead     int            `json:"dead"`
	Reasons  map[string]int `json:"dead_by_reason,omitempty"`
	Done     map[string]int `json:"done,omitempty"` // by the lab: kills, reloads ...
	Peak     Sample         `json:"peak"`
	CPU      float64        `json:"cpu_s"`
	// What the proving ground itself has cost: it must not be the bottleneck.
	BalancerCPU float64 `json:"balancer_cpu_s"`
	LoadCPU     float64 `json:"load_cpu_s"`

	Series   []Bin     `json:"series,omitempty"`
	Samples  []Sample  `json:"samples,omitempty"`
	Events   []Event   `json:"events,omitempty"`
	Lines    []string  `json:"log_lines,omitempty"` // the first of the balancer's log that tell of a failure
	Examples []string  `json:"examples,omitempty"`  // of failures, from the clients
	Verdicts []Verdict `json:"verdicts,omitempty"`
	Outcome  Outcome   `json:"outcome"`
}

// Outcome is how a row ended.
type Outcome string

// The outcomes. Only Failed and NoFault of fender's row, or of the only row, fail a run.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	NoFault Outcome = "no fault" // what the scenario needs did not happen: it has shown nothing
	Skipped Outcome = "skipped"
	Broken  Outcome = "broken" // it could not be carried out
)

// Phase is one stretch of the load as it was.
type Phase struct {
	Name  string  `json:"name"`
	Load  string  `json:"load"`
	From  float64 `json:"from_s"`
	To    float64 `json:"to_s"`
	Ended string  `json:"ended"` // by what
	Count
}

// Count is what became of requests.
type Count struct {
	Requests int            `json:"requests"`
	Failed   int            `json:"failed"`
	Statuses map[string]int `json:"by_status,omitempty"`
	Cut      int            `json:"cut"`
	P50      float64        `json:"p50_s"`
	P99      float64        `json:"p99_s"`
	Longest  float64        `json:"longest_s"`
	Born     int            `json:"born"`
	Dead     int            `json:"dead"`
}

// Availability is the share of requests that did not fail, in percent.
func (c Count) Availability() float64 {
	if c.Requests == 0 {
		return 0
	}
	return 100 * float64(c.Requests-c.Failed) / float64(c.Requests)
}

// Bin is a stretch of the series: what ended in it.
type Bin struct {
	At      float64 `json:"t"`
	Width   float64 `json:"width"`
	OK      int     `json:"ok"`
	Failed  int     `json:"failed"`
	Workers int     `json:"workers"` // at its end
}

// Sample is one look at the stack's processes.
type Sample struct {
	At        float64 `json:"t"`
	Processes int     `json:"processes"`
	Threads   int     `json:"threads"` // docker stats shows these as PIDs
	Memory    int64   `json:"pss_bytes"`
	CPU       float64 `json:"cpu"` // processors busy since the sample before
}

// Event is a moment worth a mark on the timeline.
type Event struct {
	At   float64 `json:"t"`
	Kind string  `json:"kind"` // born, dead, done (by the lab)
	Text string  `json:"text"`
}

// Verdict is one expectation and what became of it.
type Verdict struct {
	Text   string `json:"expected"`
	Got    string `json:"got"`
	Met    bool   `json:"met"`
	Needed bool   `json:"needed"` // the fault that had to happen
	Open   string `json:"not_judged,omitempty"`
}

// mostLife is how many lines of the workers' lives the page shows.
const mostLife = 200

// Life are the first lines of what came and went, and what was done, like a container's log.
func (r *Row) Life() []string {
	var lines []string
	for _, e := range r.Events {
		if len(lines) == mostLife {
			return append(lines, fmt.Sprintf("... and %d more in result.json", len(r.Events)-mostLife))
		}
		lines = append(lines, fmt.Sprintf("%8.2f s  %-4s  %s", e.At, e.Kind, e.Text))
	}
	return lines
}

// Judged is whose row decided: fender, or nobody in particular.
func (r *Result) Judged() string {
	for i := range r.Rows {
		if r.Rows[i].Stack == "fender" && r.Rows[i].Outcome != Skipped {
			return "fender"
		}
	}
	return ""
}

// Carried says whether the run that decides was carried out: else it is no expectation that failed.
func (r *Result) Carried() bool {
	ran := false
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Outcome == Broken && (row.Stack == "fender" || r.Target != "") {
			return false
		}
		ran = ran || row.Outcome != Skipped
	}
	return ran
}

// JSON is the document for result.json.
func (r *Result) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	return append(text, '\n'), err
}
