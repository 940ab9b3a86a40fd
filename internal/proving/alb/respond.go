package alb

import (
	"errors"
	"io"
	"time"

	"fender/internal/proving/alb/message"
)

// respond reads the response of ex and gives it to the client. err is what the connection said first,
// in place of bytes. It says whether the connection goes on.
func (b *backend) respond(ex *exchange, err error) bool {
	first := time.Now()
	scanned := 0
	for {
		if err != nil {
			return b.lost(ex, err, first)
		}
		end, next := message.End(b.buf[b.r:b.w], scanned)
		if scanned = next; end == 0 {
			if b.w-b.r > message.MaxResponseHead {
				return b.lost(ex, errNoRoom, first)
			}
			err = b.fill()
			continue
		}
		verdict := b.resp.Parse(b.buf[b.r : b.r+end])
		switch {
		case verdict != message.OK || b.resp.Status == 101 && !ex.upgrade:
			return b.lost(ex, errMalformed, first)
		case b.resp.Status < 200 && b.resp.Status != 101:
			b.r += end // an interim response is for the balancer only
			if b.r == b.w {
				err = b.fill()
			}
			continue
		}
		if !ex.settle() {
			return b.finished(ex, false)
		}
		now := time.Now()
		ex.status, ex.targetStatus, ex.outcome.Status = b.resp.Status, b.resp.Status, b.resp.Status
		ex.times = [3]time.Duration{ex.dispatch.Sub(ex.created), first.Sub(ex.dispatch), time.Since(now)}
		ex.responded = now
		if b.resp.Status == 101 {
			return b.upgraded(ex, end)
		}
		return b.deliver(ex, end)
	}
}

var errMalformed = errors.New("the response is malformed")

// finished is the last word on ex: it may belong to another request when it returns.
func (b *backend) finished(ex *exchange, reuse bool) bool {
	ex.reuse = reuse
	b.ex.Store(nil)
	ex.done(answered)
	return reuse
}

// lost answers for a target whose response does not come.
func (b *backend) lost(ex *exchange, err error, at time.Time) bool {
	if ex.settle() {
		ex.outcome.Broken = true
		ex.times = [3]time.Duration{ex.dispatch.Sub(ex.created), at.Sub(ex.dispatch), notDone}
		if at.Before(ex.dispatch) {
			ex.times[1] = 0
		}
		switch {
		case errors.Is(err, errIdle):
			ex.times[1] = notDone
			ex.fail(504)
		case ex.bal.o.Classic && !errors.Is(err, errMalformed) && !errors.Is(err, errNoRoom):
			ex.fail(504)
		default:
			ex.fail(502)
		}
	}
	return b.finished(ex, false)
}

// deliver writes the response whose head has length end to the client.
func (b *backend) deliver(ex *exchange, end int) bool {
	r := &b.resp
	bodyless := r.Bodyless(ex.head)
	raw := ex.sink.begin(ex, r, bodyless)
	b.r += end
	left := r.Length
	var chunks message.Chunked
	for {
		p := b.buf[b.r:b.w]
		n, out, done := len(p), p, false
		switch {
		case bodyless:
			n, out, done = 0, nil, true
		case r.Chunked && raw:
			n = chunks.Skip(p)
			out, done = p[:n], chunks.Done()
		case r.Chunked:
			n, out = carried(&chunks, p)
			done = chunks.Done()
		case left >= 0:
			n = int(min(int64(n), left))
			left -= int64(n)
			out, done = p[:n], left == 0
		}
		if chunks.Broken() {
			break
		}
		if b.r += n; done {
			ex.state.Or(ending)
		}
		if err := ex.sink.send(out, done); err != nil || done {
			ex.closing = ex.closing || err != nil
			reuse := done && r.KeepAlive && b.r == b.w
			b.r, b.w = 0, 0
			return b.finished(ex, reuse)
		}
		b.touch() // a slow client is not a silent target
		if err := b.fill(); err != nil {
			if !r.Chunked && left < 0 && errors.Is(err, io.EOF) { // the end marks the end
				ex.state.Or(ending)
				if ex.sink.send(nil, true) != nil {
					ex.closing = true
				}
				return b.finished(ex, false)
			}
			break
		}
	}
	ex.outcome.Broken = !ex.is(gone)
	ex.closing = true
	ex.sink.cut()
	return b.finished(ex, false)
}

// carried is what the chunks in p carry, moved together at the beginning of p.
func carried(c *message.Chunked, p []byte) (n int, data []byte) {
	data = p[:0]
	for n < len(p) && !c.Done() && !c.Broken() {
		k, d := c.Next(p[n:])
		data = append(data, d...)
		n += k
	}
	return n, data
}

// upgraded passes bytes both ways until one side ends.
func (b *backend) upgraded(ex *exchange, end int) bool {
	if ex.entry.kind == "https" {
		ex.entry.kind = "wss"
	} else {
		ex.entry.kind = "ws"
	}
	ex.sink.begin(ex, &b.resp, true)
	ex.closing = true
	b.r += end
	p := b.buf[b.r:b.w]
	err := ex.sink.send(p, false)
	ex.tell(tunnel, false)
	for err == nil {
		b.r, b.w = 0, 0
		if err = b.fill(); err == nil {
			err = ex.sink.send(b.buf[b.r:b.w], false)
			b.touch()
		}
	}
	ex.responded = time.Now()
	return b.finished(ex, false)
}
