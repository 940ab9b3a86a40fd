package python

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// urlconfBoot is a boot message for a module in testdata/urlconf, as the master makes it.
func urlconfBoot(module string) Boot {
	boot := testBoot(module)
	boot.Chdir = filepath.Join(filepath.Dir(boot.Chdir), "urlconf")
	boot.PreloadURLconf = true
	return boot
}

// loaded starts a template and returns it with its report of the import.
func loaded(t *testing.T, python string, boot Boot, env ...string) (*rig, Report) {
	t.Helper()
	r := startTemplate(t, python, boot, env...)
	report := r.report()
	if report.Op != OpLoaded {
		t.Fatalf("expected loaded, got %+v\n%s", report, r.stderr)
	}
	return r, report
}

// imports are the processes that have printed that they import the URLconf.
func (r *rig) imports() (pids []int) {
	for _, found := range regexp.MustCompile(`the URLconf is imported by process (\d+)\n`).FindAllStringSubmatch(r.stdout.String(), -1) {
		pid, _ := strconv.Atoi(found[1])
		pids = append(pids, pid)
	}
	return pids
}

// end ends the template and its workers, so that all their output is there.
func (r *rig) end() {
	r.t.Helper()
	r.order(Exit())
	r.wait()
	_ = unix.Kill(-r.cmd.Process.Pid, unix.SIGKILL)
	<-r.printed
}

func TestURLconf_IsImportedInTheTemplateOnceAScoutCameBackClean(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, urls := range []string{"", "thread that has ended", "process that has ended", "library thread that ends before a fork"} {
			t.Run(urls, func(t *testing.T) {
				r, report := loaded(t, python, urlconfBoot("site_standin"), "TEST_URLS="+urls, "PYTHONUNBUFFERED=")
				if report.URLconf != URLconfImported || report.URLconfWhy != "" || len(report.Threads)+len(report.Sockets) != 0 {
					t.Fatalf("loaded says %+v\n%s", report, r.stderr)
				}
				template := r.cmd.Process.Pid
				for range 2 {
					w := r.ready()
					if f := w.facts("/"); f["by"] != float64(template) {
						t.Errorf("before its first request the worker has the URLconf of process %v, the template is %d", f["by"], template)
					}
					w.facts("/first")
					w.endSlots()
					if status := w.reap(); status.ExitStatus() != 0 {
						t.Errorf("the worker ended with %v", status)
					}
				}
				r.end()
				if pids := r.imports(); len(pids) != 2 || pids[0] == template || pids[1] != template {
					t.Errorf("processes %v imported the URLconf, want the scout and then the template %d", pids, template)
				}
				if n := strings.Count(r.stdout.String(), "printed without an end of line"); n != 1 {
					t.Errorf("what was printed before the fork appears %d times", n)
				}
			})
		}
	})
}

func TestURLconf_StaysOutOfTheTemplateWhenTheScoutIsNotClean(t *testing.T) {
	cases := []struct {
		urls, why string // a pattern
	}{
		{"thread", `^it leaves 1 thread\(s\) \(of-the-views\), which a fork cannot copy$`},
		{"unnamed thread", `^it leaves 1 thread\(s\) \(\(started by _thread\)\)`},
		{"library thread", `^it leaves 1 thread\(s\) \(\(of a C library\)\)`},
		{"socket", `^it leaves 1 socket\(s\) \(tcp listening on 127.0.0.1:\d+ \(fd \d+\)\)`},
		{"process", `^it leaves a child process that still runs`},
		{"dies", `^a scout that tried it died: exit code 3$`},
		{"dies beside a child", `^a scout that tried it died: exit code 3$`},
		{"crashes", `^a scout that tried it died: signal 9$`},
		{"closes", `^a scout that tried it died: exit code 0$`},
		{"hangs", `^a scout that tried it gave no answer within 0.5 s, and was killed$`},
	}
	eachPython(t, func(t *testing.T, python string) {
		for _, c := range cases {
			t.Run(c.urls, func(t *testing.T) {
				boot := urlconfBoot("site_standin")
				if c.urls == "hangs" {
					boot.URLconfPatience = 0.5
				}
				file := filepath.Join(t.TempDir(), "file")
				r, report := loaded(t, python, boot, "TEST_URLS="+c.urls, "TEST_FILE="+file)
				if report.URLconf != URLconfKeptOut || !regexp.MustCompile(c.why).MatchString(report.URLconfWhy) {
					t.Errorf("loaded says %q %q, want %q", report.URLconf, report.URLconfWhy, c.why)
				}
				if len(report.Threads)+len(report.Sockets) != 0 {
					t.Errorf("the template has %q %q", report.Threads, report.Sockets)
				}
				w := r.ready()
				if f := w.facts("/"); f["by"] != nil {
					t.Errorf("the worker has the URLconf of process %v", f["by"])
				}
				switch c.urls {
				case "thread", "socket":
					if f := w.facts("/first"); f["by"] != float64(w.pid) {
						t.Errorf("after its first request the worker %d has the URLconf of process %v", w.pid, f["by"])
					}
				case "hangs":
					r.stderr.waitFor(t, "in for_ever")
				case "process":
					r.stdout.waitFor(t, "it has started process ")
					started := regexp.MustCompile(`it has started process (\d+)\.`).FindStringSubmatch(r.stdout.String())
					pid, err := strconv.Atoi(started[1])
					if err != nil {
						t.Fatal(err)
					}
					waitEnd(t, pid)
				case "closes":
					if data, err := os.ReadFile(file); err != nil || len(data) != 0 {
						t.Errorf("the scout wrote into the application's file: %q, %v", data, err)
					}
				}
			})
		}
	})
}

// waitEnd returns when a process has ended; it may be anybody's.
func waitEnd(t *testing.T, pid int) {
	t.Helper()
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)
	if err := awaitEnd(pidfd); err != nil {
		t.Errorf("process %d lives on: %v", pid, err)
		_ = unix.Kill(pid, unix.SIGKILL)
	}
}

func TestURLconf_ThatRaisesIsReportedAndDoesNotFailTheBoot(t *testing.T) {
	cases := []struct{ urls, why, prints string }{
		{"raises", `^LookupError: no such view \(.*urls.py:\d+\)$`, "fender: scout: importing the URLconf failed\n"},
		{"exits", `^SystemExit: 3 \(.*urls.py:\d+\)$`, "fender: scout: importing the URLconf failed\n"},
		{"raises the second time", `^LookupError: once is enough \(.*urls.py:\d+\)$`, "fender: template: importing the URLconf failed, though not in the scout\n"},
	}
	eachPython(t, func(t *testing.T, python string) {
		for _, c := range cases {
			t.Run(c.urls, func(t *testing.T) {
				r, report := loaded(t, python, urlconfBoot("site_standin"), "TEST_URLS="+c.urls, "TEST_FILE="+filepath.Join(t.TempDir(), "file"))
				if report.URLconf != URLconfBroken || !regexp.MustCompile(c.why).MatchString(report.URLconfWhy) {
					t.Errorf("loaded says %q %q, want %q", report.URLconf, report.URLconfWhy, c.why)
				}
				if f := r.ready().facts("/"); f["by"] != nil {
					t.Errorf("the worker has the URLconf of process %v", f["by"])
				}
				r.stderr.waitFor(t, c.prints+"Traceback (most recent call last):\n")
				if text := r.stderr.String(); strings.Contains(text, "<fender>") {
					t.Errorf("the traceback shows the program's own frames:\n%s", text)
				}
			})
		}
	})
}

func TestURLconf_WhatItLeavesInTheTemplateAllTheSameIsReported(t *testing.T) {
	_, report := loaded(t, systemPython(t), urlconfBoot("site_standin"), "TEST_URLS=second thread", "TEST_FILE="+filepath.Join(t.TempDir(), "file"))
	if report.URLconf != URLconfImported || !slices.Equal(report.Threads, []string{"of-the-second-import"}) {
		t.Errorf("loaded says %+v", report)
	}
}

func TestURLconf_ThreadsThatTheApplicationHadBeforeAreNotItsOwn(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		_, report := loaded(t, python, urlconfBoot("site_standin"), "TEST_SITE=has a thread")
		if report.URLconf != URLconfImported || !slices.Equal(report.Threads, []string{"of-the-site"}) {
			t.Errorf("loaded says %+v", report)
		}
	})
}

func TestURLconf_IsNotTriedWhereThereIsNothingToGain(t *testing.T) {
	for name, change := range map[string]func(*Boot) []string{
		"option off":                func(b *Boot) []string { b.PreloadURLconf = false; return nil },
		"lazy-apps":                 func(b *Boot) []string { b.Lazy = true; return nil },
		"settings not configured":   func(*Boot) []string { return []string{"TEST_DJANGO=unconfigured"} },
		"apps not ready":            func(*Boot) []string { return []string{"TEST_DJANGO=not ready"} },
		"no ROOT_URLCONF":           func(*Boot) []string { return []string{"TEST_DJANGO=no URLconf"} },
		"imported with the site":    func(*Boot) []string { return []string{"TEST_SITE=imports"} },
		"the site cannot be loaded": func(b *Boot) []string { b.NeedApp = false; return []string{"TEST_SITE=raises"} },
		"not Django": func(b *Boot) []string {
			*b = testBoot("hooks")
			b.PreloadURLconf = true
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			boot := urlconfBoot("site_standin")
			env := change(&boot)
			r, report := loaded(t, systemPython(t), boot, env...)
			if report.URLconf != "" || report.URLconfWhy != "" {
				t.Errorf("loaded says %q %q", report.URLconf, report.URLconfWhy)
			}
			w := r.ready()
			switch {
			case !boot.NeedApp:
				if a := w.get("/"); a.status != "500 Internal Server Error" {
					t.Errorf("the answer is %+v", a)
				}
			case boot.Module == "hooks":
				if got := fmt.Sprint(w.facts("/")["events"]); got != "[before child]" {
					t.Errorf("the hooks %v ran: the worker's fork is not the only one", got)
				}
			default:
				forks := 1.0
				if boot.Lazy {
					forks = 0
				}
				if f := w.facts("/"); f["forks"] != forks {
					t.Errorf("%v forks, want %v", f["forks"], forks)
				}
			}
			imports := 0
			if name == "imported with the site" {
				imports = 1
			}
			r.end()
			if n := len(r.imports()); n != imports {
				t.Errorf("the URLconf was imported %d times", n)
			}
		})
	}
}

func TestURLconf_TheScoutHoldsNothingOfTheMasterAndDiesWithTheTemplate(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		r := startTemplate(t, python, urlconfBoot("site_standin"), "TEST_URLS=hangs")
		r.stdout.waitFor(t, "the URLconf is imported by process ")
		r.stdout.waitFor(t, "\n")
		scout := r.imports()[0]
		if comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", scout)); err != nil || string(comm) != "fender scout\n" {
			t.Errorf("its name is %q, %v", comm, err)
		}
		fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", scout))
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range fds {
			if link, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", scout, fd.Name())); strings.HasPrefix(link, "socket:") {
				t.Errorf("descriptor %s of the scout is %s", fd.Name(), link)
			}
		}
		if group, err := unix.Getpgid(scout); err != nil || group != scout {
			t.Errorf("its process group is %d, %v", group, err)
		}
		if err := r.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		waitEnd(t, scout)
	})
}

func TestURLconf_TheApplicationsHandlerOfSIGCHLDIsKept(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, c := range []struct{ site, urls, imports, serves, urlconf string }{
			{"waits", "", "function heard ", "function heard ", "imported"},
			{"ignores", "", "SIG_IGN", "SIG_IGN", "imported"},
			{"ignores", "library thread that ends before a fork", "SIG_IGN", "SIG_IGN", "imported"},
			{"", "settles", "SIG_DFL", "function hear ", "imported"},
			{"waits", "settles", "function heard ", "function hear ", "imported"},
			{"", "", "SIG_DFL", "SIG_DFL", "imported"},
			{"waits", "thread", "nil", "function heard ", "kept-out it leaves 1 thread"},
			{"waits", "dies", "nil", "function heard ", "kept-out a scout that tried it died: exit code 3"},
		} {
			r, report := loaded(t, python, urlconfBoot("site_standin"), "TEST_SITE="+c.site, "TEST_URLS="+c.urls)
			if said := report.URLconf + " " + report.URLconfWhy; !strings.HasPrefix(said, c.urlconf) {
				t.Errorf("%+v: loaded says %q", c, said)
			}
			w := r.ready()
			f := w.facts("/")
			for fact, want := range map[string]string{"child_signal": c.serves, "child_signal_at_import": c.imports} {
				if got := fmt.Sprint(f[fact]); !strings.Contains(got, want) {
					t.Errorf("%+v: %s is %s", c, fact, got)
				}
			}
			w.endSlots()
			if status := w.reap(); !status.Exited() || status.ExitStatus() != 0 {
				t.Errorf("%+v: the worker ended with %v", c, status)
			}
		}
	})
}

func TestURLconf_IsImportedWithoutACollection(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, urls := range []string{"", "settles"} {
			r, _ := loaded(t, python, urlconfBoot("site_standin"), "TEST_URLS="+urls)
			f := r.ready().facts("/")
			collector := f["collector"].([]any)
			if f["collected"] != 0.0 || collector[0] != true || collector[1] == 0.0 || (collector[1] == 12345.0) != (urls == "settles") {
				t.Errorf("%q: %v", urls, f)
			}
		}
	})
}

func TestURLconf_ConnectionsAreClosedBeforeTheScoutAndAfterTheImport(t *testing.T) {
	r, _ := loaded(t, systemPython(t), urlconfBoot("site_standin"))
	// Before the scout's fork, after the import, before the worker's fork: whether the URLconf was there.
	if got := fmt.Sprint(r.ready().facts("/")["closed"]); got != "[false true true]" {
		t.Errorf("connections were closed %s", got)
	}
}

func TestURLconf_OfRealDjangoIsInTheTemplate(t *testing.T) {
	python, _, env := realBoot(t, "", "django")
	r, report := loaded(t, python, urlconfBoot("site_real"), env...)
	if report.URLconf != URLconfImported || len(report.Threads)+len(report.Sockets) != 0 {
		t.Fatalf("loaded says %+v\n%s", report, r.stderr)
	}
	for range 2 {
		w := r.ready()
		if f := w.facts("/facts"); f["by"] != float64(r.cmd.Process.Pid) {
			t.Errorf("before its first request the worker has the URLconf of process %v", f["by"])
		}
		for _, path := range []string{"/files", "/nested/files"} {
			if a := w.get(path); a.status != "200 OK" || string(a.body) != "0" {
				t.Errorf("%s: %+v", path, a)
			}
		}
	}
	r.end()
	if pids := r.imports(); len(pids) != 2 || pids[1] != r.cmd.Process.Pid {
		t.Errorf("processes %v imported the URLconf, want the scout and then the template", pids)
	}
}

func TestURLconf_OfRealDjangoStaysWithTheWorkers(t *testing.T) {
	for _, c := range []struct{ env, urlconf, why, first, says string }{
		{"TEST_URLS=thread", URLconfKeptOut, "1 thread(s) (of-the-views)", "200 OK", ""},
		{"TEST_URLS=no such module", URLconfBroken, "No module named 'views_that_are_not_there'", "500 Internal Server Error", "ModuleNotFoundError"},
		{"TEST_URLCONF=nowhere", URLconfBroken, "No module named 'nowhere'", "500 Internal Server Error", "ModuleNotFoundError"},
		{"TEST_URLCONF=standin_urls", URLconfBroken, "ImproperlyConfigured", "500 Internal Server Error", "ImproperlyConfigured"},
		{"TEST_SITE=unconfigured", "", "", "200 OK", ""},
	} {
		t.Run(c.env, func(t *testing.T) {
			python, _, env := realBoot(t, "", "django")
			r, report := loaded(t, python, urlconfBoot("site_real"), append(env, c.env)...)
			if report.URLconf != c.urlconf || !strings.Contains(report.URLconfWhy, c.why) {
				t.Errorf("loaded says %q %q", report.URLconf, report.URLconfWhy)
			}
			w := r.ready()
			if f := w.facts("/facts"); f["by"] != nil {
				t.Errorf("before its first request the worker has the URLconf of process %v", f["by"])
			}
			if a := w.get("/files"); a.status != c.first {
				t.Errorf("the first answer is %+v", a)
			}
			r.stderr.waitFor(t, c.says)
		})
	}
}
