package siege

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// Kind is what became of a request. Everything but OK is a failure.
type Kind uint8

// The kinds. Their names are in results that people save.
const (
	OK             Kind = iota
	Status1xx           // 101 though no upgrade was asked for
	Status2xx           // another 2xx than the expected status; likewise below
	Status3xx           //
	Status4xx           //
	Status5xx           //
	Refused             // nobody listens there
	Unreachable         // no connection for another reason: no route, no free port
	ConnectTimeout      // no connection in time
	TLS                 // no TLS session on the connection
	ClosedBefore        // the connection was closed (FIN) before any byte of the answer
	ResetBefore         // it was reset (RST) before any byte of the answer
	ResetAfter          // it was reset inside the answer
	Truncated           // it was closed inside the answer
	Timeout             // the answer was not complete in time
	BadAnswer           // what came is no HTTP/1.1
	WrongBody           // the whole body came, and it is not the expected one
	Unsent              // open model: no connection was free until the timeout had passed
	kinds
)

var kindNames = [kinds]string{
	"ok", "status-1xx", "status-2xx", "status-3xx", "status-4xx", "status-5xx", "refused", "unreachable",
	"connect-timeout", "tls", "closed-before", "reset-before", "reset-after", "truncated", "timeout",
	"bad-answer", "wrong-body", "unsent",
}

func (k Kind) String() string { return kindNames[k] }

// whole says that an answer came, with its status and to its end.
func (k Kind) whole() bool { return k <= Status5xx || k == WrongBody }

// Kinds are the names of all failures.
func Kinds() []string { return kindNames[OK+1:] }

// statusKind is the failure that an unexpected status is.
func statusKind(status int) Kind {
	return Status1xx + Kind(min(max(status/100, 1), 5)-1)
}

// errStopped says that the run was ended before the answer was there: such a request is not counted.
var errStopped = errors.New("stopped")

// connectKind names the failure to connect.
func connectKind(err error) Kind {
	var ne net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT), errors.As(err, &ne) && ne.Timeout():
		return ConnectTimeout
	}
	return Unreachable
}

// brokenKind names the failure of a connection; begun says that bytes of the answer had come.
func brokenKind(err error, begun bool) Kind {
	var bad *badAnswerError
	switch {
	case errors.As(err, &bad):
		return BadAnswer
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return Timeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		if begun {
			return Truncated
		}
		return ClosedBefore
	case begun:
		return ResetAfter
	}
	return ResetBefore
}

// badAnswerError is an answer that is no HTTP/1.1.
type badAnswerError struct{ why string }

func (e *badAnswerError) Error() string { return e.why }
