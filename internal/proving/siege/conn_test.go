package siege

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
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
