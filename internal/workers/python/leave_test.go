package python

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func leavingWorker(t *testing.T, python string, threads int, env ...string) *worker {
	t.Helper()
	boot := testBoot("leaving")
	boot.Threads = threads
	return start(t, python, boot, env...).ready()
}

func TestWorker_LeavesAsAnyPythonProgramDoesWhenAllSlotsHaveEnded(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, threads := range []int{1, 2} {
			w := leavingWorker(t, python, threads)
			w.get("/partial")
			w.get("/thread")
			if threads == 2 { // one slot alone does not end the worker
				if err := unix.Shutdown(w.slots[1], unix.SHUT_WR); err != nil {
					t.Fatal(err)
				}
				w.get("/other-slot")
			}
			w.endSlots()
			if status := w.reap(); !status.Exited() || status.ExitStatus() != ExitOK {
				t.Errorf("the worker ended with %v", status)
			}
			w.rig.stdout.waitFor(t, "a line without an end")
			w.rig.stderr.waitFor(t, "atexit in the worker")
			w.rig.stderr.waitFor(t, "thread has ended")
			if text := w.rig.stderr.String(); strings.Index(text, "thread has ended") > strings.Index(text, "atexit") {
				t.Errorf("atexit did not wait for the thread:\n%s", text)
			}
		}
	})
}

func TestWorker_AnswersWhatItHasReceivedAndLeavesOnSIGTERM(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, threads := range []int{1, 2} {
			w := leavingWorker(t, python, threads)
			g := newGate(t)
			w.gated("wait", g)
			w.waitPhase(0, 1)
			first, sequence := w.nextID, w.seq[0]
			w.send(0, environ("GET", "/ahead"), nil)
			ahead, aheadSequence := w.nextID, w.seq[0]
			// From then on nothing can be sent to it: that is how the master sees it.
			for {
				if err := unix.Kill(w.pid, unix.SIGTERM); err != nil {
					t.Fatal(err)
				}
				err := sendMessage(w.slots[threads-1], frame{kind: kindCommand, head: marshalValue(nil, tuple{"abort", tuple{}})}.encode())
				if errors.Is(err, unix.EPIPE) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			g.step("x")
			w.nextID, w.seq[0] = first, sequence
			if a := w.answer(0); string(a.body) != "/wait" {
				t.Errorf("the request that ran: %+v", a)
			}
			w.nextID, w.seq[0] = ahead, aheadSequence
			if a := w.answer(0); string(a.body) != "/ahead" {
				t.Errorf("the request sent ahead: %+v", a)
			}
			if status := w.reap(); !status.Exited() || status.ExitStatus() != ExitOK {
				t.Errorf("the worker ended with %v", status)
			}
			w.rig.stderr.waitFor(t, "atexit in the worker")
		}
	})
}

// terminate sends SIGTERM, and then a message that asks for nothing: with one thread, a signal that
// comes just before the main thread goes to wait for a message is heard after the wait.
func (w *worker) terminate() {
	w.t.Helper()
	if err := unix.Kill(w.pid, unix.SIGTERM); err != nil {
		w.t.Fatal(err)
	}
	wake := frame{kind: kindCommand, head: marshalValue(nil, tuple{"abort", tuple{}})}
	if err := sendMessage(w.slots[0], wake.encode()); err != nil && !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
		w.t.Fatal(err)
	}
}

func TestWorker_ThatIsIdleLeavesOnSIGTERM(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, threads := range []int{1, 3} {
			w := leavingWorker(t, python, threads)
			w.terminate()
			if status := w.reap(); !status.Exited() || status.ExitStatus() != ExitOK {
				t.Errorf("threads=%d: the worker ended with %v", threads, status)
			}
		}
	})
}

func TestWorker_KeepsTheApplicationsOwnSIGTERMHandler(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, threads := range []int{1, 2} {
			w := leavingWorker(t, python, threads, "TEST_SIGTERM=notes")
			if err := unix.Kill(w.pid, unix.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if a := w.get("/still-there"); string(a.body) != "/still-there" {
				t.Errorf("%+v", a)
			}
			w.rig.stderr.waitFor(t, "the application's own handler")
		}
	})
}

func TestWorker_LeavesWhenTheApplicationsSIGTERMHandlerExits(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, threads := range []int{1, 2} {
			w := leavingWorker(t, python, threads, "TEST_SIGTERM=exits")
			w.get("/before")
			w.terminate()
			if status := w.reap(); !status.Exited() || status.ExitStatus() != ExitOK {
				t.Errorf("threads=%d: the worker ended with %v", threads, status)
			}
		}
	})
}

func TestWorker_DoesNotHearTheTerminalsInterrupt(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, threads := range []int{1, 2} {
			w := leavingWorker(t, python, threads)
			g := newGate(t)
			w.gated("wait", g)
			w.waitPhase(0, 1)
			if err := unix.Kill(w.pid, unix.SIGINT); err != nil {
				t.Fatal(err)
			}
			g.step("x")
			if a := w.answer(0); string(a.body) != "/wait" || w.rig.stderr.String() != "" {
				t.Errorf("%+v\n%s", a, w.rig.stderr)
			}
		}
	})
}

func TestWorker_ThatDiesIsReapedWithItsStatus(t *testing.T) {
	w := leavingWorker(t, systemPython(t), 2)
	w.send(0, environ("GET", "/exit"), nil)
	if status := w.reap(); !status.Exited() || status.ExitStatus() != 9 {
		t.Errorf("status %v", status)
	}
	w = w.rig.ready()
	if err := unix.Kill(w.pid, unix.SIGSEGV); err != nil {
		t.Fatal(err)
	}
	if status := w.reap(); !status.Signaled() || status.Signal() != syscall.SIGSEGV {
		t.Errorf("status %v", status)
	}
}

func TestWorker_SurvivesASignalHandlerThatRaisesBetweenTwoRequests(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		r := start(t, python, testBoot("basic"))
		w := r.ready()
		if a := w.get("/alarm"); string(a.body) != "set" {
			t.Fatalf("%+v", a)
		}
		r.stderr.waitFor(t, "RuntimeError: late alarm")
		if a := w.get("/hello"); a.status != "200 OK" {
			t.Errorf("%+v", a)
		}
	})
}

// The master has a duplicate of the worker's end: it cannot see that the worker's own is closed.
func TestWorker_EndsWhenTheApplicationHasClosedItsDescriptors(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, threads := range []int{1, 3} {
			for _, how := range []string{"", "reuse"} {
				w := leavingWorker(t, python, threads)
				env := environ("GET", "/close")
				env["QUERY_STRING"] = how
				w.send(0, env, nil)
				if status := w.reap(); !status.Exited() || status.ExitStatus() != 1 {
					t.Errorf("threads=%d %s: the worker ended with %v", threads, how, status)
				}
				w.rig.stderr.waitFor(t, "the application has closed")
			}
		}
	})
}

func TestChildren_OfTheApplicationKeepNothingOfTheWorkers(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, threads := range []int{1, 3} {
			boot := testBoot("basic")
			boot.Threads = threads
			w := start(t, python, boot).ready()
			f := w.facts("/child_facts")
			for fd, link := range f["links"].(map[string]any) {
				if text := link.(string); strings.HasPrefix(text, "socket:") || strings.Contains(text, "memfd:page") {
					t.Errorf("threads=%d: the child has descriptor %s, %s", threads, fd, text)
				}
			}
			if f["term"] != "0" && f["term"] != "Handlers.SIG_DFL" {
				t.Errorf("the child's SIGTERM is %v", f["term"])
			}
			if got := string(w.get("/grandchild").body); got != "0" {
				t.Errorf("threads=%d: a child of the child lacks %s descriptors that the child had opened", threads, got)
			}
		}
	})
}

func TestChildren_ThatComeBackFromTheApplicationDoNotAnswer(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, threads := range []int{1, 2} {
			boot := testBoot("basic")
			boot.Threads = threads
			r := start(t, python, boot)
			w := r.ready()
			if a := w.get("/forks"); string(a.body) != "from the parent" || a.parts != 1 {
				t.Errorf("%+v", a)
			}
			r.stderr.waitFor(t, "forked by the application, came back from it and ends here")
			if got := string(w.get("/forks_and_exits").body); got != "7" {
				t.Errorf("sys.exit(7) in a child gave the status %s", got)
			}
			if got := string(w.get("/terminates_child").body); got != "-15" {
				t.Errorf("terminate() of a child gave the exit code %s", got)
			}
			if got := string(w.get("/hello").body); got != "Hello, world!" {
				t.Errorf("afterwards: %s", got)
			}
			w.endSlots()
			if status := w.reap(); status.ExitStatus() != 0 {
				t.Errorf("the worker ended with %v", status)
			}
		}
	})
}

func TestWorker_ThatCrashesShowsWhere(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		r := start(t, python, testBoot("basic"))
		w := r.ready()
		w.send(0, environ("GET", "/crash"), nil)
		if status := w.reap(); !status.Signaled() || status.Signal() != syscall.SIGSEGV {
			t.Errorf("status %v", status)
		}
		r.stderr.waitFor(t, "Segmentation fault")
		r.stderr.waitFor(t, "in crash")
	})
}
