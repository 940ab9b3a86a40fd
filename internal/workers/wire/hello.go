package wire

import (
	"fmt"
	"strings"
)

// Bounds of what a worker says when it comes up.
const (
	maxFailedText   = 4 << 10
	maxPythonString = 64
	maxThreads      = 1 << 16
	maxHelloFields  = 64
)

// Hello is what a worker says when it is ready.
type Hello struct {
	PID          int // as the worker sees itself
	Python       string
	Vector       []byte // CheckVector
	Threads      int
	FreeThreaded bool
}

// helloFields are the names that must be there.
const (
	helloV = 1 << iota
	helloPID
	helloPython
	helloVector
	helloThreads
	helloFree
	helloAll = 1<<iota - 1
)

// DecodeHello reads the head of a hello frame. Fields that are not in the contract are passed over
// when they are scalar; one that is missing or stands there twice is an error, a *DecodeError.
func DecodeHello(head []byte) (Hello, error) {
	c := cursor{what: "hello", text: string(head)}
	if code := c.code(); code != codeDict {
		c.mismatch(code, "a dict")
	}
	var h Hello
	seen := 0
	for n := 0; c.err == nil && c.peek() != codeNull; n++ {
		if n == maxHelloFields {
			c.fail(FaultLong, "more than %d fields", maxHelloFields)
			break
		}
		field := c.helloField(&h)
		if seen&field != 0 {
			c.fail(FaultShape, "a field stands there twice")
		}
		seen |= field
	}
	c.code()
	c.end()
	if c.err == nil && seen != helloAll {
		c.fail(FaultShape, "fields are missing (have %06b, want %06b: v, pid, python, vector, threads, free_threaded from the right)", seen, helloAll)
	}
	if c.err != nil {
		return Hello{}, c.err
	}
	return h, nil
}

// helloField reads one field and says which it was, 0 for one that is unknown.
func (c *cursor) helloField(h *Hello) int {
	switch c.str() {
	case "v":
		if v := c.integer(); v != version {
			c.fail(FaultVersion, "version %d, this is version %d", v, version)
		}
		return helloV
	case "pid":
		h.PID = c.positive("pid", 1<<31-1)
		return helloPID
	case "python":
		h.Python = cut(c.str(), maxPythonString)
		return helloPython
	case "vector":
		h.Vector = []byte(c.bytes())
		return helloVector
	case "threads":
		h.Threads = c.positive("threads", maxThreads)
		return helloThreads
	case "free_threaded":
		h.FreeThreaded = c.boolean()
		return helloFree
	}
	c.value()
	return 0
}

func (c *cursor) positive(name string, most int32) int {
	n := c.integer()
	if c.err == nil && (n < 1 || n > most) {
		c.fail(FaultValue, "%s is %d", name, n)
	}
	return int(n)
}

// Failed is what a worker says instead of hello when it cannot come up.
type Failed struct {
	Code int    // its exit code: 22 no application, 1 anything else
	Text string // the last line of the traceback, at most 4 KiB
}

// String is one line for the log.
func (f Failed) String() string { return fmt.Sprintf("exit code %d: %s", f.Code, f.Text) }

// DecodeFailed reads the head of a failed frame. A text that is too long is cut, not refused: it is
// what the operator has to read. Its error is a *DecodeError.
func DecodeFailed(head []byte) (Failed, error) {
	c := cursor{what: "failed", text: string(head)}
	c.pair()
	code := c.integer()
	if c.err == nil && (code < 1 || code > 255) {
		c.fail(FaultValue, "exit code %d", code)
	}
	text := cut(c.str(), maxFailedText)
	c.end()
	if c.err != nil {
		return Failed{}, c.err
	}
	return Failed{Code: int(code), Text: text}, nil
}

// valid makes UTF-8 of what Python's surrogates pass as it.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// cut is at most n bytes of s, as UTF-8.
func cut(s string, n int) string {
	s = valid(s)
	if len(s) > n {
		// Not in the middle of a character.
		for n > 0 && s[n]&0xC0 == 0x80 {
			n--
		}
		s = s[:n]
	}
	return s
}
