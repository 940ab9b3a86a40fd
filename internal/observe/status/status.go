// Package status is the document that says what fender is doing now: /status of the admin server
// and `fender ctl status` give it. It owns the document's words and its JSON form only; whoever
// has the facts fills it in.
package status

import (
	"encoding/json"
	"time"
)

// Version is the number "v" of the document. It changes only with an entry in the CHANGELOG.
const Version = 1

// State is what the server as a whole is doing.
type State string

// The states of the server.
const (
	Starting  State = "starting"  // no worker has been ready yet
	Serving   State = "serving"   // requests are answered
	Reloading State = "reloading" // the same, and a new generation is coming up
	Draining  State = "draining"  // leaving: readiness fails, requests are still answered
)

// Status is the document. Paths are without their query strings: those, cookies and Authorization
// never appear in it.
type Status struct {
	State      State  `json:"state"`
	Generation int    `json:"generation"` // that serves
	Python     string `json:"python"`     // version and path of the interpreter

	Version string  `json:"version"` // of fender
	PID     int     `json:"pid"`     // of the master
	Uptime  float64 `json:"uptime_s"`

	Workers []Worker `json:"workers"`
	Queue   Queue    `json:"queue"`
	Totals  Totals   `json:"totals"`
}

// Worker is one worker process.
type Worker struct {
	Number     int    `json:"number"` // 1..processes, or a spare one above
	Spawn      uint64 `json:"spawn"`
	PID        int    `json:"pid"`
	Generation int    `json:"generation"`
	State      string `json:"state"`
	Reason     string `json:"reason"` // why it goes; "" while it stays
	Requests   uint64 `json:"requests"`
	RSS        int64  `json:"rss_bytes"`
	PSS        int64  `json:"pss_bytes"`
	Slots      []Slot `json:"slots"` // all of them; an idle one is {"request_id":0}
}

// Slot is one thread of a worker and the request that it works on.
type Slot struct {
	RequestID uint64    `json:"request_id"` // 0: idle
	Method    string    `json:"method,omitempty"`
	Path      string    `json:"path,omitempty"`
	Since     time.Time `json:"since,omitzero"` // when the worker got it
}

// Queue is the requests that wait for a slot.
type Queue struct {
	Length int     `json:"length"`
	Limit  int     `json:"limit"`
	Oldest float64 `json:"oldest_s"` // how long the oldest one has waited, in seconds
}

// Totals are counters since the start of the master.
type Totals struct {
	Requests  uint64 `json:"requests"`   // requests that ended
	Failed    uint64 `json:"failed"`     // ... with a cause, but for clients that left by themselves
	Retried   uint64 `json:"retried"`    // begun again on another worker
	TakenBack uint64 `json:"taken_back"` // moved before any worker had begun them
	Born      uint64 `json:"born"`       // workers that became ready
	Gone      uint64 `json:"gone"`       // workers that ended
	Reloads   uint64 `json:"reloads"`    // that went well
}

// MarshalJSON gives the document: "v" first, and lists are never null.
func (s Status) MarshalJSON() ([]byte, error) {
	type fields Status // without this method
	if s.Workers == nil {
		s.Workers = []Worker{}
	}
	return json.Marshal(struct {
		V int `json:"v"`
		fields
	}{Version, fields(s)})
}

// MarshalJSON gives the worker with a list of slots that is never null.
func (w Worker) MarshalJSON() ([]byte, error) {
	type fields Worker
	if w.Slots == nil {
		w.Slots = []Slot{}
	}
	return json.Marshal(fields(w))
}
