package python

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFork_RunsTheHooksOfTheApplicationAndReseedsRandom(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		r := start(t, python, testBoot("hooks"))
		first, second := r.ready().facts("/"), r.ready().facts("/")
		if first["random"] == second["random"] {
			t.Errorf("two workers have the same random numbers: %v", first["random"])
		}
		if first["has_hooks"] == false {
			return // 3.6
		}
		if got, want := fmt.Sprint(first["events"]), "[before child]"; got != want {
			t.Errorf("in the first worker the hooks %v ran, want %v", got, want)
		}
		if got, want := fmt.Sprint(second["events"]), "[before parent before child]"; got != want {
			t.Errorf("in the second worker the hooks %v ran, want %v", got, want)
		}
		if first["ppid"] != float64(r.cmd.Process.Pid) {
			t.Errorf("the worker's parent is %v, the template %d", first["ppid"], r.cmd.Process.Pid)
		}
	})
}

func TestFork_ClosesDjangosConnectionsBefore(t *testing.T) {
	r := start(t, systemPython(t), testBoot("database"))
	for i := range 2 {
		if got := string(r.ready().get("/").body); got != fmt.Sprint(i+1) {
			t.Errorf("connections had been closed %s times before fork %d", got, i+1)
		}
	}
}

func TestFork_GoesOnWhenDjangosConnectionsCannotBeClosed(t *testing.T) {
	r := start(t, systemPython(t), testBoot("database"), "TEST_CLOSING=raises")
	if a := r.ready().get("/"); a.status != "200 OK" {
		t.Errorf("the answer is %+v", a)
	}
	r.stderr.waitFor(t, "closing Django's database connections before the fork failed")
	r.stderr.waitFor(t, "ValueError: cannot close")
}

func TestFork_GivesAWorkerItsOwnDescriptorsOnly(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		boot := testBoot("basic")
		boot.Threads = 2
		r := start(t, python, boot)
		r.ready()
		r.ready()
		links := r.ready().facts("/show_process")["links"].(map[string]any)
		var sockets []string
		for fd, link := range links {
			if strings.HasPrefix(link.(string), "socket:") {
				sockets = append(sockets, fd)
			}
			if strings.Contains(link.(string), "fender-program") {
				t.Errorf("descriptor %s is the bundle", fd)
			}
		}
		if len(sockets) != 2 {
			t.Errorf("the third worker has %d sockets, want its 2 slots: %v", len(sockets), links)
		}
	})
}

func TestWorker_SetsSchedulingOOMScoreAndName(t *testing.T) {
	boot := testBoot("basic")
	boot.SchedBatch, boot.OOMScoreAdj, boot.Threads = true, 321, 2
	r := start(t, systemPython(t), boot)
	w := r.ready()
	attr, err := unix.SchedGetAttr(w.tid(1), 0)
	if err != nil {
		t.Fatal(err)
	}
	if attr.Policy != unix.SCHED_BATCH {
		t.Errorf("the thread's policy is %d, want SCHED_BATCH", attr.Policy)
	}
	for path, want := range map[string]string{
		fmt.Sprintf("/proc/%d/oom_score_adj", w.pid):             "321",
		fmt.Sprintf("/proc/%d/comm", w.pid):                      "fender-w1",
		fmt.Sprintf("/proc/%d/comm", r.cmd.Process.Pid):          "fender template",
		fmt.Sprintf("/proc/%d/oom_score_adj", r.cmd.Process.Pid): ownOOMScore(t),
	} {
		got, err := os.ReadFile(path)
		if err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("%s is %q, %v, want %q", path, got, err, want)
		}
	}
}

func ownOOMScore(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

func TestWorker_HasTheCollectorAsTheApplicationWantsIt(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, lazy := range []bool{false, true} {
			for _, c := range []struct {
				wants   string
				enabled bool
				first   float64 // threshold
			}{{"", true, 0}, {"disabled", false, 0}, {"enabled", true, 0}, {"threshold", true, 12345}} {
				boot := testBoot("collecting")
				boot.Lazy = lazy
				r := start(t, python, boot, "TEST_GC="+c.wants)
				f := r.ready().facts("/")
				if c.first == 0 {
					c.first = f["default"].(float64)
				}
				if f["during"] != false && c.wants == "" {
					t.Errorf("lazy=%v: a collection ran during the import", lazy)
				}
				if f["enabled"] != c.enabled || f["threshold"] != c.first {
					t.Errorf("lazy=%v, application wants %q: got %v", lazy, c.wants, f)
				}
				if frozen, known := f["frozen"].(float64); known && !lazy && frozen < 1000 {
					t.Errorf("only %v objects are frozen", frozen)
				}
			}
		}
	})
}

func TestTemplate_LetsASitecustomizeAndPythonpathWork(t *testing.T) {
	site, err := filepath.Abs("testdata/site")
	if err != nil {
		t.Fatal(err)
	}
	eachPython(t, func(t *testing.T, python string) {
		r := start(t, python, testBoot("basic"), "PYTHONPATH="+site)
		r.stderr.waitFor(t, "sitecustomize ran")
		path := r.ready().facts("/show_process").list("path")
		if !slices.Contains(path, site) || path[0] == site {
			t.Errorf("sys.path is %q", path)
		}
	})
}

func TestWorker_KeepsTheEncodingsOfTheInterpreter(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		r := start(t, python, testBoot("basic"), "PYTHONIOENCODING=latin-1:replace", "PYTHONUTF8=0", "LC_ALL=C")
		f := r.ready().facts("/show_process")
		stdout, stderr := fmt.Sprint(f["stdout"]), fmt.Sprint(f["stderr"])
		if !strings.HasPrefix(strings.ReplaceAll(stdout, "iso8859-1", "latin-1"), "[latin-1 replace true]") {
			t.Errorf("stdout is %v", stdout)
		}
		if !strings.HasSuffix(stderr, "backslashreplace true]") {
			t.Errorf("stderr is %v", stderr)
		}
	})
}

func TestWorker_PrintsLinesWhenTheyArePrinted(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		r := start(t, python, testBoot("basic"))
		w := r.ready()
		w.get("/prints")
		r.stdout.waitFor(t, "to stdout\n")
		r.stderr.waitFor(t, `to stderr \udc80 line`+"\n")
		r.stderr.waitFor(t, "to wsgi.errors\n")
	})
}
