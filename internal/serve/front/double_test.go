package front

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"fender/internal/exchange"
	"fender/internal/observe/accesslog"
)

// listenEnv makes the test binary play another server: it listens, says where, and ends with its input.
const listenEnv = "FENDER_TEST_LISTEN"

func TestMain(m *testing.M) {
	if os.Getenv(listenEnv) != "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		os.Stdout.WriteString(l.Addr().String() + "\n")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what must happen. It only ends tests that have failed.
const patience = 20 * time.Second

// job is one request at the double of the workshop. Its methods are safe after the last call: what the
// application does then is dropped, as the workshop does.
type job struct {
	*exchange.Request // a copy: an application may go on after its client has left
	asked             *exchange.Request
	cancelled         chan struct{}
	resumed           chan struct{}

	mu      sync.Mutex
	started bool
	over    bool
}

func (j *job) start(status int, length int64, fields ...exchange.Field) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.over {
		j.started = true
		j.Answer.Start(exchange.Head{Status: status, Length: length, Fields: fields})
	}
}

func (j *job) write(b []byte) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.over || j.Answer.Write(b, true)
}

// writeBlock writes a copy of b that lies in a block.
func (j *job) writeBlock(b []byte) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.over {
		return true
	}
	block := exchange.NewBlock()
	return j.Answer.WriteBlock(block[:copy(block[:], b)], block)
}

func (j *job) sendFile(f *os.File, off, n int64) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.over {
		f.Close()
		return true
	}
	return j.Answer.SendFile(f, off, n)
}

// last makes the last call, once.
func (j *job) last(call func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.over {
		j.over = true
		call()
	}
}

func (j *job) end() {
	j.last(func() { j.Answer.End(exchange.Facts{Worker: 3, Attempts: 1, Queue: time.Millisecond}) })
}
func (j *job) fail(c exchange.Cause) { j.last(func() { j.Answer.Fail(c, exchange.Facts{Worker: 3}) }) }
func (j *job) cut(c exchange.Cause)  { j.last(func() { j.Answer.Cut(c, exchange.Facts{Worker: 3}) }) }

// text answers with a text of known length.
func (j *job) text(s string) {
	j.start(200, int64(len(s)), exchange.Field{Name: "Content-Type", Value: "text/plain"})
	j.write([]byte(s))
	j.end()
}

// content is the request's body.
func (j *job) content(t testing.TB) string {
	if j.Body.File == nil {
		return string(j.Body.Bytes)
	}
	b, err := io.ReadAll(io.NewSectionReader(j.Body.File, 0, j.Body.Size))
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// door is the double of the workshop: an application in a goroutine for each request.
type door struct {
	app     func(*job)
	mu      sync.Mutex
	jobs    map[exchange.ID]*job
	running sync.WaitGroup
}

func (d *door) Submit(r *exchange.Request) {
	j := &job{Request: copyOf(r), asked: r, cancelled: make(chan struct{}), resumed: make(chan struct{}, 1)}
	d.mu.Lock()
	d.jobs[r.ID] = j
	d.mu.Unlock()
	d.running.Go(func() { d.app(j) })
}

// copyOf is a request that stays as it is.
func copyOf(r *exchange.Request) *exchange.Request {
	c := *r
	c.Method, c.Path, c.TraceID = strings.Clone(r.Method), strings.Clone(r.Path), strings.Clone(r.TraceID)
	c.Environ, c.Body.Bytes = slices.Clone(r.Environ), slices.Clone(r.Body.Bytes)
	return &c
}

func (d *door) find(id exchange.ID) *job {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.jobs[id]
}

func (d *door) Cancel(id exchange.ID) {
	j := d.find(id)
	close(j.cancelled)
	j.last(func() {
		if j.started {
			j.Answer.Cut(exchange.CauseClientGone, exchange.Facts{})
		} else {
			j.Answer.Fail(exchange.CauseClientGone, exchange.Facts{})
		}
	})
}

func (d *door) Resume(id exchange.ID) {
	select {
	case d.find(id).resumed <- struct{}{}:
	default:
	}
}

// server is a front on a loopback port, with its double and its log.
type server struct {
	*Front
	t    testing.TB
	door *door
	addr string
	logs chan accesslog.Entry
}

// serve starts a front. At the test's end it is closed, and everything must have been given back.
func serve(t testing.TB, o Options, app func(*job)) *server {
	t.Helper()
	s := &server{t: t, door: &door{app: app, jobs: map[exchange.ID]*job{}}, logs: make(chan accesslog.Entry, 4096)}
	o.Door = s.door
	o.Log = func(e *accesslog.Entry) { s.logs <- kept(e) }
	if o.Memory == nil {
		o.Memory = exchange.NewBudget(64 << 20)
	}
	if o.Spool == nil {
		o.Spool = exchange.NewBudget(1 << 30)
	}
	if o.SpoolDir == "" {
		o.SpoolDir = t.TempDir()
	}
	if o.Warn == nil {
		o.Warn = func(err error) { t.Errorf("warning: %v", err) }
	}
	var err error
	if s.Front, err = New(o); err != nil {
		t.Fatal(err)
	}
	socket, err := Listener{Address: "127.0.0.1:0"}.Open()
	if err != nil {
		t.Fatal(err)
	}
	s.addr = socket.Addr().String()
	s.Serve(socket)
	t.Cleanup(func() { s.finish(o) })
	return s
}

// kept is a copy of an entry that stays as it is.
func kept(e *accesslog.Entry) accesslog.Entry {
	c := *e
	for _, s := range []*string{&c.TraceID, &c.Client, &c.Method, &c.Target, &c.Proto, &c.Host, &c.UserAgent, &c.Referer} {
		*s = strings.Clone(*s)
	}
	c.Vars = slices.Clone(c.Vars)
	return c
}

func (s *server) finish(o Options) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		s.t.Errorf("close: %v", err)
	}
	s.door.running.Wait()
	if n := o.Memory.Used(); n != 0 {
		s.t.Errorf("%d bytes of the memory budget were not given back", n)
	}
	if n := o.Spool.Used(); n != 0 {
		s.t.Errorf("%d bytes of the spool budget were not given back", n)
	}
	if left, _ := os.ReadDir(o.SpoolDir); len(left) > 0 {
		s.t.Errorf("%d files are left in the spool", len(left))
	}
}

// client is a raw connection.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func (s *server) dial() *client {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	return &client{c, s.t, bufio.NewReader(c)}
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatalf("sending: %v", err)
	}
}

// answer is a response with its body.
type answer struct {
	*http.Response
	code int
	body string
	err  error // that ended the body
}

// receive reads the response to a request with the method.
func (c *client) receive(method string) answer {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("no response: %v", err)
	}
	b, err := io.ReadAll(resp.Body)
	return answer{resp, resp.StatusCode, string(b), err}
}

// get sends a GET and reads its response.
func (c *client) get(path string) answer {
	c.t.Helper()
	c.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
	return c.receive("GET")
}

// ends reads to the end and says how the connection ended: "" regularly, else the error.
func (c *client) ends() string {
	_, err := io.Copy(io.Discard, c.r)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, unix.ECONNRESET):
		return "reset"
	}
	return err.Error()
}

// entry waits for the next line of the log.
func (s *server) entry() accesslog.Entry {
	s.t.Helper()
	return wait(s.t, "an entry of the log", s.logs)
}

// wait receives from ch.
func wait[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// mirror answers with the request line, as the application sees it, and the body.
func mirror(t testing.TB) func(*job) {
	return func(j *job) {
		env := environOf(t, j.Environ)
		j.text(strings.Join([]string{env["REQUEST_METHOD"], env["REQUEST_URI"], j.content(t)}, " "))
	}
}

// pair is two ends of a TCP connection.
func pair(t testing.TB) (net.Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func readAll(resp *http.Response) (string, error) {
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

func newReader(c net.Conn) *bufio.Reader { return bufio.NewReader(c) }
