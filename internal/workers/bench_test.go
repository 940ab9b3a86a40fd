package workers

import (
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fender/internal/exchange"
	"fender/internal/observe/event"
	"fender/internal/workers/pool"
	"fender/internal/workers/wire"
)

// client asks again as soon as it is answered, until there is nothing left to ask.
type client struct {
	w    *Workshop
	req  exchange.Request
	left *atomic.Int64
	ids  *atomic.Uint64
	all  *sync.WaitGroup
	bad  *atomic.Int64
}

func (c *client) ask() {
	if c.left.Add(-1) < 0 {
		c.all.Done()
		return
	}
	c.req.ID = exchange.ID(c.ids.Add(1))
	c.w.Submit(&c.req)
}
func (c *client) Start(exchange.Head)     {}
func (c *client) Write([]byte, bool) bool { return true }
func (c *client) WriteBlock(_ []byte, b *exchange.Block) bool {
	b.Free()
	return true
}
func (c *client) SendFile(f *os.File, _, _ int64) bool { return f.Close() == nil }
func (c *client) End(exchange.Facts)                   { c.ask() }
func (c *client) Fail(exchange.Cause, exchange.Facts)  { c.bad.Add(1); c.ask() }
func (c *client) Cut(exchange.Cause, exchange.Facts)   { c.bad.Add(1); c.ask() }

// BenchmarkWorkshop is hello world in real Python, without a front: the loop, the wire, the worker.
func BenchmarkWorkshop(b *testing.B) {
	for _, clients := range []int{1, 50} {
		b.Run(itoa(clients)+" clients", func(b *testing.B) {
			h := hello(b)
			b.ReportAllocs()
			b.ResetTimer()
			h.ask(clients, b.N)
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
		})
	}
}

// A request in the steady state allocates nothing in the workshop either.
func TestWorkshop_AllocatesNothingForARequest(t *testing.T) {
	const requests = 2000
	h := hello(t)
	h.ask(8, requests) // what is kept between requests is made
	if n := testing.AllocsPerRun(3, func() { h.ask(8, requests) }) / requests; n >= 1 {
		t.Errorf("%v allocations for a request", n)
	}
}

// greeter is a workshop whose application says hello.
type greeter struct {
	t       testing.TB
	w       *Workshop
	environ []byte
	ids     atomic.Uint64
}

func hello(t testing.TB) *greeter {
	dir := t.TempDir()
	text := "def application(e, s):\n    s('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', '5')])\n    return [b'hello']\n"
	if err := os.WriteFile(dir+"/site_app.py", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{}, 16)
	journal, err := event.Open(event.Options{Observe: func(e event.Event) {
		if e.Kind == event.Worker && e.To == event.StateReady {
			ready <- struct{}{}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = journal.Close(time.Second) })
	w, err := New(Options{
		Pool: pool.Options{Processes: 2, Threads: 1}, Journal: journal, Launch: pythonLaunch(dir, 1),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	w.Start()
	<-ready
	<-ready
	e := wire.NewEnviron(nil)
	for _, kv := range [][2]string{
		{"REQUEST_METHOD", "GET"}, {"PATH_INFO", "/"}, {"QUERY_STRING", ""}, {"SERVER_PROTOCOL", "HTTP/1.1"},
		{"SCRIPT_NAME", ""}, {"SERVER_NAME", "localhost"}, {"SERVER_PORT", "8000"}, {"REMOTE_ADDR", "127.0.0.1"},
		{"HTTP_HOST", "localhost:8000"}, {"HTTP_USER_AGENT", "bench"}, {"HTTP_ACCEPT", "*/*"}, {"wsgi.url_scheme", "http"},
	} {
		e.Set(kv[0], kv[1])
	}
	return &greeter{t: t, w: w, environ: e.Bytes()}
}

// ask has so many requests answered for so many clients.
func (g *greeter) ask(clients, requests int) {
	var left, bad atomic.Int64
	var all sync.WaitGroup
	left.Store(int64(requests))
	for range clients {
		all.Add(1)
		c := &client{w: g.w, left: &left, ids: &g.ids, all: &all, bad: &bad}
		c.req = exchange.Request{Method: "GET", Path: "/", Environ: g.environ, Answer: c}
		c.ask()
	}
	all.Wait()
	if n := bad.Load(); n > 0 {
		g.t.Errorf("%d requests failed", n)
	}
}
