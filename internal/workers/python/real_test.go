package python

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The tests of this file run real packages, from the virtual environment that FENDER_TEST_VENV
// names or the project's own .venv; a package that is not there skips its test.

func realBoot(t *testing.T, module, needs string) (python string, boot Boot, env []string) {
	t.Helper()
	venv := os.Getenv("FENDER_TEST_VENV")
	if venv == "" {
		venv = "../../../.venv"
	}
	python, err := filepath.Abs(filepath.Join(venv, "bin", "python"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(python, "-c", "import "+needs).CombinedOutput(); err != nil {
		t.Skipf("%s cannot be imported by %s: %v %s", needs, python, err, out)
	}
	boot = testBoot(module)
	boot.Chdir = filepath.Join(filepath.Dir(boot.Chdir), "real")
	return python, boot, []string{"TEST_DATABASE=" + filepath.Join(t.TempDir(), "db.sqlite3")}
}

func djangoContent() []byte {
	piece := make([]byte, 1000)
	for i := range piece {
		piece[i] = byte(i % 251)
	}
	return bytes.Repeat(piece, 300)
}

func TestDjango_AnswersAreWhatItsViewsGive(t *testing.T) {
	for _, threads := range []int{1, 2} {
		python, boot, env := realBoot(t, "site_django", "django")
		boot.Threads = threads
		r := startTemplate(t, python, boot, env...)
		report := r.report()
		for _, found := range report.Sockets { // Django before 4 brings an event loop, which has a pair
			if !strings.HasPrefix(found, "unix (no name)") {
				t.Errorf("the import left %s open", found)
			}
		}
		if report.Op != OpLoaded {
			t.Fatalf("got %+v\n%s", report, r.stderr)
		}
		w := r.ready()
		a := w.get("/hello")
		if string(a.body) != "hello from Django" || a.parts != 1 || a.field("Content-Length") != "17" || a.flags&flagClosing == 0 {
			t.Errorf("hello: %+v", a)
		}
		if n := strings.Count(fmt.Sprint(a.fields), "Set-Cookie"); n != 2 {
			t.Errorf("%d cookies arrived", n)
		}
		if a := w.get("/stream"); string(a.body) != "0,1,2,3,4," || a.parts != 6 {
			t.Errorf("stream: %+v", a)
		}
		if a := w.get("/file"); !bytes.Equal(a.body, djangoContent()) || a.flags&flagFile == 0 || a.field("Content-Length") != "300000" {
			t.Errorf("file: %d bytes, flags %#x, %v", len(a.body), a.flags, a.fields)
		}
		if a := w.get("/memory_file"); !bytes.Equal(a.body, djangoContent()) || a.flags&flagFile != 0 || a.field("Content-Length") != "300000" {
			t.Errorf("memory file: %d bytes, flags %#x, %v", len(a.body), a.flags, a.fields)
		}
		if a := w.do("HEAD", "/file", nil); len(a.body) != 0 || a.field("Content-Length") != "300000" {
			t.Errorf("HEAD file: %+v", a)
		}
		if a := w.do("POST", "/body", []byte("some body")); string(a.body) != "some body" {
			t.Errorf("body: %+v", a)
		}
		if a := w.get("/safe"); a.field("X-Safe") != "yes" || string(a.body) != "safe" {
			t.Errorf("safe: %+v", a)
		}
		if a := w.get("/not_modified"); a.status != "304 Not Modified" || len(a.body) != 0 {
			t.Errorf("not modified: %+v", a)
		}
		if a := w.get("/connected"); string(a.body) != "42" {
			t.Errorf("connected: %+v", a)
		}
		if a := w.get("/nowhere"); a.status != "404 Not Found" {
			t.Errorf("nowhere: %+v", a)
		}
		if a := w.get("/raises"); a.status != "500 Internal Server Error" || a.flags&flagError != 0 {
			t.Errorf("raises: %+v", a)
		}
		r.stderr.waitFor(t, "ValueError: in a view")
		w.endSlots()
		if status := w.reap(); status.ExitStatus() != 0 {
			t.Errorf("the worker ended with %v", status)
		}
	}
}

func TestDjango_UploadsArriveInMemoryAndInFiles(t *testing.T) {
	python, boot, env := realBoot(t, "site_django", "django")
	w := start(t, python, boot, env...).ready()
	for _, size := range []int{1000, 200000} {
		var body bytes.Buffer
		fmt.Fprintf(&body, "--B\r\nContent-Disposition: form-data; name=\"field\"\r\n\r\nvalue\r\n")
		fmt.Fprintf(&body, "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.txt\"\r\nContent-Type: text/plain\r\n\r\n")
		fmt.Fprintf(&body, "%s\r\n--B--\r\n", strings.Repeat("x", size))
		request := environ("POST", "/upload")
		request["CONTENT_TYPE"], request["CONTENT_LENGTH"] = "multipart/form-data; boundary=B", fmt.Sprint(body.Len())
		kind := "InMemoryUploadedFile"
		if size > 100000 {
			kind = "TemporaryUploadedFile"
			w.sendFile(request, body.Bytes(), false)
		} else {
			w.send(0, request, body.Bytes())
		}
		want := fmt.Sprintf(`{"post": {"field": ["value"]}, "files": {"file": [%d, "%s", "xxxxxxxx"]}}`, size, kind)
		if a := w.answer(0); string(a.body) != want {
			t.Errorf("%d bytes: got %s %q, want %s", size, a.status, a.body, want)
		}
	}
}

func TestFlask_AnswersInOneFrame(t *testing.T) {
	python, boot, _ := realBoot(t, "site_flask", "flask")
	w := start(t, python, boot).ready()
	if a := w.get("/hello"); string(a.body) != "hello from Flask" || a.parts != 1 {
		t.Errorf("hello: %+v", a)
	}
	if a := w.do("POST", "/body", []byte("body")); string(a.body) != "body" {
		t.Errorf("body: %+v", a)
	}
	if a := w.get("/stream"); string(a.body) != "012" || a.parts != 4 {
		t.Errorf("stream: %+v", a)
	}
}

func TestGevent_PatchedApplicationsWork(t *testing.T) {
	for _, threads := range []int{1, 2} {
		for _, lazy := range []bool{false, true} {
			python, boot, _ := realBoot(t, "site_gevent", "gevent")
			boot.Threads, boot.Lazy = threads, lazy
			r := start(t, python, boot)
			for range 2 {
				w := r.ready()
				for path, body := range map[string]string{"/": "0,1,2", "/thread": "joined"} {
					if a := w.get(path); string(a.body) != body {
						t.Errorf("threads=%d lazy=%v %s: %+v", threads, lazy, path, a)
					}
				}
				w.endSlots()
				if status := w.reap(); status.ExitStatus() != 0 {
					t.Errorf("threads=%d lazy=%v: the worker ended with %v", threads, lazy, status)
				}
			}
		}
	}
}

// With more threads than one, gevent refuses: its children are heard on the main thread alone.
func TestGevent_ChildrenThatDieAtOnceAreWaitedFor(t *testing.T) {
	for _, lazy := range []bool{false, true} {
		python, boot, _ := realBoot(t, "site_gevent", "gevent")
		boot.Lazy = lazy
		w := start(t, python, boot).ready()
		for range 3 { // the first fork of a process is the one that can hang
			if a := w.get("/fork"); string(a.body) != "3" {
				t.Errorf("lazy=%v: %+v", lazy, a)
			}
		}
	}
}

func TestTracers_ThatBringTheirOwnSitecustomizeTraceTheApplication(t *testing.T) {
	for wrapper, c := range map[string]struct{ module, sees string }{
		"ddtrace-run":              {"ddtrace", "ddtrace patched"},
		"opentelemetry-instrument": {"opentelemetry.instrumentation.auto_instrumentation, opentelemetry.instrumentation.django", "middleware"},
	} {
		t.Run(wrapper, func(t *testing.T) {
			python, boot, env := realBoot(t, "traced", c.module)
			// What the wrapper gives to the program that it starts, the master gives to the template.
			ask := exec.Command(filepath.Join(filepath.Dir(python), wrapper), "/usr/bin/env", "-0")
			ask.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none", "OTEL_METRICS_EXPORTER=none", "OTEL_LOGS_EXPORTER=none",
				"DD_TRACE_ENABLED=true", "DD_TRACE_AGENT_URL=http://127.0.0.1:1", "DD_INSTRUMENTATION_TELEMETRY_ENABLED=false",
				"DD_REMOTE_CONFIGURATION_ENABLED=false", "DJANGO_SETTINGS_MODULE=settings_django",
				"PATH="+filepath.Dir(python)+":"+os.Getenv("PATH"))
			ask.Dir = boot.Chdir
			out, err := ask.Output()
			if err != nil {
				t.Fatal(err)
			}
			command, err := Interpreter{Path: python}.Command(CommandOptions{Environ: strings.Split(string(out), "\x00"), Set: env})
			if err != nil {
				t.Fatal(err)
			}
			r := startCommand(t, command, boot)
			report := r.report()
			if report.Op != OpLoaded {
				t.Fatalf("got %+v\n%s", report, r.stderr)
			}
			t.Logf("threads %q, sockets %q", report.Threads, report.Sockets)
			for range 2 {
				w := r.ready()
				if a := w.get("/tracer"); string(a.body) != c.sees {
					t.Errorf("the application sees %q, want %q", a.body, c.sees)
				}
				if a := w.get("/hello"); string(a.body) != "hello from Django" {
					t.Errorf("%+v", a)
				}
				w.endSlots()
				if status := w.reap(); status.ExitStatus() != 0 {
					t.Errorf("the worker ended with %v", status)
				}
			}
		})
	}
}
