package alb

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fender/internal/proving/alb/config"
)

func TestTargetConnection_IsUsedAgain(t *testing.T) {
	var opened atomic.Int32
	s := start(t, target(t, func(w *wire, n int) {
		opened.Add(1)
		hello(w, n)
	}))
	for range 3 { // a connection of its own for each client, one to the target for all
		w := s.dial()
		for range 3 {
			w.say(get)
			w.answer()
			s.entry() // when it is logged the connection is free
		}
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections to the target", n)
	}
}

func TestTargetConnection_IsNotUsedAgain(t *testing.T) {
	for _, c := range []struct{ name, request, response string }{
		{"the target says close", get, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"},
		{"the target speaks HTTP/1.0", get, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
		{"more than the response came", get, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		{"the request was ambiguous", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var opened atomic.Int32
			s := start(t, target(t, func(w *wire, _ int) {
				opened.Add(1)
				for strings.HasSuffix(w.head(), "\r\n\r\n") {
					w.say(c.response)
				}
			}))
			for range 2 {
				w := s.dial()
				w.say(c.request)
				w.answer()
				s.entry()
			}
			if n := opened.Load(); n != 2 {
				t.Errorf("%d connections to the target, want 2", n)
			}
		})
	}
}

func TestDesync_ClosesTheClientsConnectionToo(t *testing.T) {
	s := start(t, target(t, hello))
	w := s.dial()
	w.say("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
	if head, _ := w.answer(); header(head, "connection") != "close" {
		t.Errorf("got:\n%s", head)
	}
	if rest, reset := w.rest(); rest != "" || reset {
		t.Errorf("then %q, reset %v", rest, reset)
	}
	if e := s.entry(); e.Classification != "Ambiguous" || e.ClassificationCause != "UndefinedContentLengthSemantics" || e.Status != 200 {
		t.Errorf("logged %+v", e)
	}
}

func TestDesync_ModesDiffer(t *testing.T) {
	ambiguous := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"
	severe := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"
	acceptable := "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
	for _, c := range []struct {
		mode                          config.DesyncMode
		acceptable, ambiguous, severe string
	}{
		{config.DesyncMonitor, "200 keep-alive", "200 keep-alive", "200 keep-alive"},
		{config.DesyncDefensive, "200 keep-alive", "200 close", "400 close"},
		{config.DesyncStrictest, "400 close", "400 close", "400 close"},
	} {
		s := start(t, target(t, echo), func(_ *Options, cfg *config.Config) { cfg.LoadBalancer.Desync = c.mode })
		for request, want := range map[string]string{acceptable: c.acceptable, ambiguous: c.ambiguous, severe: c.severe} {
			w := s.dial()
			w.say(request)
			head, _ := w.answer()
			if got := fmt.Sprintf("%d %s", status(head), header(head, "connection")); got != want {
				t.Errorf("%s: %.70q: %s, want %s", c.mode, request, got, want)
			}
		}
	}
}

func TestKeepaliveRace_IsA502WithAnEmptyThirdTime(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{})
	s := start(t, target(t, func(w *wire, _ int) {
		w.head()
		w.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		_ = w.Close()
		closed <- struct{}{}
	}), func(o *Options, _ *config.Config) { o.FinDelay = 2 * time.Second })
	w := s.dial()
	w.say(get)
	w.answer()
	<-closed
	s.entry()
	w.say(get)
	head, _ := w.answer()
	if e := s.entry(); status(head) != 502 || e.Status != 502 || signs(e) != "+ + -" || e.Sent != 277 || e.TargetStatus != 0 {
		t.Errorf("got %d, logged %d %s %d", status(head), e.Status, signs(e), e.Sent)
	}
	w.say(get) // that connection is gone now, the next request gets a new one
	if head, _ := w.answer(); status(head) != 200 {
		t.Errorf("then %d", status(head))
	}
	<-closed
}

func TestFinDelay_EndsAndTheConnectionIsForgotten(t *testing.T) {
	first := make(chan struct{})
	s := start(t, target(t, func(w *wire, n int) {
		if n > 0 {
			hello(w, n)
			return
		}
		w.head()
		w.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		_ = w.Conn.(*net.TCPConn).CloseWrite()
		_, _ = w.rest() // until the balancer has let go of it
		close(first)
	}), func(o *Options, _ *config.Config) { o.FinDelay = time.Millisecond })
	w := s.dial()
	w.say(get)
	w.answer()
	s.entry()
	<-first
	w.say(get)
	if head, _ := w.answer(); status(head) != 200 {
		t.Errorf("got %d", status(head))
	}
}

func TestFinDelay_EndsAtTheIdleTimeoutAtTheLatest(t *testing.T) {
	for name, end := range map[string]func(w *wire){
		"the target's FIN":       func(w *wire) { _ = w.Conn.(*net.TCPConn).CloseWrite() },
		"the balancer's timeout": func(*wire) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			let := make(chan struct{}, 1)
			s := start(t, target(t, func(w *wire, n int) {
				w.head()
				w.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				end(w)
				_, _ = w.rest()
				let <- struct{}{}
			}), idle(500*time.Millisecond), func(o *Options, _ *config.Config) { o.FinDelay = time.Hour })
			w := s.dial()
			w.say(get)
			w.answer()
			<-let
			w = s.dial()
			w.say(get)
			if head, _ := w.answer(); status(head) != 200 {
				t.Errorf("got %d", status(head))
			}
		})
	}
}

func TestIdleTargetConnection_TakenAtTheLastMoment_LivesOn(t *testing.T) {
	conn, err := net.Dial("tcp", target(t, hello))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	bal := &Balancer{started: time.Now().Add(-time.Hour)}
	bal.lb.IdleTimeout = time.Minute
	p := &pool{service: &service{bal: bal}}
	b := newBackend(p, conn)
	p.put(b)
	b.active.Store(0)
	_ = conn.SetReadDeadline(past)
	if err := b.fill(); !errors.Is(err, errUnused) {
		t.Fatalf("after an hour: %v", err)
	}
	if p.take(&exchange{}) != b || b.retire() {
		t.Fatal("it was taken, and retires")
	}
	_ = b.write([]byte(get))
	if err := b.fill(); err != nil || !strings.HasPrefix(string(b.buf[:b.w]), "HTTP/1.1 200") {
		t.Errorf("got %q, %v", b.buf[:b.w], err)
	}
}

func TestIdleTargetConnection_IsClosedAtTheIdleTimeout(t *testing.T) {
	t.Parallel()
	closed := make(chan bool, 1)
	s := start(t, target(t, func(w *wire, _ int) {
		w.head()
		w.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		_, reset := w.rest()
		closed <- reset
	}), idle(500*time.Millisecond))
	w := s.dial()
	w.say(get)
	w.answer()
	if reset := <-closed; reset {
		t.Error("by a reset")
	}
	if rest, reset := w.rest(); rest != "" || reset { // so is the client's
		t.Errorf("the client got %q, reset %v", rest, reset)
	}
	w.say(get) // crossed by the FIN: the first of the two would get a reset
	w.say(get)
}

func TestRequest_IsNeverTriedTwice(t *testing.T) {
	var requests atomic.Int32
	s := start(t, target(t, func(w *wire, _ int) {
		if strings.HasSuffix(w.head(), "\r\n\r\n") {
			requests.Add(1)
		}
	}))
	w := s.dial()
	w.say(get)
	w.answer()
	s.entry()
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests at the target", n)
	}
}

func TestPipelining_StopsAtTheBalancer(t *testing.T) {
	var inFlight, most atomic.Int32
	release := make(chan struct{})
	s := start(t, target(t, func(w *wire, _ int) {
		for strings.HasSuffix(w.head(), "\r\n\r\n") {
			most.Store(max(most.Load(), inFlight.Add(1)))
			<-release
			if w.r.Buffered() > 0 {
				t.Error("a second request came before the first was answered")
			}
			inFlight.Add(-1)
			w.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	}))
	w := s.dial()
	w.say(strings.Repeat(get, 3))
	for range 3 {
		release <- struct{}{}
		if _, body := w.answer(); body != "ok" {
			t.Fatalf("body %q", body)
		}
	}
	if most.Load() != 1 {
		t.Errorf("%d at once", most.Load())
	}
}

func TestClientLeaves_BehindAPipelinedRequest_Is460(t *testing.T) {
	got, cut := make(chan struct{}), make(chan struct{})
	s := start(t, target(t, func(w *wire, _ int) {
		w.head()
		close(got)
		_, _ = w.rest()
		close(cut)
	}))
	w := s.dial()
	w.say(strings.Repeat(get, 100)) // more than the first buffer holds
	<-got
	_ = w.Close()
	if e := s.entry(); e.Status != 460 {
		t.Errorf("logged %d", e.Status)
	}
	<-cut
}

func TestClientLeaves_Is460(t *testing.T) {
	for name, leave := range map[string]func(w *wire){
		"FIN": func(w *wire) { _ = w.Close() },
		"RST": func(w *wire) { w.reset() },
	} {
		t.Run(name, func(t *testing.T) {
			got, cut := make(chan struct{}), make(chan struct{})
			s := start(t, target(t, func(w *wire, _ int) {
				w.head()
				close(got)
				_, _ = w.rest()
				close(cut)
			}))
			w := s.dial()
			w.say(get)
			<-got
			leave(w)
			e := s.entry()
			if e.Status != 460 || e.TargetStatus != 0 || signs(e) != "- - -" || e.Sent != 0 || e.Target == "" {
				t.Errorf("logged %d %d %s, sent %d, target %q", e.Status, e.TargetStatus, signs(e), e.Sent, e.Target)
			}
			<-cut // the target's connection goes with it
		})
	}
}

// TestClientLeaves_AsTheTargetDoes: whoever is first, the line in the log is whole.
func TestClientLeaves_AsTheTargetDoes(t *testing.T) {
	got, leave := make(chan struct{}), make(chan struct{})
	s := start(t, target(t, func(w *wire, _ int) {
		if strings.HasSuffix(w.head(), "\r\n\r\n") {
			got <- struct{}{}
			<-leave
		}
	}))
	for range 500 {
		w := s.dial()
		w.say(get)
		<-got
		leave <- struct{}{}
		_ = w.Close()
		if e := s.entry(); e.Status != 502 && e.Status != 460 || (signs(e) == "- - -") != (e.Status == 460) {
			t.Errorf("logged %d %s", e.Status, signs(e))
		}
	}
}

func TestClientLeaves_InTheBody_Is400(t *testing.T) {
	s := start(t, target(t, func(w *wire, _ int) { w.head(); _, _ = w.rest() }))
	w := s.dial()
	w.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
	_ = w.Close()
	if e := s.entry(); e.Status != 400 || signs(e) != "- - -" {
		t.Errorf("logged %d %s", e.Status, signs(e))
	}
}

func TestClientLeaves_InTheResponse_ItIsShort(t *testing.T) {
	begun := make(chan struct{})
	s := start(t, target(t, func(w *wire, _ int) {
		w.head()
		w.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
		close(begun)
		_, _ = w.rest()
	}))
	w := s.dial()
	w.say(get)
	<-begun
	w.head()
	w.bytes(4)
	_ = w.Close()
	if e := s.entry(); e.Status != 200 || e.TargetStatus != 200 || e.Sent != 66 {
		t.Errorf("logged %d %d, sent %d", e.Status, e.TargetStatus, e.Sent)
	}
}

func TestBegunResponse_IsCutWhenTheTargetBreaks(t *testing.T) {
	for _, c := range []struct {
		name, request, response string
		reset                   bool // of the target
		clientReset             bool
	}{
		{"Content-Length", get, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", false, false},
		{"chunks", get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", false, false},
		{"bad chunks", get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nx\r\n", false, false},
		{"an end by closing, to HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nhalf", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen := make(chan struct{})
			s := start(t, target(t, func(w *wire, _ int) {
				w.head()
				w.say(c.response)
				<-seen
				if c.reset {
					w.reset()
				}
			}))
			w := s.dial()
			w.say(c.request)
			w.head()
			w.bytes(4)
			close(seen)
			rest, reset := w.rest()
			if strings.Contains(rest, "0\r\n\r\n") || reset != c.clientReset {
				t.Errorf("then %q, reset %v", rest, reset)
			}
			if e := s.entry(); e.Status != 200 || e.TargetStatus != 200 {
				t.Errorf("logged %d %d", e.Status, e.TargetStatus)
			}
		})
	}
}

func TestConnectTimeout_Is504WithoutTimes(t *testing.T) {
	s := start(t, deaf(t), func(o *Options, _ *config.Config) { o.ConnectTimeout = 50 * time.Millisecond })
	w := s.dial()
	w.say(get)
	head, _ := w.answer()
	if e := s.entry(); status(head) != 504 || e.Status != 504 || signs(e) != "- - -" || e.Target == "" {
		t.Errorf("got %d, logged %d %s %q", status(head), e.Status, signs(e), e.Target)
	}
}

func TestClientLeaves_WhileConnecting_Is460(t *testing.T) {
	s := start(t, deaf(t), func(o *Options, _ *config.Config) { o.ConnectTimeout = time.Hour })
	w := s.dial()
	w.say(get)
	_ = w.Close()
	if e := s.entry(); e.Status != 460 || signs(e) != "- - -" || e.Target == "" {
		t.Errorf("logged %d %s %q", e.Status, signs(e), e.Target)
	}
}

// deaf is an address whose backlog is full: connections to it are never established.
func deaf(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for { // fill it
		c, err := net.DialTimeout("tcp", addr, 300*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { _ = c.Close() })
	}
}

func TestClientKeepAlive_EndsWithOneMoreRequest(t *testing.T) {
	s := start(t, target(t, hello), func(_ *Options, c *config.Config) { c.LoadBalancer.ClientKeepAlive = time.Nanosecond })
	w := s.dial()
	w.say(get)
	if head, _ := w.answer(); status(head) != 200 || header(head, "connection") != "close" {
		t.Errorf("got:\n%s", head)
	}
	if rest, reset := w.rest(); rest != "" || reset {
		t.Errorf("then %q, reset %v", rest, reset)
	}
}

func TestOldClients_GetWhatTheyUnderstand(t *testing.T) {
	chunks := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
	for _, c := range []struct{ name, request, response, want string }{
		{"1.0", "GET / HTTP/1.0\r\n\r\n", chunks, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"},
		{"1.0 with keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", chunks, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"},
		{"0.9", "GET /\r\n", chunks, "hello"},
		{"0.9 with an empty line", "GET /\r\n\r\n", chunks, "hello"},
		{"0.9 with headers", "GET /\r\nConnection: keep-alive\r\n\r\n", chunks, "hello"},
	} {
		t.Run(c.name, func(t *testing.T) {
			heads := make(chan string, 1)
			s := start(t, target(t, func(w *wire, _ int) {
				heads <- w.head()
				w.say(c.response)
			}))
			w := s.dial()
			w.say(c.request)
			if got, reset := w.rest(); got != c.want || reset {
				t.Errorf("got %q, reset %v", got, reset)
			}
			head := <-heads
			if !strings.HasPrefix(head, "GET / HTTP/1.1\r\n") || !strings.HasPrefix(header(head, "host"), string(s.bal.dnsName)) {
				t.Errorf("the target got:\n%s", head)
			}
		})
	}
	s := start(t, target(t, hello))
	w := s.dial()
	for range 2 {
		w.say("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
		if head, body := w.answer(); body != "hello" || header(head, "connection") != "keep-alive" {
			t.Errorf("got:\n%s%s", head, body)
		}
	}
}

func TestExpect_IsAnsweredByTheBalancer(t *testing.T) {
	s := start(t, target(t, echo))
	w := s.dial()
	w.say("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
	if got := w.head(); got != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Fatalf("got %q", got)
	}
	w.say("hello")
	head, body := w.answer()
	if !strings.HasSuffix(body, "\r\n\r\nhello") || strings.Contains(body, "Expect") {
		t.Errorf("the target got:\n%s", body)
	}
	if e := s.entry(); e.Sent != int64(len(head)+len(body)) {
		t.Errorf("%d bytes are logged, there were %d", e.Sent, len(head)+len(body))
	}
}

func TestUpload_BeginsBeforeItIsComplete(t *testing.T) {
	seen := make(chan string)
	s := start(t, target(t, func(w *wire, _ int) {
		head := w.head()
		seen <- w.bytes(4)
		seen <- w.bytes(4)
		w.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		_ = head
		_, _ = w.rest()
	}))
	w := s.dial()
	w.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n1234")
	if got := <-seen; got != "1234" {
		t.Errorf("first %q", got)
	}
	w.say("5678")
	if got := <-seen; got != "5678" {
		t.Errorf("then %q", got)
	}
	w.answer()
	if e := s.entry(); e.Received < 50 {
		t.Errorf("received %d", e.Received)
	}
}

func TestUpload_AnsweredEarlyDoesNotHurtTheNextRequest(t *testing.T) {
	var opened atomic.Int32
	s := start(t, target(t, func(w *wire, n int) {
		opened.Add(1)
		if n > 0 {
			hello(w, n)
			return
		}
		w.head()
		w.say("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")
		_, _ = w.rest()
	}))
	w := s.dial()
	w.say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n")
	if head, body := w.answer(); status(head) != 403 || body != "no" {
		t.Errorf("got:\n%s%s", head, body)
	}
	w.say("4\r\nmore\r\n0\r\n\r\n" + get)
	if head, body := w.answer(); status(head) != 200 || body != "hello" {
		t.Errorf("got:\n%s%s", head, body)
	}
	if opened.Load() != 2 {
		t.Errorf("%d connections", opened.Load())
	}
}

func TestBigBodies_PassUnchanged(t *testing.T) {
	const size = 3 << 20
	s := start(t, target(t, echo))
	var clients sync.WaitGroup
	for i := range 4 {
		clients.Go(func() {
			w := s.dial()
			body := strings.Repeat(fmt.Sprintf("%d23456789abcdef", i), size/16)
			var sending sync.WaitGroup
			sending.Go(func() {
				w.say(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", len(body)))
				w.say(body)
			})
			if _, got := w.answer(); !strings.HasSuffix(got, "\r\n\r\n"+body) {
				t.Errorf("%d bytes came back", len(got))
			}
			sending.Wait()
		})
	}
	clients.Wait()
}

func TestStalledClient_IsCutAtTheIdleTimeout(t *testing.T) {
	t.Parallel()
	s := start(t, target(t, func(w *wire, _ int) {
		w.head()
		_, _ = w.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"))
		for {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}), idle(500*time.Millisecond))
	w := s.dial()
	w.say(get)
	if e := s.entry(); e.Status != 200 || e.Sent == 0 { // comes when it is cut
		t.Errorf("logged %+v", e)
	}
}

func TestWebSocket_PassesBothWaysAndIsLoggedAtTheEnd(t *testing.T) {
	s := start(t, target(t, func(w *wire, _ int) {
		head := w.head()
		if header(head, "upgrade") != "websocket" || !strings.EqualFold(header(head, "connection"), "upgrade") {
			t.Errorf("the target got:\n%s", head)
		}
		w.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhi")
		for {
			b := w.bytes(4)
			if b == "" {
				return
			}
			w.say("<" + b + ">")
		}
	}))
	w := s.dial()
	w.say("GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nping")
	if head := w.head(); status(head) != 101 || header(head, "upgrade") != "websocket" {
		t.Errorf("got:\n%s", head)
	}
	if got := w.bytes(8); got != "hi<ping>" {
		t.Errorf("got %q", got)
	}
	w.say("pong")
	if got := w.bytes(6); got != "<pong>" {
		t.Errorf("got %q", got)
	}
	select {
	case e := <-s.log:
		t.Errorf("logged before the end: %+v", e)
	default:
	}
	_ = w.Close()
	if e := s.entry(); e.Type != "ws" || e.Status != 101 || e.TargetStatus != 101 || e.Received < 80 {
		t.Errorf("logged %+v", e)
	}
}

func TestWebSocket_EndsAtTheIdleTimeoutAndWithTheTarget(t *testing.T) {
	for name, end := range map[string]func(w *wire){
		"idle":   func(w *wire) { _, _ = w.rest() },
		"target": func(*wire) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, target(t, func(w *wire, _ int) {
				w.head()
				w.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
				end(w)
			}), idle(500*time.Millisecond))
			w := s.dial()
			w.say("GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
			w.head()
			if rest, reset := w.rest(); rest != "" || reset {
				t.Errorf("then %q, reset %v", rest, reset)
			}
			if e := s.entry(); e.Type != "ws" || e.Status != 101 {
				t.Errorf("logged %+v", e)
			}
		})
	}
}

func TestWebSocket_EndsAtOnceWithTheTarget(t *testing.T) {
	s := start(t, target(t, func(w *wire, _ int) {
		w.head()
		w.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		w.bytes(4)
	}))
	w := s.dial()
	w.say("GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
	w.head()
	w.say("ping")
	if rest, reset := w.rest(); rest != "" || reset {
		t.Errorf("then %q, reset %v", rest, reset)
	}
	if e := s.entry(); e.Type != "ws" || e.Status != 101 {
		t.Errorf("logged %+v", e)
	}
}

func TestDeregistrationDelayElapsed_Is502(t *testing.T) {
	got := make(chan struct{})
	at := target(t, func(w *wire, _ int) { w.head(); close(got); _, _ = w.rest() })
	s := start(t, at, func(_ *Options, c *config.Config) { c.TargetGroups[0].DeregistrationDelay = 20 * time.Millisecond })
	w := s.dial()
	w.say(get)
	<-got
	s.bal.groups[0].Deregister(s.bal.cfg.TargetGroups[0].Targets...)
	head, _ := w.answer()
	if e := s.entry(); status(head) != 502 || e.Status != 502 || signs(e) != "+ + -" {
		t.Errorf("got %d, logged %d %s", status(head), e.Status, signs(e))
	}
	w.say(get)
	if head, _ := w.answer(); status(head) != 503 {
		t.Errorf("then %d", status(head))
	}
}
