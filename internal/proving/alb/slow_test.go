package alb

import (
	"io"
	"net"
	"testing"
	"time"

	"fender/internal/proving/alb/message"
)

// slow is a connection on which the first write takes an hour, as the balancer's clock sees it. What
// happens meanwhile is done behind it.
type slow struct {
	net.Conn
	meanwhile func()
}

func (s *slow) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	if s.meanwhile != nil {
		s.meanwhile()
		s.meanwhile = nil
	}
	return n, err
}

// between is a client's and a target's connection to a balancer that does not run, with an exchange.
type between struct {
	client, target *wire // their ends
	c              *client
	b              *backend
	toClient       *slow
	toTarget       *slow
}

func newBetween(t *testing.T) *between {
	bal := &Balancer{started: time.Now()}
	bal.lb.IdleTimeout = time.Minute
	s := &service{bal: bal}
	l := &listener{bal: bal, scheme: "http"}
	client, ours := pair(t)
	target, theirs := pair(t)
	w := &between{client: client, target: target, toClient: &slow{Conn: ours}, toTarget: &slow{Conn: theirs}}
	w.c = newClient(l, w.toClient, peer{})
	w.b = newBackend(&pool{service: s}, w.toTarget)
	w.c.newExchange()
	w.c.ex.keep, w.c.ex.service = true, s
	w.c.ex.backend.Store(w.b)
	w.b.ex.Store(&w.c.ex)
	return w
}

// hour lets an hour pass, so that both sides' deadlines do, too.
func (w *between) hour() {
	w.c.bal.started = w.c.bal.started.Add(-time.Hour)
	_ = w.toClient.SetReadDeadline(past)
	_ = w.toTarget.SetReadDeadline(past)
}

// pair are the two ends of a connection.
func pair(t *testing.T) (*wire, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	one, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	other, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = one.Close(), other.Close() })
	return newWire(t, one), other
}

func TestSlowClient_IsNoSilentTarget(t *testing.T) {
	w := newBetween(t)
	w.toClient.meanwhile = func() {
		w.hour()
		w.target.say("again")
	}
	w.target.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
	w.c.ex.done(sentAll)
	if !w.b.respond(&w.c.ex, w.b.fill()) {
		t.Error("the target's connection ends")
	}
	if _, body := w.client.answer(); body != "firstagain" {
		t.Errorf("the client got %q", body)
	}
}

func TestSlowTarget_IsNoSilentClient(t *testing.T) {
	w := newBetween(t)
	w.toTarget.meanwhile = func() {
		w.hour()
		w.client.say("again")
	}
	w.client.say("first")
	w.c.body.reset(&message.Request{Length: 10})
	if !w.c.sendBody(w.b) || !w.c.ex.is(sentAll) || w.c.ex.is(settled) {
		t.Error("the request was given up")
	}
	got := make([]byte, 10)
	if _, err := io.ReadFull(w.target, got); string(got) != "firstagain" {
		t.Errorf("the target got %q, %v", got, err)
	}
}
