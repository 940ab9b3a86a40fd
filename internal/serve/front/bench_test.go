package front

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
)

// benchRequest is what a browser sends through a load balancer.
const benchRequest = "GET /hello?x=1 HTTP/1.1\r\nHost: www.example.org\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n" +
	"X-Forwarded-Port: 443\r\nX-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n" +
	"Accept: text/html\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en\r\nCookie: sessionid=0123456789abcdef\r\n\r\n"

// A request in the steady state allocates nothing, from the first byte of its head to the last of its answer.
func TestRequest_AllocatesNothing(t *testing.T) {
	f, err := New(Options{Door: instant{}})
	if err != nil {
		t.Fatal(err)
	}
	socket, err := Listener{Address: "127.0.0.1:0"}.Open()
	if err != nil {
		t.Fatal(err)
	}
	f.Serve(socket)
	defer func() {
		if err := f.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	c, err := net.Dial("tcp", socket.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, w := range []struct{ name, raw string }{
		{"a GET", benchRequest},
		{"a POST", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n" + strings.Repeat("x", 10000)},
	} {
		request, buf := []byte(w.raw), make([]byte, 4096)
		ask := func() {
			if _, err := c.Write(request); err != nil {
				t.Fatal(err)
			}
			for n := 0; !bytes.HasSuffix(buf[:n], helloBody); {
				m, err := c.Read(buf[n:])
				if err != nil {
					t.Fatal(err)
				}
				n += m
			}
		}
		for range 100 { // what is kept between requests is made
			ask()
		}
		if n := testing.AllocsPerRun(2000, ask); n >= 1 {
			t.Errorf("%s: %v allocations", w.name, n)
		}
	}
}

// instant answers within Submit, so that only the front is measured.
type instant struct{}

var (
	helloFields = []exchange.Field{{Name: "Content-Type", Value: "text/plain"}}
	helloBody   = []byte("hello world\n")
)

func (instant) Submit(r *exchange.Request) {
	r.Answer.Start(exchange.Head{Status: 200, Length: int64(len(helloBody)), Fields: helloFields})
	r.Answer.Write(helloBody, false)
	r.Answer.End(exchange.Facts{})
}
func (instant) Cancel(exchange.ID) {}
func (instant) Resume(exchange.ID) {}

// asked sends requests over one connection, each after the last one's answer.
func asked(b *testing.B, addr string) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	request, buf := []byte(benchRequest), make([]byte, 4096)
	b.ReportAllocs()
	b.ResetTimer()
	before := cpuTime(b)
	for range b.N {
		if _, err := c.Write(request); err != nil {
			b.Fatal(err)
		}
		n := 0
		for !bytes.HasSuffix(buf[:n], helloBody) {
			m, err := c.Read(buf[n:])
			if err != nil {
				b.Fatal(err)
			}
			n += m
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
}

// cpuTime is what this process has used of the processors, in nanoseconds. On a busy machine it says
// more than the clock.
func cpuTime(b *testing.B) int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func benchmarkDoor(b *testing.B, door exchange.Door) {
	f, err := New(Options{Door: door})
	if err != nil {
		b.Fatal(err)
	}
	socket, err := Listener{Address: "127.0.0.1:0"}.Open()
	if err != nil {
		b.Fatal(err)
	}
	f.Serve(socket)
	asked(b, socket.Addr().String())
	if err := f.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkHello_Front(b *testing.B) { benchmarkDoor(b, instant{}) }

// BenchmarkHello_AnsweredElsewhere answers on another goroutine.
func BenchmarkHello_AnsweredElsewhere(b *testing.B) {
	door := make(elsewhere, 16)
	go func() {
		for r := range door {
			instant{}.Submit(r)
		}
	}()
	benchmarkDoor(b, door)
	close(door)
}

type elsewhere chan *exchange.Request

func (l elsewhere) Submit(r *exchange.Request) { l <- r }
func (elsewhere) Cancel(exchange.ID)           {}
func (elsewhere) Resume(exchange.ID)           {}

// BenchmarkHello_NetHTTP is the same with Go's net/http, without any of what the front does besides.
func BenchmarkHello_NetHTTP(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(helloBody)
	})}
	go func() { _ = s.Serve(l) }()
	asked(b, l.Addr().String())
	s.Close()
}

// BenchmarkHello_Echo is the least that two goroutines and a connection cost here: a server that reads
// and writes and does nothing else.
func BenchmarkHello_Echo(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		buf := make([]byte, 8192)
		for {
			if _, err := c.Read(buf); err != nil {
				return
			}
			if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello world\n"); err != nil {
				return
			}
		}
	}()
	asked(b, l.Addr().String())
	l.Close()
}
