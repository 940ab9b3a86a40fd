package python

import (
	"strings"
	"testing"
)

// calling sends a request whose application evaluates the expression, and returns the call's frame.
func (w *worker) calling(expression string) frame {
	w.t.Helper()
	env := environ("GET", "/calls")
	env["QUERY_STRING"] = expression
	w.send(0, env, nil)
	f := w.read(0)
	if f.kind != kindCall || f.id != w.nextID || f.sequence != w.seq[0] {
		w.t.Fatalf("expected a call of request %d, got kind %d of %d: %q", w.nextID, f.kind, f.id, f.body)
	}
	return f
}

func (w *worker) returns(ok bool, value any) {
	w.t.Helper()
	w.write(0, frame{kind: kindReturn, id: w.nextID, sequence: w.seq[0], head: marshalValue(nil, tuple{ok, value})})
}

func TestCall_AsksTheServerAndReturnsWhatItSays(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		w := start(t, python, testBoot("basic")).ready()
		f := w.calling(`call("extend", 30)`)
		if got := unmarshal(t, f.head).(tuple); got[0] != "extend" || got[1].(tuple)[0] != 30 {
			t.Errorf("the call says %v", got)
		}
		w.returns(true, 90)
		if got := string(w.answer(0).body); got != "90" {
			t.Errorf("got %s", got)
		}
		w.calling(`call("dance", b"x", None, True, "caf\u00e9", -7)`)
		w.returns(false, "unknown call")
		if got := string(w.answer(0).body); got != `'CallRefused: unknown call'` {
			t.Errorf("got %s", got)
		}
		w.calling(`[call("a"), call("b")]`)
		w.returns(true, "first")
		if f := w.read(0); f.kind != kindCall {
			t.Fatalf("kind %d", f.kind)
		}
		w.returns(true, nil)
		if got := string(w.answer(0).body); got != `['first', None]` {
			t.Errorf("got %s", got)
		}
	})
}

func TestCall_KeepsAllThatWasSentAheadInItsOrder(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		w := start(t, python, testBoot("basic")).ready()
		w.calling(`call("logvar", "user", "7")`)
		id, sequence := w.nextID, w.seq[0]
		const ahead = 7
		for i := range ahead {
			w.send(0, environ("POST", "/echo"), []byte{byte('1' + i)})
		}
		w.nextID, w.seq[0] = id, sequence
		w.returns(true, "done")
		if got := string(w.answer(0).body); got != "'done'" {
			t.Errorf("got %s", got)
		}
		for i := range ahead {
			w.nextID, w.seq[0] = w.nextID+1, w.seq[0]+1
			if got := string(w.answer(0).body); got != string(byte('1'+i)) {
				t.Errorf("answer %d is %q", i, got)
			}
		}
	})
}

func TestCall_ARequestSentAheadWaitsUntilTheCallHasReturned(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		w := start(t, python, testBoot("basic")).ready()
		for _, inDescriptor := range []bool{false, true} {
			w.calling(`call("logvar", "user", "7")`)
			id, sequence := w.nextID, w.seq[0]
			if inDescriptor {
				w.sendFile(environ("POST", "/echo"), []byte("sent ahead"), true)
			} else {
				w.send(0, environ("POST", "/echo"), []byte("sent ahead"))
			}
			ahead, aheadSequence := w.nextID, w.seq[0]
			w.write(0, frame{kind: kindCommand, head: marshalValue(nil, tuple{"dance", tuple{}})})
			if f := w.read(0); f.kind != kindRefused {
				t.Errorf("a command within a call: kind %d", f.kind)
			}
			if got, phase := w.state(0); got != uint64(sequence) || phase != 1 {
				t.Errorf("the page says %d %d", got, phase)
			}
			w.nextID, w.seq[0] = id, sequence
			w.returns(true, "done")
			if got := string(w.answer(0).body); got != "'done'" {
				t.Errorf("got %s", got)
			}
			w.nextID, w.seq[0] = ahead, aheadSequence
			if got := string(w.answer(0).body); got != "sent ahead" {
				t.Errorf("got %s", got)
			}
		}
	})
}

func TestCall_OfWrongTypesOrPlacesIsRefusedInTheWorker(t *testing.T) {
	w := start(t, systemPython(t), testBoot("basic")).ready()
	for expression, says := range map[string]string{
		`call(7)`:                "TypeError: fender.call takes",
		`call("a", 1.5)`:         "TypeError: fender.call takes",
		`call("a", 2**40)`:       "TypeError: fender.call takes",
		`call("a", object())`:    "TypeError: fender.call takes",
		`call("a", {1: 2})`:      "TypeError: fender.call takes",
		`call("a", "x" * 70000)`: "ValueError: the arguments of fender.call are larger",
		`call("a" * 100)`:        "ValueError: fender.call takes at most 16",
		`call("a", *range(17))`:  "ValueError: fender.call takes at most 16",
		`call("\u20ac" * 30)`:    "ValueError: fender.call takes at most 16",
	} {
		env := environ("GET", "/calls")
		env["QUERY_STRING"] = expression
		w.send(0, env, nil)
		if got := string(w.answer(0).body); !strings.Contains(got, says) {
			t.Errorf("%s: got %s", expression, got)
		}
	}
	if got := string(w.get("/calls_elsewhere").body); got != "RuntimeError" {
		t.Errorf("from another thread: %s", got)
	}
}

func TestCall_WithoutAReturnFailsWhenTheMasterGivesTheWorkerUp(t *testing.T) {
	w := start(t, systemPython(t), testBoot("basic")).ready()
	w.calling(`call("extend", 1)`)
	w.endSlots()
	if got := string(w.answer(0).body); !strings.Contains(got, "BrokenPipeError") {
		t.Errorf("got %s", got)
	}
	if status := w.reap(); status.ExitStatus() != 0 {
		t.Errorf("the worker ended with %v", status)
	}
}

func TestCommand_StacksPrintsEveryThread(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		boot := testBoot("basic")
		boot.Threads = 2
		r := start(t, python, boot)
		w := r.ready()
		w.write(1, frame{kind: kindCommand, head: marshalValue(nil, tuple{"stacks", tuple{}})})
		r.stderr.waitFor(t, `File "<fender>/worker.py"`)
		r.stderr.waitFor(t, "most recent call first")
		w.send(1, environ("GET", "/hello"), nil)
		if a := w.answer(1); a.status != "200 OK" {
			t.Errorf("afterwards: %+v", a)
		}
	})
}

func TestCommand_UnknownKindsCommandsAndVersionsAreRefused(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		w := start(t, python, testBoot("basic")).ready()
		w.get("/hello")
		for _, c := range []struct {
			f    frame
			what any
		}{
			{frame{kind: kindCommand, head: marshalValue(nil, tuple{"signal", tuple{15}})}, "signal"},
			{frame{kind: kindCommand, head: marshalValue(nil, tuple{"dance", tuple{}})}, "dance"},
			{frame{kind: 77}, 77},
			{frame{kind: kindHello}, kindHello},
			{frame{kind: kindReturn, id: 1, sequence: 1, head: marshalValue(nil, tuple{true, 1})}, kindReturn},
			{frame{kind: kindRequest, version: 2, id: 2, sequence: 2, head: marshalValue(nil, environ("GET", "/hello"))}, kindRequest},
		} {
			w.write(0, c.f)
			f := w.read(0)
			if f.kind != kindRefused || unmarshal(t, f.head).(tuple)[0] != c.what {
				t.Errorf("%+v: got kind %d, %q", c.f, f.kind, f.head)
			}
		}
		// An abort that comes between two requests asks for nothing any more.
		w.write(0, frame{kind: kindCommand, head: marshalValue(nil, tuple{"abort", tuple{}})})
		if a := w.get("/hello"); a.status != "200 OK" {
			t.Errorf("afterwards: %+v", a)
		}
	})
}
