package front

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
	"fender/internal/serve/http1"
)

// framing is how the client learns where an answer ends.
type framing uint8

const (
	noBody   framing = iota // the request or the status says so
	byLength                // Content-Length
	chunked                 // Transfer-Encoding: chunked
	byClose                 // the end of the connection (HTTP/1.0)
)

// delivery is how far an answer has come on the wire. The connection alone uses it.
type delivery struct {
	minor     int  // of the request
	isHead    bool // HEAD
	keepAlive bool // the client wants to go on
	close     bool // we do not
	sentHead  bool
	framing   framing
	left      int64 // byLength: bytes still to come
	sent      int64 // body bytes written
	status    int   // as sent
}

// errCut ends an answer that stays incomplete.
var errCut = errors.New("the answer is incomplete")

// deliver writes what there is of the answer.
func (c *conn) deliver() bool {
	r := c.reply
	b := &r.batch
	if !r.next(b) {
		if c.gone || c.front.aborting {
			return c.leave(nil)
		}
		return false
	}
	if b.end != unended {
		r.cause = r.why
		r.free() // the client may take long to read the answer
	}
	if b.end == ended && !b.started {
		b.end, r.cause = failed, exchange.CauseBadAnswer // an end without a beginning
	}
	if b.end == failed || b.end == cut && !r.sentHead { // nothing has left: an honest status can
		r.done(b.parts)
		return c.fail(r)
	}
	if b.end == cut && !r.whole() {
		r.done(b.parts)
		return c.leave(errCut)
	}
	c.compose(r, b)
	return c.flush()
}

// delivered is told that a batch is written, or will not be.
func (c *conn) delivered(o *output, err error) bool {
	r := c.reply
	b := &r.batch
	if err != nil {
		r.sent += min(max(o.sent-o.before, 0), o.total)
	} else {
		r.left -= o.total
		r.sent += o.total
		if b.end == ended && !r.whole() && r.framing == byLength {
			err = errCut // fewer bytes than the application had promised
		}
	}
	resume := r.done(b.parts)
	switch {
	case err != nil:
		return c.leave(err)
	case b.end != unended:
		what := again
		if r.close {
			what = linger
		}
		return c.over(what)
	case resume:
		c.front.options.Door.Resume(r.request.ID)
	}
	c.phase = waiting
	return true
}

// over ends an exchange: it is logged, and the connection goes on to what is next.
func (c *conn) over(what next) bool {
	r := c.reply
	c.log(r)
	r.closeOverflow()
	return c.afterwards(what)
}

// fail answers in place of the application.
func (c *conn) fail(r *reply) bool {
	if r.status = c.front.statusOf(r.cause); r.cause == exchange.CauseClientGone {
		return c.over(drop)
	}
	return c.own(r, "", c.over)
}

// lastWord is what becomes of a connection and its log line when the workshop has made its last call.
type lastWord struct {
	what  next
	cause exchange.Cause
}

// leave ends an exchange before the workshop has, or one whose answer cannot be finished. err is what
// went wrong; nil when the client has left or the front is closing. The client is told at once, the
// log and the memory wait for the workshop's last word.
func (c *conn) leave(err error) bool {
	r := c.reply
	r.abandon()
	if !r.over() {
		c.front.options.Door.Cancel(r.request.ID)
	}
	what, cause := linger, exchange.CauseAnswerCut
	switch {
	case err == nil && r.whole():
		// Only the workshop's last word is missing. The client has all that the head promised and may
		// go; a reset could take it away again.
		cause = exchange.CauseNone
	case err == nil && c.gone, err != nil && clientLeft(err):
		what, cause = drop, exchange.CauseClientGone
		if !r.sentHead {
			r.status = cause.Status()
		}
	case err == nil, errors.Is(err, errStopped):
		cause = exchange.CauseDraining
	case !errors.Is(err, errCut) && !errors.Is(err, errStalled) && !errors.Is(err, errShortFile):
		c.front.warn(err) // a file of the answer cannot be read
	}
	switch {
	case what == linger && !r.sentHead:
		r.cause, r.status, r.close = cause, c.front.statusOf(cause), true
		return c.own(r, "", func(what next) bool { return c.awaitLast(what, cause) })
	case what == linger && r.framing != byClose && !errors.Is(err, errStalled):
		_ = unix.Shutdown(c.fd, unix.SHUT_WR) // the client may be gone: that is what it is about
	default:
		// An end of the connection would look like the end of the answer; and for a client that does
		// not read, the kernel would keep the rest for many minutes.
		what = drop
		c.reset()
	}
	return c.awaitLast(what, cause)
}

// awaitLast waits for the workshop's last word.
func (c *conn) awaitLast(what next, cause exchange.Cause) bool {
	c.phase, c.last = leaving, lastWord{what, cause}
	c.timer.clear()
	c.watch(0)
	return true
}

// hearLast ends the exchange if the workshop has made its last call.
func (c *conn) hearLast() bool {
	r := c.reply
	if !r.over() {
		return false
	}
	if r.cause = c.last.cause; r.cause == exchange.CauseAnswerCut && r.end == cut && r.why != exchange.CauseNone {
		r.cause = r.why // the workshop has said why
	}
	return c.over(c.last.what)
}

// albHead is how much of a head an AWS Application Load Balancer takes from a target.
const albHead = 32 << 10

// compose makes pieces of a batch: the head before the first bytes, the end behind the last.
func (c *conn) compose(r *reply, b *batch) {
	c.begin(afterBatch)
	o := c.output
	if !r.sentHead {
		r.sentHead = true
		c.frame(r)
		o.head = c.appendHead(o.head, r)
		if len(o.head) > albHead {
			c.front.warn(fmt.Errorf("the answer to %s %s has more than 32 KiB of headers; an AWS load balancer answers 502 in its place (large cookies?)",
				r.request.Method, r.request.Path))
		}
	}
	for i := range b.parts {
		o.total += b.parts[i].size()
	}
	switch r.framing {
	case noBody:
		o.total = 0
	case byLength:
		o.total = min(o.total, r.left) // what is more than the application had promised is not sent
	case chunked:
		if o.total > 0 {
			o.head = http1.AppendChunkSize(o.head, o.total)
		}
	}
	o.before = int64(len(o.head))
	o.add(b.parts, o.total)
	if r.framing == chunked {
		if o.total > 0 {
			o.pieces = append(o.pieces, piece{bytes: crlf})
		}
		if b.end == ended {
			o.pieces = append(o.pieces, piece{bytes: lastChunk})
		}
	}
}

// copied is the size up to which bytes are copied behind the head, which costs less than to give them
// to the kernel as a piece of their own.
const copied = 4 << 10

// add adds n bytes of the parts.
func (o *output) add(parts []part, n int64) {
	for i := range parts {
		p := &parts[i]
		size := min(p.size(), n)
		n -= size
		switch {
		case size == 0:
		case p.file == nil && size <= copied && len(o.pieces) == 1:
			o.head = append(o.head, p.bytes[:size]...)
		case p.file == nil:
			o.pieces = append(o.pieces, piece{bytes: p.bytes[:size]})
		default:
			o.pieces = append(o.pieces, piece{part: p, off: p.off, n: size})
		}
	}
}

// whole reports whether the client has all that the head promised.
func (r *reply) whole() bool {
	return r.sentHead && (r.framing == noBody || r.framing == byLength && r.left == 0)
}

var (
	crlf      = []byte("\r\n")
	lastChunk = []byte(http1.LastChunk)
)
