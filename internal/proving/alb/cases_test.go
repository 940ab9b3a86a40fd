package alb

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"fender/internal/proving/alb/config"
)

const get = "GET /x HTTP/1.1\r\nHost: example.com\r\nUser-Agent: test\r\n\r\n"

// refuses is an address that nobody listens on.
func refuses(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestExchange_EndsAsAWSSays: what the target does, and what client and access log show of it.
func TestExchange_EndsAsAWSSays(t *testing.T) {
	const short = 500 * time.Millisecond
	answers := func(text string) func(*wire, int) {
		return func(w *wire, _ int) {
			w.head()
			w.say(text)
		}
	}
	for _, c := range []struct {
		name    string
		target  func(w *wire, n int) // nil: nobody listens
		none    bool                 // nothing is registered
		request string               // get unless given
		set     []setting

		status int
		of     int // target_status_code; 0: -
		times  string
		sent   int64
		body   string
	}{
		{name: "all is well", target: hello, status: 200, of: 200, times: "+ + +", sent: 67, body: "hello"},
		{name: "no target is registered", none: true, status: 503, times: "- - -", sent: 337},
		{name: "the port is closed", status: 502, times: "- - -", sent: 277},
		{name: "FIN before the response", target: func(w *wire, _ int) { w.head() }, status: 502, times: "+ + -", sent: 277},
		{name: "RST before the response", target: func(w *wire, _ int) { w.head(); w.reset() }, status: 502, times: "+ + -", sent: 277},
		{name: "FIN in the head", target: answers("HTTP/1.1 200 OK\r\nContent-"), status: 502, times: "+ + -", sent: 277},
		{name: "no HTTP", target: answers("hello\r\n\r\n"), status: 502, times: "+ + -", sent: 277},
		{name: "a bad header", target: answers("HTTP/1.1 200 OK\r\nbad header\r\n\r\n"), status: 502, times: "+ + -", sent: 277},
		{name: "headers above 32K", target: answers("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 33<<10) + "\r\n\r\n"), status: 502, times: "+ + -", sent: 277},
		{name: "101 that nobody asked for", target: answers("HTTP/1.1 101 Switching\r\n\r\n"), status: 502, times: "+ + -", sent: 277},
		{name: "silence", target: func(w *wire, _ int) { w.head(); w.head() }, set: []setting{idle(short)}, status: 504, times: "+ - -", sent: 292},
		{name: "HEAD", target: func(w *wire, _ int) { w.head() }, request: "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", status: 502, times: "+ + -", sent: 155},
		{name: "and close", target: func(w *wire, _ int) { w.head() }, request: "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", status: 502, times: "+ + -", sent: 272},
		{name: "Chrome", target: func(w *wire, _ int) { w.head() }, request: "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: Chrome/86\r\n\r\n", status: 502, times: "+ + -", sent: 679},
		{name: "Chrome and close", target: func(w *wire, _ int) { w.head() }, request: "GET / HTTP/1.0\r\nHost: a\r\nUser-Agent: Chrome/86\r\n\r\n", status: 502, times: "+ + -", sent: 674},
		{name: "a shorter body than promised", target: answers("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"), status: 200, of: 200, times: "+ + +", sent: 67},
		{name: "an interim response first", target: answers("HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), status: 200, of: 200, times: "+ + +", sent: 67, body: "hello"},
		{name: "chunks", target: answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), status: 200, of: 200, times: "+ + +", sent: 86, body: "hello"},
		{name: "an end by closing becomes chunks", target: answers("HTTP/1.1 200 OK\r\n\r\nhello"), status: 200, of: 200, times: "+ + +", sent: 86, body: "hello"},
		{name: "a target's own 502", target: answers("HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n"), status: 502, of: 502, times: "+ + +", sent: 62},
		{name: "304", target: answers("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"), status: 304, of: 304, times: "+ + +", sent: 72, body: ""},

		{name: "TRACE", target: hello, request: "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", status: 405, times: "- - -", sent: 277},
		{name: "no Host", target: hello, request: "GET / HTTP/1.1\r\n\r\n", status: 400, times: "- - -", sent: 272},
		{name: "no request", target: hello, request: "hello\r\n\r\n", status: 400, times: "- - -", sent: 272},
		{name: "a long request line", target: hello, request: "GET /" + strings.Repeat("a", 17<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", status: 414, times: "- - -"},
		{name: "a request line without end", target: hello, request: "GET /" + strings.Repeat("a", 81<<10), status: 414, times: "- - -"},
		{name: "a long header", target: hello, request: "GET / HTTP/1.1\r\nHost: a\r\nA: " + strings.Repeat("a", 17<<10) + "\r\n\r\n", status: 400, times: "- - -"},
		{name: "many headers", target: hello, request: "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("A: "+strings.Repeat("a", 1000)+"\r\n", 70) + "\r\n", status: 413, times: "- - -"},
		{name: "an unknown coding", target: hello, request: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", status: 501, times: "- - -"},
		{name: "HTTP/2 without TLS", target: hello, request: "PRI * HTTP/2.0\r\n\r\n", status: 505, times: "- - -"},
		{name: "31 addresses", target: hello, request: "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + strings.Repeat("1.1.1.1, ", 30) + "1.1.1.1\r\n\r\n", status: 463, times: "- - -"},
		{name: "30 addresses", target: hello, request: "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + strings.Repeat("1.1.1.1, ", 29) + "1.1.1.1\r\n\r\n", status: 200, of: 200, times: "+ + +", sent: 67},
		{name: "smuggling", target: hello, request: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", status: 400, times: "- - -", sent: 272},
		{name: "HTTP/1 for a group that speaks HTTP/2", target: hello, set: []setting{func(_ *Options, c *config.Config) { c.TargetGroups[0].ProtocolVersion = config.HTTP2 }}, status: 464, times: "- - -"},
		{name: "half a request", target: hello, request: "GET / HTTP", set: []setting{idle(short)}, status: 408, times: "- - -"},
		{name: "half a body", target: func(w *wire, _ int) { w.head(); w.head() }, request: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", set: []setting{idle(short)}, status: 408, times: "- - -"},
		{name: "a bad chunk", target: func(w *wire, _ int) { w.head(); w.head() }, request: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", status: 400, times: "- - -"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at := ""
			switch {
			case c.none:
			case c.target == nil:
				at = refuses(t)
			default:
				at = target(t, c.target)
			}
			s := start(t, at, c.set...)
			w := s.dial()
			request := c.request
			if request == "" {
				request = get
			}
			w.say(request)
			var head, body string
			if strings.HasPrefix(request, "HEAD") || c.status == 304 {
				head = w.head()
			} else {
				head, body = w.answer()
			}
			e := s.entry()
			if status(head) != c.status || e.Status != c.status {
				t.Errorf("the client got %d, the log says %d, want %d", status(head), e.Status, c.status)
			}
			if e.TargetStatus != c.of || signs(e) != c.times {
				t.Errorf("target status %d and times %s, want %d and %s", e.TargetStatus, signs(e), c.of, c.times)
			}
			if c.sent != 0 && e.Sent != c.sent {
				t.Errorf("sent %d bytes, want %d:\n%s%s", e.Sent, c.sent, head, body)
			}
			if c.body != "" && body != c.body {
				t.Errorf("body %q, want %q", body, c.body)
			}
			if dispatched := e.Target != ""; dispatched != (c.times != "- - -" || c.target == nil && !c.none || strings.Contains(c.name, "body") || strings.Contains(c.name, "chunk")) {
				t.Errorf("target is %q with times %s", e.Target, signs(e))
			}
		})
	}
}

func TestExchange_LogsWhatThe34FieldsSay(t *testing.T) {
	at := target(t, hello)
	s := start(t, at)
	w := s.dial()
	w.say("GET /a?b=\"c\" HTTP/1.1\r\nHost: Example.com:1\r\nUser-Agent: a \\ b\r\nX-Amzn-Trace-Id: Root=1-2-3;CalledFrom=app\r\n\r\n")
	w.answer()
	e := s.entry()
	port := s.bal.listeners[0].port
	for _, c := range []struct{ field, got, want string }{
		{"type", e.Type, "http"},
		{"elb", e.ELB, s.bal.resource},
		{"client", e.Client.String(), w.LocalAddr().String()},
		{"target", e.Target, at},
		{"request", e.RequestLine, fmt.Sprintf(`GET http://Example.com:%d/a?b="c" HTTP/1.1`, port)},
		{"agent", e.UserAgent, `a \ b`},
		{"group", e.TargetGroup, s.bal.cfg.TargetGroups[0].ARN},
		{"priority", e.Priority, "0"},
		{"actions", e.Actions, "forward"},
		{"targets", e.TargetList, at},
		{"statuses", e.TargetStatusList, "200"},
		{"classification", e.Classification, ""},
		{"error", e.ErrorReason, ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.field, c.got, c.want)
		}
	}
	if !strings.HasPrefix(e.TraceID, "Self=1-") || !strings.HasSuffix(e.TraceID, ";Root=1-2-3;CalledFrom=app") {
		t.Errorf("trace id %q", e.TraceID)
	}
	if !strings.HasPrefix(e.ConnTraceID, "TID_") || len(e.ConnTraceID) != 36 {
		t.Errorf("connection's trace id %q", e.ConnTraceID)
	}
	if e.Received == 0 || e.Created.IsZero() || e.Time.Before(e.Created.Add(-time.Millisecond)) {
		t.Errorf("received %d, created %v, time %v", e.Received, e.Created, e.Time)
	}
}
