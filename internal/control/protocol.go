// Package control is how a person or a script speaks to a running fender: JSON over a unix socket
// that only its owner and root may use. It holds both ends, server and client, and the protocol.
//
// One connection carries one request, one line of JSON, and its answer, one line of JSON. The server
// owns its socket file and its connections. It decides nothing: a Backend does what is asked.
package control

import (
	"encoding/json"
	"errors"

	"fender/internal/observe/status"
)

// Version is the number "v" of requests and answers.
const Version = 1

// Op is what a request asks for.
type Op string

// The operations; docs/control.md lists them.
const (
	OpStatus Op = "status" // the status document
	OpReload Op = "reload" // load the code anew; the answer comes when that is done or refused
	OpScale  Op = "scale"  // "delta" workers more (or, negative, less)
	OpDrain  Op = "drain"  // leave as on SIGTERM: the answer says that it has begun
	OpStop   Op = "stop"   // leave as on SIGINT: without the drain delay
)

// Ops lists every operation.
var Ops = []Op{OpStatus, OpReload, OpScale, OpDrain, OpStop}

// Request is one request.
type Request struct {
	V     int `json:"v"`
	Op    Op  `json:"op"`
	Delta int `json:"delta,omitempty"` // OpScale
}

// Answer is the answer to one request.
type Answer struct {
	V       int            `json:"v"`
	OK      bool           `json:"ok"`
	Error   string         `json:"error,omitempty"`
	Refused bool           `json:"refused,omitempty"` // the new code does not come up, the old goes on
	Status  *status.Status `json:"status,omitempty"`
	Reload  *ReloadResult  `json:"reload,omitempty"`
	Scale   *ScaleResult   `json:"scale,omitempty"`
}

// ReloadResult is what a reload that went well gives.
type ReloadResult struct {
	Generation int     `json:"generation"` // that serves now
	Seconds    float64 `json:"seconds"`    // it took
}

// ScaleResult is the upper bound of workers after OpScale.
type ScaleResult struct {
	Processes int `json:"processes"`
}

// ErrRefused is what a Backend's Reload returns (wrapped, with the reason) when the new code does
// not come up, and what Client.Reload then returns. The old generation goes on serving.
var ErrRefused = errors.New("reload refused")

// Bounds of one line.
const (
	maxRequest = 4 << 10
	maxAnswer  = 16 << 20 // a status with thousands of slots
	maxDelta   = 1000
)

// decode reads one request. The error is for the one who sent it.
func decode(line []byte) (Request, error) {
	var r Request
	if err := json.Unmarshal(line, &r); err != nil {
		return r, errors.New("the request is not a JSON object with \"v\" and \"op\"")
	}
	if r.V != Version {
		return r, errors.New("this fender speaks version 1: send \"v\": 1")
	}
	if r.Op == OpScale && (r.Delta == 0 || r.Delta > maxDelta || r.Delta < -maxDelta) {
		return r, errors.New("scale needs a \"delta\" between -1000 and 1000 that is not 0")
	}
	return r, nil
}
