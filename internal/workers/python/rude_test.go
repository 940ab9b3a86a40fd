package python

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func rudeBoot(module string) Boot {
	boot := testBoot(module)
	boot.Chdir = filepath.Join(filepath.Dir(boot.Chdir), "rude")
	return boot
}

func TestTemplate_SurvivesWhatAnApplicationDoesAtImport(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, module := range []string{"children", "closes", "closes_streams", "floods", "moves", "timeouts", "signals", "threads", "patches", "warns"} {
			for _, threads := range []int{1, 2} {
				for _, lazy := range []bool{false, true} {
					if (threads == 1 || lazy) && !thorough(t, python) {
						continue
					}
					t.Run(fmt.Sprintf("%s threads=%d lazy=%v", module, threads, lazy), func(t *testing.T) {
						boot := rudeBoot(module)
						boot.Threads, boot.Lazy = threads, lazy
						r := start(t, python, boot)
						for range 2 {
							w := r.ready()
							// Longer than the default timeout that one of them sets.
							if module == "timeouts" {
								time.Sleep(100 * time.Millisecond)
							}
							for slot := range threads {
								w.send(slot, environ("GET", "/fine"), nil)
								if a := w.answer(slot); a.status != "200 OK" || string(a.body) != "/fine" {
									t.Errorf("the answer is %+v", a)
								}
							}
							if module == "threads" && lazy {
								continue // a thread of the worker that never ends: it cannot leave
							}
							w.endSlots()
							if status := w.reap(); status.ExitStatus() != 0 || !status.Exited() {
								t.Errorf("the worker ended with %v %v", status, status.Signal())
							}
						}
					})
				}
			}
		}
	})
}

func TestTemplate_ListsTheThreadsAndSocketsOfTheImport(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		r := startTemplate(t, python, rudeBoot("threads"))
		report := r.report()
		if want := []string{"(started by _thread)", "background-job", "not-a-daemon"}; !slices.Equal(report.Threads, want) {
			t.Errorf("threads are %q, want %q", report.Threads, want)
		}
		if len(report.Sockets) != 5 {
			t.Fatalf("sockets are %q, want 5", report.Sockets)
		}
		for i, want := range []string{"tcp listening on 127.0.0.1:", "tcp 127.0.0.1:", "udp [::]:0 (fd ", "unix (no name) (fd ", "unix (no name) (fd "} {
			if !strings.HasPrefix(report.Sockets[i], want) {
				t.Errorf("socket %d is %q, want %q", i, report.Sockets[i], want)
			}
		}
	})
}

func TestTemplate_OfAQuietApplicationListsNothing(t *testing.T) {
	r := startTemplate(t, systemPython(t), testBoot("basic"))
	if report := r.report(); report.Op != OpLoaded || len(report.Threads)+len(report.Sockets) != 0 {
		t.Errorf("loaded says %+v", report)
	}
}

func TestTemplate_EndsAtOnceWhenTheImportFailedBesideARunningThread(t *testing.T) {
	boot := rudeBoot("threads:nothing")
	r := startTemplate(t, systemPython(t), boot)
	if report := r.report(); report.Op != OpFailed {
		t.Fatalf("got %+v", report)
	}
	if code := r.wait(); code != ExitNoApp {
		t.Errorf("exit code %d", code)
	}
}
