package group

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fender/internal/proving/alb/accesslog"
	"fender/internal/proving/alb/config"

	"github.com/google/go-cmp/cmp"
)

// target serves one connection after the other with act and is a target to check.
func target(t *testing.T, act func(net.Conn)) *Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			act(c)
			c.Close()
		}
	})
	t.Cleanup(func() {
		l.Close()
		served.Wait()
	})
	return newTarget(idOf(l.Addr()))
}

func idOf(a net.Addr) config.Target {
	host, port, _ := net.SplitHostPort(a.String())
	n, _ := strconv.Atoi(port)
	return config.Target{ID: host, Port: n}
}

// says is a target that reads a request's head and answers with that text.
func says(text string) func(net.Conn) {
	return func(c net.Conn) {
		readUntilBlank(c)
		_, _ = io.WriteString(c, text)
	}
}

func readUntilBlank(c net.Conn) (head string) {
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		head += line
		if err != nil || line == "\r\n" {
			return head
		}
	}
}

func group(change func(*config.TargetGroup)) *Group {
	return New(settings(func(c *config.TargetGroup) {
		c.HealthCheck.Timeout = 5 * time.Second
		if change != nil {
			change(c)
		}
	}), Options{})
}

func TestRequest_WhatAWSSends(t *testing.T) {
	var head string
	tg := target(t, func(c net.Conn) {
		head = readUntilBlank(c)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("the connection goes on with %d bytes, %v", n, err)
		}
	})
	g := group(func(c *config.TargetGroup) { c.HealthCheck.Path = "/health?x=1" })
	if r := g.request(t.Context(), tg); r != good {
		t.Errorf("%+v", r)
	}
	want := "GET /health?x=1 HTTP/1.1\r\nHost: " + tg.Addr + "\r\nConnection: close\r\nUser-Agent: ELB-HealthChecker/2.0\r\nAccept-Encoding: gzip, compressed\r\n\r\n"
	if diff := cmp.Diff(want, head); diff != "" {
		t.Error(diff)
	}
}

func TestRequest_Verdicts(t *testing.T) {
	malformed := result{reason: FailedHealthChecks, logged: connectionReset}
	for text, want := range map[string]result{
		"HTTP/1.1 200 OK\r\n\r\n":                                              good,
		"HTTP/1.0 200\nA: b\n\n" + strings.Repeat("x", 100000):                 good,
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nA: b\r\n\r\n": {pass: true, code: 204},
		"HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n":                            {code: 301, reason: ResponseCodeMismatch, logged: codeMismatch},
		"HTTP/1.1 503 Service Unavailable\r\n\r\n":                             {code: 503, reason: ResponseCodeMismatch, logged: targetError},
		"":                                    malformed,
		"HTTP/1.1 200 OK\r\nA: b\r\n":         malformed,
		"HTTP/1.1 200 OK\r\nno colon\r\n\r\n": malformed,
		"HTTP/2.0 200 OK\r\n\r\n":             malformed,
		"HTTP/1.1 2000 OK\r\n\r\n":            malformed,
		"SSH-2.0-OpenSSH\r\n\r\n":             malformed,
		"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", maxHead) + "\r\n\r\n": malformed,
	} {
		g := group(func(c *config.TargetGroup) { c.HealthCheck.Matcher, _ = config.ParseMatcher("200-299") })
		if got := g.request(t.Context(), target(t, says(text))); got != want {
			t.Errorf("%.60q: %+v, want %+v", text, got, want)
		}
	}
}

func TestRequest_ConnectionsThatFail(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := newTarget(idOf(l.Addr()))
	l.Close()
	if got := group(nil).request(t.Context(), closed); got != refused {
		t.Errorf("a closed port: %+v", got)
	}
	reset := target(t, func(c net.Conn) {
		readUntilBlank(c)
		_ = c.(*net.TCPConn).SetLinger(0)
	})
	if got := group(nil).request(t.Context(), reset); got != refused {
		t.Errorf("a reset: %+v", got)
	}
	if got := group(nil).request(t.Context(), newTarget(config.Target{ID: "no.such.host.invalid", Port: 80})); got != (result{reason: FailedHealthChecks, logged: internalError}) {
		t.Errorf("a name that is none: %+v", got)
	}
	if got := verdict(0, syscall.EMFILE, config.Matcher{}); got.reason != InternalError {
		t.Errorf("no descriptors: %+v", got)
	}
}

func TestRequest_ATargetThatSaysNothingTimesOut(t *testing.T) {
	mute := target(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	g := group(func(c *config.TargetGroup) { c.HealthCheck.Timeout = 50 * time.Millisecond })
	if got := g.request(t.Context(), mute); got != silent {
		t.Errorf("%+v", got)
	}
	slow := target(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nA: ")
		_, _ = io.Copy(io.Discard, c)
	})
	if got := g.request(t.Context(), slow); got != silent {
		t.Errorf("half a head: %+v", got)
	}
}

func TestRequest_HTTPSDoesNotLookAtTheCertificate(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.UserAgent() != userAgent || r.ProtoMajor != 1 {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer s.Close()
	secure := func(c *config.TargetGroup) { c.HealthCheck.Protocol = config.HTTPS }
	if got := group(secure).request(t.Context(), newTarget(idOf(s.Listener.Addr()))); got != good {
		t.Errorf("%+v", got)
	}
	if got := group(secure).request(t.Context(), target(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1<<10))
		_, _ = io.WriteString(c, "HTTP/1.1 400 no TLS here\r\n\r\n")
	})); got.pass || got.reason != FailedHealthChecks {
		t.Errorf("no TLS: %+v", got)
	}
}

func TestRequest_HTTP2(t *testing.T) {
	for _, secure := range []bool{true, false} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor != 2 || r.UserAgent() != userAgent || r.URL.Path != "/h" || r.Method != http.MethodGet {
				w.WriteHeader(http.StatusBadRequest)
			}
		}))
		s.Config.Protocols = new(http.Protocols)
		s.Config.Protocols.SetHTTP2(true)
		s.Config.Protocols.SetUnencryptedHTTP2(true)
		s.EnableHTTP2 = true
		if secure {
			s.StartTLS()
		} else {
			s.Start()
		}
		g := group(func(c *config.TargetGroup) {
			c.ProtocolVersion, c.HealthCheck.Path = config.HTTP2, "/h"
			if secure {
				c.HealthCheck.Protocol = config.HTTPS
			}
		})
		if got := g.request(t.Context(), newTarget(idOf(s.Listener.Addr()))); got != good {
			t.Errorf("TLS %v: %+v", secure, got)
		}
		s.Close()
	}
}

// TestRequest_HTTP2LeavesNoConnection: a check ends with its connection, also when the answer is long.
func TestRequest_HTTP2LeavesNoConnection(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 1<<20))
	}))
	closed := make(chan struct{})
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			close(closed)
		}
	}
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	defer s.Close()
	g := group(func(c *config.TargetGroup) { c.ProtocolVersion = config.HTTP2 })
	if got := g.request(t.Context(), newTarget(idOf(s.Listener.Addr()))); got != good {
		t.Errorf("%+v", got)
	}
	<-closed
}

func TestHostOf_HasThePortOnlyIfItIsNotTheUsualOne(t *testing.T) {
	for _, c := range []struct {
		p    config.Protocol
		id   string
		port int
		want string
	}{
		{config.HTTP, "10.0.0.1", 80, "10.0.0.1"}, {config.HTTP, "10.0.0.1", 443, "10.0.0.1:443"}, {config.HTTPS, "10.0.0.1", 443, "10.0.0.1"},
		{config.HTTP, "10.0.0.1", 8000, "10.0.0.1:8000"}, {config.HTTP, "::1", 80, "[::1]"}, {config.HTTP, "::1", 81, "[::1]:81"},
	} {
		if got := hostOf(c.p, c.id, c.port); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// records hands each line of a log on.
type records chan string

func (r records) Write(lines []byte) (int, error) { r <- string(lines); return len(lines), nil }

// TestRun_AgainstARealTarget goes the whole way, outside of a bubble: a real target, a real log, the end.
func TestRun_AgainstARealTarget(t *testing.T) {
	tg := target(t, says("HTTP/1.1 200 OK\r\n\r\n"))
	lines := make(records, 8)
	log := accesslog.New(accesslog.Stream(lines), nil)
	c := settings(nil)
	c.Targets = []config.Target{tg.ID}
	g := New(c, Options{HealthLog: log, LoadBalancer: "app/a/b"})
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { g.Run(ctx) })
	all.Go(func() { _ = log.Run(ctx) })
	got := strings.Fields(<-lines)
	stop()
	all.Wait()
	if len(got) != 10 || got[0] != "http" || got[3] != tg.Addr || strings.Join(got[4:9], " ") != "web PASS 200 - app/a/b" {
		t.Errorf("logged %q", got)
	}
}

// TestRun_EndsAtOnceAlthoughACheckHangs: nothing waits for a target at the end.
func TestRun_EndsAtOnceAlthoughACheckHangs(t *testing.T) {
	begun := make(chan struct{})
	tg := target(t, func(c net.Conn) {
		close(begun)
		_, _ = io.Copy(io.Discard, c)
	})
	c := settings(func(c *config.TargetGroup) {
		c.HealthCheck.Timeout, c.HealthCheck.Interval, c.HealthCheck.Unhealthy = time.Hour, time.Hour, 1
	})
	c.Targets = []config.Target{tg.ID}
	g := New(c, Options{})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.Run(ctx)
	}()
	<-begun
	stop()
	<-done
	if got := g.Describe()[0]; got.State != Initial {
		t.Errorf("a check that was cut counts: %+v", got)
	}
}
