package workers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
	"fender/internal/observe/event"
	"fender/internal/workers/osproc"
	"fender/internal/workers/pool"
)

// patience is how long a test waits for what must come. It is never waited for in a good run.
const patience = 20 * time.Second

// quickExit spares a process built with the race detector the second that it waits at its end.
const quickExit = "GORACE=atexit_sleep_ms=0"

// house is a workshop with played templates and workers.
type house struct {
	*Workshop
	t      *testing.T
	cues   chan heard
	events chan event.Event
	ids    atomic.Uint64
	mu     sync.Mutex
	conns  []net.Conn
	book   playbook
}

// heard is a cue with the line to whom gave it.
type heard struct {
	cue
	out *json.Encoder
}

// goOn lets the played process go on.
func (h heard) goOn() { _ = h.out.Encode("go") }

// open starts a workshop; change may alter its options and the playbook of its templates.
func open(t *testing.T, change func(*Options, *playbook)) *house {
	t.Helper()
	h := &house{t: t, cues: make(chan heard, 4096), events: make(chan event.Event, 65536)}
	address := filepath.Join(t.TempDir(), "stage")
	l, err := net.Listen("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	var listening sync.WaitGroup
	listening.Go(func() { h.listen(l, &listening) })
	t.Cleanup(func() {
		_ = l.Close()
		h.mu.Lock()
		for _, c := range h.conns {
			_ = c.Close()
		}
		h.mu.Unlock()
		listening.Wait()
	})
	journal, err := event.Open(event.Options{Observe: func(e event.Event) { h.events <- e }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = journal.Close(time.Second) })
	h.book = playbook{Op: "boot", Stage: address}
	o := Options{
		Pool: pool.Options{Processes: 1, Threads: 1, NeedApp: true}, Journal: journal,
	}
	o.Launch = func(int) (Launch, error) {
		h.mu.Lock()
		boot, err := json.Marshal(h.book)
		h.mu.Unlock()
		return Launch{
			Command: osproc.Command{
				Path: "/proc/self/exe", Args: []string{"template"}, Env: []string{role + "=template", quickExit},
			},
			Boot: boot,
		}, err
	}
	if change != nil {
		change(&o, &h.book)
	}
	if h.Workshop, err = New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	h.Start()
	return h
}

// close ends the workshop and looks for what it left behind.
func (h *house) close() {
	h.Close()
	if n := h.opts.Memory.Used(); n != 0 {
		h.t.Errorf("%d bytes of the memory budget are still taken", n)
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		h.t.Errorf("a process is left behind: %v", err)
	}
}

// script changes what later templates do.
func (h *house) script(change func(*playbook)) {
	h.mu.Lock()
	change(&h.book)
	h.mu.Unlock()
}

func (h *house) listen(l net.Listener, all *sync.WaitGroup) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		h.mu.Lock()
		h.conns = append(h.conns, c)
		h.mu.Unlock()
		all.Go(func() {
			in, out := json.NewDecoder(c), json.NewEncoder(c)
			for {
				var x cue
				if in.Decode(&x) != nil {
					_ = c.Close()
					return
				}
				h.cues <- heard{x, out}
			}
		})
	}
}

// cue waits for a cue with this name; others before it are an error.
func (h *house) cue(at string) heard {
	h.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case c := <-h.cues:
		if c.At != at {
			h.t.Fatalf("cue %q, expected %q", c.At, at)
		}
		return c
	case <-late.C:
		h.t.Fatalf("cue %q does not come\n%s", at, h.log())
	}
	panic("unreachable")
}

// event waits for an event that match likes; those before it are passed over.
func (h *house) event(what string, match func(*event.Event) bool) event.Event {
	h.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case e := <-h.events:
			if match(&e) {
				return e
			}
		case <-late.C:
			h.t.Fatalf("no event: %s\n%s", what, h.log())
		}
	}
}

func (h *house) warning(part string) event.Event {
	h.t.Helper()
	return h.event("warning "+part, func(e *event.Event) bool {
		return e.Kind == event.Warning && strings.Contains(e.Text, part)
	})
}

// worker waits for a worker's step into a state.
func (h *house) worker(to string) event.Event {
	h.t.Helper()
	return h.event("worker "+to, func(e *event.Event) bool { return e.Kind == event.Worker && e.To == to })
}

// log is the state of the workshop, for a failing test.
func (h *house) log() string {
	var b strings.Builder
	got := make(chan string, 1)
	if h.post(func(now time.Duration) { got <- fmt.Sprintf("%+v", h.pool.Status(now)) }) {
		select {
		case s := <-got:
			b.WriteString(s)
		case <-time.After(time.Second):
			b.WriteString("the loop does not answer")
		}
	}
	for {
		select {
		case e := <-h.events:
			fmt.Fprintf(&b, "\n%v: %s -> %s %s %s", e.Kind, e.From, e.To, e.Text, e.Error)
		default:
			return b.String()
		}
	}
}

// freeze stops the loop until the returned function is called.
func (h *house) freeze() (thaw func()) {
	h.t.Helper()
	in, out := make(chan struct{}), make(chan struct{})
	h.post(func(time.Duration) { close(in); <-out })
	<-in
	return sync.OnceFunc(func() { close(out) })
}

// settle waits until the loop has done all that it can do now: two turns.
func (h *house) settle() {
	h.t.Helper()
	for range 2 {
		done := make(chan struct{})
		h.post(func(time.Duration) { close(done) })
		<-done
	}
}

// ask submits a request that makes its worker do the steps.
func (h *house) ask(method string, steps ...step) *answer {
	h.t.Helper()
	return h.askWith(method, exchange.Body{}, steps...)
}

// askLimited asks with a receiver that has room for so many bytes.
func (h *house) askLimited(most int, steps ...step) *answer {
	h.t.Helper()
	return h.submit("GET", exchange.Body{}, func(n int) bool { return n < most }, steps)
}

func (h *house) askWith(method string, body exchange.Body, steps ...step) *answer {
	h.t.Helper()
	return h.submit(method, body, nil, steps)
}

func (h *house) submit(method string, body exchange.Body, room func(int) bool, steps []step) *answer {
	h.t.Helper()
	environ, err := json.Marshal(steps)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.handOver(method, "/play", environ, body, room)
}

// hand hands a request over.
func (h *house) hand(method, path string, environ []byte, body exchange.Body) *answer {
	return h.handOver(method, path, environ, body, nil)
}

func (h *house) handOver(method, path string, environ []byte, body exchange.Body, room func(int) bool) *answer {
	a := &answer{
		h: h, id: exchange.ID(h.ids.Add(1)), room: room,
		last: make(chan struct{}), begun: make(chan struct{}), full: make(chan struct{}, 1),
	}
	a.request = &exchange.Request{
		ID: a.id, Method: method, Path: path, Environ: environ, Body: body, Answer: a, Arrived: time.Now(),
	}
	h.Submit(a.request)
	return a
}

// answer records what becomes of a request.
type answer struct {
	h       *house
	id      exchange.ID
	request *exchange.Request

	mu    sync.Mutex
	head  *exchange.Head
	body  bytes.Buffer
	parts int
	room  func(n int) bool // what Write returns; nil is true
	word  string           // end, fail or cut
	cause exchange.Cause
	facts exchange.Facts
	vars  []exchange.Field // log variables
	full  chan struct{}    // Write said that there is no room
	begun chan struct{}
	last  chan struct{}
}

func (a *answer) must(ok bool, what string) {
	if !ok {
		a.h.t.Errorf("request %d: %s (after %q)", a.id, what, a.word)
	}
}

func (a *answer) Start(h exchange.Head) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.must(a.head == nil && a.word == "", "Start")
	h.Reason, h.Fields = strings.Clone(h.Reason), slices.Clone(h.Fields) // they are valid during the call only
	for i := range h.Fields {
		f := &h.Fields[i]
		f.Name, f.Value = strings.Clone(f.Name), strings.Clone(f.Value)
	}
	a.head = &h
	close(a.begun)
}

func (a *answer) Write(b []byte, _ bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.must(a.head != nil && a.word == "", "Write")
	a.body.Write(b)
	a.parts++
	return a.hasRoom()
}

func (a *answer) WriteBlock(b []byte, block *exchange.Block) bool {
	room := a.Write(b, true)
	clear(block[:]) // whoever looks at it now sees that
	block.Free()
	return room
}

// hasRoom is what Write and SendFile return. mu is held.
func (a *answer) hasRoom() bool {
	if a.room == nil || a.room(a.body.Len()) {
		return true
	}
	select {
	case a.full <- struct{}{}:
	default:
	}
	return false
}

func (a *answer) setRoom(room func(int) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.room = room
}

func (a *answer) size() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.body.Len()
}

// waitFull waits until the receiver has said that it is full.
func (a *answer) waitFull() {
	a.h.t.Helper()
	select {
	case <-a.full:
	case <-time.After(patience):
		a.h.t.Fatalf("request %d: its receiver is not full\n%s", a.id, a.h.log())
	}
}

func (a *answer) SendFile(f *os.File, off, n int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.must(a.head != nil && a.word == "", "SendFile")
	m, err := io.Copy(&a.body, io.NewSectionReader(f, off, n))
	a.must(err == nil && m == n, "reading the file")
	_ = f.Close()
	a.parts++
	return a.hasRoom()
}

func (a *answer) end(word string, c exchange.Cause, f exchange.Facts) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.must(a.word == "", word)
	a.must((a.head != nil) == (word != "fail"), word)
	a.word, a.cause, a.facts, a.vars = word, c, f, a.request.LogVars
	close(a.last)
}

func (a *answer) End(f exchange.Facts)                    { a.end("end", "", f) }
func (a *answer) Fail(c exchange.Cause, f exchange.Facts) { a.end("fail", c, f) }
func (a *answer) Cut(c exchange.Cause, f exchange.Facts)  { a.end("cut", c, f) }

// wait waits for the last word.
func (a *answer) wait() *answer {
	a.h.t.Helper()
	select {
	case <-a.last:
	case <-time.After(patience):
		a.h.t.Fatalf("request %d is not answered\n%s", a.id, a.h.log())
	}
	return a
}

// ended waits for a complete answer with this body.
func (a *answer) ended(body string) exchange.Facts {
	a.h.t.Helper()
	a.wait()
	if a.word != "end" || a.head == nil || a.head.Status != 200 || a.body.String() != body {
		a.h.t.Fatalf("request %d: %s %s, head %+v, body of %d bytes %.60q; expected a 200 with %d bytes\n%s",
			a.id, a.word, a.cause, a.head, a.body.Len(), a.body.String(), len(body), a.h.log())
	}
	return a.facts
}

// refused waits for a failure with this cause.
func (a *answer) refused(word string, c exchange.Cause) exchange.Facts {
	a.h.t.Helper()
	a.wait()
	if a.word != word || a.cause != c {
		a.h.t.Fatalf("request %d: %s %q, expected %s %q\n%s", a.id, a.word, a.cause, word, c, a.h.log())
	}
	return a.facts
}

// Often played steps.
var (
	begin = step{Do: "begin"}
	ok    = step{Do: "answer", Status: "200 OK", Body: "ok"}
)

func at(name string) step { return step{Do: "at", Name: name} }

// kill ends a played process from outside.
func kill(t *testing.T, pid int) {
	t.Helper()
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func contains(s, part string) bool { return strings.Contains(s, part) }

type poolSpawn = pool.SpawnID

// statusOf is the wait status of a process that a signal has ended.
func statusOf(sig unix.Signal) osproc.Status { return osproc.Status(sig) }

func requestError(e *event.Event) bool { return e.Kind == event.RequestError }
