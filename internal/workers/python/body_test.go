package python

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// bodyFile is an unlinked file with content, at an offset that must not matter.
func bodyFile(t testing.TB, content []byte) *os.File {
	t.Helper()
	fd, err := unix.MemfdCreate("body", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "body")
	t.Cleanup(func() { file.Close() })
	if _, err := file.Write(content); err != nil {
		t.Fatal(err)
	}
	return file
}

// sendFile sends a request whose body, and if asked its head, travels in a descriptor.
func (w *worker) sendFile(env map[string]string, body []byte, headToo bool) {
	w.t.Helper()
	w.nextID++
	w.seq[0]++
	f := frame{kind: kindRequest, id: w.nextID, sequence: w.seq[0], flags: flagBodyInDescriptor}
	var fds []int
	if headToo {
		f.flags |= flagHeadInDescriptor
		fds = append(fds, int(bodyFile(w.t, marshalValue(nil, env)).Fd()))
	} else {
		f.head = marshalValue(nil, env)
	}
	fds = append(fds, int(bodyFile(w.t, body).Fd()))
	w.write(0, f, fds...)
}

func TestInput_ReadsAsPEP3333Says(t *testing.T) {
	body := []byte("first\nsecond line\n\nlast without end")
	cases := map[string]string{
		`b.read()`:   pythonBytes(body),
		`b.read(-1)`: pythonBytes(body),
		`b.read(0)`:  `b''`,
		`b.read(5), b.read(100000), b.read(1), b.read()`: `(b'first', b'\nsecond line\n\nlast without end', b'', b'')`,
		`b.readline(), b.readline(3), b.readline()`:      `(b'first\n', b'sec', b'ond line\n')`,
		`b.readline(-1)`: `b'first\n'`,
		`b.readlines()`:  `[b'first\n', b'second line\n', b'\n', b'last without end']`,
		`b.readlines(3)`: `[b'first\n']`,
		`list(b)`:        `[b'first\n', b'second line\n', b'\n', b'last without end']`,
		`next(iter(b)), b.read(3), b.readline(), b.readline(), b.readline(), b.readline()`: `(b'first\n', b'sec', b'ond line\n', b'\n', b'last without end', b'')`,
	}
	eachPython(t, func(t *testing.T, python string) {
		w := start(t, python, testBoot("basic")).ready()
		for expression, want := range cases {
			env := environ("POST", "/reads")
			env["QUERY_STRING"] = expression
			for name, send := range map[string]func(){
				"in the message":                func() { w.send(0, env, body) },
				"in a descriptor":               func() { w.sendFile(env, body, false) },
				"in a descriptor, the head too": func() { w.sendFile(env, body, true) },
			} {
				send()
				if got := string(w.answer(0).body); got != want {
					t.Errorf("%s %s: got %s, want %s", name, expression, got, want)
				}
			}
		}
	})
}

// pythonBytes is repr of bytes that hold nothing but ASCII and line feeds.
func pythonBytes(b []byte) string {
	return "b'" + string(bytes.ReplaceAll(b, []byte("\n"), []byte(`\n`))) + "'"
}

func TestInput_WithoutABodyIsEmptyForEveryRequest(t *testing.T) {
	w := start(t, systemPython(t), testBoot("basic")).ready()
	for range 3 {
		env := environ("GET", "/reads")
		env["QUERY_STRING"] = `b.read(), b.readline(), b.readlines(), list(b)`
		w.send(0, env, nil)
		if got := string(w.answer(0).body); got != `(b'', b'', [], [])` {
			t.Errorf("got %s", got)
		}
	}
}

func TestInput_ALargeBodyArrivesWholeAndTheOffsetOfItsFileStays(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		w := start(t, python, testBoot("basic")).ready()
		body := bytes.Repeat([]byte("0123456789abcdef\n"), 300000)
		file := bodyFile(t, body)
		before := openFiles(t, w.pid)
		for i, expression := range []string{
			`__import__('hashlib').sha256(b.read()).hexdigest()`,
			`__import__('hashlib').sha256(b''.join(b)).hexdigest()`,
			`__import__('hashlib').sha256(b''.join(iter(lambda: b.read(70000), b''))).hexdigest()`,
		} {
			env := environ("POST", "/reads")
			env["QUERY_STRING"] = expression
			w.nextID++
			w.seq[0]++
			f := frame{kind: kindRequest, id: w.nextID, sequence: w.seq[0], flags: flagBodyInDescriptor, head: marshalValue(nil, env)}
			w.write(0, f, int(file.Fd()))
			if got, want := string(w.answer(0).body), fmt.Sprintf("'%x'", sha256.Sum256(body)); got != want {
				t.Errorf("%d: got %s, want %s", i, got, want)
			}
		}
		if offset, err := file.Seek(0, 1); err != nil || offset != int64(len(body)) {
			t.Errorf("the offset has moved to %d, %v", offset, err)
		}
		w.waitPhase(0, 0)
		w.get("/hello") // when it has been answered, what came before has been cleaned up
		if now := openFiles(t, w.pid); now != before {
			t.Errorf("the worker has %d descriptors, it had %d", now, before)
		}
	})
}

func TestInput_KeptBeyondItsRequestIsClosed(t *testing.T) {
	w := start(t, systemPython(t), testBoot("basic")).ready()
	w.sendFile(environ("POST", "/keeps_input"), []byte("some body"), false)
	if got := string(w.answer(0).body); got != "some" {
		t.Errorf("got %q", got)
	}
	if got := string(w.get("/reads_kept").body); got == " body" {
		t.Error("the body could be read after its request had ended")
	}
}

func TestInput_ARequestWithoutItsDescriptorIsRefusedAndNotBegun(t *testing.T) {
	r := start(t, systemPython(t), testBoot("basic"))
	w := r.ready()
	w.get("/hello")
	for _, flags := range []uint16{flagBodyInDescriptor, flagHeadInDescriptor, flagBodyInDescriptor | flagHeadInDescriptor} {
		w.write(0, frame{kind: kindRequest, id: 9, sequence: 2, flags: flags, head: marshalValue(nil, environ("GET", "/hello"))})
		f := w.read(0)
		if f.kind != kindRefused || f.id != 9 || f.sequence != 2 {
			t.Fatalf("got kind %d for request %d, sequence %d", f.kind, f.id, f.sequence)
		}
		if said := unmarshal(t, f.head).(tuple); said[0] != kindRequest {
			t.Errorf("refused says %v", said)
		}
		if sequence, phase := w.state(0); sequence != 1 || phase != 0 {
			t.Errorf("the page says %d, %d", sequence, phase)
		}
	}
	if a := w.get("/hello"); a.status != "200 OK" {
		t.Errorf("afterwards: %+v", a)
	}
}

func TestInput_AMessageThatIsNoEnvironIsRefusedAndNotBegun(t *testing.T) {
	w := start(t, systemPython(t), testBoot("basic")).ready()
	for _, head := range [][]byte{nil, {'?'}, {'{'}, {'N'}, {'u', 255, 255, 255, 127}} {
		w.write(0, frame{kind: kindRequest, id: 5, sequence: 1, head: head})
		if f := w.read(0); f.kind != kindRefused || f.id != 5 || f.sequence != 1 {
			t.Errorf("%q: got kind %d for request %d, sequence %d", head, f.kind, f.id, f.sequence)
		}
	}
	if a := w.get("/hello"); a.status != "200 OK" {
		t.Errorf("afterwards: %+v", a)
	}
}
