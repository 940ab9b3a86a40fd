// Package exchange is one request and its answer: what the front hands to the workshop and what
// it gets back. It is a leaf: it knows neither HTTP parsing nor processes, and both sides speak
// only through it. It owns no state of its own beyond the byte budget that both sides share,
// and spare blocks of memory.
package exchange

import (
	"os"
	"time"
)

// ID names one exchange within one master. It is never reused; 0 is no exchange.
type ID uint64

// Class is the kind of work a request is, for queueing apart. Only ClassNormal exists now.
type Class uint8

// ClassNormal is the class of every request that no rule puts elsewhere.
const ClassNormal Class = 0

// Request is one whole request, its body included. It does not change after Submit, but for LogVars. It and
// what it points to, its strings as well, are its maker's again after the last call of Answer: who wants to
// keep something longer makes a copy.
type Request struct {
	ID       ID
	Mount    string // mount point of the application; "" is the only one now
	Class    Class
	Priority int8 // higher goes first within the queue; 0 is normal

	Method  string
	Path    string // raw path without the query string, for status and events
	TraceID string // X-Amzn-Trace-Id as the client sent it, or ""

	// Environ is the CGI environment as a marshal dictionary (wire.Environ builds it).
	Environ []byte
	Body    Body
	Arrived time.Time // when the request was complete

	// Answer receives what becomes of the request.
	Answer Answer

	// LogVars are the log variables that the application has set. The workshop writes them right before
	// the last call of Answer; before that nobody may look.
	LogVars []Field
}

// Bounds of LogVars: how many, and bytes of a name and of a value.
const (
	MaxLogVars     = 16
	MaxLogVarName  = 64
	MaxLogVarValue = 1024
)

// Body is a request's body, whole: in memory, or in an unlinked spool file read with pread from
// offset 0. Whoever made the Request closes File, after the answer ended.
type Body struct {
	Bytes []byte
	File  *os.File
	Size  int64 // length in bytes, wherever it lies
}

// Head is the beginning of an answer, checked: nothing in it can split a response.
type Head struct {
	Status int    // 200..599
	Reason string // reason phrase, may be empty
	Fields []Field
	Length int64 // Content-Length, -1 when the application gave none
}

// Field is one header field, or log variable, in the order and spelling of the application.
type Field struct{ Name, Value string }

// Facts is what the workshop knows about an exchange when it is over, for the access log.
type Facts struct {
	Worker     int    // number 1..processes, 0 when no worker ever had it
	Spawn      uint64 // spawn of the worker that had it last
	PID        int
	Generation int
	Slot       int
	Attempts   int           // how often the application began it
	Queue      time.Duration // from submission until the last worker got it
	Work       time.Duration // from then until its answer was complete
}

// Answer receives one request's answer. The workshop's loop calls it, so no method may block or
// wait for a disk; each is called in the order Start, (Write | SendFile)*, End - or Fail in place
// of all of them, or Cut after Start in place of End. After End, Fail or Cut nothing follows.
//
// Start means that the answer begins to leave: from then on the request is never begun again.
type Answer interface {
	// Start gives the checked head. Its fields and strings are valid during the call only.
	Start(Head)
	// Write gives bytes of the body. If given is true they are the receiver's from now on, else they are
	// valid during the call only. It returns false when the receiver is full: the workshop then reads no
	// more of this answer until Door.Resume.
	Write(b []byte, given bool) bool
	// WriteBlock is Write of bytes that lie in a block, which is the receiver's from now on, to be freed.
	WriteBlock(b []byte, block *Block) bool
	// SendFile takes ownership of f, a regular file, and sends n bytes from offset off.
	SendFile(f *os.File, off, n int64) bool
	// End says that the answer is complete.
	End(Facts)
	// Fail says that there will be no answer and why; nothing had been started.
	Fail(Cause, Facts)
	// Cut says that an answer that was started will stay incomplete.
	Cut(Cause, Facts)
}

// Door is what the workshop offers to the front. No method blocks; each may be called from any
// goroutine.
type Door interface {
	// Submit hands a request over. Exactly one of Answer's End, Fail or Cut follows, unless the
	// request is cancelled first.
	Submit(*Request)
	// Cancel says that the client has gone. A queued request is dropped, a running one's answer is
	// read and discarded. The Answer still gets its one last call (Fail with CauseClientGone, or
	// Cut), so that its owner can let go of what it holds.
	Cancel(ID)
	// Resume says that an Answer whose Write returned false has room again.
	Resume(ID)
}
