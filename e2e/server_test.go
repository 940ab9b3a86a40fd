//go:build linux

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fender/internal/observe/event"
)

// patience bounds every wait for an event. It is no measure of anything: it ends a test that hangs.
const patience = 60 * time.Second

var (
	root   string // of the project
	binary string // the fender under test
	python string // the interpreter of the environment with Django
)

func TestMain(m *testing.M) {
	_, file, _, _ := runtime.Caller(0)
	root = filepath.Dir(filepath.Dir(file))
	code := 1
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
	} else {
		code = m.Run()
	}
	os.Exit(code)
}

// prepare finds what `make test` has built.
func prepare() error {
	binary = first(os.Getenv("FENDER_RACE_BIN"), os.Getenv("FENDER_BIN"), filepath.Join(root, "bin", "fender-race"))
	python = filepath.Join(first(os.Getenv("FENDER_TEST_VENV"), filepath.Join(root, ".venv-test")), "bin", "python")
	for _, path := range []string{binary, python} {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("%w: run the tests with `make test`, which makes it", err)
		}
	}
	return nil
}

func first(some ...string) string {
	for _, s := range some {
		if s != "" {
			return s
		}
	}
	return ""
}

// server is one running fender.
type server struct {
	t      *testing.T
	cmd    *exec.Cmd
	addr   string
	events *journal
	log    *logBuffer
	state  *os.ProcessState // of fender, once exited is closed
	exited chan struct{}
	silent chan struct{} // closed when all that it printed has been read
	dir    string
}

// journal collects the events of --events and lets tests wait for them.
type journal struct {
	mu    sync.Mutex
	all   []event.Event
	grown chan struct{} // closed and replaced at each event
}

func (j *journal) add(e event.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all = append(j.all, e)
	close(j.grown)
	j.grown = make(chan struct{})
}

// matching returns the events that match.
func (j *journal) matching(match func(event.Event) bool) []event.Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	var some []event.Event
	for _, e := range j.all {
		if match(e) {
			some = append(some, e)
		}
	}
	return some
}

// atLeast waits until n events match.
func (j *journal) atLeast(ctx context.Context, n int, match func(event.Event) bool) error {
	for {
		j.mu.Lock()
		grown := j.grown
		j.mu.Unlock()
		have := len(j.matching(match))
		if have >= n {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d events came: %w", have, n, ctx.Err())
		}
	}
}

func becomes(state string) func(event.Event) bool {
	return func(e event.Event) bool { return e.Kind == event.Worker && e.To == state }
}

func leaves(reasons ...event.Reason) func(event.Event) bool {
	return func(e event.Event) bool {
		return e.Kind == event.Worker && e.To == event.StateGone && slices.Contains(reasons, e.Reason)
	}
}

// logBuffer keeps what fender and the application print.
type logBuffer struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{} // closed and replaced at each write
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.text.Len() < 4<<20 {
		b.text.Write(p)
	}
	close(b.grown)
	b.grown = make(chan struct{})
	return len(p), nil
}

// wait waits until all words are there, and returns the first that does not come.
func (b *logBuffer) wait(most time.Duration, words ...string) (missing string) {
	late := time.After(most)
	for {
		b.mu.Lock()
		text, grown := b.text.String(), b.grown
		b.mu.Unlock()
		missing = ""
		for _, w := range words {
			if !strings.Contains(text, w) {
				missing = w
				break
			}
		}
		if missing == "" {
			return ""
		}
		select {
		case <-grown:
		case <-late:
			return missing
		}
	}
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// site are the options that serve examples/django.
func site(t *testing.T) []string {
	t.Helper()
	return []string{
		"--chdir", filepath.Join(root, "examples", "django"),
		"--module", "mysite.wsgi:application",
		"--python", python,
		"--env", "EXAMPLE_CHAOS=1",
		"--env", "EXAMPLE_DB=" + database(t),
	}
}

// database makes a migrated database for one test: a copy of one that is migrated once.
func database(t *testing.T) string {
	t.Helper()
	migrated, err := migrate()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "db.sqlite3")
	if err := os.WriteFile(path, migrated, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var migrate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "fender-migrated")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "db.sqlite3")
	cmd := exec.Command(python, "manage.py", "migrate", "--verbosity", "0")
	cmd.Dir = filepath.Join(root, "examples", "django")
	cmd.Env = append(os.Environ(), "EXAMPLE_DB="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("migrate: %w\n%s", err, out)
	}
	return os.ReadFile(path) // SQLite has moved its log into the file when the last connection closed
})

// app serves a WSGI module with the given source.
func app(t *testing.T, source string) []string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	// A cache of its bytecode would outlive a change of the source within the same second.
	return []string{"--chdir", dir, "--module", "app", "--python", python, "--env", "PYTHONDONTWRITEBYTECODE=1"}
}

// start says how fender is started, where it matters.
type start struct {
	before []string // a command that runs fender, with its arguments
	env    []string // KEY=VALUE, besides or instead of what the tests have
}

// launch starts fender without waiting for anything.
func launch(t *testing.T, args ...string) *server {
	t.Helper()
	return start{}.launch(t, args...)
}

func (how start) launch(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{
		t: t, events: &journal{grown: make(chan struct{})}, log: &logBuffer{grown: make(chan struct{})},
		exited: make(chan struct{}), silent: make(chan struct{}), dir: t.TempDir(),
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	line := slices.Concat(how.before, []string{binary, "serve", "--events", "/dev/fd/3"}, args)
	s.cmd = exec.Command(line[0], line[1:]...)
	s.cmd.ExtraFiles = []*os.File{w}
	s.cmd.Env = append(append(cleanEnviron(), quickExit, "TMPDIR="+s.dir), how.env...)
	said, say, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdout, s.cmd.Stderr = say, say
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	say.Close()
	var readers sync.WaitGroup
	readers.Go(func() {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var e event.Event
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Errorf("event %q: %v", lines.Text(), err)
				continue
			}
			s.events.add(e)
		}
		r.Close()
	})
	readers.Go(func() {
		_, _ = io.Copy(s.log, said)
		said.Close()
	})
	go func() {
		s.state, _ = s.cmd.Process.Wait()
		close(s.exited)
		readers.Wait()
		close(s.silent)
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.exited
		readers.Wait()
		if t.Failed() {
			t.Logf("what fender printed:\n%s", tail(s.log.String(), 12_000))
		}
		if strings.Contains(s.log.String(), "DATA RACE") {
			t.Error("the race detector has found a data race, see above")
		}
	})
	return s
}

func tail(s string, n int) string {
	if len(s) > n {
		return "..." + s[len(s)-n:]
	}
	return s
}

// quickExit ends a process at its first data race; otherwise its end does not wait for late ones, which
// would be a second for each fender.
const quickExit = "GORACE=halt_on_error=1 atexit_sleep_ms=10"

// cleanEnviron is the environment without what would configure fender or Python.
func cleanEnviron() []string {
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "UWSGI_") || strings.HasPrefix(kv, "FENDER_") || strings.HasPrefix(kv, "PYTHON") ||
			strings.HasPrefix(kv, "PORT=") || strings.HasPrefix(kv, "VIRTUAL_ENV=")
	})
}

// serve starts fender and waits until a worker is ready.
func serve(t *testing.T, args ...string) *server {
	t.Helper()
	s := launch(t, append([]string{"--http-socket", "127.0.0.1:0", "--access-log", "off"}, args...)...)
	s.ready()
	return s
}

// ready waits for the address and the first worker.
func (s *server) ready() {
	s.t.Helper()
	s.wait("a listening address", 1, func(e event.Event) bool { return e.Kind == event.Listening })
	s.addr = strings.TrimPrefix(s.events.matching(func(e event.Event) bool {
		return e.Kind == event.Listening
	})[0].Address, "http://")
	s.wait("a ready worker", 1, becomes(event.StateReady))
}

// wait waits until n events match, or fails the test.
func (s *server) wait(what string, n int, match func(event.Event) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go func() {
		select {
		case <-s.exited:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := s.events.atLeast(ctx, n, match); err != nil {
		s.t.Fatalf("waiting for %s: %v", what, err)
	}
}

func (s *server) count(match func(event.Event) bool) int { return len(s.events.matching(match)) }

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("signal %v: %v", sig, err)
	}
}

// exit waits for the end of fender and returns its exit code.
func (s *server) exit() int {
	s.t.Helper()
	select {
	case <-s.exited:
	case <-time.After(patience):
		s.t.Fatal("fender does not end")
	}
	return s.state.ExitCode()
}

// pids are the processes of workers that are ready now, by the events.
func (s *server) pids() []int {
	var pids []int
	for _, e := range s.events.matching(func(e event.Event) bool { return e.Kind == event.Worker }) {
		switch e.To {
		case event.StateReady:
			pids = append(pids, e.PID)
		default:
			pids = slices.DeleteFunc(pids, func(p int) bool { return p == e.PID })
		}
	}
	return pids
}
