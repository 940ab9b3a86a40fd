package front

import (
	"strconv"

	"fender/internal/exchange"
	"fender/internal/serve/http1"
)

// CauseHeader is the response header that says why an answer is the front's own.
const CauseHeader = "X-Fender-Cause"

// retryAfter is the Retry-After of a 503, in seconds: what fender waits for (a worker that boots, a
// queue that moves) takes seconds, and clients that come back at once make it worse.
const retryAfter = "1"

// maxTrace bounds the trace id that is sent back.
const maxTrace = 512

// causeTexts say in a sentence what a client may know. The words of the causes stand in the header.
var causeTexts = map[exchange.Cause]string{
	exchange.CauseQueueFull:      "too many requests are waiting",
	exchange.CauseQueueTimeout:   "the request has waited too long",
	exchange.CauseBooting:        "the application is starting",
	exchange.CauseNoApp:          "no application is loaded",
	exchange.CauseHarakiri:       "the application took too long",
	exchange.CauseWorkerCrash:    "the application process ended while it worked on the request",
	exchange.CausePoison:         "application processes end when they work on this request",
	exchange.CauseBadAnswer:      "the application gave an answer that cannot be sent",
	exchange.CauseSpoolFull:      "there is no room to keep the request",
	exchange.CauseBodyTooLarge:   "the request body is too large",
	exchange.CauseHeaderTooLarge: "the request head is too large",
	exchange.CauseURITooLong:     "the request target is too long",
	exchange.CauseBadRequest:     "the request is malformed",
	exchange.CauseRequestTimeout: "the request did not come to an end",
	exchange.CauseAnswerCut:      "the answer cannot be completed",
	exchange.CauseDraining:       "the server is leaving",
}

// statusOf is the status for a cause, as configured. A cause that nobody should receive is a 500.
func (f *Front) statusOf(cause exchange.Cause) int {
	if cause == exchange.CauseNoApp && f.options.NoAppStatus != 0 {
		return f.options.NoAppStatus
	}
	if status := cause.Status(); status != 0 {
		return status
	}
	return 500
}

// own answers in place of the application, with r.status, r.cause and text, or a text for the cause if that
// is empty. finish gets what becomes of the connection.
func (c *conn) own(r *reply, text string, finish func(next) bool) bool {
	if text == "" {
		text = causeTexts[r.cause]
	}
	return c.plain(r, r.status, strconv.Itoa(r.status)+" "+http1.Reason(r.status)+"\n"+text+"\n", finish)
}

// plain sends a small text. Draining, and r.close, end the connection.
func (c *conn) plain(r *reply, status int, body string, finish func(next) bool) bool {
	c.reply = r
	r.close = r.close || !r.keepAlive || c.front.Draining()
	r.status, r.sentHead, r.framing = status, true, noBody
	c.begin(afterOwn)
	dst := http1.AppendStatus(c.output.head, status, "")
	dst = http1.AppendField(dst, "Date", c.front.dates.at(c.front.clock))
	dst = http1.AppendField(dst, "Content-Type", "text/plain; charset=utf-8")
	dst = http1.AppendField(dst, "Cache-Control", "no-store")
	if r.cause != exchange.CauseNone && !c.front.options.HideCause {
		dst = http1.AppendField(dst, CauseHeader, string(r.cause))
	}
	if trace := r.entry.TraceID; r.cause != exchange.CauseNone && trace != "" && len(trace) <= maxTrace {
		dst = http1.AppendField(dst, "X-Amzn-Trace-Id", trace)
	}
	if status == 503 {
		dst = http1.AppendField(dst, "Retry-After", retryAfter)
	}
	if c.front.options.Server != "" {
		dst = http1.AppendField(dst, "Server", c.front.options.Server)
	}
	dst = http1.AppendLength(dst, int64(len(body)))
	dst = appendConnection(dst, r)
	if r.isHead {
		body = ""
	}
	c.output.head = append(dst, body...)
	c.output.closes, c.output.finish = r.close, func(what next) bool {
		if what != drop {
			r.sent = int64(len(body))
		}
		return finish(what)
	}
	return c.flush()
}

// refusePage answers a request that never became an exchange, logs it and ends the connection. status 0
// is the cause's own.
func (c *conn) refusePage(cause exchange.Cause, status int, text string) bool {
	r := c.unfinished(cause)
	if r.status = status; status == 0 {
		r.status = c.front.statusOf(cause)
	}
	return c.own(r, text, c.over)
}
