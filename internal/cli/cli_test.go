package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fender/internal/control"
	"fender/internal/exit"
	"fender/internal/observe/status"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// process is a Process of a test, and what it printed.
type process struct {
	*Process
	out, err bytes.Buffer

	mu       sync.Mutex
	notified map[chan<- os.Signal][]os.Signal
}

func newProcess(args ...string) *process {
	p := &process{}
	p.Process = &Process{
		Version: "1.0.0", Args: args, PID: 4711, Stdin: strings.NewReader(""), Stdout: &p.out, Stderr: &p.err,
		Notify: func(c chan<- os.Signal, which ...os.Signal) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.notified == nil {
				p.notified = map[chan<- os.Signal][]os.Signal{}
			}
			p.notified[c] = append(p.notified[c], which...)
		},
		Stop: func(chan<- os.Signal) {},
		Now:  func() time.Time { return time.Date(2026, 11, 23, 20, 36, 11, 0, time.UTC) },
	}
	return p
}

func (p *process) signal(s os.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c, which := range p.notified {
		if slices.Contains(which, s) {
			c <- s
		}
	}
}

func TestRun_SaysWhatIsWrongWithTheCommandLine(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		err  string // standard error
	}{
		{"serv mysite", exit.Usage, `fender: unknown command "fender serv" (did you mean fender serve?); fender --help lists them`},
		{"frobnicate", exit.Usage, `fender: unknown command "fender frobnicate"; fender --help lists them`},
		{"--processes 3", exit.Usage, `fender: unknown option --processes; the server's options stand behind serve: fender serve --processes`},
		{"-p 3", exit.Usage, `fender: unknown option -p; the server's options stand behind serve: fender serve -p`},
		{"ctl relaod", exit.Usage, `fender: unknown command "fender ctl relaod" (did you mean fender ctl reload?); fender ctl --help lists them`},
		{"ctl status --jsn", exit.Usage, `fender: unknown option --jsn (did you mean --json?); fender ctl status --help lists them`},
		{"ctl status", exit.Usage, `fender: which fender? Give the path of its socket with --control PATH or in $FENDER_CONTROL`},
		{"ctl reload --control /no/such", exit.Problem, `fender: no fender listens at /no/such: is it running with --control /no/such?`},
		{"ctl status --control cli_test.go", exit.Problem, `fender: cli_test.go is not a control socket: give the path that fender serve has with --control`},
		{"health --url 127.0.0.1:1", exit.Problem, `fender: http://127.0.0.1:1/healthz: nothing listens there: is fender running, and on this address? --url names another`},
		{"serve --frobnicate", exit.Usage, "fender: unknown option --frobnicate\nfender: fender serve --help lists the options"},
		{"version please", exit.Usage, `fender: fender version takes no argument, there is "please"`},
		{"health --timeout never", exit.Usage, `fender: invalid argument "never" for "--timeout" flag: a time is a number of seconds, or 500ms, 2s, 1m`},
		{"health --url ftp://x", exit.Usage, `fender: --url "ftp://x" is not a URL: write http://host:port/healthz`},
	} {
		p := newProcess(strings.Fields(c.args)...)
		code := Run(p.Process)
		if code != c.code || p.err.String() != c.err+"\n" || p.out.Len() > 0 {
			t.Errorf("fender %s: exit %d\n%s%s\nwant exit %d\n%s", c.args, code, &p.out, &p.err, c.code, c.err)
		}
	}
}

func TestRun_HelpExplainsTheCommandsThatExist(t *testing.T) {
	var first string
	for _, args := range []string{"", "--help", "help", "-h"} {
		p := newProcess(strings.Fields(args)...)
		if code := Run(p.Process); code != exit.OK || p.err.Len() > 0 {
			t.Errorf("fender %s: exit %d, %s", args, code, &p.err)
		}
		if first == "" {
			first = p.out.String()
		}
		if p.out.String() != first {
			t.Errorf("fender %s prints another help", args)
		}
	}
	for _, want := range []string{"fender serve mysite.wsgi:application", "\n  serve ", "\n  alb ", "\n  ctl ", "\n  health ", "\n  lab ", "\n  siege ", "\n  version "} {
		if !strings.Contains(first, want) {
			t.Errorf("the help lacks %q:\n%s", want, first)
		}
	}
	for _, later := range []string{"check", "diagnose", "completion"} {
		if strings.Contains(first, "\n  "+later) {
			t.Errorf("the help shows %s, which does not exist", later)
		}
	}
	for _, args := range []string{"ctl status --help", "help ctl reload"} {
		p := newProcess(strings.Fields(args)...)
		if code := Run(p.Process); code != exit.OK || !strings.Contains(p.out.String(), "--control PATH") {
			t.Errorf("fender %s does not say where the socket is given: exit %d, %s", args, code, &p.out)
		}
	}
	for _, args := range []string{"ctl", "ctl --help", "help ctl", "help ctl status", "health --help", "version --help"} {
		p := newProcess(strings.Fields(args)...)
		if code := Run(p.Process); code != exit.OK || !strings.Contains(p.out.String(), "Usage:\n  fender ") {
			t.Errorf("fender %s: exit %d, %s", args, code, &p.out)
		}
	}
}

func TestServe_ProblemsOfOptionsHaveTheirExitCodes(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"serve --processesx 3 a:b", exit.Usage, "--processes"},
		{"serve --processes nothing a:b", exit.Problem, "processes"},
		{"serve", exit.NoApplication, "no application"},
		{"serve --ini /no/such.ini", exit.Problem, "/no/such.ini"},
	} {
		p := newProcess(strings.Fields(c.args)...)
		if code := Run(p.Process); code != c.code || !strings.Contains(p.err.String(), c.want) {
			t.Errorf("fender %s: exit %d, %s\nwant %d and %q", c.args, code, &p.err, c.code, c.want)
		}
		for line := range strings.Lines(p.err.String()) {
			if !strings.HasPrefix(line, "fender: ") {
				t.Errorf("fender %s: a line does not say who speaks: %s", c.args, line)
			}
		}
	}
	p := newProcess("serve", "--help")
	if code := Run(p.Process); code != exit.OK || !strings.Contains(p.out.String(), "--http-socket ADDRESS") {
		t.Errorf("serve --help: exit %d, %.200s", code, &p.out)
	}
}

func TestVersion_IsPrintedForPeopleAndPrograms(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"--version"}} {
		p := newProcess(args...)
		if code := Run(p.Process); code != exit.OK || !strings.HasPrefix(p.out.String(), "fender 1.0.0 (go1.") {
			t.Errorf("%v: exit %d, %s", args, code, &p.out)
		}
	}
	p := newProcess("version", "--json")
	var doc map[string]any
	if code := Run(p.Process); code != exit.OK || json.Unmarshal(p.out.Bytes(), &doc) != nil || doc["v"] != 1.0 || doc["version"] != "1.0.0" {
		t.Errorf("exit %d, %s", code, &p.out)
	}
}

func TestHealth_AsksWhereTheServerIsByDefault(t *testing.T) {
	for _, c := range []struct{ address, port, want string }{
		{"", "", "http://127.0.0.1:8000/healthz"},
		{"", "9000", "http://127.0.0.1:9000/healthz"},
		{"localhost:1", "9000", "http://localhost:1/healthz"},
		{"http://h:1/readyz", "", "http://h:1/readyz"},
		{"https://h", "", "https://h/healthz"},
		{"http://[::1]:80", "", "http://[::1]:80/healthz"},
	} {
		if got, err := healthURL(c.address, c.port); err != nil || got != c.want {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
	for _, port := range []string{"0", "http", "70000", "-1"} {
		if got, err := healthURL("", port); err == nil {
			t.Errorf("PORT=%s gives %s", port, got)
		}
	}
}

func TestHealth_ExitsWithZeroOnlyForAHealthyServer(t *testing.T) {
	stop := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/healthz":
			_, _ = io.WriteString(w, "ok")
		case "/sick":
			http.Error(w, "draining", http.StatusServiceUnavailable)
		case "/elsewhere":
			http.Redirect(w, r, "/healthz", http.StatusFound)
		case "/stuck":
			<-stop
		}
	}))
	defer server.Close()
	defer close(stop)
	for _, c := range []struct {
		path string
		code int
		text string
	}{
		{"", exit.OK, "healthy: " + server.URL + "/healthz"},
		{"/sick", exit.Problem, `unhealthy, it answers 503 Service Unavailable "draining"`},
		{"/elsewhere", exit.Problem, "302 Found"},
		{"/stuck", exit.Problem, "no answer in time"},
	} {
		p := newProcess("health", "--url", server.URL+c.path, "--timeout", "0.5")
		p.Environ = []string{"HTTP_PROXY=http://127.0.0.1:1"}
		if code := Run(p.Process); code != c.code || !strings.Contains(p.out.String()+p.err.String(), c.text) {
			t.Errorf("%s: exit %d, %s%s; want %d and %q", c.path, code, &p.out, &p.err, c.code, c.text)
		}
	}
	port := strings.TrimPrefix(server.URL, "http://127.0.0.1:")
	p := newProcess("health")
	p.Environ = []string{"PORT=" + port}
	if code := Run(p.Process); code != exit.OK {
		t.Errorf("with PORT: exit %d, %s", code, &p.err)
	}
}

// backend is a fender on the other side of the socket.
type backend struct {
	doc    status.Status
	reload func(context.Context) (control.ReloadResult, error)
}

func (b backend) Status(context.Context) (status.Status, error) { return b.doc, nil }
func (b backend) Reload(ctx context.Context) (control.ReloadResult, error) {
	return b.reload(ctx)
}
func (backend) Scale(context.Context, int) (control.ScaleResult, error) {
	return control.ScaleResult{}, nil
}
func (backend) Drain(context.Context, bool) error { return nil }

func fender(t *testing.T, b backend) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	s, err := control.Listen(path, b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return path
}

func document() status.Status {
	since := time.Date(2026, 11, 23, 20, 36, 0, 0, time.UTC)
	return status.Status{
		State: status.Reloading, Generation: 1, Python: "Python 3.11.2 at /usr/bin/python3", Version: "1.0.0", PID: 1, Uptime: 3725,
		Workers: []status.Worker{
			{Number: 1, Spawn: 17, PID: 4242, Generation: 1, State: "retiring", Reason: "reload", Requests: 204, RSS: 41 << 20, PSS: 12 << 20,
				Slots: []status.Slot{{RequestID: 1, Method: "GET", Path: "/slow", Since: since}, {}, {RequestID: 2, Method: "POST", Path: "/a\x1b[2J"}}},
			{Number: 2, Spawn: 18, PID: 4243, Generation: 2, State: "starting", Slots: make([]status.Slot, 3)},
		},
		Queue:  status.Queue{Length: 3, Limit: 1024, Oldest: 0.1254},
		Totals: status.Totals{Requests: 1000, Failed: 2, Retried: 5, TakenBack: 31, Born: 18, Gone: 16, Reloads: 1},
	}
}

func TestCtlStatus_PrintsATableOrTheDocument(t *testing.T) {
	path := fender(t, backend{doc: document()})
	p := newProcess("ctl", "status", "--control", path)
	if code := Run(p.Process); code != exit.OK {
		t.Fatalf("exit %d, %s", code, &p.err)
	}
	want := `fender 1.0.0, pid 1, up 1h2m5s: reloading, generation 1, Python 3.11.2 at /usr/bin/python3
queue: 3 of 1024, the oldest for 125ms
requests: 1000, 2 failed, 5 begun again, 31 taken back
workers: 2 now, 18 born, 16 gone, 1 reloads

WORKER  SPAWN  PID   GENERATION  STATE              REQUESTS  RSS       PSS       BUSY  WORKING ON
1       17     4242  1           retiring (reload)  204       41.0 MiB  12.0 MiB  2/3   GET /slow for 11s
                                                                                        POST /a\x1B[2J
2       18     4243  2           starting           0         -         -         0/3
`
	if diff := cmp.Diff(want, p.out.String()); diff != "" {
		t.Error(diff)
	}
	p = newProcess("ctl", "status", "--json")
	p.Environ = []string{"FENDER_CONTROL=" + path}
	var doc status.Status
	if code := Run(p.Process); code != exit.OK || json.Unmarshal(p.out.Bytes(), &doc) != nil {
		t.Fatalf("exit %d, %s", code, &p.err)
	}
	if diff := cmp.Diff(document(), doc); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(p.out.String(), "{\n  \"v\": 1,") {
		t.Errorf("the document begins %.40q", p.out.String())
	}
}

func TestInterpreter_IsNamedOnce(t *testing.T) {
	for python, want := range map[string]string{
		"3.11.2": "Python 3.11.2", "Python 3.11.2 at /usr/bin/python3": "Python 3.11.2 at /usr/bin/python3", "": "", "pypy 7.3 at /p": "pypy 7.3 at /p",
	} {
		if got := interpreter(python); got != want {
			t.Errorf("%q: %q, want %q", python, got, want)
		}
	}
}

func TestCtlReload_WaitsAndExitsWithFourWhenRefused(t *testing.T) {
	result, failure := control.ReloadResult{Generation: 2, Seconds: 1.25}, error(nil)
	path := fender(t, backend{reload: func(context.Context) (control.ReloadResult, error) { return result, failure }})
	for _, c := range []struct {
		err  error
		args []string
		code int
		text string
	}{
		{nil, nil, exit.OK, "reloaded in 1.25s: generation 2 serves\n"},
		{nil, []string{"--json"}, exit.OK, "{\n  \"v\": 1,\n  \"generation\": 2,\n  \"seconds\": 1.25\n}\n"},
		{fmt.Errorf("%w: generation 1 goes on: SyntaxError", control.ErrRefused), nil, exit.Refused,
			"fender: reload refused: generation 1 goes on: SyntaxError\n"},
		{errors.New("fender is leaving"), nil, exit.Problem, "fender: fender at " + path + ": fender is leaving\n"},
	} {
		failure = c.err
		p := newProcess(append([]string{"ctl", "reload", "--control", path}, c.args...)...)
		if code := Run(p.Process); code != c.code || p.out.String()+p.err.String() != c.text {
			t.Errorf("%v: exit %d, %s%s", c.err, code, &p.out, &p.err)
		}
	}
}

func TestCtlReload_InterruptedStopsWaiting(t *testing.T) {
	asked := make(chan struct{})
	path := fender(t, backend{reload: func(ctx context.Context) (control.ReloadResult, error) {
		close(asked)
		<-ctx.Done()
		return control.ReloadResult{}, ctx.Err()
	}})
	p := newProcess("ctl", "reload", "--control", path)
	code := make(chan int)
	go func() { code <- Run(p.Process) }()
	<-asked
	p.signal(syscall.SIGINT)
	if got := <-code; got != exit.Forced || p.err.String() != "fender: interrupted: the reload goes on\n" {
		t.Errorf("exit %d, %s", got, &p.err)
	}
}

func TestDidYouMean_NamesOnlyWhatIsNear(t *testing.T) {
	names := []string{"serve", "ctl", "health", "version"}
	for written, want := range map[string]string{
		"serv": "serve", "Serve": "serve", "helth": "health", "versionn": "version", "ctrl": "ctl",
		"x": "", "": "", "frobnicate": "", strings.Repeat("s", 1000): "",
	} {
		got := didYouMean(written, names, "")
		if want != "" {
			want = " (did you mean " + want + "?)"
		}
		if got != want {
			t.Errorf("%.20q: %q, want %q", written, got, want)
		}
	}
}

func TestDuration_ABareNumberIsSeconds(t *testing.T) {
	for text, want := range map[string]time.Duration{"2": 2 * time.Second, "0.5": time.Second / 2, "500ms": time.Second / 2, "1m": time.Minute} {
		var d duration
		if err := d.Set(text); err != nil || time.Duration(d) != want {
			t.Errorf("%s: %v, %v", text, time.Duration(d), err)
		}
	}
	for _, text := range []string{"", "0", "-1", "x", "NaN", "1e300"} {
		var d duration
		if err := d.Set(text); err == nil {
			t.Errorf("%q was taken as %v", text, time.Duration(d))
		}
	}
}
