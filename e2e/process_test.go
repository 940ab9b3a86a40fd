//go:build linux

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fender/e2e/load"
)

// The request ends only after all of it was seen in the log.
func TestWhatTheApplicationPrintsAppearsLineByLineAndAtOnce(t *testing.T) {
	s := serve(t, append(testdata("process"), "--threads", "2")...)
	printing := s.later(&load.Request{Target: "/printing"})
	s.says("a line of print\n", "WARNING said by logging: a warning\n", "a line of sys.stderr\n", "beginning and end of a line\n")
	s.must(&load.Request{Target: "/release"})
	if o := <-printing; o.kind != load.OK {
		t.Error(o.err)
	}
}

func TestSignalHandlersOfTheApplicationRun(t *testing.T) {
	for _, threads := range []string{"1", "3"} {
		s := serve(t, append(testdata("process"), "--threads", threads)...)
		doc := s.facts("/")
		if doc["main"] != (threads == "1") {
			t.Errorf("threads %s: on the main thread: %v", threads, doc["main"])
		}
		pid := s.pids()[0]
		for time := range 3 {
			if err := syscall.Kill(pid, syscall.SIGUSR1); err != nil {
				t.Fatal(err)
			}
			s.says(fmt.Sprintf("signal %d noticed for time %d in process %d\n", syscall.SIGUSR1, time+1, pid))
		}
		if threads == "1" { // as in uWSGI, signal-based code works on the main thread
			if doc := s.facts("/alarmed"); doc["alarm"] != "came" {
				t.Errorf("%v", doc)
			}
		}
		if got := s.facts("/")["pid"]; got != float64(pid) {
			t.Errorf("threads %s: worker %v has become %v", threads, pid, got)
		}
	}
}

func TestAtexitFunctionsRunWhenAWorkerRetiresAndAtTheEnd(t *testing.T) {
	for _, threads := range []string{"1", "2"} {
		s := serve(t, append(testdata("process"), "--threads", threads, "--max-requests", "3", "--max-requests-delta", "0")...)
		pid := s.pids()[0]
		s.under(1, get("/"), func(context.Context) {
			s.wait("a recycled worker", 1, leaves("max-requests"))
		})
		s.says(fmt.Sprintf("atexit of process %d\n", pid))
		s.signal(syscall.SIGTERM)
		if code := s.exit(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		for _, e := range s.events.matching(becomes("gone")) {
			if e.ExitCode == nil || *e.ExitCode != 0 {
				t.Errorf("worker %d (pid %d) ended with %+v", e.Worker, e.PID, e)
			}
			if n := strings.Count(s.log.String(), fmt.Sprintf("atexit of process %d\n", e.PID)); n != 1 {
				t.Errorf("the atexit function of process %d ran %d times", e.PID, n)
			}
		}
	}
}

// Each worker has exactly the encodings that the interpreter has by itself in the same environment.
func TestTheLocaleIsTheInterpretersOwn(t *testing.T) {
	for _, env := range [][]string{
		{"LC_ALL=", "LANG=C"},
		{"LC_ALL=", "LANG=C.UTF-8"},
		{"LC_ALL=POSIX", "LANG="},
		{"LC_ALL=", "LANG=", "PYTHONUTF8=1"},
		{"LC_ALL=", "LANG=C", "PYTHONUTF8=0", "PYTHONCOERCECLOCALE=0"},
		{"LC_ALL=", "LANG=C.UTF-8", "PYTHONIOENCODING=latin-1:replace"},
	} {
		alone := exec.Command(python, "-c", "import process, json; print('encodings', json.dumps(process.encodings()))")
		alone.Dir = filepath.Join(root, "e2e", "testdata")
		alone.Env = append(append(cleanEnviron(), "PYTHONDONTWRITEBYTECODE=1"), env...)
		out, err := alone.Output()
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := strings.Cut(string(out), "encodings ")
		text, _, _ = strings.Cut(text, "\n")
		var want map[string]any
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		s := start{env: env}.launch(t, append(testdata("process"), "--http-socket", "127.0.0.1:0", "--access-log", "off")...)
		s.ready()
		if got := s.facts("/encodings"); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %v, the interpreter alone: %v", env, got, want)
		}
	}
}

// A program that the application starts gets neither descriptors nor signals that are not its business.
func TestAProgramThatTheApplicationStartsHasACleanProcess(t *testing.T) {
	for _, threads := range []string{"1", "2"} {
		s := serve(t, append(testdata("process"), "--threads", threads)...)
		doc := s.facts("/child")
		for _, fd := range doc["fds"].([]any) {
			if text := fd.(string); strings.HasPrefix(text, "socket:") || strings.Contains(text, "memfd") {
				t.Errorf("it has %s", text)
			}
		}
		if doc["sigterm"] != "0" && doc["sigterm"] != "Handlers.SIG_DFL" || fmt.Sprint(doc["blocked"]) != "[]" {
			t.Errorf("SIGTERM %v, blocked %v", doc["sigterm"], doc["blocked"])
		}
		// Python itself ignores SIGPIPE and SIGXFSZ.
		if got := fmt.Sprint(doc["ignored"]); got != "[13 25]" {
			t.Errorf("ignored: %s", got)
		}
	}
}
