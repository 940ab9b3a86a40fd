//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fender/e2e/load"
	"fender/internal/observe/event"
)

// everyWorker asks until n workers have answered, and returns the facts of each by its pid. A request
// takes 50 ms, so that the next one meets another worker.
func (s *server) everyWorker(n int) map[float64]map[string]any {
	s.t.Helper()
	s.wait("the workers", n, becomes(event.StateReady))
	found := map[float64]map[string]any{}
	for begin := time.Now(); len(found) < n && time.Since(begin) < patience; {
		var answers []<-chan outcome
		for range n {
			answers = append(answers, s.later(&load.Request{Target: "/?0.05"}))
		}
		for _, a := range answers {
			o := <-a
			if o.err != nil {
				s.t.Fatal(o.err)
			}
			doc := facts(s.t, o.res)
			found[doc["pid"].(float64)] = doc
		}
	}
	if len(found) < n {
		s.t.Fatalf("only %d workers answer", len(found))
	}
	return found
}

func TestWorkersHaveTheirOwnRandomNumbersAndRunTheForkHooks(t *testing.T) {
	s := serve(t, append(testdata("forked"), "--processes", "3")...)
	workers := s.everyWorker(3)
	s.says("hook in the parent")
	drawn := regexp.MustCompile(`hook in the child, random (\S+)\n`).FindAllStringSubmatch(s.log.String(), -1)
	numbers := map[string]bool{}
	for _, d := range drawn {
		numbers[d[1]] = true
	}
	if len(drawn) != 3 || len(numbers) != 3 {
		t.Errorf("the hooks of 3 workers have drawn %v", drawn)
	}
	if n := strings.Count(s.log.String(), "hook before\n"); n != 3 {
		t.Errorf("the hook before the fork ran %d times", n)
	}
	if n := strings.Count(s.log.String(), "imported by process"); n != 1 {
		t.Errorf("the application was imported %d times", n)
	}
	template := float64(s.events.matching(func(e event.Event) bool { return e.Kind == event.Template && e.To == event.StateReady })[0].PID)
	for pid, doc := range workers {
		if doc["imported"] != template || doc["parent"] != template || doc["pid"] == template {
			t.Errorf("worker %v of template %v: %v", pid, template, doc)
		}
		if doc["executable"] != python {
			t.Errorf("sys.executable is %v, not %s", doc["executable"], python)
		}
	}
}

func warned(word string) func(event.Event) bool {
	return func(e event.Event) bool { return e.Kind == event.Warning && strings.Contains(e.Text, word) }
}

func TestWhatTheImportLeavesOpenIsListedInAWarning(t *testing.T) {
	s := serve(t, append(testdata("forked"), "--env", "FORKED_LEAVES_OPEN=1")...)
	s.wait("the warnings", 1, warned("lazy-apps"))
	text := ""
	for _, e := range s.events.matching(warned("lazy-apps")) {
		text += e.Text + "\n"
	}
	for _, word := range []string{"a poller of the import", "tcp listening on 127.0.0.1:", "tcp 127.0.0.1:"} {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not in the warning %q", word, text)
		}
	}
	s.facts("/")

	lazy := serve(t, append(testdata("forked"), "--env", "FORKED_LEAVES_OPEN=1", "--lazy-apps")...)
	lazy.facts("/")
	if n := lazy.count(warned("lazy-apps")); n != 0 {
		t.Errorf("%d warnings with lazy-apps, where every worker has its own", n)
	}
}

func TestWithLazyAppsEveryWorkerImportsForItself(t *testing.T) {
	source, err := os.ReadFile(filepath.Join(root, "e2e", "testdata", "forked.py"))
	if err != nil {
		t.Fatal(err)
	}
	args := app(t, string(source))
	s := serve(t, append(args, "--lazy-apps", "--processes", "2", "--threads", "2")...)
	for pid, doc := range s.everyWorker(2) {
		if doc["imported"] != pid {
			t.Errorf("worker %v was imported by process %v", pid, doc["imported"])
		}
	}
	// The next worker runs what stands in the file then.
	later := strings.Replace(string(source), `"FORKED_VERSION", "1"`, `"FORKED_VERSION", "2"`, 1)
	if err := os.WriteFile(filepath.Join(args[1], "app.py"), []byte(later), 0o600); err != nil {
		t.Fatal(err)
	}
	pid := s.pids()[0]
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.wait("its successor", 3, becomes(event.StateReady))
	all := s.events.matching(becomes(event.StateReady))
	s.says(fmt.Sprintf("imported by process %d as version 2", all[2].PID))
	s.facts("/")
}

// views is a Django site whose URLconf does something while it is imported; the answer names the process
// that imported it.
func views(t *testing.T, does string) []string {
	t.Helper()
	args := app(t, `
import os
import sys
from django.conf import settings
from django.core.wsgi import get_wsgi_application

settings.configure(SECRET_KEY="for a test", ALLOWED_HOSTS=["*"], ROOT_URLCONF="views")
django = get_wsgi_application()

def application(environ, start_response):
    environ["before"] = "views" in sys.modules
    return django(environ, start_response)
`)
	source := `
import os
import threading
from django.http import JsonResponse
from django.urls import path

process = os.getpid()

def show(request):
    return JsonResponse({"before": request.environ["before"], "imported": process, "pid": os.getpid()})

urlpatterns = [path("", show)]
` + does + "\n"
	if err := os.WriteFile(filepath.Join(args[1], "views.py"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	return args
}

func TestDjangosURLconfIsImportedInTheTemplate(t *testing.T) {
	s := serve(t, views(t, "")...)
	ready := s.events.matching(func(e event.Event) bool { return e.Kind == event.Template && e.To == event.StateReady })
	if doc := s.facts("/"); doc["before"] != true || doc["imported"] != float64(ready[0].PID) {
		t.Errorf("the template is %d: %v", ready[0].PID, doc)
	}
	s.says("with the URLconf\n")
	if n := s.count(warned("URLconf")); n != 0 {
		t.Errorf("%d warnings", n)
	}
	off := serve(t, append(views(t, ""), "--preload-urlconf=false")...)
	if doc := off.facts("/"); doc["before"] != false || doc["imported"] != doc["pid"] {
		t.Errorf("with preload-urlconf = false: %v", doc)
	}
}

func TestAURLconfThatStartsAThreadIsLeftToTheWorkers(t *testing.T) {
	s := serve(t, views(t, `threading.Thread(target=threading.Event().wait, name="a poller of the views", daemon=True).start()`)...)
	if doc := s.facts("/"); doc["before"] != false || doc["imported"] != doc["pid"] {
		t.Errorf("%v", doc)
	}
	s.says("the URLconf is not imported in the template: it leaves 1 thread(s) (a poller of the views), which a fork cannot copy; " +
		"each worker imports it in its first request (preload-urlconf = false")
	s.signal(syscall.SIGHUP)
	s.wait("the next generation", 2, func(e event.Event) bool { return e.Kind == event.Template && e.To == event.StateReady })
	s.wait("a warning for each generation", 2, warned("URLconf"))
	s.signal(syscall.SIGTERM)
	s.exit()
	s.printed()
	if n := s.count(warned("URLconf")); n != 2 {
		t.Errorf("%d warnings, want one for each of two generations", n)
	}
}

func TestAURLconfThatRaisesIsAWarningAndNotTheEndOfTheBoot(t *testing.T) {
	s := serve(t, views(t, `raise LookupError("no such view")`)...)
	s.says("importing the URLconf failed: LookupError: no such view (", "fender: scout: importing the URLconf failed\nTraceback")
	s.must(&load.Request{Target: "/", Want: []int{500}})
}

// Fault: the master is killed while a scout hangs in the import that it tries.
func TestAScoutEndsWithTheMaster(t *testing.T) {
	s := launch(t, append([]string{"--http-socket", "127.0.0.1:0"}, views(t, `
import subprocess
child = subprocess.Popen(["sleep", "3600"])
print("the scout is %d and its child %d." % (process, child.pid))
threading.Event().wait()`)...)...)
	said := regexp.MustCompile(`the scout is (\d+) and its child (\d+)\.`)
	s.says("and its child ")
	found := said.FindStringSubmatch(s.log.String())
	if found == nil {
		t.Fatal("the line is not whole")
	}
	var ends []int
	for _, text := range found[1:] {
		pid, _ := strconv.Atoi(text)
		fd, err := pidfdOpen(pid)
		if err != nil {
			t.Fatalf("process %d: %v", pid, err)
		}
		defer syscall.Close(fd)
		ends = append(ends, fd)
	}
	s.signal(syscall.SIGKILL)
	<-s.exited
	for i, fd := range ends {
		if !pidfdEnds(fd, patience) {
			t.Errorf("process %s goes on", found[i+1])
		}
	}
}
