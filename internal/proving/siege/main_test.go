package siege

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(childVar) != "" {
		outOfDescriptors()
		return
	}
	goleak.VerifyTestMain(m)
}

// server is a TCP server that does with each connection what the test says. Everything ends with the
// test.
type server struct {
	addr string

	mu    sync.Mutex
	conns []net.Conn
	seen  int // connections
}

func serve(t testing.TB, handle func(n int, c *net.TCPConn)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: l.Addr().String()}
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.seen++
			s.mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				handle(n, c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.mu.Lock()
		for _, c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		wg.Wait()
	})
	return s
}

// hear reads one request up to its empty line, and a body of n bytes.
func hear(c net.Conn, n int) (string, bool) {
	var head []byte
	one := make([]byte, 1)
	for !strings.HasSuffix(string(head), "\r\n\r\n") {
		if _, err := c.Read(one); err != nil {
			return string(head), false
		}
		head = append(head, one[0])
	}
	body := make([]byte, n)
	_, err := io.ReadFull(c, body)
	return string(head) + string(body), err == nil
}

const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

// answering answers every request with text.
func answering(t *testing.T, text string) *server {
	return serve(t, func(_ int, c *net.TCPConn) {
		for {
			if _, ok := hear(c, 0); !ok {
				return
			}
			if _, err := c.Write([]byte(text)); err != nil {
				return
			}
		}
	})
}

// resolved makes requests of their notation, which name loopback addresses.
func resolved(t testing.TB, texts ...string) []*Request {
	t.Helper()
	var all []*Request
	for _, text := range texts {
		q, err := ParseRequest(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, q)
	}
	if err := Resolve(context.Background(), nobody{}, all, false); err != nil {
		t.Fatal(err)
	}
	return all
}

// frugal answers every request with text, and allocates nothing while it does.
func frugal(t testing.TB, text string) *server {
	return serve(t, func(_ int, c *net.TCPConn) {
		buf, answer, n := make([]byte, 4096), []byte(text), 0
		for {
			m, err := c.Read(buf[n:])
			if err != nil {
				return
			}
			if n += m; !bytes.HasSuffix(buf[:n], headEnd) {
				continue
			}
			n = 0
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
	})
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }

// nobody knows no host.
type nobody struct{}

func (nobody) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}

// once runs one user with n requests.
func once(t *testing.T, addr string, n int, change func(*Options)) *Result {
	t.Helper()
	o := Options{Requests: resolved(t, "http://"+addr+"/x"), Phases: []Phase{{Users: 1}}, Reps: n, Timeout: 10 * time.Second}
	if change != nil {
		change(&o)
	}
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
