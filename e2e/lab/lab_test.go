//go:build linux

package lab

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fender/internal/proving/proctree"
	"fender/internal/proving/report"

	"golang.org/x/sys/unix"
)

// patience bounds every wait for an event. It is no measure of anything: it ends a test that hangs.
const patience = 60 * time.Second

var (
	root  string // of the project
	plain string // the fender that is shipped
	race  string // the same with the race detector, where there is one
	venv  string // with Django, gunicorn and uWSGI
)

func TestMain(m *testing.M) {
	_, file, _, _ := runtime.Caller(0)
	root = filepath.Dir(filepath.Dir(filepath.Dir(file)))
	plain = first(os.Getenv("FENDER_BIN"), filepath.Join(root, "bin", "fender"))
	race = first(os.Getenv("FENDER_RACE_BIN"), plain)
	venv = first(os.Getenv("FENDER_LAB_VENV"), filepath.Join(root, ".venv-lab"))
	for _, path := range []string{plain, race, filepath.Join(venv, "bin", "python")} {
		if _, err := os.Stat(path); err != nil {
			fmt.Fprintf(os.Stderr, "e2e/lab: %v: run the tests with `make test`, which makes it\n", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func first(some ...string) string {
	for _, s := range some {
		if s != "" {
			return s
		}
	}
	return ""
}

// debian are the stacks' Debian packages, as scripts/need.sh takes them.
var debian = []string{
	"/usr/sbin/nginx=nginx", "/usr/sbin/apache2=apache2", "/usr/lib/apache2/modules/mod_wsgi.so=libapache2-mod-wsgi-py3",
	"/usr/bin/uwsgi-core=uwsgi-core", "/usr/lib/uwsgi/plugins/python3_plugin.so=uwsgi-plugin-python3",
}

// need installs the packages when it may; else the test is skipped and names them, but never in CI.
func need(t *testing.T, packages ...string) {
	t.Helper()
	out, err := exec.Command(filepath.Join(root, "scripts", "need.sh"), packages...).CombinedOutput()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("CI skips nothing: %s", out)
	default:
		t.Skip(strings.TrimSpace(string(out)))
	}
}

// run is a lab that has ended.
type run struct {
	code   int
	result report.Result
	stdout string
	stderr string
	out    string // its directory
}

// command is fender lab with these arguments.
func command(t *testing.T, binary string, args ...string) (cmd *exec.Cmd, out string) {
	t.Helper()
	out = t.TempDir()
	args = append([]string{"lab"}, args...)
	cmd = exec.Command(binary, append(args, "--out", out, "--venv", venv, "--site", filepath.Join(root, "examples", "django"))...)
	// Not t.TempDir: Apache's workers are another user, whom its folders keep out.
	scratch, err := os.MkdirTemp("", "lab-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(scratch, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(scratch) })
	cmd.Env = append(os.Environ(), "TMPDIR="+scratch, "GORACE=halt_on_error=1 exitcode=66 atexit_sleep_ms=0")
	return cmd, out
}

// lab runs a scenario to its end.
func lab(t *testing.T, binary string, args ...string) run {
	t.Helper()
	cmd, out := command(t, binary, append(args, "--json")...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	r := run{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String(), out: out}
	if stdout.Len() > 0 {
		if err := json.Unmarshal(stdout.Bytes(), &r.result); err != nil {
			t.Fatalf("--json printed no document: %v\n%s", err, r.stdout)
		}
	}
	return r
}

// races fails the test when one of the row's processes met the race detector.
func (r run) races(t *testing.T) {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(r.out, "logs", "*"))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if i := bytes.Index(text, []byte("DATA RACE")); i >= 0 {
			t.Errorf("%s: %s", path, text[i:min(len(text), i+4000)])
		}
	}
	if strings.Contains(r.stderr, "DATA RACE") {
		t.Error(r.stderr)
	}
}

// Each scenario, shortened, as far as fender is concerned: the promise.
func TestFenderPassesEveryScenario(t *testing.T) {
	for _, c := range []struct {
		scenario string
		binary   string
		speed    string
		long     string // speed of the long form
		args     []string
	}{
		{"incident", race, "20", "1", nil},
		{"incident", race, "20", "1", []string{"--stress"}},
		{"churn", race, "4", "1", nil},
		{"crash", race, "6", "1", nil},
		{"reload", race, "5", "1", nil},
		{"deploy", race, "6", "1", nil},
		{"keepalive-race", race, "4", "1", nil},
		{"upload", race, "4", "1", nil},
		{"chaos", race, "12", "1", nil},
		// These two judge times: the race detector is several times as slow.
		{"slow-clients", plain, "2", "1", nil},
		{"overload", plain, "4", "1", nil},
	} {
		t.Run(strings.Join(append([]string{c.scenario}, c.args...), " "), func(t *testing.T) {
			speed := c.speed
			if os.Getenv("FENDER_FULL") != "" {
				speed = c.long
			}
			r := lab(t, c.binary, append([]string{c.scenario, "--stacks", "fender", "--speed", speed}, c.args...)...)
			r.races(t)
			if r.code != 0 || !r.result.Passed || len(r.result.Rows) != 1 {
				t.Fatalf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
			}
			for _, name := range []string{"result.json", "index.html"} {
				if info, err := os.Stat(filepath.Join(r.out, name)); err != nil || info.Size() == 0 {
					t.Errorf("%s: %v", name, err)
				}
			}
			row := r.result.Rows[0]
			if row.Peak.Processes < 2 || row.Peak.Threads < row.Peak.Processes || row.Peak.Memory == 0 || len(row.Samples) == 0 || len(row.Series) == 0 {
				t.Errorf("what was watched is missing: %+v, %d samples, %d bins", row.Peak, len(row.Samples), len(row.Series))
			}
		})
	}
}

// Nothing is arranged: what the others lose is what they lose. But each of them must have run, and
// its workers must have been seen.
func TestTheIncidentRunsOnEveryStack(t *testing.T) {
	need(t, debian...)
	speed := "30"
	if os.Getenv("FENDER_FULL") != "" {
		speed = "1"
	}
	r := lab(t, plain, "incident", "--speed", speed, "--stress")
	if r.code != 0 {
		t.Errorf("exit %d\n%s", r.code, r.stderr)
	}
	want := "apache uwsgi-http@debian uwsgi-http@pypi uwsgi-http-socket@debian uwsgi-http-socket@pypi nginx+uwsgi gunicorn fender"
	var names []string
	for _, row := range r.result.Rows {
		names = append(names, row.Stack)
		if row.Outcome == report.Broken || row.Outcome == report.Skipped || row.Total.Requests == 0 || row.Version == "" {
			t.Errorf("%s: %s %s %s, %d requests", row.Stack, row.Outcome, row.Error, row.Skipped, row.Total.Requests)
		}
		if strings.Contains(row.Stack, "uwsgi") && (row.Born == 0 || row.Dead == 0) {
			t.Errorf("%s: %d workers born, %d dead: the lines of its log were not understood, or it did not scale", row.Stack, row.Born, row.Dead)
		}
		t.Logf("%s: %d requests, %d failed, %d born, %d dead", row.Stack, row.Total.Requests, row.Total.Failed, row.Born, row.Dead)
	}
	if got := strings.Join(names, " "); got != want {
		t.Errorf("rows: %s", got)
	}
}

// Every stack's workers are killed, crashed and reloaded: each must be seen in its log.
func TestTheLivesOfWorkersAreSeenOnEveryStack(t *testing.T) {
	need(t, debian...)
	path := filepath.Join(t.TempDir(), "lives.scenario")
	text := `title Everything that can happen to a worker
harm
set processes 2
set threads 2
request GET /hello
phase "load" 2 users, until dead 2, usually 4s, at most 40s
during "load" after 500ms kill a worker
during "load" after 2s reload
needs kills = 1
needs reloads = 1
needs born >= 1
needs dead >= 2
expect requests >= 1
`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r := lab(t, plain, path)
	if r.code != 0 {
		t.Errorf("exit %d\n%s", r.code, r.stderr)
	}
	for _, row := range r.result.Rows {
		if row.Outcome != report.Passed {
			t.Errorf("%s: %s %s\n%+v\n%v", row.Stack, row.Outcome, row.Error, row.Verdicts, row.Reasons)
		}
	}
}

func TestAScenarioWithoutItsFaultFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "quiet.scenario")
	text := "title Nothing happens\nset processes 1\nrequest GET /hello\nphase \"load\" 1 users for 500ms\nneeds dead >= 1\nexpect failed = 0\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r := lab(t, plain, path, "--stacks", "fender")
	if r.code != 3 || r.result.Passed || r.result.Rows[0].Outcome != report.NoFault || !strings.Contains(r.stderr, "fender: dead >= 1 was 0") {
		t.Errorf("exit %d\n%s", r.code, r.stderr)
	}
}

func TestAStackThatIsNotThereSaysWhatToInstall(t *testing.T) {
	cmd := exec.Command(plain, "lab", "churn", "--stacks", "gunicorn,fender", "--venv", "/no/such/venv", "--out", t.TempDir(), "--site", filepath.Join(root, "examples", "django"))
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 1 || !bytes.Contains(out, []byte("gunicorn is skipped: there is no /no/such/venv/bin/gunicorn: make .venv-lab/ready")) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestATargetOfOnesOwnGetsTheLoadAndNothingElse(t *testing.T) {
	var asked, other atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/mine" {
			asked.Add(1)
		} else {
			other.Add(1)
		}
	}))
	defer server.Close()
	r := lab(t, plain, "incident", "--target", server.URL+"/mine", "--speed", "50")
	server.Close() // all handlers have returned
	if r.code != 0 || asked.Load() == 0 || other.Load() != 0 || r.result.Rows[0].Total.Requests == 0 {
		t.Errorf("exit %d, %d asked, %d other\n%s", r.code, asked.Load(), other.Load(), r.stderr)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"incident", "--target", "http://192.0.2.1/"}, 2, "--allow-remote says that it is yours"},
		{[]string{"incident", "--target", "ftp://x/"}, 2, "is not a URL"},
		{[]string{"incident", "--target", "http://127.0.0.1:1/", "--bound", "10s"}, 1, "take a higher --speed, or a longer --bound"},
		{[]string{"incident", "--target", "http://127.0.0.1:1/", "--stacks", "fender"}, 2, "one of them"},
		{[]string{"incident", "--target", "http://127.0.0.1:1/", "--stress"}, 2, "one of them"},
		{[]string{"churn", "--bound", "10s"}, 2, "--bound belongs to --target URL"},
		{[]string{"churn", "--stress"}, 1, `has no line "stress"`},
		{[]string{"churn", "--speed", "1000"}, 1, "a speed is between"},
		{[]string{"churn", "--stacks", "unicorn"}, 2, `there is no stack "unicorn"`},
		{[]string{"chrun"}, 2, `no such scenario as "chrun"`},
	} {
		if r := lab(t, plain, c.args...); r.code != c.code || !strings.Contains(r.stderr, c.want) {
			t.Errorf("%v: exit %d, %s", c.args, r.code, r.stderr)
		}
	}
}

// A limit of the files' size takes the place of a full disk.
func TestAReportThatCannotBeWrittenIsPrintedAtLeast(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	cmd, out := command(t, plain, "incident", "--target", server.URL, "--speed", "100")
	cmd.Args = append([]string{"sh", "-c", `ulimit -f 16; exec "$0" "$@"`}, cmd.Args...) // 8 KiB: less than the page
	cmd.Path = "/bin/sh"
	text, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 1 || !regexp.MustCompile(`(?m)^target +[1-9]\d* +0 `).Match(text) || !bytes.Contains(text, []byte("index.html.new: file too large")) {
		t.Errorf("%v\n%s", err, text)
	}
	if _, err := os.Stat(filepath.Join(out, "index.html")); err == nil || bytes.Contains(text, []byte("report: ")) {
		t.Errorf("half a page is there, or said to be\n%s", text)
	}
}

// started begins a lab and returns when its load runs, with a descriptor of each process below it and
// the lines that it writes to its standard error from then on.
func started(t *testing.T, args ...string) (cmd *exec.Cmd, fds []int, lines <-chan string) {
	t.Helper()
	cmd, _ = command(t, race, args...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { r.Close() }) // not sooner: a lab whose standard error breaks dies of SIGPIPE
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var text []byte
	loading := regexp.MustCompile(`(?m)^\S+: load: `)
	for piece := make([]byte, 4096); !loading.Match(text); {
		n, err := r.Read(piece)
		text = append(text, piece[:n]...)
		if err != nil {
			_ = cmd.Process.Kill()
			t.Fatalf("%v: %s", err, text)
		}
	}
	said := make(chan string, 100)
	go func() { // until the lab has ended
		defer close(said)
		_ = r.SetReadDeadline(time.Time{})
		for all := bufio.NewScanner(r); all.Scan(); {
			select {
			case said <- all.Text():
			default: // nobody reads: the lab must not wait
			}
		}
	}()
	all, err := proctree.Tree(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.PID == cmd.Process.Pid {
			continue
		}
		if fd, err := unix.PidfdOpen(p.PID, 0); err == nil {
			fds = append(fds, fd)
			t.Cleanup(func() { unix.Close(fd) })
		}
	}
	if len(fds) < 5 { // keepers, the balancer, the server's own, and it may be that siege is on its way
		t.Errorf("only %d processes below the lab: %+v", len(fds), all)
	}
	return cmd, fds, said
}

func mustEnd(t *testing.T, fds []int) {
	t.Helper()
	for _, fd := range fds {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for {
			n, err := unix.Poll(poll, int(patience.Milliseconds()))
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil || n != 1 {
				t.Errorf("a process was left behind: %d, %v", n, err)
			}
			break
		}
	}
}

func TestALabThatIsKilledLeavesNothing(t *testing.T) {
	for _, stack := range []string{"fender", "gunicorn", "uwsgi-http@pypi"} {
		cmd, fds, _ := started(t, "churn", "--stacks", stack)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		mustEnd(t, fds)
	}
}

// The requests are longer than the lab's patience with a server that is asked to end.
func TestASecondCtrlCDoesNotWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "long.scenario")
	text := "title Long requests\nset processes 1\nrequest GET /slow?seconds=100\nphase \"load\" 2 users for 100s\nneeds requests >= 1\nexpect failed = 0\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd, fds, lines := started(t, path, "--stacks", "gunicorn")
	for _, want := range []string{"stopping everything", "interrupted again"} {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		for line := range lines { // to the end of what it says when that never comes
			if strings.Contains(line, want) {
				want = ""
				break
			}
		}
		if want != "" {
			t.Fatalf("it never said %q", want)
		}
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d", code)
	}
	mustEnd(t, fds)
}

func TestCtrlCStopsEverything(t *testing.T) {
	cmd, fds, _ := started(t, "churn", "--stacks", "fender")
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d", code)
	}
	mustEnd(t, fds)
}

// A port that somebody else takes, a server that does not come up: the row says so, the others run.
func TestAServerThatDoesNotComeUpBreaksItsRowAlone(t *testing.T) {
	site := t.TempDir()
	if err := os.MkdirAll(filepath.Join(site, "mysite"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(site, "mysite", "wsgi.py"), []byte("raise SystemExit('not today')\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(plain, "lab", "churn", "--stacks", "gunicorn,fender", "--venv", venv, "--out", t.TempDir(), "--site", site)
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 1 || !bytes.Contains(out, []byte("ended at its start; its last words:")) || !bytes.Contains(out, []byte("not today")) {
		t.Errorf("%v\n%s", err, out)
	}
}
