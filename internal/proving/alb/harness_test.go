package alb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fender/internal/proving/alb/accesslog"
	"fender/internal/proving/alb/config"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// aLongTime is how long a test waits for what must happen.
const aLongTime = 20 * time.Second

// stand is a balancer in front of the test's own target.
type stand struct {
	t    *testing.T
	bal  *Balancer
	addr string
	log  chan accesslog.Entry
}

// lines gives the entries of an access log to the test.
type lines struct{ to chan accesslog.Entry }

func (l lines) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		e, err := accesslog.Parse(strings.TrimSuffix(line, "\n"))
		if err != nil {
			panic(fmt.Sprintf("%q: %v", line, err))
		}
		l.to <- e
	}
	return len(b), nil
}

// setting is what a test wants otherwise than usual.
type setting func(*Options, *config.Config)

// start runs a balancer in front of target, HOST:PORT; "" is no target.
func start(t *testing.T, target string, settings ...setting) *stand {
	t.Helper()
	cfg := config.New("test")
	cfg.Region, cfg.Account = "us-east-2", "123456789012"
	g := config.NewTargetGroup("site")
	g.HealthCheck.Enabled = false // a check would be one more connection to the target
	if target != "" {
		at := netip.MustParseAddrPort(target)
		g.Targets = []config.Target{{ID: at.Addr().String(), Port: int(at.Port())}}
	}
	cfg.TargetGroups = []config.TargetGroup{g}
	cfg.Listeners = []config.Listener{{
		Protocol: config.HTTP, Address: "127.0.0.1",
		DefaultAction: config.Action{Forward: &config.Forward{Groups: []config.WeightedGroup{{TargetGroup: "site", Weight: 1}}}},
	}}
	o := Options{Config: cfg, Linger: 100 * time.Millisecond, Warnings: io.Discard}
	for _, s := range settings {
		s(&o, cfg)
	}
	cfg.Complete()
	log := make(chan accesslog.Entry, 1000)
	o.accessLog = accesslog.Stream(lines{log})
	bal, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{t: t, bal: bal, addr: bal.listeners[0].net.Addr().String(), log: log}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- bal.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// entry is the next line of the access log.
func (s *stand) entry() accesslog.Entry {
	s.t.Helper()
	select {
	case e := <-s.log:
		return e
	case <-time.After(aLongTime):
		s.t.Fatal("no line in the access log")
		panic("unreachable")
	}
}

// dial opens a client's connection.
func (s *stand) dial() *wire {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return newWire(s.t, c)
}

// wire is one end of a connection in the hands of a test.
type wire struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func newWire(t *testing.T, c net.Conn) *wire {
	_ = c.SetDeadline(time.Now().Add(aLongTime))
	return &wire{c, t, bufio.NewReader(c)}
}

func (w *wire) say(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w.Conn, text); err != nil {
		w.t.Errorf("cannot write %.60q: %v", text, err)
	}
}

// head reads to the empty line, which it includes.
func (w *wire) head() string {
	var b strings.Builder
	for {
		line, err := w.r.ReadString('\n')
		b.WriteString(line)
		if err != nil || line == "\r\n" {
			return b.String()
		}
	}
}

// bytes reads n bytes, or fewer if there are no more.
func (w *wire) bytes(n int) string {
	b := make([]byte, n)
	n, _ = io.ReadFull(w.r, b)
	return string(b[:n])
}

// rest reads to the end. reset says that it was a reset.
func (w *wire) rest() (text string, reset bool) {
	b, err := io.ReadAll(w.r)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.t.Error("the connection was not closed")
	}
	return string(b), err != nil
}

// answer reads one response with Content-Length or chunks; end says that there is none (closed).
func (w *wire) answer() (head, body string) {
	head = w.head()
	length := 0
	if v := header(head, "content-length"); v != "" {
		length, _ = strconv.Atoi(v)
	}
	if header(head, "transfer-encoding") == "chunked" {
		for {
			line, err := w.r.ReadString('\n')
			if err != nil {
				return head, body + "<cut>"
			}
			n, _ := strconv.ParseInt(strings.TrimSpace(line), 16, 32)
			if n == 0 {
				w.bytes(2)
				return head, body
			}
			body += w.bytes(int(n))
			w.bytes(2)
		}
	}
	return head, w.bytes(length)
}

// reset closes the connection with RST.
func (w *wire) reset() {
	_ = w.Conn.(*net.TCPConn).SetLinger(0)
	_ = w.Close()
}

func header(head, name string) string {
	for line := range strings.Lines(head) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(k, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func status(head string) int {
	if len(head) < 12 {
		return 0
	}
	n, _ := strconv.Atoi(head[9:12])
	return n
}

// target runs a server that does with each connection what serve says, and gives its address. The
// number of the connection counts from 0.
func target(t *testing.T, serve func(w *wire, n int)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				serve(newWire(t, c), n)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
	})
	return l.Addr().String()
}

// hello answers every request without a body until the connection ends.
func hello(w *wire, _ int) {
	for {
		if head := w.head(); !strings.HasSuffix(head, "\r\n\r\n") {
			return
		}
		w.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
	}
}

// echo answers with the head that it got.
func echo(w *wire, _ int) {
	for {
		head := w.head()
		if !strings.HasSuffix(head, "\r\n\r\n") {
			return
		}
		n, _ := strconv.Atoi(header(head, "content-length"))
		body := w.bytes(n)
		w.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%s", len(head)+n, head, body))
	}
}

func idle(d time.Duration) setting {
	return func(_ *Options, c *config.Config) { c.LoadBalancer.IdleTimeout = d }
}

// signs are those of the three times: "+ + -".
func signs(e accesslog.Entry) string {
	b := []string{"+", "+", "+"}
	for i, d := range []time.Duration{e.RequestTime, e.TargetTime, e.ResponseTime} {
		if d < 0 {
			b[i] = "-"
		}
	}
	return strings.Join(b, " ")
}
