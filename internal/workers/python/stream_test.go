package python

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// gate is a named pipe by which a test lets an application take its next step.
type gate struct {
	t    testing.TB
	path string
	file *os.File
}

func newGate(t testing.TB) *gate {
	t.Helper()
	g := &gate{t: t, path: filepath.Join(t.TempDir(), "gate")}
	if err := unix.Mkfifo(g.path, 0o600); err != nil {
		t.Fatal(err)
	}
	// Opened for both, so that it does not wait for the application.
	file, err := os.OpenFile(g.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	g.file = file
	t.Cleanup(func() { file.Close() })
	return g
}

// step lets the application read one byte.
func (g *gate) step(b string) {
	g.t.Helper()
	if _, err := g.file.WriteString(b); err != nil {
		g.t.Fatal(err)
	}
}

// end makes the application's reads end. It must have opened the pipe already.
func (g *gate) end() { g.file.Close() }

// gated sends a request whose query is the gate's path.
func (w *worker) gated(path string, g *gate) {
	w.t.Helper()
	env := environ("GET", "/"+path)
	env["QUERY_STRING"] = g.path
	w.send(0, env, nil)
}

func TestStream_EachChunkLeavesWhenItIsThere(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		w := start(t, python, testBoot("basic")).ready()
		g := newGate(t)
		w.gated("gate", g)
		for i, chunk := range []string{"a", "b", "c"} {
			g.step(chunk) // the next step comes only after this chunk has arrived
			f := w.read(0)
			if f.part != uint32(i) || string(f.body) != chunk || f.flags&flagEnd != 0 || (f.flags&flagHead != 0) != (i == 0) {
				t.Fatalf("part %d, flags %#x, body %q, want part %d, body %q", f.part, f.flags, f.body, i, chunk)
			}
			if _, phase := w.state(0); phase != 2 {
				t.Errorf("phase %d while it iterates, want 2", phase)
			}
		}
		g.end()
		if f := w.read(0); f.flags != flagEnd|flagClosing || len(f.body) != 0 {
			t.Errorf("the end has flags %#x, body %q", f.flags, f.body)
		}
		w.waitPhase(0, 0)
	})
}

func TestStream_AClientThatHasGoneEndsTheAnswerAndTheSlotSurvives(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		r := start(t, python, testBoot("basic"))
		w := r.ready()
		for path, log := range map[string]string{"gate": "closed gate", "gate_write": "write: ClientGone"} {
			g := newGate(t)
			w.gated(path, g)
			g.step("a")
			if f := w.read(0); string(f.body) != "a" {
				t.Fatalf("%s: %q", path, f.body)
			}
			atomic.StoreUint64(&w.page[8+3], uint64(w.seq[0]))
			g.step("b")
			f := w.read(0)
			if f.kind != kindAnswer || f.flags&^flagClosing != flagEnd|flagError || len(f.body) != 0 {
				t.Errorf("%s: kind %d, flags %#x, body %q", path, f.kind, f.flags, f.body)
			}
			if got := string(w.get("/show_log").body); got != log {
				t.Errorf("%s: the log says %q, want %q", path, got, log)
			}
		}
		if text := r.stderr.String(); text != "" {
			t.Errorf("a client's leaving is no error:\n%s", text)
		}
	})
}

func TestStream_AnAbortOfAnotherRequestIsNotHeard(t *testing.T) {
	w := start(t, systemPython(t), testBoot("basic")).ready()
	w.get("/hello")
	atomic.StoreUint64(&w.page[8+3], 1)
	if a := w.get("/generator"); string(a.body) != "onetwo" || a.flags&flagError != 0 {
		t.Errorf("%+v", a)
	}
}

func TestPage_SaysWhatTheSlotIsDoing(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, threads := range []int{1, 2} {
			boot := testBoot("basic")
			boot.Threads = threads
			w := start(t, python, boot).ready()
			if sequence, phase := w.state(0); sequence != 0 || phase != 0 {
				t.Errorf("before the first request: %d %d", sequence, phase)
			}
			g := newGate(t)
			w.gated("gate_call", g)
			w.waitPhase(0, 1)
			g.step("x")
			f := w.read(0)
			// Nothing is left to close: idle before the end frame left.
			if sequence, phase := w.state(0); f.flags != flagHead|flagEnd || sequence != 1 || phase != 0 {
				t.Errorf("flags %#x, the page says %d %d", f.flags, sequence, phase)
			}
			g = newGate(t)
			w.gated("gate_close", g)
			if f := w.read(0); f.flags != flagHead|flagEnd|flagClosing || string(f.body) != "closing" {
				t.Errorf("flags %#x, body %q", f.flags, f.body)
			}
			w.waitPhase(0, 3)
			g.step("x")
			w.waitPhase(0, 0)
			w.endSlots()
			w.reap()
		}
	})
}

func TestStream_ALongCloseIsFollowedByAnIdleFrame(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		w := start(t, python, testBoot("basic")).ready()
		a := w.get("/slow_close")
		f := w.read(0)
		if a.flags&flagClosing == 0 || f.kind != kindIdle || f.id != w.nextID || f.sequence != w.seq[0] {
			t.Errorf("flags %#x, then kind %d for %d %d", a.flags, f.kind, f.id, f.sequence)
		}
		if _, phase := w.state(0); phase != 0 {
			t.Errorf("the idle frame came in phase %d", phase)
		}
	})
}

func TestStream_AQuickCloseIsNotFollowedByAnIdleFrame(t *testing.T) {
	w := start(t, systemPython(t), testBoot("basic")).ready()
	without := 0
	for range 50 {
		w.get("/body_close")
		w.send(0, environ("GET", "/hello"), nil)
		if f := w.read(0); f.kind == kindAnswer {
			without++
		} else if w.read(0).kind != kindAnswer { // the machine was slow for a millisecond
			t.Fatal("two frames that are no answer")
		}
	}
	if without < 25 {
		t.Errorf("only %d of 50 quick answers came without an idle frame", without)
	}
}

func TestStream_AWorkerWhoseMasterHasGoneClosesTheAnswerAndLeaves(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		r := start(t, python, testBoot("basic"))
		w := r.ready()
		g := newGate(t)
		w.gated("gate", g)
		g.step("a")
		w.read(0)
		unix.Close(w.slots[0])
		w.slots[0] = -1
		g.step("b")
		if status := w.reap(); !status.Exited() || status.ExitStatus() != 0 {
			t.Errorf("the worker ended with %v", status)
		}
		if text := r.stderr.String(); text != "" {
			t.Errorf("it printed:\n%s", text)
		}
	})
}

func TestFile_APlainFileIsSentByItsDescriptor(t *testing.T) {
	content := strings.Repeat("0123456789", 20000)
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(filepath.Dir(name), "empty")
	if err := os.WriteFile(short, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eachPython(t, func(t *testing.T, python string) {
		w := start(t, python, testBoot("basic")).ready()
		files := openFiles(t, w.pid)
		for query, c := range map[string]struct {
			body string
			file bool
		}{
			name + ",,,plain":         {content, true},
			name + ",7,,plain":        {content[7:], true},
			name + ",,200000,plain":   {content, true},
			name + ",,12,plain":       {content[:12], true},
			name + ",10,12,raw":       {content[10:22], true},
			name + ",,,proxy":         {content, true},
			name + ",5,,temporary":    {content[5:], true},
			name + ",,,upper":         {content, false},
			name + ",,,memory":        {content, false},
			name + ",3,,lines":        {content[3:], false},
			short + ",,,plain":        {"", false},
			name + ",,200000,memory":  {content, false},
			name + ",200000,,plain":   {"", false},
			name + ",199999,99,plain": {"9", true}, // Content-Length lies: the front sees it
		} {
			env := environ("GET", "/send_file")
			env["QUERY_STRING"] = query
			w.send(0, env, nil)
			a := w.answer(0)
			if string(a.body) != c.body || a.flags&flagFile != 0 != c.file || a.flags&flagError != 0 || a.flags&flagClosing == 0 {
				t.Errorf("%s: %d bytes, flags %#x, want %d, by descriptor %v", query, len(a.body), a.flags, len(c.body), c.file)
			}
			if got := string(w.get("/show_log").body); got != "closed file" {
				t.Errorf("%s: the log says %q", query, got)
			}
			env["REQUEST_METHOD"] = "HEAD"
			w.send(0, env, nil)
			if a := w.answer(0); len(a.body) != 0 || a.flags&flagFile != 0 || a.parts != 1 {
				t.Errorf("HEAD %s: %d bytes, flags %#x", query, len(a.body), a.flags)
			}
			w.get("/show_log")
		}
		if now := openFiles(t, w.pid); now != files {
			t.Errorf("the worker has %d descriptors, it had %d", now, files)
		}
	})
}

func TestFile_OneThatIsWrittenToIsSentAsItReads(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := start(t, systemPython(t), testBoot("basic")).ready()
	env := environ("GET", "/send_file")
	env["QUERY_STRING"] = name + ",,,update"
	w.send(0, env, nil)
	if a := w.answer(0); string(a.body) != "456789" || a.flags&flagFile == 0 {
		t.Errorf("got %q, flags %#x", a.body, a.flags)
	}
}

func TestFile_ACompressedFileIsNotSentAsItLiesOnTheDisk(t *testing.T) {
	w := start(t, systemPython(t), testBoot("basic")).ready()
	name, err := filepath.Abs("testdata/hello.gz")
	if err != nil {
		t.Fatal(err)
	}
	env := environ("GET", "/send_file")
	env["QUERY_STRING"] = name + ",,,gzip"
	w.send(0, env, nil)
	if a := w.answer(0); string(a.body) != "uncompressed" || a.flags&flagFile != 0 {
		t.Errorf("got %q, flags %#x", a.body, a.flags)
	}
}
