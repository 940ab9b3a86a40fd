package front

import (
	"bytes"
	"os"
	"sync"

	"fender/internal/exchange"
	"fender/internal/observe/accesslog"
)

// ending is how an exchange ended.
type ending uint8

const (
	unended ending = iota
	ended          // the answer is whole
	failed         // there is none
	cut            // it stays incomplete
)

// maxFiles bounds the files of one answer that wait.
const maxFiles = 16

// reply is one exchange. The workshop fills it (it is an exchange.Answer, whose methods may be called on any
// goroutine: none blocks or touches a disk), the connection empties it (next, done). It is used again
// for another request when nobody has it any more: after the workshop's last call, and when no spooler
// has it either.
//
// What waits is in this order: parts, then what the spooler is writing, then late.
type reply struct {
	request exchange.Request
	conn    *conn
	raw     []byte // the request's head
	text    string // the same: what is parsed of it are parts of this
	body    body
	environ []byte
	entry   accesslog.Entry

	mu      sync.Mutex
	started bool
	code    int    // status
	length  int64  // Content-Length, or -1
	fields  []byte // status line and fields of the application, as they are sent
	dated   bool   // Date is among them
	served  bool   // Server is among them
	parts   []part
	copies  []byte // where the bytes of parts lie that were not given
	memory  int64  // cost of all parts and chunks in memory
	files   int    // of the application, in parts and late
	slow    bool   // the client did not take everything at once
	full    bool   // Write has said so
	noRoom  bool   // because the spool has no room
	dropped bool   // nobody reads any more: what comes is dropped
	end     ending
	why     exchange.Cause // with end
	facts   exchange.Facts // with end
	overflow

	// The connection alone uses these.
	delivery
	batch   batch
	counted bool           // among the front's requests
	cause   exchange.Cause // for the log and the page
}

var _ exchange.Answer = (*reply)(nil)

// Start keeps the head. It leaves with the first bytes or the end, as PEP 3333 wants it.
func (r *reply) Start(h exchange.Head) {
	r.mu.Lock()
	r.started = true
	r.encode(&h)
	r.mu.Unlock()
}

// Write queues b, in memory or for the spool, and reports whether there is room for more. It takes b
// even when there is none.
func (r *reply) Write(b []byte, given bool) bool { return r.write(b, given, nil) }

// WriteBlock queues b, which lies in a block.
func (r *reply) WriteBlock(b []byte, block *exchange.Block) bool { return r.write(b, true, block) }

func (r *reply) write(b []byte, given bool, block *exchange.Block) bool {
	r.mu.Lock()
	defer r.conn.signal()
	defer r.mu.Unlock()
	if r.dropped || len(b) == 0 {
		block.Free()
		return r.dropped || !r.full
	}
	p := part{bytes: b, block: block, counted: r.front().options.Memory.Take(int64(len(b)))}
	if r.spooling() || r.memory+p.cost() > r.limit() || !p.counted {
		if !given {
			p.bytes = bytes.Clone(b)
		}
		r.addLate(p)
		return !r.full
	}
	if !given {
		p.bytes = r.copy(b)
	}
	r.parts = append(r.parts, p)
	r.memory += p.cost()
	return !r.full
}

// copy keeps bytes that were not given. What is full is left to the parts that lie in it: a stream of which
// always something waits would have it grow for ever. r.mu is held.
func (r *reply) copy(b []byte) []byte {
	if len(r.copies)+len(b) > keptReply {
		r.copies = nil
	}
	from := len(r.copies)
	r.copies = append(r.copies, b...)
	return r.copies[from:]
}

// limit is how much waits in memory. An answer comes in one go when the workshop held it until it was
// whole; that is worth a disk only when the client turns out to be slow. r.mu is held.
func (r *reply) limit() int64 {
	n := int64(r.front().options.AnswerMemory)
	if !r.slow {
		n *= 4
	}
	return n
}

// SendFile queues a range of a file. It counts as no memory.
func (r *reply) SendFile(f *os.File, off, n int64) bool {
	r.mu.Lock()
	defer r.conn.signal()
	defer r.mu.Unlock()
	if r.dropped || n <= 0 {
		r.front().closeFile(f)
		return !r.full
	}
	p := part{file: f, off: off, n: n}
	if r.spooling() {
		r.late = append(r.late, lateChunk{part: p}) // the spooler passes it on
	} else {
		r.parts = append(r.parts, p)
	}
	r.files++
	r.full = r.full || r.files >= maxFiles
	return !r.full
}

// End says that the answer is whole.
func (r *reply) End(f exchange.Facts) { r.finish(ended, exchange.CauseNone, f) }

// Fail says that there will be no answer.
func (r *reply) Fail(cause exchange.Cause, f exchange.Facts) { r.finish(failed, cause, f) }

// Cut says that the answer stays incomplete.
func (r *reply) Cut(cause exchange.Cause, f exchange.Facts) { r.finish(cut, cause, f) }

func (r *reply) finish(e ending, cause exchange.Cause, f exchange.Facts) {
	r.mu.Lock()
	if r.end == unended {
		r.end, r.why, r.facts = e, cause, f
	}
	c := r.conn // from here on the reply may be another's
	r.mu.Unlock()
	c.signal()
}

func (r *reply) front() *Front { return r.conn.front }

// batch is what the connection can write now.
type batch struct {
	parts   []part
	started bool
	end     ending // ended only when nothing follows the parts
}

// next moves what can be written to b. It reports false when there is nothing yet.
func (r *reply) next(b *batch) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	b.started, b.end = r.started, r.end
	if r.end == ended && r.spooling() {
		b.end = unended
	}
	b.parts = append(b.parts[:0], r.parts...)
	clear(r.parts)
	r.parts = r.parts[:0]
	return len(b.parts) > 0 || b.end != unended
}

// done says that parts were written (or are not wanted) and frees what they held. It reports whether
// the workshop, told to wait, may go on.
func (r *reply) done(parts []part) (resume bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	holes := int64(0)
	for i := range parts {
		if parts[i].punched {
			holes += parts[i].n
		}
	}
	r.release(parts)
	if len(r.parts) == 0 {
		r.copies = r.copies[:0]
	}
	if holes > 0 {
		r.file.taken -= holes
		r.file.budget.Give(holes)
	}
	return r.resumes()
}

// resumes reports whether the workshop was told to wait and may go on: what it waits for has gone down
// to a half. r.mu is held.
func (r *reply) resumes() bool {
	if !r.full || r.lateCost > maxLate/2 || r.files > maxFiles/2 ||
		r.noRoom && r.memory > int64(r.front().options.AnswerMemory)/2 {
		return false
	}
	r.full, r.noRoom = false, false
	return r.end == unended
}

// release frees what parts hold but for their disk space. r.mu is held.
func (r *reply) release(parts []part) {
	for i := range parts {
		p := &parts[i]
		r.memory -= p.cost()
		switch {
		case p.spooled:
			r.unread -= p.n
		case p.file != nil:
			r.front().closeFile(p.file)
			r.files--
		case p.counted:
			r.front().options.Memory.Give(int64(len(p.bytes)))
		}
		p.block.Free()
	}
	clear(parts)
}

// free gives back what the request held: the workshop has made its last call, or never saw it. A second
// time it does nothing.
func (r *reply) free() {
	r.body.release()
	if r.environ != nil {
		r.front().freeEnviron(r.environ)
		r.environ = nil
	}
}

// keptReply bounds each buffer that a reply keeps for the next request.
const keptReply = 16 << 10

// newReply is a reply for a request of c.
func (f *Front) newReply(c *conn) *reply {
	r, ok := f.replies.take()
	if !ok {
		r = &reply{}
	}
	r.conn = c
	return r
}

// again keeps a reply for another request, if nobody has it any more.
func (f *Front) again(r *reply) {
	r.mu.Lock()
	unused := r.end != unended && !r.writing && r.file == nil && len(r.parts) == 0
	r.mu.Unlock()
	if !unused || cap(r.copies) > keptReply || cap(r.fields) > keptReply ||
		cap(r.raw) > keptReply || cap(r.parts) > maxPieces || cap(r.batch.parts) > maxPieces {
		return
	}
	clear(r.entry.Vars)
	*r = reply{
		raw: r.raw[:0], fields: r.fields[:0], copies: r.copies[:0], parts: r.parts[:0],
		batch: batch{parts: r.batch.parts[:0]}, entry: accesslog.Entry{Vars: r.entry.Vars[:0]},
	}
	f.replies.keep(r)
}

// isSlow notes that the client does not take everything at once.
func (r *reply) isSlow() {
	r.mu.Lock()
	r.slow = true
	r.mu.Unlock()
}

// abandon drops what waits and all that is still to come.
func (r *reply) abandon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropped = true
	r.release(r.parts)
	r.parts = r.parts[:0]
	r.dropLate()
}

// over reports whether the workshop has made its last call.
func (r *reply) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.end != unended
}
