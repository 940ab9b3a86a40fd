package alb

import (
	"time"

	"fender/internal/proving/alb/desync"
	"fender/internal/proving/alb/message"
	"fender/internal/proving/alb/page"
)

// newExchange starts an exchange.
func (c *client) newExchange() {
	c.written.Store(0)
	c.ex.reset(time.Now())
	c.ex.entry.kind = c.lis.scheme
	c.ex.minor = 1
}

// request answers the request whose head has length end, or one that is too long if that is 0. It
// returns when it has been sent; false means that nothing more is read from this connection.
func (c *client) request(end int) bool {
	c.newExchange()
	ex, r := &c.ex, &c.req
	head := c.buf[c.r : c.r+end]
	verdict := tooLong(c.buf[c.r:c.w])
	if end == 0 {
		end = c.w - c.r
		*r = message.Request{Fields: r.Fields[:0], Length: -1}
	} else {
		verdict = r.Parse(head)
	}
	c.r += end
	c.scanned = 0
	ex.received.Store(int64(end))
	ex.minor, ex.head = r.Minor, string(r.Method) == "HEAD"
	ex.agent = r.UserAgent
	ex.keep = r.KeepAlive && time.Since(c.born) < c.bal.lb.ClientKeepAlive
	ex.upgrade = len(r.Upgrade) > 0 && message.EqualFold(r.Upgrade, "websocket") && !c.bal.o.Classic
	host, _ := splitTarget(r.Target)
	if host == nil {
		host = r.Host
	}
	ex.entry.request(c.lis.scheme, c.lis.port, host, r)
	c.body.reset(r)
	if status := ex.judge(r, verdict); status != 0 {
		return c.local(status)
	}
	// The texts of the head are needed no more when this is sent; what the answer needs is kept.
	ex.agent = ex.entry.text[ex.entry.line:ex.entry.agent]
	ex.entry.text = appendTrace(ex.entry.text, r.TraceID, end, ex.created)
	if p := ex.route(r, host); p != nil {
		return c.localPage(p)
	}
	return c.forward(r)
}

// tooLong says which limit a head breaks that does not fit.
func tooLong(b []byte) message.Verdict {
	for i, c := range b {
		if c == '\n' {
			return message.HeadTooLong
		}
		if i > message.MaxRequestLine {
			break
		}
	}
	return message.URITooLong
}

// judge is the status with which the balancer refuses the request itself, or 0.
func (ex *exchange) judge(r *message.Request, verdict message.Verdict) int {
	if len(r.Version) > 0 || r.Minor < 0 {
		ex.verdict = desync.Classify(r)
	}
	if verdict == message.BadVersion {
		ex.verdict = desync.Verdict{}
		return verdict.Status()
	}
	switch ex.bal.desync.Action(ex.verdict.Class) {
	case desync.Block:
		return 400
	case desync.AllowAndClose:
		ex.separate, ex.keep = true, false
	}
	if status := verdict.Status(); status != 0 {
		return status
	}
	switch {
	case string(r.Method) == "TRACE" || string(r.Method) == "CONNECT":
		return 405
	case addresses(r) > maxAddresses:
		return 463
	}
	if host, path := splitTarget(r.Target); host == nil && path[0] != '/' && string(path) != "*" {
		return 400
	}
	return 0
}

// local answers with a page of the balancer's own.
func (c *client) local(status int) bool { return c.localPage(&page.Page{Status: status}) }

// localPage answers without a target.
func (c *client) localPage(p *page.Page) bool {
	ex := &c.ex
	if ex.settle() {
		if c.body.pending() && c.req.Continue {
			ex.keep = false // the client may never send the body
		}
		ex.answer(p)
	}
	again := ex.keep && !ex.closing
	if again && c.body.pending() && !page.Closes(p.Status) {
		again = c.discard()
	}
	ex.state.Or(answered)
	ex.done(sentAll)
	return again
}

// forward sends the request to the target that was chosen.
func (c *client) forward(r *message.Request) bool {
	ex := &c.ex
	c.out = ex.appendRequest(c.out[:0], r)
	if r.Continue && c.r == c.w && c.body.pending() {
		err := c.writeAll([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
		if c.written.Store(0); err != nil {
			ex.left(400)
			ex.state.Or(answered)
			ex.done(sentAll)
			return false
		}
	}
	b, status, err := c.connect()
	if err != nil || status != 0 {
		if ex.settle() {
			if err != nil { // the client has left
				ex.status, ex.times, ex.responded = 460, nothingDone, time.Now()
				if c.body.take(c.buf[c.r:c.w]); c.body.pending() {
					ex.status = 400
				}
			} else {
				ex.outcome.ConnectFailed = true
				if c.body.pending() && c.req.Continue {
					ex.keep = false
				}
				ex.fail(status)
			}
		}
		again := err == nil && ex.keep && c.discard()
		ex.state.Or(answered)
		ex.done(sentAll)
		return again
	}
	n := c.body.take(c.buf[c.r:c.w])
	ex.received.Add(int64(n))
	c.out = append(c.out, c.buf[c.r:c.r+n]...)
	c.r += n
	if !c.body.broken() {
		_ = b.write(c.out) // what came of it is for the target's goroutine to say
	}
	return c.sendBody(b)
}
