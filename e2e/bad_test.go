//go:build linux

package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fender/e2e/load"
	"fender/internal/observe/event"
)

// refuses runs `fender serve`, which must end with the code and say all of the words.
func refuses(t *testing.T, code int, args []string, words ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append([]string{"serve"}, args...)...)
	cmd.Env = append(cleanEnviron(), quickExit)
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d instead of %d", got, code)
	}
	for _, w := range words {
		if !strings.Contains(string(out), w) {
			t.Errorf("it does not say %q", w)
		}
	}
	if t.Failed() {
		t.Logf("fender serve %q:\n%s", args, out)
	}
}

func TestBadStartsAreRefusedWithAReason(t *testing.T) {
	good := app(t, "def application(e, s):\n    s('200 OK', [])\n    return []\n")
	with := func(more ...string) []string {
		return append(append([]string{"--http-socket", "127.0.0.1:0"}, good...), more...)
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	exits := app(t, "import sys\nprint('rubbish' * 100)\nsys.exit(3)\n")
	dies := app(t, "import os\nos._exit(7)\n")
	segfaults := app(t, "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
	for _, c := range []struct {
		name  string
		code  int
		args  []string
		words []string
	}{
		{"a module that does not exist", 22, []string{"--http-socket", "127.0.0.1:0", "--python", python, "--module", "no.such.module:application"}, []string{"no.such"}},
		{"a callable that does not exist", 22, append(with(), "--callable", "nothing"), []string{"nothing"}},
		{"no application", 22, []string{"--http-socket", "127.0.0.1:0", "--python", python}, []string{"module"}},
		{"a port in use", 1, append([]string{"--http-socket", busy.Addr().String()}, good...), []string{busy.Addr().String(), "http-socket"}},
		{"cheaper not below processes", 1, with("--processes", "4", "--cheaper", "4"), []string{"cheaper", "4"}},
		{"an ini that is not there", 1, []string{"--ini", filepath.Join(dir, "no.ini")}, []string{"no.ini"}},
		{"a directory as ini", 1, []string{"--ini", dir}, []string{dir}},
		{"two applications", 1, append(with(), "other.wsgi:application"), []string{"other.wsgi"}},
		{"an unknown option", 2, with("--processess", "4"), []string{"processess", "did you mean --processes?"}},
		{"a directory that is not there", 1, with("--chdir", filepath.Join(dir, "nowhere")), []string{"nowhere"}},
		{"an interpreter that is not there", 1, with("--python", "/no/such/python"), []string{"/no/such/python"}},
		{"an interpreter that is none", 1, with("--python", "/bin/true"), []string{"/bin/true"}},
		{"a pidfile that cannot be written", 1, with("--pidfile", filepath.Join(dir, "no", "x.pid")), []string{"pidfile"}},
		{"a spool that is not there", 1, with("--body-spool", filepath.Join(dir, "nospool")), []string{"body-spool", "nospool"}},
		{"a module that exits at import", 1, append([]string{"--http-socket", "127.0.0.1:0"}, exits...), []string{"exit"}},
		{"a module that ends the process", 1, append([]string{"--http-socket", "127.0.0.1:0"}, dies...), nil},
		{"a module that crashes", 1, append([]string{"--http-socket", "127.0.0.1:0"}, segfaults...), []string{"SIGSEGV"}},
		{"the same with lazy-apps", 1, append([]string{"--http-socket", "127.0.0.1:0", "--lazy-apps"}, exits...), []string{"exit"}},
		{"a callable that cannot be called", 22, append([]string{"--http-socket", "127.0.0.1:0"}, app(t, "application = 3\n")...), []string{"application"}},
		{"a syntax error", 1, append([]string{"--http-socket", "127.0.0.1:0"}, app(t, "def (:\n")...), []string{"SyntaxError"}},
		{"an unknown user", 1, with("--uid", "nobody-of-this-name"), []string{"nobody-of-this-name"}},
		{"a bad number in a file", 1, []string{"--ini", write("neg.ini", "[uwsgi]\nprocesses = -3\n")}, []string{"processes"}},
	} {
		t.Run(c.name, func(t *testing.T) { refuses(t, c.code, c.args, c.words...) })
	}
}

// Whatever an application answers, the client gets an honest response and the next request its own.
func TestNonsenseAnswersHurtNobody(t *testing.T) {
	s := serve(t, append(app(t, `
def application(environ, start_response):
    path = environ["PATH_INFO"]
    body = [b"fine\n"]
    status, headers = "200 OK", [("Content-Type", "text/plain")]
    if path == "/control":
        headers.append(("X-Bad", "a\r\nSet-Cookie: stolen=1"))
    elif path == "/nul":
        headers.append(("X-Bad", "a\0b"))
    elif path == "/name":
        headers.append(("X Bad", "a"))
    elif path == "/type":
        headers.append(("X-Bad", 3))
    elif path == "/bytes":
        headers.append((b"X-Bad", b"a"))
    elif path == "/status":
        status = "abc"
    elif path == "/status-int":
        status = 200
    elif path == "/informational":
        status = "100 Continue"
    elif path == "/hop":
        headers.append(("Transfer-Encoding", "chunked"))
    elif path == "/many":
        headers = [("X-%d" % i, "v") for i in range(100000)]
    elif path == "/huge":
        headers.append(("X-Huge", "v" * 10000000))
    elif path == "/long":
        headers.append(("Content-Length", "3"))
    elif path == "/short":
        headers.append(("Content-Length", "30"))
    elif path == "/lengths":
        headers += [("Content-Length", "5"), ("Content-Length", "6")]
    elif path == "/str":
        body = "text"
    elif path == "/none":
        body = None
    elif path == "/number":
        body = [1, 2, 3]
    elif path == "/unicode":
        headers.append(("X-Bad", "\u20ac"))
    elif path == "/never":
        return body
    elif path == "/twice":
        start_response(status, headers)
    elif path == "/raise":
        raise ValueError("on purpose")
    elif path == "/exit":
        raise SystemExit(3)
    elif path == "/flood":
        import os
        os.write(2, b"x" * 65536 * 40)
        print("y" * 1000000)
    start_response(status, headers)
    return body
`), "--processes", "2", "--threads", "2")...)
	bad := []string{
		"/control", "/nul", "/name", "/type", "/bytes", "/status", "/status-int", "/informational",
		"/hop", "/many", "/huge", "/short", "/lengths", "/str", "/none", "/number", "/unicode",
		"/never", "/twice", "/raise", "/exit",
	}
	c := &load.Conn{Addr: s.addr}
	defer c.Close()
	for range 3 {
		for _, path := range bad {
			res, kind, err := c.Do(&load.Request{Target: path, Want: []int{500}})
			if kind != load.OK {
				t.Errorf("%s: %s: %v", path, kind, err)
				continue
			}
			if res.Get("set-cookie") != "" || res.Get("x-bad") != "" {
				t.Errorf("%s: a header that was refused came through: %v", path, res.Header)
			}
			// The same connection and the same slots serve the next request as if nothing had been.
			if res, kind, err := c.Do(&load.Request{Target: "/"}); kind != load.OK || string(res.Body) != "fine\n" {
				t.Fatalf("after %s: %s: %v", path, kind, err)
			}
		}
	}
	if res, kind, err := c.Do(&load.Request{Target: "/long"}); kind != load.OK || string(res.Body) != "fin" {
		t.Errorf("/long: %s: %v", kind, err)
	}
	if res, kind, err := c.Do(&load.Request{Target: "/flood"}); kind != load.OK || string(res.Body) != "fine\n" {
		t.Errorf("/flood: %s: %v", kind, err)
	}
	if n := len(s.events.matching(becomes("gone"))); n != 0 {
		t.Errorf("%d workers went", n)
	}
}

// The incident's own command line, with a real module and a writable pidfile.
func TestTheIncidentsOptionsServe(t *testing.T) {
	dir := filepath.Join(root, "examples", "django")
	s := serve(t, "--chdir="+dir, "--module=mysite.wsgi:application", "--env", "DJANGO_SETTINGS_MODULE=mysite.settings",
		"--master", "--pidfile="+filepath.Join(t.TempDir(), "fender.pid"), "--processes=10", "--cheaper=1",
		"--cheaper-overload=30", "--cheaper-step=1", "--threads=4", "--enable-threads", "--harakiri=60",
		"--max-requests=200", "--python", python)
	s.must(&load.Request{Target: "/hello"})
}

// Standard output is a pipe that nobody reads. When there is no room for lines any more they are lost; how many
// is counted, and told as soon as somebody reads.
func TestABlockedStdoutStopsNothingAndLostLinesAreTold(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := start{before: []string{"sh", "-c", fmt.Sprintf(`exec "$@" >/proc/%d/fd/%d`, os.Getpid(), w.Fd()), "sh"}}.launch(t,
		append(app(t, "def application(e, s):\n    s('200 OK', [('Content-Length', '2')])\n    return [b'ok']\n"),
			"--http-socket", "127.0.0.1:0", "--admin", "127.0.0.1:0")...)
	s.ready()
	w.Close() // fender has it
	const requests = 300
	conn := &load.Conn{Addr: s.addr}
	for range requests { // their lines are more than the 64 KiB of the pipe and the 4 MiB that may wait
		if _, kind, err := conn.Do(&load.Request{Target: "/" + strings.Repeat("x", 30_000)}); kind != load.OK {
			t.Fatal(err)
		}
	}
	if _, kind, err := conn.Do(&load.Request{Target: "/healthz"}); kind != load.OK { // behind the last line, without one
		t.Fatal(err)
	}
	conn.Close()
	lost := metric(t, string(read(t, s.admin(), "/metrics").Body), `fender_log_lost_total{log="access"}`)
	if lost < requests/3 || lost > requests*2/3 {
		t.Errorf("%v lines are counted as lost", lost)
	}
	lines := make(chan int)
	go func() {
		all, _ := io.ReadAll(r)
		lines <- strings.Count(string(all), "\n")
	}()
	s.wait("word of the lost lines", 1, func(e event.Event) bool {
		return e.Kind == event.Warning && strings.Contains(e.Text, fmt.Sprintf("%v lines were dropped", lost))
	})
	s.signal(syscall.SIGTERM)
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := <-lines; n+int(lost) != requests {
		t.Errorf("%d lines came and %v were lost of %d", n, lost, requests)
	}
}

// The ini is a pipe: fender reads its options until the test has sent what it wants to.
func TestASignalWhileOptionsAreReadIsNotLost(t *testing.T) {
	ini := filepath.Join(t.TempDir(), "app.ini")
	fifo(t, ini)
	s := launch(t, "--ini", ini)
	pipe, err := os.OpenFile(ini, os.O_WRONLY, 0) // waits for fender to open the other end
	if err != nil {
		t.Fatal(err)
	}
	s.signal(syscall.SIGTERM)
	good := app(t, "def application(e, s):\n    s('200 OK', [])\n    return []\n")
	fmt.Fprintf(pipe, "[uwsgi]\nhttp-socket = 127.0.0.1:0\nchdir = %s\nmodule = app\npython = %s\n", good[1], python)
	pipe.Close()
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if s.printed(); !strings.Contains(s.log.String(), "drain started (SIGTERM)") {
		t.Error("it did not leave because of the signal")
	}
}
