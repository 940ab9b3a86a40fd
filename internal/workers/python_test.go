package workers

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
	"fender/internal/observe/event"
	"fender/internal/workers/osproc"
	"fender/internal/workers/python"
	"fender/internal/workers/wire"
)

// The interpreter of the system; the python room tests others.
const debian = "/usr/bin/python3"

const application = `
import ctypes, json, os, time, threading

VERSION = %d

def application(environ, start_response):
    path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
    if path == "/pid":
        body = json.dumps({"pid": os.getpid(), "version": VERSION, "thread": threading.get_native_id()}).encode()
    elif path == "/echo":
        body = environ["wsgi.input"].read()
    elif path == "/big":
        body = b"0123456789" * int(query)
    elif path == "/stream":
        start_response("200 OK", [])
        return stream(int(query))
    elif path == "/stuck":
        while True:
            time.sleep(0.005)
    elif path == "/sleep":
        time.sleep(float(query))
        body = b"slept"
    elif path == "/kill":
        os.kill(os.getpid(), int(query))
        time.sleep(60)
    elif path == "/exit":
        os._exit(int(query))
    elif path == "/hold":  # the interpreter's lock, until the pipe is opened for writing
        ctypes.PyDLL(None).open(query.encode(), os.O_RDONLY)
        body = b"held"
    elif path == "/extend":
        environ["fender.call"]("extend", 60)
        time.sleep(0.5)
        body = b"extended"
    else:
        body = b"hello"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]

def stream(n):
    for i in range(n):
        yield b"part %%d," %% i
`

// site is a directory with the application in it.
func site(t *testing.T, version int) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, fmt.Sprintf(application, version))
	return dir
}

func write(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "site_app.py"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// openPython starts a workshop with real templates and workers.
func openPython(t *testing.T, dir string, change func(*Options)) *house {
	t.Helper()
	if _, err := os.Stat(debian); err != nil {
		t.Fatalf("this test needs %s: %v", debian, err)
	}
	return open(t, func(o *Options, _ *playbook) {
		o.Pool.Threads = 2
		if change != nil {
			change(o)
		}
		o.Launch = pythonLaunch(dir, o.Pool.Threads)
	})
}

// pythonLaunch is a Launch for the application in dir, as the master makes it.
func pythonLaunch(dir string, threads int) func(int) (Launch, error) {
	return func(int) (Launch, error) {
		boot, err := python.Boot{
			Chdir: dir, Module: "site_app", Argv: []string{"fender"}, Threads: threads, Processes: 2,
			NeedApp: true, Interrupt: true, Software: "fender/test",
			Vector: wire.Vector(), MaxMessage: wire.MaxMessage, OOMScoreAdj: osproc.WorkerOOMScore(),
		}.Message()
		if err != nil {
			return Launch{}, err
		}
		interpreter := python.Interpreter{Path: debian, Version: "3", Implementation: "cpython"}
		c, err := interpreter.Command(python.CommandOptions{
			Environ: append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1"), Title: "test",
		})
		if err != nil {
			return Launch{}, err
		}
		bundle, err := python.BundleFile()
		if err != nil {
			return Launch{}, err
		}
		return Launch{
			Command: osproc.Command{Path: c.Path, Args: c.Argv, Env: c.Env, Files: []int{int(bundle.Fd())}},
			Boot:    boot,
			Done:    func() { _ = bundle.Close() },
		}, nil
	}
}

// begun waits until the application has begun a request that is on the slots of the first worker.
func (h *house) begun() {
	h.t.Helper()
	for {
		running := make(chan bool, 1)
		h.post(func(time.Duration) {
			for _, m := range h.members {
				for i := range m.ends {
					if _, phase := m.sockets.Page().State(i); phase != wire.PhaseIdle {
						running <- true
						return
					}
				}
			}
			running <- false
		})
		if <-running {
			return
		}
	}
}

// get asks the application.
func (h *house) get(method, path string, body exchange.Body) *answer {
	h.t.Helper()
	e := wire.NewEnviron(nil)
	path, query, _ := strings.Cut(path, "?")
	for _, kv := range [][2]string{
		{"REQUEST_METHOD", method}, {"PATH_INFO", path}, {"QUERY_STRING", query}, {"SERVER_PROTOCOL", "HTTP/1.1"},
		{"CONTENT_LENGTH", fmt.Sprint(body.Size)}, {"REMOTE_ADDR", "127.0.0.1"},
	} {
		e.Set(kv[0], kv[1])
	}
	return h.hand(method, path, e.Bytes(), body)
}

func TestPython_AnswersRequestsOfEverySize(t *testing.T) {
	h := openPython(t, site(t, 1), nil)
	f := h.get("GET", "/", exchange.Body{}).ended("hello")
	if f.PID == 0 {
		t.Errorf("facts %+v", f)
	}
	h.get("GET", "/big?100000", exchange.Body{}).ended(strings.Repeat("0123456789", 100000))
	h.get("GET", "/stream?1000", exchange.Body{}).wait()
	text := strings.Repeat("b", 3<<20)
	spool, err := os.Create(filepath.Join(t.TempDir(), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = spool.Close() }()
	if _, err := spool.WriteString(text); err != nil {
		t.Fatal(err)
	}
	h.get("POST", "/echo", exchange.Body{File: spool, Size: int64(len(text))}).ended(text)
	memory := strings.Repeat("m", 64<<10)
	h.get("POST", "/echo", exchange.Body{Bytes: []byte(memory), Size: int64(len(memory))}).ended(memory)
	h.get("POST", "/echo", exchange.Body{Bytes: []byte("x=1"), Size: 3}).ended("x=1")
}

func TestPython_SurvivesTheDeathOfItsWorkers(t *testing.T) {
	h := openPython(t, site(t, 1), func(o *Options) { o.Pool.Processes = 2 })
	h.get("GET", "/kill?11", exchange.Body{}).refused("fail", exchange.CausePoison)
	h.get("POST", "/exit?3", exchange.Body{}).refused("fail", exchange.CauseWorkerCrash)
	// Outside kills under load: every GET is answered.
	var all []*answer
	for i := range 200 {
		all = append(all, h.get("GET", "/sleep?0.01", exchange.Body{}))
		if i%25 == 24 {
			kill(t, all[i-20].ended("slept").PID)
		}
	}
	for _, a := range all {
		a.ended("slept")
	}
	gone := 0
	for len(h.events) > 0 {
		if e := <-h.events; e.Kind == event.Worker && e.To == event.StateGone && e.Signal == int(unix.SIGKILL) {
			gone++
		}
	}
	if gone < 4 {
		t.Errorf("only %d workers were killed", gone)
	}
}

func TestPython_InterruptsAStuckRequestAndSparesItsNeighbour(t *testing.T) {
	h := openPython(t, site(t, 1), func(o *Options) { o.Pool.Harakiri = 300 * time.Millisecond })
	stuck := h.get("GET", "/stuck", exchange.Body{})
	stuck.refused("fail", exchange.CauseHarakiri)
	h.get("GET", "/extend", exchange.Body{}).ended("extended") // 0.5 s by its own wish
	if e := h.worker("gone"); e.Reason != event.ReasonHarakiri {
		t.Errorf("event %+v", e)
	}
}

func TestPython_HoldsUpNobodyBesideARequestThatHoldsTheInterpreter(t *testing.T) {
	h := openPython(t, site(t, 1), func(o *Options) { o.Pool.Processes = 2 })
	h.worker("ready")
	h.worker("ready")
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	holds := h.get("GET", "/hold?"+fifo, exchange.Body{})
	h.begun()
	// Whatever goes to the same worker is read by its other thread, which cannot begin it. That none goes
	// there is possible as long as the other worker is quick enough.
	taken := false
	for tries := 0; !taken && tries < 200; tries++ {
		var beside []*answer
		for range 8 {
			beside = append(beside, h.get("POST", "/pid", exchange.Body{}))
		}
		for _, a := range beside {
			if f := a.wait(); f.word != "end" || f.facts.Attempts != 1 {
				t.Errorf("answer %+v", f)
			}
		}
		for len(h.events) > 0 {
			taken = (<-h.events).Kind == event.TakenBack || taken
		}
	}
	if !taken {
		t.Error("nothing was taken back")
	}
	w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	holds.ended("held")
}

func TestPython_ReloadsTheCode(t *testing.T) {
	dir := site(t, 1)
	h := openPython(t, dir, nil)
	version := func() int {
		a := h.get("GET", "/pid", exchange.Body{}).wait()
		var v struct{ Version int }
		if err := json.Unmarshal(a.body.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		return v.Version
	}
	if v := version(); v != 1 {
		t.Errorf("version %d", v)
	}
	write(t, dir, "import nothing_of_that_name\n")
	if err := <-h.Reload(event.ReasonReload); !errors.Is(err, ErrReloadRefused) || !contains(err.Error(), "nothing_of_that_name") {
		t.Errorf("error %v", err)
	}
	if v := version(); v != 1 {
		t.Errorf("version %d", v)
	}
	write(t, dir, fmt.Sprintf(application, 2))
	if err := <-h.Reload(event.ReasonReload); err != nil {
		t.Fatal(err)
	}
	if v := version(); v != 2 {
		t.Errorf("version %d", v)
	}
}

func TestPython_IsFatalWithoutAnApplication(t *testing.T) {
	h := openPython(t, t.TempDir(), nil)
	if f := <-h.Fatal(); f.Code != 22 || !contains(f.Text, "site_app") {
		t.Errorf("fatal %+v", f)
	}
}

func TestPython_StopsWithoutAWord(t *testing.T) {
	h := openPython(t, site(t, 1), func(o *Options) { o.Pool.Processes = 3 })
	h.get("GET", "/", exchange.Body{}).ended("hello")
	a := h.get("GET", "/sleep?0.2", exchange.Body{})
	h.begun()
	stopped := h.Stop()
	a.ended("slept")
	<-stopped
	for len(h.events) > 0 {
		if e := <-h.events; e.Kind == event.Warning {
			t.Errorf("event %+v", e)
		}
	}
}
