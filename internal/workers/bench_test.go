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
func (c *client) Start(exchange.Head)                  {}
func (c *client) Write([]byte, bool) bool              { return true }
func (c *client) SendFile(f *os.File, _, _ int64) bool { return f.Close() == nil }
func (c *client) End(exchange.Facts)                   { c.ask() }
func (c *client) Fail(exchange.Cause, exchange.Facts)  { c.bad.Add(1); c.ask() }
func (c *client) Cut(exchange.Cause, exchange.Facts)   { c.bad.Add(1); c.ask() }

// BenchmarkWorkshop is hello world in real Python, without a front: the loop, the wire, the worker.
func BenchmarkWorkshop(b *testing.B) {
	for _, clients := range []int{1, 50} {
		b.Run(itoa(clients)+" clients", func(b *testing.B) { benchmark(b, clients) })
	}
}

func benchmark(b *testing.B, clients int) {
	dir := b.TempDir()
	text := "def application(e, s):\n    s('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', '5')])\n    return [b'hello']\n"
	if err := os.WriteFile(dir+"/site_app.py", []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	ready := make(chan struct{}, 16)
	journal, err := event.Open(event.Options{Observe: func(e event.Event) {
		if e.Kind == event.Worker && e.To == event.StateReady {
			ready <- struct{}{}
		}
	}})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = journal.Close(time.Second) }()
	w, err := New(Options{
		Pool: pool.Options{Processes: 2, Threads: 1}, Journal: journal, Launch: pythonLaunch(dir, 1),
	})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
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
	environ := e.Bytes()
	var left, bad atomic.Int64
	var ids atomic.Uint64
	var all sync.WaitGroup
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	for range clients {
		all.Add(1)
		c := &client{w: w, left: &left, ids: &ids, all: &all, bad: &bad}
		c.req = exchange.Request{Method: "GET", Path: "/", Environ: environ, Answer: c}
		c.ask()
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
	if n := bad.Load(); n > 0 {
		b.Errorf("%d requests failed", n)
	}
}
