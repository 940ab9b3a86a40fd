package front

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"time"

	"fender/internal/exchange"
	"fender/internal/observe/accesslog"
	"fender/internal/serve/http1"
)

// endOfReading ends a connection whose request head did not come whole.
func (c *conn) endOfReading(began time.Time, err error) next {
	started := !began.IsZero()
	switch {
	case errors.Is(err, errStalled) && started:
		return c.refusePage(began, exchange.CauseRequestTimeout, 0, "the request head did not come to an end")
	case errors.Is(err, errStopped) && started:
		return c.refusePage(began, exchange.CauseDraining, 0, "")
	case errors.Is(err, errNoMemory):
		return c.refusePage(began, exchange.CauseSpoolFull, 0, "")
	case errors.Is(err, errStalled), errors.Is(err, errStopped):
		return linger // idle: silently
	case started:
		r := c.unfinished(began, exchange.CauseClientGone)
		r.status = r.cause.Status()
		c.log(r)
	}
	return drop
}

// refuse answers a head that cannot be a request.
func (c *conn) refuse(began time.Time, v http1.Verdict) next {
	c.front.counts.refused(v)
	return c.refusePage(began, causeOf(v), v.Status(), v.Text())
}

// causeOf is the cause for a verdict.
func causeOf(v http1.Verdict) exchange.Cause {
	switch v.Status() {
	case http.StatusRequestURITooLong:
		return exchange.CauseURITooLong
	case http.StatusRequestHeaderFieldsTooLarge:
		return exchange.CauseHeaderTooLarge
	}
	return exchange.CauseBadRequest
}

// unfinished is a reply for a request that never becomes an exchange, with what is known of its head.
func (c *conn) unfinished(began time.Time, cause exchange.Cause) *reply {
	r := &reply{conn: c, cause: cause}
	if c.in != nil && c.in.parser.HasLine() {
		r.text = string(c.in.unread())
		c.describe(r, &c.in.parser.Head, began)
	} else {
		r.entry = accesslog.Entry{Time: began, RequestID: c.front.nextID(), Client: c.client}
		if c.in != nil {
			r.entry.Target = firstLine(c.in.unread())
		}
		r.minor = 1
	}
	r.close = true
	return r
}

// firstLine is what the log shows of something that is no request line, in the place of its target.
func firstLine(b []byte) string {
	const most = 256
	b = bytes.TrimLeft(b, "\r\n")
	b, _, _ = bytes.Cut(b[:min(len(b), most)], []byte("\n"))
	return string(bytes.TrimRight(b, "\r"))
}

func proto(h *http1.Head) string {
	if h.Minor == 0 {
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}

// answer takes the request whose head is complete through to its end.
func (c *conn) answer(began time.Time) next {
	h := &c.in.parser.Head
	size := c.in.parser.Size()
	r := &reply{conn: c, text: string(c.in.unread()[:size])}
	r.parts = r.first[:0]
	c.in.drop(size)
	c.describe(r, h, began)
	if h.Dropped > 0 {
		c.front.counts.dropped.Add(uint64(h.Dropped))
	}
	if c.front.isHealth(r, h) {
		return c.afterwards(c.health(r))
	}
	c.front.beginRequest(began)
	what := c.exchange(r, h)
	c.front.endRequest()
	return c.afterwards(what)
}

// exchange reads the body, hands the request over and writes the answer.
func (c *conn) exchange(r *reply, h *http1.Head) next {
	r.body.front = c.front
	defer r.free()
	if limit := c.front.options.LimitPost; limit > 0 && h.Length > limit {
		return c.endOfBody(r, errTooLarge)
	}
	arrived := r.entry.Time
	if h.HasBody() {
		if err := c.readBody(h, &r.body); err != nil {
			return c.endOfBody(r, err)
		}
		r.entry.Received = r.body.size
		arrived = time.Now()
	}
	c.prepare(r, h, arrived)
	if c.in != nil && len(c.in.unread()) == 0 { // waiting, a connection holds no buffer
		c.in.free()
		c.in = nil
	}
	c.front.options.Door.Submit(&r.request)
	return c.deliver(r)
}

// maxKept is what a connection keeps of its buffers from one answer to the next.
const maxKept = 4 << 10

// afterwards makes the connection ready for the next request.
func (c *conn) afterwards(what next) next {
	if cap(c.head) > maxKept {
		c.head = nil
	}
	if cap(c.out) > maxPieces || cap(c.batch.parts) > maxPieces {
		c.out, c.batch.parts = nil, nil
	}
	if c.in == nil {
		return what
	}
	if len(c.in.unread()) == 0 {
		c.in.free()
		c.in = nil
	} else {
		c.in.parser.Reset(c.front.options.limits)
	}
	return what
}

// describe fills what the log and the workshop want to know of the head.
func (c *conn) describe(r *reply, h *http1.Head, began time.Time) {
	e := &r.entry
	e.Time, e.RequestID, e.Client, e.Proto = began, c.front.nextID(), c.client, proto(h)
	e.Method, e.Target = h.Method.Of(r.text), h.Target.Of(r.text)
	for _, f := range h.Fields {
		switch f.Known {
		case http1.Host:
			e.Host = f.Value.Of(r.text)
		case http1.UserAgent:
			e.UserAgent = f.Value.Of(r.text)
		case http1.Referer:
			e.Referer = f.Value.Of(r.text)
		case http1.TraceID:
			e.TraceID = f.Value.Of(r.text)
		}
	}
	if c.front.options.RealIP {
		if addr, _ := c.clientOf(r.text, h); addr != "" {
			e.Client = addr
		}
	}
	r.keepAlive, r.minor, r.isHead = h.KeepAlive, h.Minor, e.Method == http.MethodHead
	if h.Form == http1.AbsoluteForm {
		e.Host = h.Authority.Of(r.text)
	}
}

// prepare makes the exchange.Request.
func (c *conn) prepare(r *reply, h *http1.Head, arrived time.Time) {
	r.environ = environs.Get().(*[]byte)
	*r.environ = c.buildEnviron((*r.environ)[:0], r, h)
	r.request = exchange.Request{
		ID: exchange.ID(r.entry.RequestID), Method: r.entry.Method, Path: h.Path.Of(r.text),
		TraceID: r.entry.TraceID, Environ: *r.environ, Body: r.body.exchange(), Arrived: arrived, Answer: r,
	}
	if r.request.Path == "" {
		r.request.Path = "/"
	}
}

// endOfBody ends a connection whose request body did not come whole, or is not wanted.
func (c *conn) endOfBody(r *reply, err error) next {
	cause, status, text := exchange.CauseClientGone, 0, ""
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		c.front.counts.refused(refused.verdict)
		cause, status, text = causeOf(refused.verdict), refused.verdict.Status(), refused.verdict.Text()
	case errors.Is(err, errTooLarge):
		cause, text = exchange.CauseBodyTooLarge, err.Error()
	case errors.Is(err, errStalled):
		cause, text = exchange.CauseRequestTimeout, "the request body did not come to an end"
	case errors.Is(err, errStopped):
		cause = exchange.CauseDraining
	case errors.Is(err, errSpoolFull):
		cause = exchange.CauseSpoolFull
	case !clientLeft(err): // the file system
		c.front.warn(err)
		cause = exchange.CauseSpoolFull
	}
	r.entry.Received = r.body.size
	r.body.release() // before the client knows: its next request may need the room
	r.cause, r.status = cause, status
	if r.status == 0 {
		r.status = c.front.statusOf(cause)
	}
	what := drop
	if cause != exchange.CauseClientGone {
		r.close = true
		what = c.ownAnswer(r, text)
	}
	c.log(r)
	return what
}

// isHealth reports whether the front answers the request itself.
func (f *Front) isHealth(r *reply, h *http1.Head) bool {
	path := f.options.HealthPath
	return path != "" && len(path) == int(h.Path.End-h.Path.Start) && h.Path.Of(r.text) == path &&
		(r.entry.Method == http.MethodGet || r.entry.Method == http.MethodHead) && !h.HasBody()
}

// health answers a health check. A good answer is not logged: balancers ask every few seconds.
func (c *conn) health(r *reply) next {
	c.idle = time.Now()
	why := c.front.notReady()
	if why == nil {
		return c.plain(r, http.StatusOK, "ok\n")
	}
	r.entry.Cause = string(exchange.CauseBooting)
	if c.front.Draining() {
		r.entry.Cause = string(exchange.CauseDraining)
	}
	what := c.plain(r, http.StatusServiceUnavailable, strings.TrimSpace(why.Error())+"\n")
	r.entry.Status, r.entry.Sent = r.status, r.sent
	r.entry.Total = time.Since(r.entry.Time)
	c.front.options.Log(&r.entry)
	return what
}
