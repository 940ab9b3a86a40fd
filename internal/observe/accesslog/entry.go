// Package accesslog writes one line for each request: who asked for what, what was answered, which
// worker did it, how long it waited and worked, and the cause when the answer is not the
// application's own.
//
// It owns the two formats, the rules about which requests get a line, and the destination with its
// bounded buffer. It never makes a request wait for a disk or a pipe: lines that find no room are
// dropped, counted and reported. It knows nothing of connections or workers beyond what an Entry says.
package accesslog

import "time"

// Entry is what is known of a request when it is over.
type Entry struct {
	Time      time.Time // when its first byte had come
	RequestID uint64
	TraceID   string // X-Amzn-Trace-Id, or ""
	Client    string // address, without the port
	Method    string
	Target    string // as the client sent it, query string included
	Proto     string // HTTP/1.1

	Status int    // that was sent; 499 when the client left before anything was
	Cause  string // why the answer is not the application's own, or ""

	Received int64 // bytes of the request's body
	Sent     int64 // bytes of the answer's body

	Queue time.Duration // queue time: until the last worker got it
	Work  time.Duration // worker time: until the worker's answer was complete
	Total time.Duration // from Time until the client had the last byte

	Worker     int // 0 when no worker ever had it
	Spawn      uint64
	PID        int
	Generation int
	Attempts   int // how often the application began it

	Host      string
	UserAgent string
	Referer   string

	Vars []Var // that the application has set
}

// Var is a log variable. Its name has letters, digits and _ . - only.
type Var struct{ Name, Value string }

// Keys are the keys of a JSON line, in their order. The text format uses the same words. Behind them
// stands "vars" when there are any.
var Keys = []string{
	"time", "request_id", "trace_id", "client", "method", "target", "proto", "status", "cause",
	"received", "sent", "queue_s", "worker_s", "total_s", "worker", "spawn", "pid", "generation",
	"attempts", "host", "user_agent", "referer",
}
