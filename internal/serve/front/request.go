package front

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"time"
	"unsafe"

	"fender/internal/exchange"
	"fender/internal/observe/accesslog"
	"fender/internal/serve/http1"
)

// endOfReading ends a connection whose request head did not come whole.
func (c *conn) endOfReading(err error) bool {
	started := !c.began.IsZero()
	switch {
	case errors.Is(err, errStalled) && started:
		return c.refusePage(exchange.CauseRequestTimeout, 0, "the request head did not come to an end")
	case errors.Is(err, errStopped) && started:
		return c.refusePage(exchange.CauseDraining, 0, "")
	case errors.Is(err, errNoMemory):
		return c.refusePage(exchange.CauseSpoolFull, 0, "")
	case errors.Is(err, errStalled), errors.Is(err, errStopped):
		return c.linger() // idle: silently
	case started:
		c.reply = c.unfinished(exchange.CauseClientGone)
		c.reply.status = c.reply.cause.Status()
		return c.over(drop)
	}
	return c.end()
}

// refuse answers a head that cannot be a request.
func (c *conn) refuse(v http1.Verdict) bool {
	c.front.counts.refused(v)
	return c.refusePage(causeOf(v), v.Status(), v.Text())
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
func (c *conn) unfinished(cause exchange.Cause) *reply {
	r := &reply{conn: c, cause: cause}
	if c.in != nil && c.in.parser.HasLine() {
		r.text = string(c.in.unread())
		c.describe(r, &c.in.parser.Head)
	} else {
		r.entry = accesslog.Entry{Time: c.began, RequestID: c.front.nextID(), Client: c.client}
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

// answer deals with the request whose head is complete.
func (c *conn) answer() bool {
	h := &c.in.parser.Head
	size := c.in.parser.Size()
	r := c.front.newReply(c)
	r.raw = append(r.raw, c.in.unread()[:size]...)
	r.text = unsafe.String(unsafe.SliceData(r.raw), size)
	c.in.drop(size)
	c.reply = r
	c.describe(r, h)
	if h.Dropped > 0 {
		c.front.counts.dropped.Add(uint64(h.Dropped))
	}
	if c.front.isHealth(r, h) {
		return c.health(r)
	}
	c.front.beginRequest(c.began)
	r.counted = true
	r.body.front = c.front
	switch limit := c.front.options.LimitPost; {
	case limit > 0 && h.Length > limit:
		return c.endOfBody(errTooLarge)
	case h.HasBody():
		return c.receive(h)
	}
	return c.submit()
}

// submit hands the request over.
func (c *conn) submit() bool {
	r, h := c.reply, &c.in.parser.Head
	arrived := c.front.clock
	c.endUpload()
	r.entry.Received = r.body.size
	c.prepare(r, h, arrived)
	if len(c.in.unread()) == 0 { // waiting, a connection holds no buffer
		c.freeInbox()
	}
	c.phase = waiting
	c.timer.clear()
	c.front.options.Door.Submit(&r.request)
	return c.gone // it left while a helper worked
}

// afterwards makes the connection ready for the next request.
func (c *conn) afterwards(what next) bool {
	c.reply.free()
	if c.reply.counted {
		c.front.endRequest()
	}
	c.front.again(c.reply)
	c.reply, c.began = nil, time.Time{}
	if c.in != nil {
		if len(c.in.unread()) == 0 {
			c.freeInbox()
		} else {
			c.in.parser.Reset(c.front.options.limits)
		}
	}
	switch what {
	case again:
		return c.listen()
	case linger:
		return c.linger()
	}
	return c.end()
}

// describe fills what the log and the workshop want to know of the head.
func (c *conn) describe(r *reply, h *http1.Head) {
	e := &r.entry
	e.Time, e.RequestID, e.Client, e.Proto = c.began, c.front.nextID(), c.client, proto(h)
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
	r.environ = c.buildEnviron(c.front.newEnviron(), r, h)
	r.request = exchange.Request{
		ID: exchange.ID(r.entry.RequestID), Method: r.entry.Method, Path: h.Path.Of(r.text),
		TraceID: r.entry.TraceID, Environ: r.environ, Body: r.body.exchange(), Arrived: arrived, Answer: r,
	}
	if r.request.Path == "" {
		r.request.Path = "/"
	}
}

// endOfBody ends a connection whose request body did not come whole, or is not wanted.
func (c *conn) endOfBody(err error) bool {
	r := c.reply
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
	if c.upload == nil || !c.upload.chunked {
		r.body.size = r.body.arrived() // the log wants what came, not what was announced
	}
	r.entry.Received = r.body.size
	c.endUpload()
	r.body.release() // before the client knows: its next request may need the room
	r.cause, r.status = cause, status
	if r.status == 0 {
		r.status = c.front.statusOf(cause)
	}
	if cause == exchange.CauseClientGone {
		return c.over(drop)
	}
	r.close = true
	return c.own(r, text, c.over)
}

// isHealth reports whether the front answers the request itself.
func (f *Front) isHealth(r *reply, h *http1.Head) bool {
	path := f.options.HealthPath
	return path != "" && len(path) == int(h.Path.End-h.Path.Start) && h.Path.Of(r.text) == path &&
		(r.entry.Method == http.MethodGet || r.entry.Method == http.MethodHead) && !h.HasBody()
}

// health answers a health check. A good answer is not logged: balancers ask every few seconds.
func (c *conn) health(r *reply) bool {
	why := c.front.notReady()
	if why == nil {
		return c.plain(r, http.StatusOK, "ok\n", func(what next) bool {
			c.idle = c.front.clock
			return c.afterwards(what)
		})
	}
	cause := exchange.CauseBooting
	if c.front.Draining() {
		cause = exchange.CauseDraining
	}
	return c.plain(r, http.StatusServiceUnavailable, strings.TrimSpace(why.Error())+"\n", func(what next) bool {
		r.cause = cause // in the log, not in the answer
		return c.over(what)
	})
}
