package workers

import (
	"fmt"
	"os"
	"strings"

	"fender/internal/exchange"
	"fender/internal/workers/worker"
)

// flight is one request on its way: from Submit until its answer's last word. It holds the parts
// of the answer that may not leave yet.
type flight struct {
	req  *exchange.Request
	next *flight // in the list of spare ones

	// Where it was sent last.
	to   *member
	slot int

	head     exchange.Head
	headed   bool  // head is there
	bodiless bool  // whatever the application sends as body, the client must get none
	length   int64 // of the body as announced, -1
	got      int64 // bytes of the body so far
	warned   bool  // about a body that is too long

	// What is held of an answer. The first part, if it is small, lies in small; the head's strings lie in
	// text, its fields in fields: these are used again by the next flight.
	text     []byte
	fields   []exchange.Field
	small    []byte
	parts    []part
	counted  int64            // bytes of parts that the memory budget has
	files    int              // of parts
	vars     []exchange.Field // the application's log variables
	released bool             // what comes may leave
	started  bool             // Start was called
	full     bool             // the receiver has no room
}

// part is a piece of an answer's body: bytes, or a range of a file.
type part struct {
	bytes  []byte
	small  bool            // bytes lie in the flight's small
	block  *exchange.Block // or in this; nil: they do not
	file   *os.File
	off, n int64
}

func (w *Workshop) newFlight(r *exchange.Request) *flight {
	f := w.spare
	if f == nil {
		f = &flight{}
	} else {
		w.spare = f.next
		*f = flight{parts: f.parts[:0], text: f.text[:0], fields: f.fields[:0], small: f.small[:0]}
	}
	f.req, f.length = r, -1
	w.flights[r.ID] = f
	return f
}

// land forgets a flight whose answer has had its last word.
func (w *Workshop) land(f *flight) {
	w.unhold(f)
	delete(w.flights, f.req.ID)
	f.req, f.to, f.head, f.vars = nil, nil, exchange.Head{}, nil
	if cap(f.text) > keptText {
		f.text = nil
	}
	if cap(f.fields) > keptFields {
		f.fields = nil
	}
	f.next = w.spare
	w.spare = f
}

// again makes a flight ready for another worker: what the last one had answered is void. A
// released flight is never sent again.
func (w *Workshop) again(f *flight) {
	w.unhold(f)
	f.head, f.headed, f.bodiless = exchange.Head{}, false, false
	f.length, f.got, f.warned = -1, 0, false
	f.vars = nil
}

// setVar sets a log variable, or says why not.
func (fl *flight) setVar(name, value string) (why string) {
	switch {
	case name == "" || len(name) > exchange.MaxLogVarName || strings.Trim(name, varName) != "":
		return fmt.Sprintf("the name of a log variable has 1 to %d letters, digits, and _ . -", exchange.MaxLogVarName)
	case len(value) > exchange.MaxLogVarValue:
		return fmt.Sprintf("the value of a log variable has at most %d bytes", exchange.MaxLogVarValue)
	}
	for i := range fl.vars {
		if fl.vars[i].Name == name {
			fl.vars[i].Value = value
			return ""
		}
	}
	if len(fl.vars) == exchange.MaxLogVars {
		return fmt.Sprintf("a request has at most %d log variables", exchange.MaxLogVars)
	}
	fl.vars = append(fl.vars, exchange.Field{Name: name, Value: value})
	return ""
}

const varName = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

// maxFiles bounds the files of one answer that are held, each an open file of the master's. An
// application sends one.
const maxFiles = 16

// hold keeps a part until it may leave. It returns false when the memory budget is used up, or the
// answer has too many files.
func (w *Workshop) hold(f *flight, p part) bool {
	f.parts = append(f.parts, p)
	if f.released {
		return true // it leaves at once
	}
	if p.file != nil {
		f.files++
		return f.files <= maxFiles
	}
	return w.counts(f, int64(len(p.bytes)))
}

// counts takes n bytes of the memory budget, if it has them.
func (w *Workshop) counts(f *flight, n int64) bool {
	if !w.opts.Memory.Take(n) {
		return false
	}
	f.counted += n
	return true
}

// Parts that are held become one up to maxJoined bytes, if they are small: each would cost memory that
// the budget does not see, and a write to the client.
const (
	smallPart = 1 << 10
	maxJoined = 16 << 10
)

// join puts b behind the last part that is held, if that is worth it.
func (fl *flight) join(b []byte) bool {
	if fl.released || len(b) > smallPart || len(fl.parts) == 0 {
		return false
	}
	last := &fl.parts[len(fl.parts)-1]
	if last.file != nil || len(last.bytes)+len(b) > maxJoined {
		return false
	}
	last.bytes = append(last.bytes, b...)
	if last.small {
		fl.small = last.bytes
	}
	last.n = int64(len(last.bytes))
	return true
}

// What a flight keeps for the next one.
const (
	keptText   = 16 << 10
	keptFields = 64
)

// keep makes a part of b, a piece of the message received last, that stays.
func (w *Workshop) keep(f *flight, b []byte) part {
	if len(f.small) > 0 || worker.Big(b) {
		bytes, block := w.in.Keep(b)
		return part{bytes: bytes, block: block, n: int64(len(b))}
	}
	f.small = append(f.small, b...)
	return part{bytes: f.small, small: true, n: int64(len(b))}
}

// unhold lets go of the parts that are held.
func (w *Workshop) unhold(f *flight) {
	for i := range f.parts {
		if file := f.parts[i].file; file != nil {
			w.closer.Do(func() { _ = file.Close() })
		}
		f.parts[i].block.Free()
	}
	w.emptied(f)
}

func (w *Workshop) emptied(f *flight) {
	clear(f.parts)
	f.parts, f.files, f.small = f.parts[:0], 0, f.small[:0]
	if f.counted > 0 {
		w.opts.Memory.Give(f.counted)
		f.counted = 0
	}
}

// flush gives what is held to the receiver. A receiver without room still takes what was read
// already; it is then not read any further.
func (w *Workshop) flush(f *flight) {
	a := f.req.Answer
	if !f.started {
		f.started = true
		a.Start(f.head)
	}
	for i := range f.parts {
		p := &f.parts[i]
		var room bool
		switch {
		case p.file != nil:
			room = a.SendFile(p.file, p.off, p.n)
		case p.block != nil:
			room = a.WriteBlock(p.bytes, p.block)
		default:
			room = a.Write(p.bytes, !p.small)
		}
		f.full = f.full || !room
	}
	w.emptied(f)
}
