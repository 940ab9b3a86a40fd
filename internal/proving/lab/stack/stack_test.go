package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The lines are real ones.
func TestReaders_TellOfEveryBirthAndDeath(t *testing.T) {
	for name, c := range map[string]struct {
		reader Reader
		lines  string
		want   string
	}{
		"uWSGI": {newUWSGI(), `
spawned uWSGI master process (pid: 21306)
spawned uWSGI worker 1 (pid: 19788, cores: 2)
spawned uWSGI worker 2 (pid: 19789, cores: 2)
spawned uWSGI http 1 (pid: 19791)
DAMN ! worker 2 (pid: 19789) died, killed by signal 9 :( trying respawn ...
Respawned uWSGI worker 2 (new pid: 19793)
...The work of process 19793 is done. Seeya!
worker 2 killed successfully (pid: 19793)
Respawned uWSGI worker 2 (new pid: 19800)
worker 2 killed successfully (pid: 19800)
uWSGI worker 2 cheaped.
gateway "uWSGI http 1" has been buried (pid: 19791)
...gracefully killing workers...
Gracefully killing worker 1 (pid: 19788)...
worker 1 buried after 1 seconds
spawned uWSGI worker 1 (pid: 20346, cores: 2)
Wed Nov 25 20:00:00 2026 - *** HARAKIRI ON WORKER 1 (pid: 20346, try: 1) ***
DAMN ! worker 1 (pid: 20346) died, killed by signal 9 :( trying respawn ...
Respawned uWSGI worker 1 (new pid: 20350)
DAMN ! worker 1 (pid: 20350) died :( trying respawn ...
worker 7 buried after 1 seconds
a line of the application: worker (pid: 1) died`,
			"+19788 +19789 -19789 signal 9 +19793 -19793 max-requests +19800 -19800 cheaper -19788 reload +20346 -20346 harakiri +20350 -20350 crash"},
		"gunicorn": {newGunicorn(), `
[2026-11-25 20:48:42 +0000] [23456] [INFO] Starting gunicorn 27.0.1
[2026-11-25 20:48:42 +0000] [23499] [INFO] Booting worker with pid: 23499
[2026-11-25 20:48:42 +0000] [23499] [INFO] Autorestarting worker after current request.
[2026-11-25 20:48:42 +0000] [23499] [INFO] Worker exiting (pid: 23499)
[2026-11-25 20:48:42 +0000] [23506] [INFO] Booting worker with pid: 23506
[2026-11-25 20:48:42 +0000] [23511] [INFO] Booting worker with pid: 23511
[2026-11-25 20:48:45 +0000] [23456] [ERROR] Worker (pid:23511) was sent SIGKILL! Perhaps out of memory?
[2026-11-25 20:48:45 +0000] [23456] [ERROR] Worker (pid:23511) exited with code 9
[2026-11-25 20:48:45 +0000] [23456] [CRITICAL] WORKER TIMEOUT (pid:23506)
[2026-11-25 20:48:45 +0000] [23456] [WARNING] Worker (pid:23506) was sent SIGABRT!
[2026-11-25 20:48:45 +0000] [23790] [INFO] Booting worker with pid: 23790
[2026-11-25 20:48:50 +0000] [23790] [INFO] Worker exiting (pid: 23790)`,
			"+23499 -23499 max-requests +23506 +23511 -23511 SIGKILL -23506 timeout +23790 -23790 reload"},
		"Apache": {newApache(), `
[Wed Nov 25 20:45:55.012816 2026] [wsgi:info] [pid 7567:tid 7567] mod_wsgi (pid=7567): Starting process 'site' with uid=33, gid=33 and threads=2.
[Wed Nov 25 20:45:55.018112 2026] [wsgi:info] [pid 7567:tid 7567] mod_wsgi (pid=7567): Initializing Python.
[Wed Nov 25 20:45:56.014232 2026] [wsgi:info] [pid 7567:tid 7590] mod_wsgi (pid=7567): Maximum requests reached, triggering immediate shutdown 'site'.
[Wed Nov 25 20:45:56.015232 2026] [wsgi:info] [pid 7567:tid 7567] mod_wsgi (pid=7567): Exiting process 'site'.
[Wed Nov 25 20:45:56.015232 2026] [wsgi:info] [pid 7567:tid 7567] mod_wsgi (pid=7567): Exiting process 'site'.`,
			"+7567 -7567 max-requests"},
		"fender": {newFender(), `
fender: worker 1 (spawn 8, pid 24902) ready in 14 ms
{"v":1,"event":"worker","worker":4,"spawn":8,"generation":2,"to":"starting"}
{"v":1,"event":"worker","worker":4,"spawn":8,"pid":24902,"from":"starting","to":"ready"}
{"v":1,"event":"worker","worker":4,"spawn":8,"pid":24902,"from":"ready","to":"retiring","reason":"max-requests"}
{"v":1,"event":"worker","worker":4,"spawn":8,"pid":24902,"from":"retiring","to":"gone","reason":"max-requests"}
{"v":1,"event":"template","pid":24902,"to":"gone"}
{"v":1,"event":"worker","worker":5,"pid":7,"from":"starting","to":"gone","reason":"boot-failure"}
{"v":1,"event":"wor`,
			"+24902 -24902 max-requests"},
	} {
		var got []string
		for line := range strings.Lines(c.lines) {
			if e, ok := c.reader.Line(strings.TrimSuffix(line, "\n")); ok {
				text := fmt.Sprintf("+%d", e.PID)
				if !e.Born {
					text = fmt.Sprintf("-%d %s", e.PID, e.Reason)
				}
				got = append(got, text)
			}
		}
		if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestFill_LeavesOutLinesWithoutAValue(t *testing.T) {
	got := Fill("; ${DIR} is the directory\n[uwsgi]\na = ${a}\nb = ${b}\nc = ${a}/${b}\n  # ${b}\nlocation $uri ${DIR}\n\n", map[string]string{"a": "1", "DIR": "/d"})
	if want := "; ${DIR} is the directory\n[uwsgi]\na = 1\n  # ${b}\nlocation $uri /d\n\n"; got != want {
		t.Errorf("%q", got)
	}
}

func TestEveryStack_WritesItsConfigurationWithTheIncidentsOptions(t *testing.T) {
	options := map[string]string{
		"processes": "10", "cheaper": "1", "cheaper-overload": "30", "cheaper-step": "1", "threads": "4", "harakiri": "60", "max-requests": "200",
	}
	h := Host{Fender: "/bin/fender", Venv: "/venv", Site: "/site"}
	for _, s := range All(h) {
		dir := t.TempDir()
		commands, err := s.Commands(Place{Host: h, Dir: dir, Address: "127.0.0.1:1234", Options: options})
		if err != nil {
			t.Fatal(s.Name, err)
		}
		if s.Manager >= len(commands) || s.Reader == nil || s.Reload == 0 || len(s.Needs) == 0 || len(s.Version) == 0 {
			t.Errorf("%s is not whole: %+v", s.Name, s)
		}
		all := ""
		paths, _ := filepath.Glob(filepath.Join(dir, "*"))
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				if first := strings.TrimSpace(line); first != "" && !strings.ContainsAny(first[:1], ";#") {
					all += line
				}
			}
		}
		for _, want := range []string{"127.0.0.1:1234", "10", "200", "60"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s: no %s in its configuration:\n%s", s.Name, want, all)
			}
		}
		if strings.Contains(strings.ReplaceAll(all, `"""gunicorn in the lab. ${...}`, ""), "${") {
			t.Errorf("%s: something is not filled in:\n%s", s.Name, all)
		}
		for _, c := range commands {
			if c.Stop == 0 || len(c.Args) == 0 {
				t.Errorf("%s: %+v cannot be started and stopped", s.Name, c)
			}
		}
	}
}

func TestFill_RefusesPathsThatTheConfigurationsCannotHold(t *testing.T) {
	for _, dir := range []string{"/with blank", "/with\"quote", "/a;b", "/a$b", "/100%d", "/a'b", "/a{b}"} {
		_, err := Place{Host: Host{Site: dir}, Dir: t.TempDir()}.fill("nginx.conf", nil)
		if err == nil || !strings.Contains(err.Error(), "cannot stand") {
			t.Errorf("%q: %v", dir, err)
		}
	}
}

func TestSelect_TakesRowsAndFamiliesInTheTablesOrder(t *testing.T) {
	all := All(Host{})
	chosen, err := Select(all, []string{"fender", "uwsgi-http", "uwsgi-http-socket@pypi"})
	var names []string
	for _, s := range chosen {
		names = append(names, s.Name)
	}
	want := []string{"uwsgi-http@debian", "uwsgi-http@pypi", "uwsgi-http-socket@pypi", "fender"}
	if diff := cmp.Diff(want, names); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := Select(all, []string{"unicorn"}); err == nil || !strings.Contains(err.Error(), `there is no stack "unicorn"; there are apache, uwsgi-http,`) {
		t.Error(err)
	}
	if chosen, err := Select(all, nil); err != nil || len(chosen) != len(all) {
		t.Error(len(chosen), err)
	}
}

func TestMissing_SaysWhatToInstall(t *testing.T) {
	s := Stack{Needs: []Need{{"/bin/sh", "x"}, {"/no/such", debian("such")}, {"no-such-program", makeVenv}}}
	want := "there is no /no/such: Debian: sudo apt-get install such; there is no no-such-program: " + makeVenv
	if got := s.Missing(); got != want {
		t.Error(got)
	}
}
