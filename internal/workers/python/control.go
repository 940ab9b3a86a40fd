package python

import (
	"encoding/json"
	"errors"
	"fmt"
)

// MaxControlMessage is the largest message on a control socket, in bytes, in either direction.
const MaxControlMessage = 64 << 10

// MaxThreads is the largest number of slots a worker can have: its descriptors travel in one
// message, and the kernel takes 253 (SCM_MAX_FD), the page's being one of them.
const MaxThreads = 252

// MaxLine is how many requests a slot of the program takes before it has answered the first of them.
const MaxLine = 8

// The words of the field op. ARCHITECTURE.md has the table.
const (
	OpBoot       = "boot"        // to the template
	OpSpawn      = "spawn"       // to
	OpReap       = "reap"        // to
	OpExit       = "exit"        // to
	OpLoaded     = "loaded"      // from the template
	OpFailed     = "failed"      // from
	OpForked     = "forked"      // from
	OpForkFailed = "fork_failed" // from
	OpReaped     = "reaped"      // from
	OpRefused    = "refused"     // from: the order named in Name was not carried out, Why says why
)

// The words of the field urlconf of loaded; "" is an application that has none, or none to import.
const (
	URLconfImported = "imported" // the template has it
	URLconfKeptOut  = "kept-out" // its import has effects that a fork cannot copy, or none could be tried
	URLconfBroken   = "broken"   // its import raises an exception
)

// Boot is the first message to a template.
type Boot struct {
	V             int      `json:"v"`              // 1
	Chdir         string   `json:"chdir"`          // "" stays where the master is
	Module        string   `json:"module"`         // pkg.mod[:callable]; wins over WSGIFile
	Callable      string   `json:"callable"`       // "" means "application"; `make()` is called once
	WSGIFile      string   `json:"wsgi_file"`      // relative to Chdir
	PythonPath    []string `json:"pythonpath"`     // the last comes first in sys.path; globs allowed
	Argv          []string `json:"argv"`           // sys.argv
	Threads       int      `json:"threads"`        // slots of each worker, 1..MaxThreads
	Processes     int      `json:"processes"`      // for wsgi.multiprocess
	Lazy          bool     `json:"lazy"`           // each worker imports for itself
	NeedApp       bool     `json:"need_app"`       // false: without an application every request gets 500
	EnableThreads bool     `json:"enable_threads"` // accepted; Python threads always run
	Vector        []byte   `json:"vector"`         // marshal value that hello must return (base64 in JSON)
	SchedBatch    bool     `json:"sched_batch"`    // run workers as SCHED_BATCH
	OOMScoreAdj   int      `json:"oom_score_adj"`  // written in each worker; 0 leaves it
	ServerName    string   `json:"server_name"`    // for an environ that lacks SERVER_NAME
	ServerPort    string   `json:"server_port"`    // the same
	Software      string   `json:"software"`       // SERVER_SOFTWARE
	MaxMessage    int      `json:"max_message"`    // largest message on a slot, in bytes
	Interrupt     bool     `json:"interrupt"`      // raise Harakiri when asked to; false: count only

	PreloadURLconf  bool    `json:"preload_urlconf"`  // import Django's URLconf too, if a scout says it is safe
	URLconfPatience float64 `json:"urlconf_patience"` // seconds for the scout; 0 is 60
}

// Message encodes the order. It fails when the message would be too large.
func (b Boot) Message() ([]byte, error) {
	b.V = 1
	message, err := json.Marshal(struct {
		Op string `json:"op"`
		Boot
	}{OpBoot, b})
	if err == nil && len(message) > MaxControlMessage {
		err = fmt.Errorf("the options for the template take %d bytes, at most %d fit; shorten pythonpath", len(message), MaxControlMessage)
	}
	return message, err
}

// Spawn orders one worker. The slots' sockets in order and then the page go with it as descriptors.
type Spawn struct {
	Spawn      uint64 `json:"spawn"`      // never reused; comes back in forked
	Number     int    `json:"number"`     // 1..processes, or a spare one above
	Generation int    `json:"generation"` // of the template
}

// Message encodes the order.
func (s Spawn) Message() []byte {
	return mustEncode(struct {
		Op string `json:"op"`
		Spawn
	}{OpSpawn, s})
}

// Reap orders the template to wait for a worker that is dead, and to report its status.
type Reap struct {
	Spawn uint64 `json:"spawn"`
	PID   int    `json:"pid"`
}

// Message encodes the order.
func (r Reap) Message() []byte {
	return mustEncode(struct {
		Op string `json:"op"`
		Reap
	}{OpReap, r})
}

// Exit is the message that ends a template; its workers go on.
func Exit() []byte { return []byte(`{"op":"exit"}`) }

func mustEncode(v any) []byte {
	message, err := json.Marshal(v)
	if err != nil {
		panic(err) // structs of numbers and constant strings always encode
	}
	return message
}

// Report is a message from a template. Op says which of the fields count.
type Report struct {
	Op string `json:"op"`

	// loaded
	Python         string   `json:"python"`
	Implementation string   `json:"implementation"`
	Seconds        float64  `json:"seconds"` // what the import took
	Threads        []string `json:"threads"` // names of threads that a fork will not copy
	Sockets        []string `json:"sockets"` // descriptions of sockets that workers will share
	App            bool     `json:"app"`     // false: lazy, or none with need_app off
	FreeThreaded   bool     `json:"free_threaded"`
	URLconf        string   `json:"urlconf"`     // one of the words above
	URLconfWhy     string   `json:"urlconf_why"` // one line for people, unless it is imported

	// failed
	Code  int    `json:"code"`  // ExitFailed or ExitNoApp
	Error string `json:"error"` // one line for people; also of fork_failed

	// forked, fork_failed, reaped, and refused for reap
	Spawn  uint64 `json:"spawn"`
	PID    int    `json:"pid"`
	Status uint32 `json:"status"` // reaped: wait status, for syscall.WaitStatus

	// refused
	Name string `json:"name"`
	Why  string `json:"why"`
}

var errReport = errors.New("the template sent a message that is not understood")

// DecodeReport decodes one message from a template. Any bytes may come: it returns an error, which
// is reason to end the template.
func DecodeReport(message []byte) (Report, error) {
	if len(message) > MaxControlMessage {
		return Report{}, fmt.Errorf("%w: %d bytes", errReport, len(message))
	}
	var r Report
	if err := json.Unmarshal(message, &r); err != nil {
		return Report{}, fmt.Errorf("%w: %w", errReport, err)
	}
	switch r.Op {
	case OpLoaded, OpFailed, OpForkFailed, OpRefused:
	case OpForked, OpReaped:
		if r.PID <= 1 || r.PID > 1<<22 {
			return Report{}, fmt.Errorf("%w: %s with pid %d", errReport, r.Op, r.PID)
		}
	default:
		return Report{}, fmt.Errorf("%w: op %.40q", errReport, r.Op)
	}
	return r, nil
}
