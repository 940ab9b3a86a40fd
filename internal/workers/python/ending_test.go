package python

import (
	"archive/zip"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// startEnding starts a template whose application leaves files in the directory that is returned.
func startEnding(t *testing.T, python string, threads int, env ...string) (r *rig, dir string) {
	t.Helper()
	boot := testBoot("ending")
	boot.Threads = threads
	dir = t.TempDir()
	return start(t, python, boot, append(env, "TEST_DIRECTORY="+dir)...), dir
}

// endAfter lets a worker answer a request for each path, and end.
func (w *worker) endAfter(paths ...string) syscall.WaitStatus {
	w.t.Helper()
	for _, path := range paths {
		if a := w.get("/" + path); a.status != "200 OK" {
			w.t.Errorf("%s: %+v", path, a)
		}
	}
	w.endSlots()
	return w.reap()
}

func checkEnd(t *testing.T, status syscall.WaitStatus) {
	t.Helper()
	if !status.Exited() || status.ExitStatus() != ExitOK {
		t.Errorf("the worker ended with %d, %v", status.ExitStatus(), status.Signal())
	}
}

// checkFiles compares files of a directory with what they should hold.
func checkFiles(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	for name, text := range want {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(data) != text {
			t.Errorf("the file %s holds %q, %v, want %q", name, data, err, text)
		}
	}
}

// eachEnding runs a test with every interpreter, with one thread and with two.
func eachEnding(t *testing.T, test func(t *testing.T, python string, threads int)) {
	t.Helper()
	eachPython(t, func(t *testing.T, python string) {
		for _, threads := range []int{1, 2} {
			t.Run(fmt.Sprintf("threads=%d", threads), func(t *testing.T) { test(t, python, threads) })
		}
	})
}

func TestEnd_DoesNotFinalizeTheInterpreterNorAskItsObjects(t *testing.T) {
	eachEnding(t, func(t *testing.T, python string, threads int) {
		r, _ := startEnding(t, python, threads)
		checkEnd(t, r.ready().endAfter("makes_object"))
		r.order(Exit())
		r.wait()
		r.stderr.waitFor(t, "the first atexit function ran")
		for _, text := range []string{"the object was finalized", "the lazy object was asked"} {
			if strings.Contains(r.stderr.String(), text) {
				t.Errorf("%s:\n%s", text, r.stderr)
			}
		}
	})
}

func TestEnd_WritesWhatIsInTheBuffersOfFiles(t *testing.T) {
	eachEnding(t, func(t *testing.T, python string, threads int) {
		for _, c := range []struct{ path, wants string }{{"writes", ""}, {"freezes", ""}, {"writes", "freeze"}} {
			r, dir := startEnding(t, python, threads, "TEST_WANTS="+c.wants)
			for range 2 {
				checkEnd(t, r.ready().endAfter(c.path))
			}
			checkFiles(t, dir, map[string]string{
				"text": "text", "binary": "binary", "random": "random", "derived": "derived",
				"template.log": "import\nworker\nworker\n", // what the template wrote is there once
			})
		}
	})
}

func TestEnd_WritesWhatAtexitFunctionsAndJobsWrote(t *testing.T) {
	eachEnding(t, func(t *testing.T, python string, threads int) {
		for path, want := range map[string]string{"writes_at_exit": "atexit\n", "submits": "job"} {
			r, dir := startEnding(t, python, threads)
			checkEnd(t, r.ready().endAfter(path))
			checkFiles(t, dir, map[string]string{"text": want})
		}
	})
}

func TestEnd_IsNotHeldUpByAFileThatCannotBeFlushed(t *testing.T) {
	eachEnding(t, func(t *testing.T, python string, threads int) {
		r, dir := startEnding(t, python, threads)
		checkEnd(t, r.ready().endAfter("fails_to_flush"))
		checkFiles(t, dir, map[string]string{"text": "text", "binary": "binary"})
		r.stderr.waitFor(t, "the first atexit function ran\n")
		if text := r.stderr.String(); strings.Contains(text, "fender:") {
			t.Errorf("it said:\n%s", text)
		}
	})
}

func TestEnd_IsNotHeldUpByAThreadThatHoldsAFile(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, path := range []string{"holds_lock", "holds_stdout"} {
			r, dir := startEnding(t, python, 1)
			checkEnd(t, r.ready().endAfter("writes", path))
			checkFiles(t, dir, map[string]string{"text": "text", "binary": "binary", "random": "random"})
		}
	})
}

func TestFork_IsNotHeldUpByAThreadThatHoldsAFile(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		r, dir := startEnding(t, python, 1, "TEST_WANTS=lock")
		var threads []int
		for range 2 {
			w := r.ready()
			tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", r.cmd.Process.Pid))
			if err != nil {
				t.Fatal(err)
			}
			threads = append(threads, len(tasks))
			checkEnd(t, w.endAfter("writes"))
		}
		if threads[0] != threads[1] {
			t.Errorf("the second fork waited for the file again: the template had %d threads, then %d", threads[0], threads[1])
		}
		logged := "import\nworker\nworker\n"
		if minor(python) == 6 { // beside other threads it does not flush before a fork
			logged = "import\nworker\nimport\nworker\n"
		}
		checkFiles(t, dir, map[string]string{"text": "text", "template.log": logged})
		r.order(Exit())
		if code := r.wait(); code != ExitOK {
			t.Errorf("the template ended with %d", code)
		}
	})
}

// The worker has the lock and not the thread that would free it.
func TestEnd_IsNotHeldUpByALockThatTheForkHasCopied(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		r, dir := startEnding(t, python, 1, "TEST_WANTS=lock-at-fork")
		checkEnd(t, r.ready().endAfter("writes"))
		checkFiles(t, dir, map[string]string{"text": "text", "template.log": "import\nworker\n"})
	})
}

func TestEnd_FlushesWhatStandsForStandardOutput(t *testing.T) {
	eachEnding(t, func(t *testing.T, python string, threads int) {
		r, _ := startEnding(t, python, threads)
		w := r.ready()
		w.get("/replaces_stdout")
		checkEnd(t, w.endAfter())
		r.stderr.waitFor(t, "standard output was flushed")
	})
}

func TestEnd_CompletesCompressedFiles(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		r, dir := startEnding(t, python, 1)
		checkEnd(t, r.ready().endAfter("compresses"))
		for _, name := range []string{"gz", "open.gz"} {
			file, err := os.Open(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			plain, err := gzip.NewReader(file)
			if err != nil {
				t.Fatal(err)
			}
			if data, err := io.ReadAll(plain); err != nil || string(data) != "compressed" {
				t.Errorf("%s holds %q, %v", name, data, err)
			}
		}
		archive, err := zip.OpenReader(filepath.Join(dir, "zip"))
		if err != nil {
			t.Fatal(err)
		}
		defer archive.Close()
		if len(archive.File) != 1 || archive.File[0].Name != "member" {
			t.Errorf("the archive holds %v", archive.File)
		}
	})
}

func TestEnd_RemovesTheTemporaryFilesOfTheProcessItself(t *testing.T) {
	eachEnding(t, func(t *testing.T, python string, threads int) {
		r, dir := startEnding(t, python, threads)
		count := func(pattern string) int {
			found, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil {
				t.Fatal(err)
			}
			return len(found)
		}
		w := r.ready()
		if name := string(w.get("/opens_temporary").body); !strings.HasPrefix(name, dir) || count("worker-*") != 1 {
			t.Errorf("the temporary file %s is not there", name)
		}
		checkEnd(t, w.endAfter())
		if n := count("worker-*"); n != 0 {
			t.Errorf("%d temporary files of the worker are left", n)
		}
		if n := count("template-*"); n != 1 {
			t.Errorf("the template's temporary file is gone with a worker: %d", n)
		}
		r.order(Exit())
		r.wait()
		if n := count("template-*"); n != 0 {
			t.Errorf("%d temporary files of the template are left", n)
		}
	})
}

func TestTemplate_WritesWhatIsInTheBuffersOfFilesAtItsEnd(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		r, dir := startEnding(t, python, 1) // no fork comes before
		r.order(Exit())
		r.wait()
		checkFiles(t, dir, map[string]string{"template.log": "import\n"})
	})
}

func TestEnd_LetsNoAtexitFunctionHoldUpTheOthers(t *testing.T) {
	eachEnding(t, func(t *testing.T, python string, threads int) {
		for wants, said := range map[string]string{"raise": "ValueError: in an atexit function", "exit": ""} {
			r, dir := startEnding(t, python, threads, "TEST_WANTS="+wants)
			checkEnd(t, r.ready().endAfter("writes"))
			r.stderr.waitFor(t, "the first atexit function ran")
			r.stderr.waitFor(t, said)
			if text := r.stderr.String(); strings.Contains(text, "fender:") {
				t.Errorf("it was said twice:\n%s", text)
			}
			checkFiles(t, dir, map[string]string{"text": "text"})
		}
		r, _ := startEnding(t, python, threads, "TEST_WANTS=os._exit")
		if status := r.ready().endAfter(); status.ExitStatus() != 6 {
			t.Errorf("an atexit function that calls os._exit(6): %v", status)
		}
	})
}

func TestEnd_DoesNotWaitForDaemons(t *testing.T) {
	eachEnding(t, func(t *testing.T, python string, threads int) {
		r, dir := startEnding(t, python, threads)
		checkEnd(t, r.ready().endAfter("starts_daemon", "writes"))
		checkFiles(t, dir, map[string]string{"text": "text"})
	})
}

func TestEnd_HasTheExitCodeThatIsGivenToSysExit(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for given, code := range map[string]int{"7": 7, "text": 1, "none": 0} {
			r, _ := startEnding(t, python, 1, "TEST_CODE="+given)
			w := r.ready()
			w.send(0, environ("GET", "/exits_with"), nil)
			if status := w.reap(); !status.Exited() || status.ExitStatus() != code {
				t.Errorf("sys.exit with %s: the worker ended with %v", given, status)
			}
		}
	})
}

func TestEnd_ClosesDjangosConnectionsInEachThread(t *testing.T) {
	for _, threads := range []int{1, 2} {
		python, boot, env := realBoot(t, "site_django", "django")
		boot.Threads = threads
		r := start(t, python, boot, env...)
		w := r.ready()
		for slot := range threads {
			w.send(slot, environ("GET", "/connected"), nil)
			if a := w.answer(slot); string(a.body) != "42" {
				t.Errorf("connected: %+v", a)
			}
		}
		checkEnd(t, w.endAfter())
		for slot := range threads {
			r.stderr.waitFor(t, fmt.Sprintf("process %d closed connection %d\n", w.pid, slot+1))
		}
	}
}
