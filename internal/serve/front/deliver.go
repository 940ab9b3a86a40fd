package front

import (
	"errors"
	"fmt"

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

// delivery is how far an answer has come on the wire. The connection's goroutine alone uses it.
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

// deliver waits for the answer and writes it as it comes.
func (c *conn) deliver(r *reply) next {
	b := &c.batch
	c.current = r
	defer func() { c.current = nil }()
	for {
		for !r.next(b) {
			if c.gone.Load() || c.front.isAborting() {
				return c.leave(r, nil)
			}
			<-c.wake
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
		err := c.write(r, b)
		resume := r.done(b.parts)
		switch {
		case err != nil:
			return c.leave(r, err)
		case b.end != unended:
			return c.delivered(r)
		case resume:
			c.front.options.Door.Resume(r.request.ID)
		}
	}
}

// delivered ends an exchange whose answer is whole.
func (c *conn) delivered(r *reply) next {
	c.log(r)
	r.closeOverflow()
	if r.close {
		return linger
	}
	return again
}

// fail answers in place of the application.
func (c *conn) fail(r *reply) next {
	what := drop
	if r.status = c.front.statusOf(r.cause); r.cause != exchange.CauseClientGone {
		what = c.ownAnswer(r, "")
	}
	c.log(r)
	r.closeOverflow()
	return what
}

// leave ends an exchange before the workshop has, or one whose answer cannot be finished. err is what
// went wrong; nil when the client has left or the front is closing. The client is told at once, the
// log and the memory wait for the workshop's last word.
func (c *conn) leave(r *reply, err error) next {
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
	case err == nil && c.gone.Load(), err != nil && clientLeft(err):
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
		what = c.ownAnswer(r, "")
	case what == linger && r.framing != byClose && !errors.Is(err, errStalled):
		_ = c.stream.closeWrite() // the client may be gone: that is what it is about
	default:
		// An end of the connection would look like the end of the answer; and for a client that does
		// not read, the kernel would keep the rest for many minutes.
		what = drop
		_ = c.stream.reset()
	}
	for !r.over() {
		<-c.wake
	}
	if r.cause = cause; cause == exchange.CauseAnswerCut && r.end == cut && r.why != exchange.CauseNone {
		r.cause = r.why // the workshop has said why
	}
	c.log(r)
	r.closeOverflow()
	return what
}

// albHead is how much of a head an AWS Application Load Balancer takes from a target.
const albHead = 32 << 10

// write writes a batch: the head before the first bytes, the end behind the last, all in one system
// call where there is no file between.
func (c *conn) write(r *reply, b *batch) error {
	if b.end == cut && !r.whole() {
		return errCut
	}
	c.head = c.head[:0]
	if !r.sentHead {
		r.sentHead = true
		c.frame(r)
		c.head = c.appendHead(c.head, r)
		if len(c.head) > albHead {
			c.front.warn(fmt.Errorf("the answer to %s %s has more than 32 KiB of headers; an AWS load balancer answers 502 in its place (large cookies?)",
				r.request.Method, r.request.Path))
		}
	}
	total := int64(0)
	for i := range b.parts {
		total += b.parts[i].size()
	}
	switch r.framing {
	case noBody:
		total = 0
	case byLength:
		total = min(total, r.left) // what is more than the application had promised is not sent
	case chunked:
		if total > 0 {
			c.head = http1.AppendChunkSize(c.head, total)
		}
	}
	before := c.stream.sent + int64(len(c.head))
	if err := c.writeBatch(r, b, total); err != nil {
		r.sent += min(max(c.stream.sent-before, 0), total)
		return err
	}
	r.left -= total
	r.sent += total
	if b.end == ended && !r.whole() && r.framing == byLength {
		return errCut // fewer bytes than the application had promised
	}
	return nil
}

// writeBatch writes c.head, n bytes of the parts, and what the framing wants behind them.
func (c *conn) writeBatch(r *reply, b *batch, n int64) error {
	c.out = append(c.out[:0], c.head)
	if err := c.writeParts(b.parts, n); err != nil {
		return err
	}
	if r.framing == chunked {
		if n > 0 {
			c.out = append(c.out, crlf)
		}
		if b.end == ended {
			c.out = append(c.out, lastChunk)
		}
	}
	return c.flush()
}

// copied is the size up to which bytes are copied behind the head, which costs less than to give them
// to the kernel as a piece of their own.
const copied = 4 << 10

// writeParts writes n bytes of the parts; the last pieces of bytes stay in c.out.
func (c *conn) writeParts(parts []part, n int64) error {
	for i := range parts {
		p := &parts[i]
		size := min(p.size(), n)
		n -= size
		switch {
		case size == 0:
		case p.file == nil && size <= copied && len(c.out) == 1 && n == 0:
			c.out[0] = append(c.out[0], p.bytes[:size]...)
			c.head = c.out[0][:0]
		case p.file == nil:
			c.out = append(c.out, p.bytes[:size])
		default:
			if err := c.flush(); err != nil {
				return err
			}
			if err := c.sendPart(p, size); err != nil {
				return err
			}
		}
	}
	return nil
}

// sendPart sends n bytes of a part's file. Those of the spool are copied: sendfile(2) would give the
// kernel the file's own pages, and the hole that is made there behind them (part.punch) would zero what
// is still on its way to the client.
func (c *conn) sendPart(p *part, n int64) error {
	options := &c.front.options
	if p.spooled {
		return c.stream.copyFile(fileRange{file: p.file, at: p.off, left: n}, options.SendTimeout, options.MinRate)
	}
	return c.stream.sendFile(p.file, p.off, n, options.SendTimeout, options.MinRate)
}

// flush writes what is in c.out.
func (c *conn) flush() error {
	options := &c.front.options
	err := c.stream.write(c.out, options.SendTimeout, options.MinRate)
	clear(c.out)
	c.out = c.out[:0]
	return err
}

// whole reports whether the client has all that the head promised.
func (r *reply) whole() bool {
	return r.sentHead && (r.framing == noBody || r.framing == byLength && r.left == 0)
}

var (
	crlf      = []byte("\r\n")
	lastChunk = []byte(http1.LastChunk)
)
