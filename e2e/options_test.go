//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"fender/e2e/load"
	"fender/internal/observe/event"
)

// quiet is what every start here has in common.
var quiet = []string{"--http-socket", "127.0.0.1:0", "--access-log", "off"}

func here() string { return filepath.Join(root, "e2e", "testdata") }

func TestTheApplicationIsFoundInEveryWayThatUWSGIHas(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other := write("there.wsgi", "from process import application, other\n")
	common := fmt.Sprintf("chdir = %s\npython = %s\nhttp-socket = 127.0.0.1:0\naccess-log = off\nenv = PYTHONDONTWRITEBYTECODE=1\n", here(), python)
	ini := write("app.ini", "[uwsgi]\n"+common+"module = process\nenv = PROCESS_FROM=%n\n\n[second]\n"+common+"wsgi-file = process.py\ncallable = other\n")
	in := slices.Clip(append([]string{"--chdir", here(), "--python", python, "--env", "PYTHONDONTWRITEBYTECODE=1"}, quiet...))
	for _, c := range []struct {
		name string
		args []string
		env  []string
		want map[string]string
	}{
		{"module", append(in, "--module", "process:application"), nil, map[string]string{"name": "process"}},
		{"wsgi", append(in, "--wsgi", "process"), nil, map[string]string{"name": "process"}},
		{"-w and callable", append(in, "-w", "process", "--callable", "other"), nil, nil},
		{"a module without a name", append(in, "process:other"), nil, map[string]string{"name": "process"}},
		{"wsgi-file", append(in, "--wsgi-file", "process.py"), nil, map[string]string{"name": "uwsgi_file_process_py"}},
		{"file", append(in, "--file", filepath.Join(here(), "process.py")), nil, nil},
		{"a file without a name", append(in, "process.py"), nil, nil},
		{"a .wsgi file elsewhere", append(in, other, "--callable", "other"), nil, map[string]string{"cwd": here()}},
		{"an ini", []string{"--ini", ini}, nil, map[string]string{"name": "process", "environ": "PROCESS_FROM:app"}},
		{"an ini without a name", []string{ini}, nil, map[string]string{"name": "process", "environ": "PROCESS_FROM:app"}},
		{"its other section", []string{ini + ":second"}, nil, map[string]string{"name": "uwsgi_file_process_py"}},
		{"variables", quiet, []string{
			"UWSGI_MODULE=process", "UWSGI_CHDIR=" + here(), "UWSGI_PYTHON=" + python, "UWSGI_ENV=PROCESS_FROM=a variable",
			"UWSGI_PORT=tcp://10.0.0.1:80", // as Kubernetes makes them for a service of that name
		}, map[string]string{"environ": "PROCESS_FROM:a variable"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start{env: c.env}.launch(t, c.args...)
			s.ready()
			doc := s.facts("/")
			for key, want := range c.want {
				if got := fmt.Sprint(doc[key]); !strings.Contains(got, want) {
					t.Errorf("%s is %s, not %s", key, got, want)
				}
			}
		})
	}
}

func TestTheEnvironmentOfTheApplicationIsAsTheOptionsSay(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	s := start{env: []string{"PROCESS_OUTER=outer", "PROCESS_BOTH=outer", "VIRTUAL_ENV=/nowhere"}}.launch(t, append([]string{
		"--chdir", here(), "--module", "process", "--home", filepath.Dir(filepath.Dir(python)),
		"--env", "PROCESS_ONE=1", "--env", "PROCESS_BOTH=option", "--env", "PROCESS_EQUALS=a=b", "--env", "PYTHONDONTWRITEBYTECODE=1",
		"--pythonpath", first, "--pythonpath", second, "--umask", "027",
	}, quiet...)...)
	s.ready()
	doc := s.facts("/")
	venv := filepath.Dir(filepath.Dir(python))
	want := map[string]any{
		"PROCESS_OUTER": "outer", "PROCESS_ONE": "1", "PROCESS_BOTH": "option", "PROCESS_EQUALS": "a=b", "VIRTUAL_ENV": venv,
	}
	if got := doc["environ"]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("environment %v, not %v", got, want)
	}
	path := []string{}
	for _, entry := range doc["path"].([]any) {
		path = append(path, entry.(string))
	}
	if !slices.Equal(path[:3], []string{second, first, here()}) {
		t.Errorf("sys.path begins with %q", path[:3])
	}
	if doc["prefix"] != venv || doc["umask"] != "027" || doc["cwd"] != here() {
		t.Errorf("prefix %v, umask %v, directory %v", doc["prefix"], doc["umask"], doc["cwd"])
	}
	// Without home it is the environment that is active.
	s = start{env: []string{"VIRTUAL_ENV=" + venv}}.launch(t, append([]string{"--chdir", here(), "--module", "process"}, quiet...)...)
	s.ready()
	if got := s.facts("/")["prefix"]; got != venv {
		t.Errorf("prefix %v, not that of $VIRTUAL_ENV", got)
	}
}

func TestWithoutNeedAppAMissingApplicationIsAnEndless500(t *testing.T) {
	s := serve(t, "--chdir", here(), "--python", python, "--module", "no_such_module", "--need-app=false", "--threads", "2")
	for range 3 {
		res := s.must(&load.Request{Target: "/", Want: []int{500}})
		if string(res.Body) != "Internal Server Error" {
			t.Errorf("%q", res.Body)
		}
	}
	s.says("no_such_module", "need-app is off", "no python application found")
}

// Somebody starts fender a second time, and it does not come up: the first one's pidfile stands.
func TestASecondStartThatFailsLeavesThePidfileAlone(t *testing.T) {
	pidfile, socket := filepath.Join(t.TempDir(), "fender.pid"), control(t)
	s := serve(t, append(testdata("environ"), "--pidfile", pidfile, "--control", socket)...)
	again := append(testdata("environ"), "--http-socket", "127.0.0.1:0", "--control", socket, "--vacuum", "--pidfile")
	refuses(t, 1, append(slices.Clip(again), pidfile), "another fender listens on "+socket)
	if text, err := os.ReadFile(pidfile); err != nil || string(text) != fmt.Sprintf("%d\n", s.cmd.Process.Pid) {
		t.Errorf("the pidfile says %q, %v; the master is %d", text, err, s.cmd.Process.Pid)
	}
	other := filepath.Join(t.TempDir(), "other.pid")
	refuses(t, 1, append(slices.Clip(again), other), "another fender listens on "+socket)
	if _, err := os.Stat(other); !os.IsNotExist(err) {
		t.Errorf("a fender that did not come up has left a pidfile: %v", err)
	}
}

func TestADefaultSpoolThatCannotBeUsedIsAWarning(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	s := start{env: []string{"TMPDIR=" + missing}}.launch(t, append(testdata("input"), quiet...)...)
	s.ready()
	s.says("warning: body-spool: no file can be made in " + missing)
	s.must(&load.Request{Method: "POST", Target: "/?do=sum", Body: []byte("small")})
}

func TestThePidfileNamesTheMasterAndVacuumRemovesIt(t *testing.T) {
	for _, vacuum := range []bool{false, true} {
		pidfile, socket := filepath.Join(t.TempDir(), "fender.pid"), control(t)
		args := append(testdata("environ"), "--pidfile", pidfile, "--http-socket", socket)
		if vacuum {
			args = append(args, "--vacuum")
		}
		s := serve(t, args...)
		text, err := os.ReadFile(pidfile)
		if err != nil {
			t.Fatal(err)
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err != nil || pid != s.cmd.Process.Pid {
			t.Errorf("the pidfile says %q, the master is %d", text, s.cmd.Process.Pid)
		}
		s.signal(syscall.SIGTERM)
		if code := s.exit(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		for _, path := range []string{pidfile, socket} {
			if _, err := os.Stat(path); os.IsNotExist(err) != vacuum {
				t.Errorf("vacuum %v: %s: %v", vacuum, path, err)
			}
		}
	}
}

func TestEverySocketIsServed(t *testing.T) {
	path := control(t)
	s := launch(t, append(testdata("environ"), "--http-socket", "127.0.0.1:0", "--http", "localhost:0", "--http-socket", path,
		"--http-socket", "@"+path, "--access-log", "off")...)
	s.wait("4 addresses", 4, func(e event.Event) bool { return e.Kind == event.Listening })
	s.ready()
	seen := map[string]bool{}
	for _, e := range s.events.matching(func(e event.Event) bool { return e.Kind == event.Listening }) {
		address := strings.TrimPrefix(strings.TrimPrefix(e.Address, "http://"), "unix:")
		env := facts(t, askRaw(t, address, "GET /a HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\n\r\n"))
		port, addr := env["SERVER_PORT"], env["REMOTE_ADDR"]
		switch strings.HasPrefix(e.Address, "http://") {
		case true:
			if port != address[strings.LastIndexByte(address, ':')+1:] || port == "0" || addr != "127.0.0.1" && addr != "::1" {
				t.Errorf("%s: SERVER_PORT %v, REMOTE_ADDR %v", e.Address, port, addr)
			}
		case false: // as in uWSGI; who can reach the file is trusted
			if port != "80" || addr != "" || env["wsgi.url_scheme"] != "https" || env["REMOTE_PORT"] != nil {
				t.Errorf("%s: %v", e.Address, env)
			}
		}
		seen[address] = true
	}
	if len(seen) != 4 {
		t.Errorf("addresses %v", seen)
	}
}

// fender is started elsewhere. In uWSGI these paths are looked for when chdir has been done.
func TestPathsOfTheApplicationAreRelativeToChdir(t *testing.T) {
	good := app(t, "import sys\n\ndef application(e, s):\n    s('200 OK', [])\n    return [sys.prefix.encode()]\n")
	dir := good[1]
	if err := os.Symlink(filepath.Dir(filepath.Dir(python)), filepath.Join(dir, "venv")); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "--chdir", dir, "--module", "app", "--home", "venv", "--touch-reload", "touched")
	if got, want := string(s.must(&load.Request{Target: "/"}).Body), filepath.Join(dir, "venv"); got != want {
		t.Errorf("the environment is %s, not %s", got, want)
	}
	if err := os.WriteFile(filepath.Join(dir, "touched"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.wait("the reload", 1, func(e event.Event) bool { return e.Kind == event.Reload && e.To == event.StateDone })
}
