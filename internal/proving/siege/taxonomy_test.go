package siege

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// reset ends the connection with an RST.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	c.Close()
}

func TestRun_NamesWhatBecameOfARequest(t *testing.T) {
	long := strings.Repeat("x", longestHead)
	digest, err := ParseSHA256(sum("hello"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		answer string
		end    string // "", fin, rst, hold
		change func(*Options)
		kind   Kind
		status int
		body   int64
	}{
		{name: "whole", answer: hello, body: 5},
		{name: "no body", answer: "HTTP/1.1 204 No Content\r\n\r\n"},
		{name: "not modified has a length and no body", answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"},
		{name: "no reason", answer: "HTTP/1.1 200\r\ncontent-length:5\r\n\r\nhello", body: 5},
		{name: "after 100 and 103", answer: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + hello, body: 5},
		{name: "chunks", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n", body: 5},
		{name: "until the close", answer: "HTTP/1.1 200 OK\r\n\r\nhello", end: "fin", body: 5},
		{name: "announced close", answer: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", end: "fin", body: 5},
		{name: "HTTP/1.0", answer: "HTTP/1.0 200 OK\r\n\r\nhello", end: "fin", body: 5},
		{name: "HTTP/1.0 reset at the end", answer: "HTTP/1.0 200 OK\r\n\r\nhello", end: "rst", kind: ResetAfter},
		{name: "status 404", answer: "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", kind: Status4xx},
		{name: "status 502", answer: "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", kind: Status5xx},
		{name: "status 404 as expected", answer: "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", change: func(o *Options) { o.Expect.Statuses = []int{404} }},
		{name: "200 not as expected", answer: hello, change: func(o *Options) { o.Expect.Statuses = []int{404} }, kind: Status2xx},
		{name: "302 not as expected", answer: "HTTP/1.1 302 F\r\nContent-Length: 0\r\n\r\n", change: func(o *Options) { o.Expect.Statuses = []int{200} }, kind: Status3xx},
		{name: "101 unasked", answer: "HTTP/1.1 101 Switching Protocols\r\n\r\n", kind: Status1xx},
		{name: "closed before", end: "fin", kind: ClosedBefore},
		{name: "reset before", end: "rst", kind: ResetBefore},
		{name: "closed after 100", answer: "HTTP/1.1 100 Continue\r\n\r\n", end: "fin", kind: Truncated},
		{name: "half a head", answer: "HTTP/1.1 200 OK\r\nConte", end: "fin", kind: Truncated},
		{name: "reset after the head", answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", end: "rst", kind: ResetAfter},
		{name: "half a body", answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", end: "fin", kind: Truncated},
		{name: "half the chunks", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n", end: "fin", kind: Truncated},
		{name: "nothing in time", end: "hold", change: quick, kind: Timeout},
		{name: "half in time", answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", end: "hold", change: quick, kind: Timeout},
		{name: "no HTTP", answer: "SSH-2.0-OpenSSH\r\n", end: "hold", kind: BadAnswer},
		{name: "HTTP/2", answer: "HTTP/2.0 200 OK\r\n\r\n", end: "hold", kind: BadAnswer},
		{name: "no status", answer: "HTTP/1.1 abc OK\r\n\r\n", end: "hold", kind: BadAnswer},
		{name: "status 99", answer: "HTTP/1.1 099 OK\r\n\r\n", end: "hold", kind: BadAnswer},
		{name: "status 600", answer: "HTTP/1.1 600 OK\r\n\r\n", end: "hold", kind: BadAnswer},
		{name: "a line without colon", answer: "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", end: "hold", kind: BadAnswer},
		{name: "a folded line", answer: "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", end: "hold", kind: BadAnswer},
		{name: "a bare LF", answer: "HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", end: "hold", kind: BadAnswer},
		{name: "two lengths", answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", end: "hold", kind: BadAnswer},
		{name: "a negative length", answer: "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", end: "hold", kind: BadAnswer},
		{name: "length and chunks", answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", end: "hold", kind: BadAnswer},
		{name: "another coding", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", end: "hold", kind: BadAnswer},
		{name: "a bad chunk size", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", end: "hold", kind: BadAnswer},
		{name: "a chunk that is longer than it says", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n", end: "hold", kind: BadAnswer},
		{name: "a head without end", answer: "HTTP/1.1 200 OK\r\nA: " + long + long, end: "hold", kind: BadAnswer},
		{name: "more than its length", answer: hello + "world", end: "hold", kind: BadAnswer},
		{name: "the body of its hash", answer: hello, change: func(o *Options) { o.Expect.SHA256 = digest }, body: 5},
		{name: "another body", answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello", change: func(o *Options) { o.Expect.SHA256 = digest }, kind: WrongBody},
		{name: "the stated hash", answer: "HTTP/1.1 200 OK\r\nX-Body-Sha256: " + strings.ToUpper(sum("hello")) + "\r\nContent-Length: 5\r\n\r\nhello", change: stated, body: 5},
		{name: "the stated hash of chunks", answer: "HTTP/1.1 200 OK\r\nX-Body-Sha256: " + sum("hello") + "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", change: stated, body: 5},
		{name: "another than the stated hash", answer: "HTTP/1.1 200 OK\r\nX-Body-Sha256: " + sum("world") + "\r\nContent-Length: 5\r\n\r\nhello", change: stated, kind: WrongBody},
		{name: "no stated hash", answer: hello, change: stated, kind: WrongBody},
		{name: "an error has no hash", answer: "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", change: stated, kind: Status5xx},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(_ int, conn *net.TCPConn) {
				if _, ok := hear(conn, 0); !ok {
					return
				}
				_, _ = conn.Write([]byte(c.answer))
				switch c.end {
				case "rst":
					reset(conn)
				case "fin":
				default:
					hear(conn, 0) // until the client leaves
				}
			})
			r := once(t, s.addr, 1, c.change)
			want := map[string]int64{}
			if c.kind != OK {
				want[c.kind.String()] = 1
			}
			if diff := cmp.Diff(want, r.Failures); diff != "" || r.Requests != 1 {
				t.Fatalf("%d requests, failures %s\n%+v", r.Requests, diff, r.Examples)
			}
			if c.kind == OK {
				if r.BodyBytes != c.body || r.OK != 1 || len(r.Examples) != 0 {
					t.Errorf("%+v", r)
				}
				return
			}
			e := r.Examples[0]
			if len(r.Examples) != 1 || e.Kind != c.kind.String() || e.URL != "http://"+s.addr+"/x" || e.Seen == "" || e.Time.IsZero() || e.Reused != 0 {
				t.Errorf("%+v", r.Examples)
			}
		})
	}
}

func quick(o *Options)  { o.Timeout = 400 * time.Millisecond }
func stated(o *Options) { o.Expect.Header = true }

func TestRun_NobodyListensIsRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	r := once(t, addr, 2, nil)
	if r.Failures["refused"] != 2 || r.Connections.Opened != 0 || r.Availability != 0 {
		t.Errorf("%+v", r)
	}
}

func TestRun_NoConnectionInTime(t *testing.T) {
	// A listener whose queue is full answers no further SYN.
	addr := fullListener(t)
	r := once(t, addr, 1, func(o *Options) { o.ConnectTimeout = 50 * time.Millisecond })
	if r.Failures["connect-timeout"] != 1 {
		t.Errorf("%+v", r.Failures)
	}
}

func TestRun_NoTLSIsSeen(t *testing.T) {
	s := serve(t, func(_ int, c *net.TCPConn) { _, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) })
	r := once(t, s.addr, 1, func(o *Options) { o.Requests = resolved(t, "https://"+s.addr) })
	if r.Failures["tls"] != 1 {
		t.Errorf("%+v", r.Failures)
	}
}

func TestRun_KeepsAConnectionAndNeverSendsARequestTwice(t *testing.T) {
	// The third request of the first connection meets its unannounced end.
	asked := make(chan string, 10)
	s := serve(t, func(n int, c *net.TCPConn) {
		for i := 0; ; i++ {
			head, ok := hear(c, 0)
			if !ok {
				return
			}
			asked <- head
			if n == 0 && i == 2 {
				return
			}
			fmt.Fprint(c, hello)
		}
	})
	r := once(t, s.addr, 5, nil)
	if r.OK != 4 || r.Failures["closed-before"] != 1 || len(asked) != 5 || r.Connections.Opened != 2 {
		t.Fatalf("%d ok, %v, %d requests seen, %d connections", r.OK, r.Failures, len(asked), r.Connections.Opened)
	}
	if r.Examples[0].Reused != 2 {
		t.Errorf("%+v", r.Examples[0])
	}
}

func TestSeen_NamesALimitOfThisMachine(t *testing.T) {
	err := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EADDRNOTAVAIL)}
	if got := seen(&outcome{kind: connectKind(err), err: err}); got != "no free local port for a connection to this address" {
		t.Error(got)
	}
}
