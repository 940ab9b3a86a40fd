package python

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"fender/internal/workers/wire"

	"golang.org/x/sys/unix"
)

func TestTemplate_LoadsAndForksAWorkerThatAnswers(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		r := startTemplate(t, python, testBoot("basic"))
		report := r.report()
		found, err := Find(context.Background(), FindOptions{Python: python})
		if err != nil {
			t.Fatal(err)
		}
		if report.Op != OpLoaded || !report.App || report.Implementation != "cpython" || report.Seconds <= 0 || report.FreeThreaded != found.FreeThreaded {
			t.Fatalf("loaded says %+v", report)
		}
		w := r.ready()
		hello, err := wire.DecodeHello(w.helloHead)
		if err != nil {
			t.Fatal(err)
		}
		if hello.PID != w.pid || hello.Python != report.Python || hello.Threads != 1 {
			t.Errorf("hello says %+v, the template said pid %d and %+v", hello, w.pid, report)
		}
		if err := wire.CheckVector(hello.Vector); err != nil {
			t.Error(err)
		}
		if a := w.get("/hello"); a.status != "200 OK" || string(a.body) != "Hello, world!" || a.parts != 1 || a.field("Content-Type") != "text/plain" {
			t.Errorf("the answer is %+v", a)
		}
		if got := w.tid(0); got != w.pid {
			t.Errorf("the page says thread %d, the main thread is %d", got, w.pid)
		}
		w.endSlots()
		if status := w.reap(); !status.Exited() || status.ExitStatus() != ExitOK {
			t.Errorf("the worker ended with %v", status)
		}
		r.order(Exit())
		if code := r.wait(); code != ExitOK {
			t.Errorf("the template ended with %d", code)
		}
		if text := r.stderr.String() + r.stdout.String(); text != "" {
			t.Errorf("something was printed:\n%s", text)
		}
	})
}

func TestTemplate_SetsArgvPathAndWorkingDirectoryAsUWSGIDoes(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		boot := testBoot("basic")
		one, two := t.TempDir(), t.TempDir()
		boot.PythonPath = []string{one, two, "some*where"}
		boot.Argv = []string{"fender", "--flag"}
		w := start(t, python, boot).ready()
		facts := w.facts("/show_process")
		path := facts.list("path")
		if len(path) < 4 || path[0] != boot.Chdir+"/some*where" || path[1] != two || path[2] != one || path[3] != boot.Chdir {
			t.Errorf("sys.path is %q", path)
		}
		for _, entry := range path {
			if entry == "" {
				t.Errorf("sys.path still holds the empty entry of -c: %q", path)
			}
		}
		if got := facts.list("argv"); fmt.Sprint(got) != "[fender --flag]" {
			t.Errorf("sys.argv is %q", got)
		}
		if facts["cwd"] != boot.Chdir || facts["executable"] != python {
			t.Errorf("cwd %v, executable %v, want %s and %s", facts["cwd"], facts["executable"], boot.Chdir, python)
		}
		if got := facts.list("main_module"); len(got) != 0 {
			t.Errorf("names were left in __main__: %q", got)
		}
		if fmt.Sprint(facts["stdout"]) != fmt.Sprint(facts["stderr"]) && facts["stdout"].([]any)[2] != true {
			t.Errorf("stdout is %v", facts["stdout"])
		}
	})
}

func TestTemplate_ExpandsGlobsInPythonpath(t *testing.T) {
	boot := testBoot("basic")
	dir := t.TempDir()
	for _, name := range []string{"lib-a", "lib-b"} {
		if err := os.Mkdir(dir+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	boot.PythonPath = []string{dir + "/lib-*"}
	path := start(t, systemPython(t), boot).ready().facts("/show_process").list("path")
	if path[0] != dir+"/lib-b" || path[1] != dir+"/lib-a" {
		t.Errorf("sys.path is %q", path)
	}
}

// facts is a JSON object that a test application answered.
type facts map[string]any

func (w *worker) facts(path string) facts {
	w.t.Helper()
	a := w.get(path)
	var f facts
	if err := json.Unmarshal(a.body, &f); err != nil {
		w.t.Fatalf("%s: %s %q\n%s", path, a.status, a.body, w.rig.stderr)
	}
	return f
}

func (f facts) list(name string) (list []string) {
	items, _ := f[name].([]any)
	for _, item := range items {
		list = append(list, fmt.Sprint(item))
	}
	return list
}

func TestTemplate_RefusesWhatItDoesNotKnowAndGoesOn(t *testing.T) {
	r := start(t, systemPython(t), testBoot("basic"))
	for _, c := range []struct{ message, name, why string }{
		{`{"op":"dance"}`, "dance", "unknown op"},
		{`not json`, "message", "not a JSON object"},
		{`[1]`, "message", "not a JSON object"},
		{`{"op":"reap"}`, "reap", "bad message"},
		{`{"op":"reap","spawn":1,"pid":"x"}`, "reap", "bad message"},
		{`{"op":"reap","spawn":1,"pid":999999}`, "reap", "No child processes"},
	} {
		r.order([]byte(c.message))
		if report := r.report(); report.Op != OpRefused || report.Name != c.name || !strings.Contains(report.Why, c.why) {
			t.Errorf("%s: got %+v", c.message, report)
		}
	}
	for _, message := range []string{`{"op":"spawn","spawn":7,"number":1}`, `{"op":"spawn","spawn":7}`} {
		r.order([]byte(message), int(os.Stdin.Fd()))
		if report := r.report(); report.Op != OpForkFailed || report.Spawn != 7 || report.Error == "" {
			t.Errorf("%s with one descriptor: got %+v", message, report)
		}
	}
	if a := r.ready().get("/"); a.status != "200 OK" {
		t.Errorf("after all that: %+v", a)
	}
}

func TestTemplate_RefusesAFirstMessageThatIsNotBoot(t *testing.T) {
	command, err := Interpreter{Path: systemPython(t)}.Command(CommandOptions{Environ: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	r := startOrdered(t, command, testBoot(""), []byte(`{"op":"exit"}`))
	if report := r.report(); report.Op != OpRefused || report.Name != "exit" {
		t.Errorf("got %+v", report)
	}
	if code := r.wait(); code != ExitFailed {
		t.Errorf("exit code %d", code)
	}
}

func TestTemplate_KeepsADeadWorkerUntilItIsToldToReap(t *testing.T) {
	r := start(t, systemPython(t), rudeBoot("children"))
	w := r.ready()
	if err := unix.Kill(w.pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w.waitDeath()
	if state := processState(w.pid); state != "Z" {
		t.Errorf("the dead worker is in state %q, it must stay a zombie", state)
	}
	if status := w.reap(); !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Errorf("status %v", status)
	}
	if state := processState(w.pid); state != "" {
		t.Errorf("after reap the worker is in state %q", state)
	}
}

// processState is the letter of /proc/PID/stat, "" when there is no such process.
func processState(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	return strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))[0]
}

func TestTemplate_KillsItsGroupWhenTheMasterHasGone(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		r := start(t, python, testBoot("basic"))
		w := r.ready()
		w.send(0, environ("GET", "/endless"), nil)
		w.waitPhase(0, 1)
		pidfd, err := unix.PidfdOpen(w.pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(pidfd)
		if err := unix.Shutdown(r.control, unix.SHUT_RDWR); err != nil {
			t.Fatal(err)
		}
		r.wait()
		if status := r.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGKILL {
			t.Errorf("the template ended with %v", status)
		}
		if err := awaitEnd(pidfd); err != nil {
			t.Errorf("the stuck worker lives on: %v", err)
		}
	})
}

func TestTemplate_ExitLeavesItsWorkersRunning(t *testing.T) {
	r := start(t, systemPython(t), testBoot("hooks"))
	w := r.ready()
	r.order(Exit())
	if code := r.wait(); code != ExitOK {
		t.Errorf("exit code %d", code)
	}
	r.stderr.waitFor(t, "atexit in the template")
	if a := w.get("/"); a.status != "200 OK" {
		t.Errorf("the worker answered %+v", a)
	}
	// It is no child of this process: its end is seen on its slot.
	w.endSlots()
	if _, more := w.readOrEnd(0); more {
		t.Error("a frame came after the end")
	}
}

func TestTemplate_DoesNotGrowWithTheNumberOfWorkers(t *testing.T) {
	r := start(t, systemPython(t), testBoot("basic"))
	pid := r.cmd.Process.Pid
	cycle := func(n int) {
		for range n {
			w := r.ready()
			w.endSlots()
			w.reap()
		}
	}
	cycle(10)
	memory, files := privateMemory(t, pid), openFiles(t, pid)
	cycle(60)
	if grown := privateMemory(t, pid) - memory; grown > 100<<10 {
		t.Errorf("the template grew by %d bytes in 60 forks", grown)
	}
	if now := openFiles(t, pid); now != files {
		t.Errorf("the template has %d descriptors, it had %d", now, files)
	}
}

// privateMemory is the resident anonymous memory of a process, in bytes.
func privateMemory(t *testing.T, pid int) int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "RssAnon:")
	var kib int
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

func openFiles(t *testing.T, pid int) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestTemplate_StartedByHandDoesNotKillItsParentsGroup(t *testing.T) {
	command, err := Interpreter{Path: systemPython(t)}.Command(CommandOptions{Environ: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	r := startInGroup(t, command, testBoot("basic"), false)
	if report := r.report(); report.Op != OpLoaded {
		t.Fatalf("got %+v", report)
	}
	if err := unix.Shutdown(r.control, unix.SHUT_RDWR); err != nil {
		t.Fatal(err)
	}
	// Were it to kill its group, this test would not live to see the exit code.
	if code := r.wait(); code != 1 {
		t.Errorf("exit code %d", code)
	}
}

func decodeFacts(t testing.TB, body []byte) (f facts) {
	t.Helper()
	if err := json.Unmarshal(body, &f); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	return f
}

func TestTemplate_AChildThatCannotBecomeAWorkerEnds(t *testing.T) {
	r := start(t, systemPython(t), testBoot("basic"))
	page, err := unix.MemfdCreate("no page", unix.MFD_CLOEXEC) // it has no magic
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(page)
	if err := unix.Ftruncate(page, 128); err != nil {
		t.Fatal(err)
	}
	ours, theirs := packetPair(t)
	defer unix.Close(ours)
	r.order(Spawn{Spawn: 7, Number: 1, Generation: 1}.Message(), theirs, page)
	unix.Close(theirs)
	forked := r.report()
	if forked.Op != OpForked || forked.Spawn != 7 {
		t.Fatalf("got %+v", forked)
	}
	r.order(Reap{Spawn: 7, PID: forked.PID}.Message()) // the template waits for its end
	if reaped := r.report(); reaped.Op != OpReaped || reaped.PID != forked.PID || reaped.Status == 0 {
		t.Errorf("got %+v", reaped)
	}
	r.stderr.waitFor(t, "the page begins with")
	r.ready() // and the template goes on
}
