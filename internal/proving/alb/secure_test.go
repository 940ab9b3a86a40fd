package alb

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fender/internal/proving/alb/accesslog"
	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/metric"
)

func https(_ *Options, c *config.Config) { c.Listeners[0].Protocol = config.HTTPS }

// secure opens a client's connection with TLS that speaks HTTP/1.1.
func (s *stand) secure() *wire {
	s.t.Helper()
	c, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true, ServerName: "example.com", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return newWire(s.t, c)
}

// h2 is a client that speaks HTTP/2 over one connection.
func (s *stand) h2() *http.ClientConn {
	s.t.Helper()
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Protocols: new(http.Protocols), DisableCompression: true}
	tr.Protocols.SetHTTP2(true)
	ctx, cancel := context.WithTimeout(context.Background(), aLongTime)
	defer cancel()
	c, err := tr.NewClientConn(ctx, "https", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close(); tr.CloseIdleConnections() })
	return c
}

func (s *stand) do(c *http.ClientConn, method, body string, fields ...string) (*http.Response, string, error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), aLongTime)
	s.t.Cleanup(cancel)
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	q, err := http.NewRequestWithContext(ctx, method, "https://Example.com/x?y=z", r)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		q.Header.Add(fields[i], fields[i+1])
	}
	resp, err := c.RoundTrip(q)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return resp, string(got), err
}

func TestHTTPS_IsSeenByTargetAndLog(t *testing.T) {
	s := start(t, target(t, echo), https, func(_ *Options, c *config.Config) { c.LoadBalancer.TLSHeaders = true })
	w := s.secure()
	w.say(get)
	_, body := w.answer()
	if header(body, "x-forwarded-proto") != "https" || header(body, "x-amzn-tls-version") != "TLSv1.2" || header(body, "x-amzn-tls-cipher-suite") != "ECDHE-ECDSA-AES128-GCM-SHA256" {
		t.Errorf("the target got:\n%s", body)
	}
	e := s.entry()
	if e.Type != "https" || e.Cipher != "ECDHE-ECDSA-AES128-GCM-SHA256" || e.TLSProtocol != "TLSv1.2" || e.Domain != "example.com" || !strings.HasPrefix(e.Certificate, "arn:aws:acm:us-east-2:") {
		t.Errorf("logged %+v", e)
	}
	if want := fmt.Sprintf("GET https://example.com:%d/x HTTP/1.1", s.bal.listeners[0].port); e.RequestLine != want {
		t.Errorf("logged %q, want %q", e.RequestLine, want)
	}
}

func TestHTTPS_EndsWithAFIN(t *testing.T) {
	s := start(t, target(t, hello), https, func(o *Options, _ *config.Config) { o.Linger = time.Hour })
	w := s.secure()
	w.say("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	w.answer()
	_, _ = w.rest() // to the end of TLS
	below := newWire(t, w.Conn.(*tls.Conn).NetConn())
	if rest, reset := below.rest(); rest != "" || reset {
		t.Errorf("then %q, reset %v", rest, reset)
	}
}

func TestHTTPS_SaysSoToPlainHTTP(t *testing.T) {
	s := start(t, target(t, hello), https)
	w := s.dial()
	w.say("GET / HTTP/1.1\r\nHost: 2.2.2.2\r\n\r\n")
	head, body := w.answer()
	if status(head) != 400 || !strings.Contains(body, "The plain HTTP request was sent to HTTPS port") {
		t.Errorf("got:\n%s%s", head, body)
	}
	e := s.entry()
	if e.Status != 400 || e.Sent != 370 || e.Type != "https" || e.Cipher != "" || e.Target != "" || e.TargetGroup != "" || e.TraceID != "" || e.Priority != "" || e.Actions != "" {
		t.Errorf("logged %+v", e)
	}
	if want := fmt.Sprintf("GET http://2.2.2.2:%d/ HTTP/1.1", s.bal.listeners[0].port); e.RequestLine != want {
		t.Errorf("logged %q, want %q", e.RequestLine, want)
	}
	_, _ = w.rest()
}

func TestHTTP2Client_MakesHTTP1Requests(t *testing.T) {
	s := start(t, target(t, echo), https)
	c := s.h2()
	resp, body, err := s.do(c, "POST", "hello", "X-Test", "a", "Cookie", "a=b")
	if err != nil {
		t.Fatal(err)
	}
	port := s.bal.listeners[0].port
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(body, "POST /x?y=z HTTP/1.1\r\n") || !strings.HasSuffix(body, "\r\n\r\nhello") {
		t.Errorf("got %d:\n%s", resp.StatusCode, body)
	}
	for _, line := range []string{"x-test: a", "cookie: a=b", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: https", fmt.Sprintf("Host: example.com:%d", port), fmt.Sprintf("X-Forwarded-Port: %d", port), "Content-Length: 5"} {
		if !slices.Contains(strings.Split(body, "\r\n"), line) {
			t.Errorf("no line %q in:\n%s", line, body)
		}
	}
	if e := s.entry(); e.Type != "h2" || e.Status != 200 || signs(e) != "+ + +" || e.RequestLine != fmt.Sprintf("POST https://Example.com:%d/x?y=z HTTP/2.0", port) {
		t.Errorf("logged %+v", e)
	}
}

func TestHTTP2Client_GetsTheBalancersOwnAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		serve  func(*wire, int)
		status int
		times  string
		sent   int64
	}{
		{"FIN", func(w *wire, _ int) { w.head() }, 502, "+ + -", 192},
		{"silence", func(w *wire, _ int) { w.head(); _, _ = w.rest() }, 504, "+ - -", 202}, // as in a real log line
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, target(t, c.serve), https, idle(time.Second))
			resp, body, err := s.do(s.h2(), "GET", "")
			if err != nil {
				t.Fatal(err)
			}
			e := s.entry()
			if resp.StatusCode != c.status || resp.Header.Get("Server") != "awselb/2.0" || !strings.HasPrefix(body, "<html>") || e.Status != c.status || signs(e) != c.times || e.Sent != c.sent {
				t.Errorf("got %d %v\n%s\nlogged %d %s, sent %d", resp.StatusCode, resp.Header, body, e.Status, signs(e), e.Sent)
			}
		})
	}
}

func TestHTTP2Client_SeesThatAResponseIsCut(t *testing.T) {
	s := start(t, target(t, func(w *wire, _ int) {
		w.head()
		w.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
	}), https)
	if _, body, err := s.do(s.h2(), "GET", ""); err == nil {
		t.Errorf("got %q as a whole", body)
	}
	if e := s.entry(); e.Status != 200 {
		t.Errorf("logged %d", e.Status)
	}
}

func TestHTTP2Client_Leaves_Is460(t *testing.T) {
	got := make(chan struct{})
	s := start(t, target(t, func(w *wire, _ int) { w.head(); close(got); _, _ = w.rest() }), https)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-got
		cancel()
	}()
	q, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://a/", nil)
	if resp, err := s.h2().RoundTrip(q); err == nil {
		_ = resp.Body.Close()
		t.Error("there was an answer")
	}
	if e := s.entry(); e.Status != 460 || signs(e) != "- - -" || e.Sent != 0 {
		t.Errorf("logged %d %s, sent %d", e.Status, signs(e), e.Sent)
	}
}

func TestHTTP2Client_IsSentAwayAfterItsTime(t *testing.T) {
	s := start(t, target(t, hello), https, func(_ *Options, c *config.Config) { c.LoadBalancer.ClientKeepAlive = time.Nanosecond })
	c := s.h2()
	gone := make(chan struct{}, 10)
	c.SetStateHook(func(c *http.ClientConn) {
		if c.Err() != nil {
			gone <- struct{}{}
		}
	})
	if resp, body, err := s.do(c, "GET", ""); err != nil || resp.StatusCode != http.StatusOK || body != "hello" {
		t.Errorf("got %v %q %v", resp, body, err)
	}
	select {
	case <-gone:
	case <-time.After(aLongTime):
		t.Error("the connection lives on")
	}
}

func TestHTTP2Client_HasAHostAtHTTP1Targets(t *testing.T) {
	for _, preserve := range []bool{false, true} {
		s := start(t, target(t, echo), https, func(_ *Options, c *config.Config) { c.LoadBalancer.PreserveHostHeader = preserve })
		_, body, err := s.do(s.h2(), "GET", "")
		want := fmt.Sprintf("\r\nHost: example.com:%d\r\n", s.bal.listeners[0].port)
		if preserve {
			want = "\r\nHost: Example.com\r\n"
		}
		if err != nil || strings.Count(body, "Host: ") != 1 || !strings.Contains(body, want) {
			t.Errorf("preserve %v: %v, the target got:\n%s", preserve, err, body)
		}
	}
}

func TestHTTP2Client_HasTheSameLimits(t *testing.T) {
	s := start(t, target(t, echo), https)
	c := s.h2()
	for _, test := range []struct {
		name   string
		path   string
		fields []string
		want   int
	}{
		{"a header of just below 16K", "/", []string{"A", strings.Repeat("a", 16<<10-4)}, 200},
		{"a header of 16K", "/", []string{"A", strings.Repeat("a", 16<<10-3)}, 400},
		{"headers above 64K", "/", slices.Repeat([]string{"A", strings.Repeat("a", 13<<10)}, 5), 413},
		{"a long request line", "/" + strings.Repeat("a", 16<<10), nil, 414},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), aLongTime)
		q, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://a"+test.path, nil)
		for i := 0; i < len(test.fields); i += 2 {
			q.Header.Add(test.fields[i], test.fields[i+1])
		}
		resp, err := c.RoundTrip(q)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		_ = resp.Body.Close()
		cancel()
		if e := s.entry(); resp.StatusCode != test.want || e.Status != test.want || (signs(e) == "- - -") != (test.want != 200) {
			t.Errorf("%s: got %d, logged %d %s, want %d", test.name, resp.StatusCode, e.Status, signs(e), test.want)
		}
	}
}

func TestHTTP2Client_Stalled_IsCutAtTheIdleTimeout(t *testing.T) {
	t.Parallel()
	s := start(t, target(t, func(w *wire, _ int) {
		w.head()
		_, _ = w.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"))
		for {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}), https, idle(500*time.Millisecond))
	q, _ := http.NewRequest(http.MethodGet, "https://a/", nil)
	resp, err := s.h2().RoundTrip(q)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() // of which nothing is read
	if e := s.entry(); e.Status != 200 || e.Sent == 0 {
		t.Errorf("logged %+v", e)
	}
}

func TestHTTP2Client_LeavesInTheBody_Is400(t *testing.T) {
	for name, settings := range map[string][]setting{"HTTP/1.1": {https}, "HTTP/2": {https, http2}} {
		t.Run(name, func(t *testing.T) {
			got := make(chan struct{}, 1)
			var at string
			if len(settings) == 2 {
				at = http2Target(t, func(_ http.ResponseWriter, r *http.Request) { got <- struct{}{}; <-r.Context().Done() })
			} else {
				at = target(t, func(w *wire, _ int) { w.head(); got <- struct{}{}; _, _ = w.rest() })
			}
			s := start(t, at, settings...)
			ctx, cancel := context.WithCancel(context.Background())
			go func() {
				<-got
				cancel()
			}()
			body, more := io.Pipe()
			defer more.Close()
			q, _ := http.NewRequestWithContext(ctx, http.MethodPost, "https://a/", body)
			if resp, err := s.h2().RoundTrip(q); err == nil {
				_ = resp.Body.Close()
				t.Error("there was an answer")
			}
			if e := s.entry(); e.Status != 400 || signs(e) != "- - -" || e.Sent != 0 {
				t.Errorf("logged %d %s, sent %d", e.Status, signs(e), e.Sent)
			}
		})
	}
}

func http2(_ *Options, c *config.Config) { c.TargetGroups[0].ProtocolVersion = config.HTTP2 }

// http2Target is a server that speaks HTTP/2 without TLS.
func http2Target(t *testing.T, h http.HandlerFunc, settings ...func(*http.Server)) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	for _, set := range settings {
		set(s.Config)
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestHTTP2Target_IsAskedOverOneConnection(t *testing.T) {
	conns := map[string]bool{}
	seen := make(chan *http.Request, 10)
	at := http2Target(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Answer", "yes")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(append([]byte("got "), body...))
	})
	s := start(t, at, https, http2)
	c := s.h2()
	for range 3 {
		resp, body, err := s.do(c, "POST", "hello", "X-Test", "a")
		if err != nil || resp.StatusCode != http.StatusCreated || body != "got hello" || resp.Header.Get("X-Answer") != "yes" {
			t.Fatalf("got %v %q %v", resp, body, err)
		}
		r := <-seen
		conns[r.RemoteAddr] = true
		if r.ProtoMajor != 2 || r.Header.Get("X-Test") != "a" || r.Header.Get("X-Forwarded-For") != "127.0.0.1" || r.Header.Get("X-Amzn-Trace-Id") == "" || r.RequestURI != "/x?y=z" {
			t.Errorf("the target got %+v", r)
		}
		if e := s.entry(); e.Type != "h2" || e.Status != 201 || e.TargetStatus != 201 || signs(e) != "+ + +" {
			t.Errorf("logged %+v", e)
		}
	}
	if len(conns) != 1 {
		t.Errorf("%d connections", len(conns))
	}
}

// ends tells of each connection of the server that ends.
func ends(to chan<- string) func(*http.Server) {
	return func(s *http.Server) {
		s.ConnState = func(c net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				to <- c.RemoteAddr().String()
			}
		}
	}
}

func TestHTTP2Target_GetsAnotherConnectionWhenTheFirstIsFull(t *testing.T) {
	t.Parallel()
	came, release, ended := make(chan string), make(chan struct{}), make(chan string, 10)
	at := http2Target(t, func(_ http.ResponseWriter, r *http.Request) {
		came <- r.RemoteAddr
		<-release
	}, ends(ended), func(s *http.Server) { s.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 1} })
	s := start(t, at, https, http2, idle(time.Second))
	c := s.h2()
	var clients sync.WaitGroup
	conns := map[string]bool{}
	for range 2 {
		clients.Go(func() {
			if resp, _, err := s.do(c, "GET", ""); err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("got %v, %v", resp, err)
			}
		})
		conns[<-came] = true
	}
	if n := s.bal.metrics.Value(metric.NewConnectionCount); n != 3 { // the client's among them
		t.Errorf("%d connections are counted", n)
	}
	close(release)
	clients.Wait()
	for range 2 { // both at the idle timeout
		select {
		case c := <-ended:
			delete(conns, c)
		case <-time.After(aLongTime):
			t.Fatal("a connection lives on")
		}
	}
	if len(conns) != 0 {
		t.Errorf("%v live on", conns)
	}
}

func TestHTTP2Target_ConnectingHoldsUpNobodyWhoLeaves(t *testing.T) {
	s := start(t, deaf(t), https, http2, func(o *Options, _ *config.Config) { o.ConnectTimeout = time.Hour })
	c := s.h2()
	var clients sync.WaitGroup
	ask := func(path string, wrote func()) (leave func()) {
		ctx, cancel := context.WithCancel(context.Background())
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { wrote() }})
		clients.Go(func() {
			q, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://a"+path, nil)
			if resp, err := c.RoundTrip(q); err == nil {
				_ = resp.Body.Close()
				t.Errorf("%s got %d", path, resp.StatusCode)
			}
		})
		return cancel
	}
	sent := make(chan struct{})
	next := func() { sent <- struct{}{} }
	patient := ask("/patient", next)
	<-sent
	hasty := ask("/hasty", next)
	<-sent
	hasty()
	if e := s.entry(); e.Status != 460 || !strings.Contains(e.RequestLine, "/hasty") {
		t.Errorf("logged %d for %s", e.Status, e.RequestLine)
	}
	patient()
	clients.Wait()
}

func TestHTTP2Target_MayGetASlowUpload(t *testing.T) {
	t.Parallel()
	at := http2Target(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	s := start(t, at, https, http2, idle(time.Second))
	body, more := io.Pipe()
	go func() {
		for range 6 { // it lasts longer than the idle timeout, and is never silent for as long
			_, _ = io.WriteString(more, "slow")
			time.Sleep(250 * time.Millisecond)
		}
		_ = more.Close()
	}()
	q, _ := http.NewRequest(http.MethodPost, "https://a/", body)
	resp, err := s.h2().RoundTrip(q)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || string(got) != strings.Repeat("slow", 6) {
		t.Errorf("got %d %q, %v", resp.StatusCode, got, err)
	}
	if e := s.entry(); e.Status != 200 || e.Received < 24+int64(len("POST/a")) {
		t.Errorf("logged %d, received %d", e.Status, e.Received)
	}
}

func TestHTTP2Target_GetsTheHeadThatAnHTTP1TargetGets(t *testing.T) {
	seen := make(chan *http.Request, 1)
	s := start(t, http2Target(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r }), https, http2,
		func(_ *Options, c *config.Config) { c.LoadBalancer.PreserveHostHeader = true })
	// With what the balancer adds it is longer than what a client may send.
	given := strings.Repeat("1", 16<<10-len("X-Forwarded-For")-3)
	if _, _, err := s.do(s.h2(), "GET", "", "X-Forwarded-For", given, "X-Test", "a"); err != nil {
		t.Fatal(err)
	}
	r := <-seen
	if r.Host != "Example.com" || r.Header.Get("X-Forwarded-For") != given+", 127.0.0.1" || r.Header.Get("X-Test") != "a" {
		t.Errorf("got %s, %.100v", r.Host, r.Header)
	}
}

func TestHTTP2Target_Fails(t *testing.T) {
	for _, c := range []struct {
		name   string
		at     func(t *testing.T) string
		status int
		times  string
		errors int64 // of TLS
	}{
		{"nobody listens", refuses, 502, "- - -", 0},
		{"TLS without a word of HTTP/2", func(t *testing.T) string {
			l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{selfMadeForTests(t)}})
			if err != nil {
				t.Fatal(err)
			}
			site := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.NotFoundHandler()}}
			site.Start()
			t.Cleanup(site.Close)
			return l.Addr().String()
		}, 502, "- - -", 1},
		{"no TLS", func(t *testing.T) string { return target(t, func(w *wire, _ int) { w.say("HTTP/1.1 200 OK\r\n\r\n") }) }, 502, "- - -", 1},
		{"a TLS handshake without end", func(t *testing.T) string { return target(t, func(w *wire, _ int) { _, _ = w.rest() }) }, 504, "- - -", 1},
		{"the stream is reset", func(t *testing.T) string {
			return http2Target(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		}, 502, "+ + -", 0},
		{"silence", func(t *testing.T) string {
			return http2Target(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		}, 504, "+ - -", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, c.at(t), https, http2, idle(time.Second), func(o *Options, cfg *config.Config) {
				if o.ConnectTimeout = time.Second; strings.Contains(c.name, "TLS") {
					cfg.TargetGroups[0].Protocol = config.HTTPS
				}
			})
			resp, _, err := s.do(s.h2(), "GET", "")
			if err != nil {
				t.Fatal(err)
			}
			if e := s.entry(); resp.StatusCode != c.status || e.Status != c.status || signs(e) != c.times {
				t.Errorf("got %d, logged %d %s", resp.StatusCode, e.Status, signs(e))
			}
			if n := s.bal.metrics.Value(metric.TargetTLSNegotiationErrorCount); n != c.errors {
				t.Errorf("%d TLS errors are counted", n)
			}
		})
	}
}

func selfMadeForTests(t *testing.T) tls.Certificate {
	t.Helper()
	c, err := selfMade("127.0.0.1", "target.test")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTLSToTargets(t *testing.T) {
	secured := func(_ *Options, c *config.Config) { c.TargetGroups[0].Protocol = config.HTTPS }
	site := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "secret") }))
	t.Cleanup(site.Close)
	for _, c := range []struct {
		name, at string
		status   int
		times    string
	}{
		{"a certificate that nobody knows", site.Listener.Addr().String(), 200, "+ + +"},
		{"no TLS", target(t, func(w *wire, _ int) { w.say("HTTP/1.1 200 OK\r\n\r\n") }), 502, "- - -"},
		{"a handshake without end", target(t, func(w *wire, _ int) { _, _ = w.rest() }), 504, "- - -"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, c.at, secured, func(o *Options, _ *config.Config) { o.ConnectTimeout = time.Second })
			w := s.dial()
			w.say(get)
			head, _ := w.answer()
			if e := s.entry(); status(head) != c.status || e.Status != c.status || signs(e) != c.times {
				t.Errorf("got %d, logged %d %s", status(head), e.Status, signs(e))
			}
		})
	}
}

// texts gives the lines of a log to the test.
type texts struct{ to chan string }

func (s texts) Write(b []byte) (int, error) { s.to <- string(b); return len(b), nil }

func TestConnectionLog_JoinsTheAccessLog(t *testing.T) {
	conns := make(chan string, 1)
	s := start(t, target(t, hello), https, func(o *Options, _ *config.Config) { o.connLog = accesslog.Stream(texts{conns}) })
	w := s.secure()
	w.say(get)
	w.answer()
	line := strings.Fields(<-conns)
	e := s.entry()
	port := fmt.Sprint(s.bal.listeners[0].port)
	if len(line) != 15 || line[1] != "127.0.0.1" || line[3] != port || line[4] != "TLSv1.2" || line[5] != e.Cipher || line[11] != e.ConnTraceID || line[13] != e.ELB {
		t.Errorf("line %q, request %+v", line, e)
	}
}
