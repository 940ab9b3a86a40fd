package siege

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"
)

// The buffer ends inside chunks, inside their sizes and between CR and LF.
func TestConn_ReadsChunksOfAllSizes(t *testing.T) {
	t.Parallel()
	random := newRand(7)
	var body, coded strings.Builder
	for body.Len() < 40*firstBuffer {
		part := strings.Repeat(string(rune('a'+random.IntN(26))), 1+random.IntN(1<<(1+random.IntN(15))))
		body.WriteString(part)
		fmt.Fprintf(&coded, "%x;n=%s\r\n%s\r\n", len(part), strings.Repeat("x", random.IntN(100)), part)
	}
	answer := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Body-Sha256: " + sum(body.String()) + "\r\n\r\n" + coded.String() + "0\r\n\r\n"
	s := serve(t, func(n int, c *net.TCPConn) {
		pieces := rand.New(rand.NewPCG(uint64(n), 1))
		for {
			if _, ok := hear(c, 0); !ok {
				return
			}
			for rest := answer; rest != ""; { // in one piece, then in ever others
				n := len(rest)
				if pieces.IntN(3) > 0 {
					n = min(n, 1+pieces.IntN(2*firstBuffer))
				}
				if _, err := c.Write([]byte(rest[:n])); err != nil {
					return
				}
				rest = rest[n:]
			}
		}
	})
	r := once(t, s.addr, 20, func(o *Options) { o.Expect.Header = true })
	if r.OK != 20 || r.BodyBytes != 20*int64(body.Len()) || r.Connections.Opened != 1 {
		t.Errorf("%d ok, %d bytes, %d connections, %+v", r.OK, r.BodyBytes, r.Connections.Opened, r.Examples)
	}
}

func TestConn_ALongHeadIsRead(t *testing.T) {
	t.Parallel()
	s := answering(t, "HTTP/1.1 200 OK\r\nX-Long: "+strings.Repeat("x", 3*firstBuffer)+"\r\nContent-Length: 5\r\n\r\nhello")
	if r := once(t, s.addr, 3, nil); r.OK != 3 || r.Connections.Opened != 1 {
		t.Errorf("%+v", r)
	}
}

func TestConn_ItsEndIsAnnouncedInMoreThanOneWay(t *testing.T) {
	t.Parallel()
	for answer, connections := range map[string]int64{
		"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello":                                3,
		"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\nhello":      1,
		"HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 5\r\n\r\nhello":      3,
		"HTTP/1.1 200 OK\r\nConnection: keep-alive, foo\r\nContent-Length: 5\r\n\r\nhello": 1,
	} {
		s := answering(t, answer)
		if r := once(t, s.addr, 3, nil); r.OK != 3 || r.Connections.Opened != connections {
			t.Errorf("%q: %d ok, %d connections, %v", answer, r.OK, r.Connections.Opened, r.Failures)
		}
	}
}

// A target may close without saying so when it was asked to, as uWSGI does.
func TestConn_WhoAsksForTheCloseMakesNoOtherRequestOnIt(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Options){
		"--connection close": func(o *Options) { o.Headers.Close = true },
		"a header":           func(o *Options) { o.Headers.Lines = []string{"connection: foo, Close"} },
	} {
		s := answering(t, hello)
		if r := once(t, s.addr, 3, change); r.OK != 3 || r.Connections.Opened != 3 {
			t.Errorf("%s: %d ok, %d connections, %v", name, r.OK, r.Connections.Opened, r.Failures)
		}
	}
}

// lone is a connection without a run, and a request for it.
func lone(t *testing.T, notation string, lines ...string) (*conn, *Request) {
	t.Helper()
	q := resolved(t, notation)[0]
	if err := q.write(Headers{Lines: lines}); err != nil {
		t.Fatal(err)
	}
	c := &conn{dial: &dialer{timeout: 10 * time.Second, open: newRegistry(), counts: &counters{}}}
	t.Cleanup(c.drop)
	return c, q
}

func soon() time.Time { return time.Now().Add(10 * time.Second) }

// ending answers one request on its first connection, ends it, and says so.
func ending(t *testing.T, end func(*net.TCPConn)) (addr string, ended <-chan struct{}) {
	done := make(chan struct{})
	s := serve(t, func(n int, c *net.TCPConn) {
		for {
			if _, ok := hear(c, 0); !ok {
				return
			}
			fmt.Fprint(c, hello)
			if n == 0 {
				end(c)
				close(done)
				return
			}
		}
	})
	return s.addr, done
}

func TestConn_ThatEndedWhileIdleIsNoFailure(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"within the timeout": false, "after the timeout": true} {
		addr, ended := ending(t, func(c *net.TCPConn) { c.Close() })
		c, q := lone(t, addr)
		if out := c.do(t.Context(), q, &Expect{}, soon()); out.kind != OK {
			t.Fatalf("%v %v", out.kind, out.err)
		}
		<-ended
		c.idle = c.idle.Add(-time.Hour) // it has lain idle
		if late {
			if err := c.c.SetDeadline(time.Now().Add(-time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		if out := c.do(t.Context(), q, &Expect{}, soon()); out.kind != OK {
			t.Errorf("%s: %v %v", name, out.kind, out.err)
		}
		if n := c.dial.counts; n.idleClosed.Load() != 1 || n.opened.Load() != 2 {
			t.Errorf("%s: %d closed while idle, %d opened", name, n.idleClosed.Load(), n.opened.Load())
		}
	}
}

// The reset comes before the request: it is the writing that meets it.
func TestConn_AResetThatTheWritingMeetsIsOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  func(*net.TCPConn)
		body string
		want Kind
	}{
		"reset":                  {reset, "x", ResetBefore},
		"reset, a long request":  {reset, strings.Repeat("x", 2*inline), ResetBefore},
		"closed, a long request": {func(c *net.TCPConn) { c.Close() }, strings.Repeat("x", 2*inline), ClosedBefore},
		"closed":                 {func(c *net.TCPConn) { c.Close() }, "x", ClosedBefore},
	} {
		addr, ended := ending(t, c.end)
		conn, get := lone(t, addr)
		_, post := lone(t, addr+" POST x")
		post.Body = []byte(c.body)
		if err := post.write(Headers{}); err != nil {
			t.Fatal(err)
		}
		if out := conn.do(t.Context(), get, &Expect{}, soon()); out.kind != OK {
			t.Fatalf("%v %v", out.kind, out.err)
		}
		<-ended
		conn.idle = time.Now().Add(time.Hour) // it was used just now
		if out := conn.do(t.Context(), post, &Expect{}, soon()); out.kind != c.want {
			t.Errorf("%s: %v %v, want %v", name, out.kind, out.err, c.want)
		}
	}
}

func TestConn_KeepsTheCauseOfARefusedBody(t *testing.T) {
	t.Parallel()
	s := serve(t, func(_ int, c *net.TCPConn) {
		hear(c, 0)
		fmt.Fprint(c, "HTTP/1.1 413 No\r\nX-Fender-Cause: body-too-large\r\nContent-Length: 100000\r\n\r\n")
		fmt.Fprint(c, strings.Repeat("y", 100_000)) // over the head in the buffer
		hear(c, 0)
	})
	c, q := lone(t, s.addr+" POST abc", "Expect: 100-continue")
	if out := c.do(t.Context(), q, &Expect{}, soon()); out.kind != Status4xx || out.cause != "body-too-large" {
		t.Errorf("%v %v, cause %q", out.kind, out.err, out.cause)
	}
}

func TestConn_AHeadThatDoesNotEndHasBegun(t *testing.T) {
	t.Parallel()
	s := answering(t, "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello") // LF, and no CR
	r := once(t, s.addr, 1, quick)
	if r.Failures["timeout"] != 1 || r.Examples[0].Seen != "no complete answer in time, it had begun" {
		t.Errorf("%+v", r.Examples)
	}
}

func TestConn_AfterAnUpgradeItIsNoHTTP(t *testing.T) {
	t.Parallel()
	s := answering(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: keep-alive, Upgrade\r\n\r\n")
	if r := once(t, s.addr, 3, nil); r.Failures["status-1xx"] != 3 || r.Connections.Opened != 3 {
		t.Errorf("%v, %d connections", r.Failures, r.Connections.Opened)
	}
}

func TestConn_WhatTheTargetSaysMovesNoCursor(t *testing.T) {
	t.Parallel()
	s := answering(t, "HTTP/1.1 200 OK\r\nX-Fender-Cause: \x1b[2J"+strings.Repeat("c", 100)+"\r\nX-Body-Sha256: \x1b[2J\r\nContent-Length: 0\r\n\r\n")
	r := once(t, s.addr, 1, func(o *Options) { o.Expect.Header = true })
	var b strings.Builder
	if err := r.Summary(&b); err != nil {
		t.Fatal(err)
	}
	if r.Failures["wrong-body"] != 1 || strings.Contains(b.String(), "\x1b") || !strings.Contains(b.String(), `cause \x1b[2Jcc`) || len(r.Examples[0].Cause) > 80 {
		t.Errorf("%v\n%q", r.Failures, b.String())
	}
}

func TestConn_AnAnswerIsWholeThoughTheRequestIsNot(t *testing.T) {
	t.Parallel()
	left := make(chan struct{})
	s := serve(t, func(_ int, c *net.TCPConn) {
		hear(c, 0)
		fmt.Fprint(c, hello)
		<-left // it reads no body
	})
	c, q := lone(t, s.addr+" POST x")
	q.Body = make([]byte, 64<<20)
	if err := q.write(Headers{}); err != nil {
		t.Fatal(err)
	}
	out := c.do(t.Context(), q, &Expect{}, time.Now().Add(time.Hour)) // nobody waits for that
	close(left)
	if out.kind != OK || c.c != nil {
		t.Errorf("%v %v, %v", out.kind, out.err, c.c)
	}
}

func TestRun_NoStormOfAttemptsWhenNobodyIsThere(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	r := once(t, addr, 0, func(o *Options) { o.Phases[0].For = 6 * connectPause })
	if r.Requests < 1 || r.Requests > 7 || r.Failures["refused"] != r.Requests {
		t.Errorf("%d attempts in six pauses, %v", r.Requests, r.Failures)
	}
}
