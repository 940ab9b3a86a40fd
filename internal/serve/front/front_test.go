package front

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fender/internal/exchange"
)

func TestDrain_EndsConnectionsWithTheirNextAnswerAndNotBefore(t *testing.T) {
	s := serve(t, Options{HealthPath: "/healthz"}, mirror(t))
	idle, busy := s.dial(), s.dial()
	if got := idle.get("/"); got.Close {
		t.Error("a connection was ended before draining")
	}
	busy.get("/")
	s.Drain()
	if !s.Draining() {
		t.Error("it does not say that it drains")
	}
	if got := busy.get("/x"); got.code != 200 || !got.Close {
		t.Errorf("%d, close %v", got.code, got.Close)
	}
	if end := busy.ends(); end != "" {
		t.Errorf("ended by %s", end)
	}
	if got := s.dial().get("/new"); got.code != 200 || !got.Close { // new connections are served
		t.Errorf("%d, close %v", got.code, got.Close)
	}
	health := s.dial().get("/healthz")
	if health.code != 503 || health.body != "draining\n" {
		t.Errorf("health: %d %q", health.code, health.body)
	}
	if got := idle.get("/late"); got.code != 200 || !got.Close { // it was idle all the time
		t.Errorf("%d, close %v", got.code, got.Close)
	}
}

func TestQuiet_TellsWhatGoesOn(t *testing.T) {
	jobs := make(chan *job, 1)
	s := serve(t, Options{HealthPath: "/healthz"}, func(j *job) { jobs <- j })
	before := time.Now()
	if q := s.Quiet(); q != (Quiet{}) {
		t.Errorf("at the beginning: %+v", q)
	}
	c := s.dial()
	c.get("/healthz")
	if q := s.Quiet(); q.Connections != 1 || q.Requests != 0 || !q.LastRequest.IsZero() {
		t.Errorf("after a health check: %+v", q)
	}
	s.Drain()
	<-s.Changed()
	c = s.dial()
	c.send(get("/"))
	j := wait(t, "the request", jobs)
	if q := s.Quiet(); q.Requests != 1 || q.LastRequest.Before(before) {
		t.Errorf("with a request: %+v", q)
	}
	j.text("x")
	for s.Quiet().Requests != 0 {
		wait(t, "the change", s.Changed())
	}
	c.ends()
	c.Close()
	for s.Quiet().Connections > 1 { // the health check's is still there
		wait(t, "the change", s.Changed())
	}
}

func TestHealth_IsAnsweredBeforeAnythingElse(t *testing.T) {
	var trouble atomic.Pointer[string]
	s := serve(t, Options{HealthPath: "/healthz", Ready: func() error {
		if why := trouble.Load(); why != nil {
			return errors.New(*why)
		}
		return nil
	}}, mirror(t))
	c := s.dial()
	for _, host := range []string{"10.1.2.3", "whatever:99"} {
		c.send("GET /healthz?x HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
		if got := c.receive("GET"); got.code != 200 || got.body != "ok\n" || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d %q", got.code, got.body)
		}
	}
	c.send("HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
	if got := c.receive("HEAD"); got.code != 200 || got.ContentLength != 3 {
		t.Errorf("HEAD: %d, length %d", got.code, got.ContentLength)
	}
	if got := c.get("/healthz/"); got.body != "GET /healthz/ " {
		t.Errorf("another path: %q", got.body)
	}
	s.entry()
	c.send("POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
	if got := c.receive("POST"); got.body != "POST /healthz " {
		t.Errorf("POST: %q", got.body)
	}
	s.entry()
	c.send("GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
	if got := c.receive("GET"); got.body != "GET /healthz hi" { // no check has a body, and it must be read
		t.Errorf("with a body: %q", got.body)
	}
	s.entry()
	why := "no worker is ready"
	trouble.Store(&why)
	if got := c.get("/healthz"); got.code != 503 || got.body != why+"\n" || got.Header.Get("Retry-After") == "" {
		t.Errorf("not ready: %d %q", got.code, got.body)
	}
	if e := s.entry(); e.Status != 503 || e.Target != "/healthz" || e.Sent != int64(len(why)+1) {
		t.Errorf("logged %+v; good checks are not logged", e)
	}
}

func TestLog_HasTheFactsOfARequest(t *testing.T) {
	s := serve(t, Options{}, mirror(t))
	c := s.dial()
	c.send("POST /a?b=c HTTP/1.1\r\nHost: h:1\r\nUser-Agent: ua\r\nReferer: r\r\nX-Amzn-Trace-Id: t\r\nContent-Length: 2\r\n\r\nhi")
	c.receive("POST")
	first := s.entry()
	if first.Method != http.MethodPost || first.Target != "/a?b=c" || first.Proto != "HTTP/1.1" || first.Host != "h:1" ||
		first.UserAgent != "ua" || first.Referer != "r" || first.TraceID != "t" || first.Client != "127.0.0.1" ||
		first.Received != 2 || first.Sent != int64(len("POST /a?b=c hi")) || first.Time.IsZero() {
		t.Errorf("logged %+v", first)
	}
	c.get("/")
	if second := s.entry(); second.RequestID <= first.RequestID {
		t.Errorf("numbers %d, %d", first.RequestID, second.RequestID)
	}
	for _, method := range []string{"GET", "HEAD"} { // a page, and one without its body
		c := s.dial()
		c.send(method + " /bad HTTP/1.1\r\nHost: h\r\nX-Amzn-Trace-Id: t\r\nX Y: z\r\n\r\n")
		page := c.receive(method)
		if e := s.entry(); e.Status != 400 || e.Cause != "bad-request" || e.Method != method || e.Target != "/bad" ||
			e.Client != "127.0.0.1" || e.Host != "h" || e.TraceID != "t" || page.Header.Get("X-Amzn-Trace-Id") != "t" ||
			e.Sent != int64(len(page.body)) || e.Sent == 0 && method == "GET" {
			t.Errorf("refused: %q, logged %+v", page.body, e)
		}
	}
	if n := s.Counts(); n.Connections != 3 || n.Requests != 2 || n.Refused["bad-name"] != 2 {
		t.Errorf("counts %+v", n)
	}
	for sent, want := range map[string]string{
		"\r\nGET / HTTP/9.9\r\nHost: h\r\n\r\n":           "GET / HTTP/9.9",
		"\x16\x03\x01\x02\x00\x01\n":                      "\x16\x03\x01\x02\x00\x01",
		"GET " + strings.Repeat("x", 300) + " HTTP/9\r\n": "GET " + strings.Repeat("x", 252),
	} {
		c := s.dial()
		c.send(sent)
		c.receive("GET")
		if e := s.entry(); e.Method != "" || e.Target != want {
			t.Errorf("%q: logged %+v", sent, e)
		}
	}
}

func TestAnswer_WithALargeHeadIsGivenAndWarnedAbout(t *testing.T) {
	warnings := make(chan error, 10)
	s := serve(t, Options{Warn: func(err error) { warnings <- err }}, func(j *job) {
		n := 32<<10 - 200
		if j.Path == "/large" {
			n = 32 << 10
		}
		j.start(200, 2, exchange.Field{Name: "Set-Cookie", Value: strings.Repeat("x", n)})
		j.write([]byte("ok"))
		j.end()
	})
	c := s.dial()
	c.get("/small")
	c.get("/large?secret=1")
	if err := wait(t, "a warning", warnings); !strings.Contains(err.Error(), "GET /large has more") {
		t.Errorf("warned: %v", err)
	}
}

func TestClose_AnswersWhatHasBegunAndWhatWaitsToBeAccepted(t *testing.T) {
	jobs := make(chan *job, 10)
	s := serve(t, Options{}, func(j *job) { jobs <- j })
	idle, busy := s.dial(), s.dial()
	idle.send(get("/idle"))
	wait(t, "a request", jobs).text("x")
	idle.receive("GET")
	busy.send(get("/busy"))
	job := wait(t, "a request", jobs)
	closed := make(chan error, 1)
	go func() { closed <- s.Close(context.Background()) }()
	if end := idle.ends(); end != "" {
		t.Errorf("the idle connection ended by %s", end)
	}
	idle.Close()
	job.text("done")
	if got := busy.receive("GET"); got.body != "done" || !got.Close {
		t.Errorf("%q, close %v", got.body, got.Close)
	}
	busy.Close()
	if err := wait(t, "the end", closed); err != nil {
		t.Error(err)
	}
}

func TestClose_TakesWhatTheKernelHasAccepted(t *testing.T) {
	s := &server{t: t, door: &door{app: mirror(t), jobs: map[exchange.ID]*job{}}}
	var err error
	if s.Front, err = New(Options{Door: s.door}); err != nil {
		t.Fatal(err)
	}
	socket, err := Listener{Address: "127.0.0.1:0"}.Open()
	if err != nil {
		t.Fatal(err)
	}
	s.addr = socket.Addr().String()
	var waiting []*client
	for range 20 { // nobody accepts yet
		c := s.dial()
		c.send(get("/waiting"))
		waiting = append(waiting, c)
	}
	other, err := Listener{Address: "127.0.0.1:0"}.Open()
	if err != nil {
		t.Fatal(err)
	}
	s.Serve(other)
	s.do(func() { // it begins to accept and ends in the same turn
		s.listen(socket)
		s.stop()
	})
	closed := make(chan error, 1)
	go func() { closed <- s.Close(context.Background()) }()
	for _, c := range waiting {
		if got := c.receive("GET"); got.body != "GET /waiting " {
			t.Errorf("got %d %q", got.code, got.body)
		}
		c.Close()
	}
	if err := wait(t, "the end", closed); err != nil {
		t.Error(err)
	}
	s.door.running.Wait()
}

func TestConnections_AboveTheBoundWaitToBeAccepted(t *testing.T) {
	warnings := make(chan error, 10)
	var left atomic.Bool
	note := mirror(t)
	s := serve(t, Options{Connections: 2, Warn: func(err error) { warnings <- err }}, func(j *job) {
		if j.Path == "/third" && !left.Load() {
			t.Error("a third connection was served beside two")
		}
		note(j)
	})
	first, second := s.dial(), s.dial()
	first.get("/first")
	second.get("/second")
	if err := wait(t, "a warning", warnings); !strings.Contains(err.Error(), "nofile") {
		t.Errorf("warned: %v", err)
	}
	third := s.dial()
	third.send(get("/third"))
	for range 100 { // time enough to serve it
		second.get("/again")
	}
	left.Store(true)
	first.Close()
	if got := third.receive("GET"); got.body != "GET /third " {
		t.Errorf("when there is a place: %d %q", got.code, got.body)
	}
	fourth := s.dial() // and those who wait when the front closes have done nothing wrong
	fourth.send(get("/fourth"))
	closed := make(chan error, 1)
	go func() { closed <- s.Close(context.Background()) }()
	if got := fourth.receive("GET"); got.body != "GET /fourth " || !got.Close {
		t.Errorf("at the end: %d %q", got.code, got.body)
	}
	for _, c := range []*client{second, third, fourth} {
		c.Close()
	}
	if err := wait(t, "the end", closed); err != nil {
		t.Error(err)
	}
}

func TestClose_GivesUpWhenItsTimeIsOver(t *testing.T) {
	jobs := make(chan *job, 10)
	s := serve(t, Options{}, func(j *job) {
		if j.Path == "/stream" {
			j.start(200, -1)
			j.write([]byte("x"))
		}
		jobs <- j
	})
	waiting, streaming, reading := s.dial(), s.dial(), s.dial()
	waiting.send(get("/wait"))
	streaming.send(get("/stream"))
	reading.send(post(10, "Expect: 100-continue\r\n"))
	if got := reading.receive("POST"); got.code != 100 { // it reads the body now
		t.Fatalf("status %d", got.code)
	}
	reading.send("abc")
	wait(t, "a request", jobs)
	wait(t, "a request", jobs)
	resp, err := http.ReadResponse(streaming.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	closed := make(chan error, 1)
	go func() { closed <- s.Close(ctx) }()
	for _, c := range []*client{waiting, reading} {
		if got := c.receive("GET"); got.code != 503 || got.Header.Get(CauseHeader) != "draining" {
			t.Errorf("%d %v", got.code, got.Header)
		}
	}
	if b, err := readAll(resp); err == nil {
		t.Errorf("a cut answer was taken for whole: %q", b)
	}
	if err := wait(t, "the end", closed); err == nil || !strings.HasPrefix(err.Error(), "3 requests") {
		t.Errorf("error %v", err)
	}
}

// A disk that does not come back must not keep the server from leaving: what is left to a helper then is
// only to close a file.
func TestClose_DoesNotWaitForADiskBeyondItsTime(t *testing.T) {
	for _, at := range []struct {
		name string
		hang func(*Front, func())
	}{
		{"a helper", func(f *Front, hang func()) { f.files.Do(hang) }},
		{"a spooler", func(f *Front, hang func()) { f.spooler.helpers.Do(hang) }},
	} {
		t.Run(at.name, func(t *testing.T) {
			s := serve(t, Options{}, mirror(t))
			let, hangs := make(chan struct{}), make(chan struct{})
			defer close(let)
			at.hang(s.Front, func() { close(hangs); <-let })
			wait(t, "the helper", hangs)
			ctx, cancel := context.WithCancel(context.Background())
			closed := make(chan error, 1)
			go func() { closed <- s.Close(ctx) }()
			wait(t, "the last connection", s.gone) // there is none
			cancel()
			if err := wait(t, "the end", closed); err != nil {
				t.Error(err) // no request was lost
			}
		})
	}
}
