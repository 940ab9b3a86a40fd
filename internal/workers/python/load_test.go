package python

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// brokenBoot is a boot message for a module in testdata/broken.
func brokenBoot(module string) Boot {
	boot := testBoot(module)
	boot.Chdir = filepath.Join(filepath.Dir(boot.Chdir), "broken")
	return boot
}

func TestTemplate_SaysWhyTheApplicationCannotBeLoaded(t *testing.T) {
	cases := []struct {
		name   string
		change func(*Boot)
		code   int
		says   []string // in the one line for people
		prints string   // on stderr: the traceback's end
	}{
		{"nothing configured", func(b *Boot) { b.Module = "" }, ExitNoApp, []string{"no application is configured", "module"}, ""},
		{"no such module", func(b *Boot) { b.Module = "nowhere.wsgi:application" }, ExitNoApp, []string{`no module "nowhere"`, "chdir", "pythonpath"}, "No module named 'nowhere'"},
		{"no such submodule", func(b *Boot) { b.Module = "pack.wsgi" }, ExitNoApp, []string{`no module "pack.wsgi"`}, "No module named 'pack.wsgi'"},
		{"module that is no package", func(b *Boot) { b.Module = "names.wsgi" }, ExitNoApp, []string{`no module "names.wsgi"`}, "not a package"},
		{"missing dependency", func(b *Boot) { b.Module = "dependency" }, ExitFailed, []string{"no_such_dependency", "install it"}, "dependency.py"},
		{"missing module of its own package", func(b *Boot) { b.Module = "pack.deep" }, ExitFailed, []string{"pack.nothing"}, "deep.py"},
		{"raises", func(b *Boot) { b.Module = "raises" }, ExitFailed, []string{"KeyError: 'missing'", "raises.py:2"}, `return {}["missing"]`},
		{"syntax error", func(b *Boot) { b.Module = "syntax" }, ExitFailed, []string{"SyntaxError", "syntax.py:1"}, "syntax.py"},
		{"exits", func(b *Boot) { b.Module = "exits" }, ExitFailed, []string{"sys.exit(3)", "must not exit"}, "SystemExit: 3"},
		{"interrupted", func(b *Boot) { b.Module = "interrupted" }, ExitFailed, []string{"KeyboardInterrupt"}, "KeyboardInterrupt"},
		{"no callable", func(b *Boot) { b.Module = "names" }, ExitNoApp, []string{`no "application"`, "it has app", "callable"}, ""},
		{"no such callable", func(b *Boot) { b.Module = "pack:app" }, ExitNoApp, []string{`module "pack" has no "app"`}, ""},
		{"not callable", func(b *Boot) { b.Module = "names:number" }, ExitNoApp, []string{`"number"`, "int", "not a callable"}, ""},
		{"callable option", func(b *Boot) { b.Module = "names"; b.Callable = "number" }, ExitNoApp, []string{`"number"`}, ""},
		{"factory of nothing", func(b *Boot) { b.Module = "names:bad_factory()" }, ExitNoApp, []string{"bad_factory() in module", "returned int"}, ""},
		{"factory raises", func(b *Boot) { b.Module = "names:raising_factory()" }, ExitFailed, []string{"raising_factory", "in the factory"}, "raise ValueError"},
		{"no such file", func(b *Boot) { b.Module = ""; b.WSGIFile = "nowhere.py" }, ExitNoApp, []string{"no file", "nowhere.py", "wsgi-file"}, ""},
		{"file raises", func(b *Boot) { b.Module = ""; b.WSGIFile = "raises.py" }, ExitFailed, []string{"KeyError"}, `return {}["missing"]`},
		{"no such directory", func(b *Boot) { b.Chdir = "/nonexistent" }, ExitFailed, []string{"chdir to /nonexistent failed", "No such file"}, ""},
		{"odd name", func(b *Boot) { b.Module = "..x" }, ExitNoApp, []string{`"..x" does not name a module`}, ""},
	}
	eachPython(t, func(t *testing.T, python string) {
		for i, c := range cases {
			if i%4 != 1 && !thorough(t, python) {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				boot := brokenBoot("names")
				c.change(&boot)
				r := startTemplate(t, python, boot)
				report := r.report()
				if report.Op != OpFailed || report.Code != c.code {
					t.Fatalf("got %+v, want failed with code %d", report, c.code)
				}
				for _, says := range c.says {
					if !strings.Contains(report.Error, says) {
						t.Errorf("the line does not say %q: %s", says, report.Error)
					}
				}
				if strings.Contains(report.Error, "\n") {
					t.Errorf("more than one line: %q", report.Error)
				}
				if code := r.wait(); code != c.code {
					t.Errorf("exit code %d, want %d", code, c.code)
				}
				if c.prints != "" {
					r.stderr.waitFor(t, c.prints)
				}
				r.stderr.waitFor(t, report.Error) // the same line stands in the log
				if text := r.stderr.String(); strings.Contains(text, "<fender>") || strings.Contains(text, "importlib") {
					t.Errorf("the traceback shows the program's own frames:\n%s", text)
				}
			})
		}
	})
}

func TestTemplate_GoesOnWithoutAnApplicationWhenNeedAppIsOff(t *testing.T) {
	for _, module := range []string{"", "nowhere", "raises", "names"} {
		for _, lazy := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s lazy=%v", module, lazy), func(t *testing.T) {
				boot := brokenBoot(module)
				boot.NeedApp, boot.Lazy = false, lazy
				r := startTemplate(t, systemPython(t), boot)
				if report := r.report(); report.Op != OpLoaded || report.App {
					t.Fatalf("got %+v", report)
				}
				a := r.ready().get("/")
				if a.status != "500 Internal Server Error" || string(a.body) != "Internal Server Error" || a.flags&flagError == 0 {
					t.Errorf("the answer is %+v", a)
				}
				r.stderr.waitFor(t, "no python application found, check your startup logs for errors")
			})
		}
	}
}

func TestTemplate_TakesTheCallableFromModuleOptionOrFactory(t *testing.T) {
	for _, c := range []struct{ module, callable, body string }{
		{"names:factory()", "", "2"}, // the class has called it once
		{"names:Site.wsgi", "", "1"},
		{"names", "factory()", "2"},
		{"names:Site.wsgi", "number", "1"}, // what stands in module wins
	} {
		boot := brokenBoot(c.module)
		boot.Callable = c.callable
		r := start(t, systemPython(t), boot)
		for range 2 { // the second worker shows that it is called once, in the template
			if a := r.ready().get("/"); string(a.body) != c.body {
				t.Errorf("%+v: %s %q", c, a.status, a.body)
			}
		}
	}
}

func TestTemplate_RunsAWSGIFileOfAnySuffix(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		boot := brokenBoot("")
		boot.WSGIFile = "plain.wsgi"
		r := start(t, python, boot)
		w := r.ready()
		want := "uwsgi_file_plain_wsgi " + filepath.Join(boot.Chdir, "plain.wsgi")
		if a := w.get("/"); string(a.body) != want {
			t.Errorf("got %q, want %q", a.body, want)
		}
		w.get("/raise")
		r.stderr.waitFor(t, "# seen in the traceback")
		if _, err := os.Stat(filepath.Join(boot.Chdir, "__pycache__", "plain.cpython-311.pyc")); err == nil {
			t.Error("bytecode of the file was cached, where plain.py's would be")
		}
	})
}

func TestWorker_WithLazyAppsImportsForItself(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		boot := testBoot("hooks")
		boot.Lazy = true
		r := startTemplate(t, python, boot)
		if report := r.report(); report.Op != OpLoaded || report.App {
			t.Fatalf("got %+v", report)
		}
		a, b := r.ready().facts("/"), r.ready().facts("/")
		if len(a.list("events")) != 0 || len(b.list("events")) != 0 {
			t.Errorf("hooks of the application ran in the template: %v %v", a["events"], b["events"])
		}
	})
}

func TestWorker_WithLazyAppsSaysFailedInsteadOfHello(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, c := range []struct {
			module string
			code   int
			says   string
		}{{"raises", ExitFailed, "KeyError"}, {"nowhere", ExitNoApp, "no module"}, {"exits", ExitFailed, "sys.exit"}} {
			boot := brokenBoot(c.module)
			boot.Lazy, boot.Threads = true, 3
			r := start(t, python, boot)
			w := r.spawn()
			f := w.read(0)
			if f.kind != kindFailed {
				t.Fatalf("kind %d", f.kind)
			}
			failed := unmarshal(t, f.head).(tuple)
			if failed[0] != c.code || !strings.Contains(failed[1].(string), c.says) {
				t.Errorf("%s: failed says %v", c.module, failed)
			}
			if status := w.reap(); status.ExitStatus() != c.code {
				t.Errorf("%s: the worker ended with %v", c.module, status)
			}
		}
	})
}

func TestTemplate_WithLazyAppsFailsAtOnceWhenNothingIsConfigured(t *testing.T) {
	boot := brokenBoot("")
	boot.Lazy = true
	r := startTemplate(t, systemPython(t), boot)
	if report := r.report(); report.Op != OpFailed || report.Code != ExitNoApp {
		t.Errorf("got %+v", report)
	}
}
