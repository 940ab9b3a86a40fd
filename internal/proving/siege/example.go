package siege

import (
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"fender/internal/proving/latency"
)

// Example is one failure as it was seen.
type Example struct {
	Kind   string    `json:"kind"`
	Time   time.Time `json:"time"` // when it was seen
	Took   float64   `json:"took_s"`
	Method string    `json:"method"`
	URL    string    `json:"url"`
	Seen   string    `json:"seen"`
	Status int       `json:"status,omitempty"`
	Cause  string    `json:"cause,omitempty"` // X-Fender-Cause
	// Reused is how many requests the connection had answered before; 0: it was new.
	Reused   int   `json:"reused"`
	Received int64 `json:"received"` // bytes of the answer
}

// examplesOfAKind is how many failures of each kind are kept.
const examplesOfAKind = 5

// examples keeps the first failures of each kind.
type examples struct {
	seen [kinds]atomic.Int64
	mu   sync.Mutex
	kept []Example
}

func (e *examples) add(s *sample) {
	if n := e.seen[s.out.kind].Load(); n >= examplesOfAKind || e.seen[s.out.kind].Add(1) > examplesOfAKind {
		return
	}
	why := ""
	if s.out.err != nil {
		why = seen(s.out)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kept = append(e.kept, Example{
		Kind: s.out.kind.String(), Time: s.end.UTC(), Took: latency.Seconds(s.took), Method: s.q.Method, URL: s.q.URL, Seen: why,
		Status: s.out.status, Cause: s.out.cause, Reused: s.out.used, Received: s.received,
	})
}

// seen says in words what the client met.
func seen(out *outcome) string {
	switch out.kind {
	case ClosedBefore:
		return "the connection was closed before any byte of the answer"
	case Truncated:
		return "the connection was closed inside the answer"
	case ResetBefore:
		return "the connection was reset before any byte of the answer: " + root(out.err)
	case ResetAfter:
		return "the connection was reset inside the answer: " + root(out.err)
	case Timeout:
		if out.begun {
			return "no complete answer in time, it had begun"
		}
		return "no answer in time"
	case ConnectTimeout:
		return "no connection in time"
	case Unreachable:
		if errors.Is(out.err, syscall.EADDRNOTAVAIL) { // this machine's limit, not the target's
			return "no free local port for a connection to this address"
		}
	}
	return root(out.err)
}

// root is the text of the innermost error, without addresses of this side.
func root(err error) string {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok || inner.Unwrap() == nil {
			return err.Error()
		}
		err = inner.Unwrap()
	}
}

func (e *examples) all() []Example {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Example{}, e.kept...)
}
