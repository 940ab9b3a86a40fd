package python

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestWSGI_AnswersOfEveryShapeArriveWhole(t *testing.T) {
	cases := []struct {
		path, status, body string
		parts              int // frames: fewer is faster, more would delay what is streamed
		closing            bool
	}{
		{"hello", "200 OK", "Hello, world!", 1, false},
		{"body_close", "200 OK", "one two", 1, true},
		{"generator", "200 OK", "onetwo", 3, true},
		{"lazy_start", "201 Created", "late", 2, true},
		{"exact_length", "200 OK", "abcdef", 2, true},
		{"with_length", "200 OK", "12345", 1, true},
		{"too_long", "200 OK", "abc", 1, true},
		{"empty", "200 OK", "", 1, false},
		{"empty_generator", "200 OK", "", 1, false},
		{"many", "200 OK", numbers(1000), 1, false},
		{"write", "200 OK", "written twice and returned", 3, false},
		{"write_only", "200 OK", "all", 2, true},
		{"exc_info_before", "500 Oops", "replaced", 1, false},
		{"exc_info_after_204", "500 Oops", "replaced", 1, false},
		{"write_length", "200 OK", "all", 1, true},
		{"returns_bytes", "200 OK", "bytes", 1, false},
		{"yields_buffers", "200 OK", "one two", 1, false},
		{"close_raises", "200 OK", "fine", 1, true},
		{"close_exits", "200 OK", "fine", 1, true},
		{"no_content", "204 No Content", "", 1, false},
		{"not_modified", "304 Not Modified", "", 1, true},
		{"subclasses", "200 OK", "sub", 1, false},
	}
	eachPython(t, func(t *testing.T, python string) {
		w := start(t, python, testBoot("basic")).ready()
		for _, c := range cases {
			a := w.get("/" + c.path)
			if a.status != c.status || string(a.body) != c.body || a.parts != c.parts {
				t.Errorf("%s: status %q, %d parts, body %.60q; want %q, %d, %.60q", c.path, a.status, a.parts, a.body, c.status, c.parts, c.body)
			}
			if a.flags&flagError != 0 || a.flags&flagClosing != 0 != c.closing {
				t.Errorf("%s: flags %#x, closing expected %v", c.path, a.flags, c.closing)
			}
			w.waitPhase(0, 0)
		}
	})
}

func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d,", i)
	}
	return b.String()
}

func TestWSGI_AnswersToHEADHaveNoBodyAndAreClosed(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		w := start(t, python, testBoot("basic")).ready()
		for path, log := range map[string]string{
			"hello": "", "body_close": "closed body", "generator": "generator closed", "with_length": "closed with_length",
			"lazy_start": "", "write": "", "bigclose?100000": "closed big", "empty": "",
		} {
			name, query, _ := strings.Cut(path, "?")
			env := environ("HEAD", "/"+name)
			env["QUERY_STRING"] = query
			w.send(0, env, nil)
			if a := w.answer(0); len(a.body) != 0 || !strings.HasPrefix(a.status, "20") || a.flags&flagError != 0 || a.parts != 1 {
				t.Errorf("%s: %+v", path, a)
			}
			w.waitPhase(0, 0)
			if got := string(w.get("/show_log").body); got != log {
				t.Errorf("%s: the log says %q, want %q", path, got, log)
			}
		}
	})
}

func TestWSGI_ClosesOnEveryPath(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		w := start(t, python, testBoot("basic")).ready()
		for path, log := range map[string]string{
			"body_close": "closed body", "generator": "generator closed", "exact_length": "after the last byte",
			"too_long": "closed too long", "raises_midway": "closed midway", "raises_in_first_step": "closed first",
			"yields_text": "closed yields_text", "close_raises": "closed close_raises", "close_exits": "closed close_exits",
			"write_only": "closed write_only", "not_modified": "closed not_modified", "with_length": "exhausted with_length\nclosed with_length",
			"slow_close": "closed slow_close",
		} {
			w.get("/" + path)
			w.waitPhase(0, 0)
			if got := string(w.get("/show_log").body); got != log {
				t.Errorf("%s: the log says %q, want %q", path, got, log)
			}
		}
	})
}

func TestWSGI_AFailureBeforeTheAnswerIsTheWorkersOwn500(t *testing.T) {
	cases := map[string]string{ // path: what the log shows
		"raises":               "ValueError: application's own error",
		"raises_started":       "ValueError: after start_response",
		"raises_in_first_step": "ValueError: first step",
		"exits":                "SystemExit: 3",
		"interrupts":           "KeyboardInterrupt",
		"generator_exit":       "GeneratorExit",
		"never_started":        "before it called start_response",
		"returns_none":         "returned None, not an iterable of bytes",
		"returns_text":         "the application's answer holds str, not bytes: encode it",
		"twice":                "start_response was called a second time without exc_info",
		"no_such_application":  "KeyError: 'no_such_application'",
	}
	eachPython(t, func(t *testing.T, python string) {
		r := start(t, python, testBoot("basic"))
		w := r.ready()
		for path, says := range cases {
			env := environ("GET", "/"+path)
			env["QUERY_STRING"] = "token=secret"
			w.send(0, env, nil)
			a := w.answer(0)
			if a.status != "500 Internal Server Error" || string(a.body) != "Internal Server Error" || a.parts != 1 || a.flags&flagError == 0 {
				t.Errorf("%s: %+v", path, a)
			}
			r.stderr.waitFor(t, fmt.Sprintf("fender: worker 1: the application failed at GET /%s (request %d)", path, w.nextID))
			r.stderr.waitFor(t, says)
		}
		if strings.Contains(r.stderr.String(), "secret") {
			t.Error("the log shows a query string")
		}
		if a := w.get("/hello"); a.status != "200 OK" {
			t.Errorf("afterwards: %+v", a)
		}
	})
}

func TestWSGI_AFailureWithinTheAnswerCutsIt(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		r := start(t, python, testBoot("basic"))
		w := r.ready()
		for path, c := range map[string]struct{ body, says string }{
			"raises_midway":  {"begun", "ValueError: midway"},
			"yields_text":    {"good", "holds str, not bytes"},
			"exc_info_after": {"begun", "ValueError: too late to change"},
		} {
			a := w.get("/" + path)
			if a.status != "200 OK" || string(a.body) != c.body || a.flags&flagError == 0 {
				t.Errorf("%s: %+v", path, a)
			}
			r.stderr.waitFor(t, c.says)
		}
	})
}

func TestWSGI_EnvironIsWhatPEP3333Wants(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, c := range []struct{ threads, processes int }{{1, 1}, {3, 1}, {1, 2}} {
			boot := testBoot("basic")
			boot.Threads, boot.Processes = c.threads, c.processes
			w := start(t, python, boot).ready()
			env := environ("GET", "/show_environ")
			env["HTTP_X_LATIN"] = "caf\u00e9"
			w.nextID, w.seq[c.threads-1] = w.nextID+1, w.seq[c.threads-1]+1
			w.write(c.threads-1, frame{kind: kindRequest, id: w.nextID, sequence: w.seq[c.threads-1], head: marshalValue(nil, env)})
			got := decodeFacts(t, w.answer(c.threads-1).body)
			for name, want := range map[string]any{
				"wsgi.version": []any{1.0, 0.0}, "wsgi.url_scheme": "https", "wsgi.multithread": c.threads > 1,
				"wsgi.multiprocess": c.processes > 1, "wsgi.run_once": false, "wsgi.input_terminated": true,
				"SERVER_SOFTWARE": "fender/test", "SERVER_NAME": "front.example", "SERVER_PORT": "80", "SCRIPT_NAME": "",
				"fender.worker": 1.0, "fender.spawn": 1.0, "fender.generation": 3.0, "fender.slot": float64(c.threads - 1),
				"HTTP_X_LATIN": "caf\u00e9", "PATH_INFO": "/show_environ", "wsgi.input": "BytesIO",
			} {
				if fmt.Sprint(got[name]) != fmt.Sprint(want) {
					t.Errorf("%s is %v, want %v", name, got[name], want)
				}
			}
		}
	})
}

func TestWSGI_CompletesAnEnvironThatLacksScriptName(t *testing.T) {
	w := start(t, systemPython(t), testBoot("basic")).ready()
	w.send(0, map[string]string{"REQUEST_METHOD": "GET", "PATH_INFO": "/show_environ"}, nil)
	got := decodeFacts(t, w.answer(0).body)
	if got["SCRIPT_NAME"] != "" || got["SERVER_NAME"] != "boot.example" || got["SERVER_PORT"] != "8000" || got["wsgi.url_scheme"] != "http" {
		t.Errorf("got %v", got)
	}
}

func TestWSGI_PassesTheCheckersOfTheStandardLibrary(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		r := start(t, python, testBoot("basic"))
		w := r.ready()
		for _, name := range []string{"hello", "generator", "echo", "body_close", "exact_length", "write", "exc_info_before", "big", "many"} {
			for _, method := range []string{"GET", "HEAD", "POST"} {
				if name == "write" && method == "HEAD" {
					continue
				}
				env := environ(method, "/validated")
				env["QUERY_STRING"] = name
				if name == "big" {
					env["QUERY_STRING"] = "hello"
				}
				env["CONTENT_LENGTH"] = "4"
				w.send(0, env, []byte("body"))
				a := w.answer(0)
				if a.flags&flagError != 0 || strings.HasPrefix(a.status, "500 Internal") {
					t.Errorf("%s %s: %+v\n%s", method, name, a, r.stderr)
				}
			}
		}
	})
}

// A frame behind the end of its answer would doom the worker, and the requests beside it.
func TestWSGI_AWriteAfterTheAnswerSendsNothing(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		w := start(t, python, testBoot("basic")).ready()
		for how, want := range map[string]string{
			"list": "whole", "close": "whole", "raises": "Internal Server Error", "raises_begun": "begun",
		} {
			env := environ("GET", "/writes_late")
			env["QUERY_STRING"] = how
			w.send(0, env, nil)
			if a := w.answer(0); string(a.body) != want {
				t.Errorf("%s: %+v", how, a)
			}
			w.waitPhase(0, 0)
			if a := w.get("/writes_kept"); string(a.body) != "next" || a.parts != 1 {
				t.Errorf("%s: the next answer is %+v", how, a)
			}
			if got := string(w.get("/show_log").body); !strings.Contains(got, "write was called after the answer") {
				t.Errorf("%s: the log says %q", how, got)
			}
		}
	})
}

func TestWSGI_LargeAnswersGoInSeveralParts(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		w := start(t, python, testBoot("basic")).ready()
		pattern := make([]byte, 1000)
		for i := range pattern {
			pattern[i] = byte(i * 7 % 251)
		}
		// Around one frame's room, and far above what a socket buffers.
		for _, n := range []int{1000, 64000, 65000, 66000, 1000000, 5000000} {
			env := environ("GET", "/big")
			env["QUERY_STRING"] = fmt.Sprint(n)
			w.send(0, env, nil)
			a := w.answer(0)
			if !bytes.Equal(a.body, bytes.Repeat(pattern, n/1000)) || a.flags&flagError != 0 {
				t.Errorf("%d: got %d bytes in %d parts", n, len(a.body), a.parts)
			}
			if least := (n + maxMessage - 1) / maxMessage; a.parts > least+1 {
				t.Errorf("%d bytes took %d parts", n, a.parts)
			}
		}
		for n := 65536 - 200; n <= 65536; n++ { // every length around the edge
			env := environ("GET", "/bigclose")
			env["QUERY_STRING"] = fmt.Sprint(n)
			w.send(0, env, nil)
			if a := w.answer(0); len(a.body) != n {
				t.Fatalf("%d: got %d bytes", n, len(a.body))
			}
		}
	})
}

func TestWSGI_AHeadLargerThanAFrameGoesInADescriptor(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		w := start(t, python, testBoot("basic")).ready()
		a := w.get("/answer_in_descriptor")
		if len(a.fields) != 600 || a.fields[599][0] != "X-0599" || string(a.body) != "after a large head" || a.flags&flagHeadInDescriptor == 0 {
			t.Errorf("%d headers, %q, flags %#x", len(a.fields), a.body, a.flags)
		}
		w.send(0, environ("HEAD", "/answer_in_descriptor"), nil)
		if a := w.answer(0); len(a.fields) != 600 || len(a.body) != 0 || a.parts != 1 {
			t.Errorf("HEAD: %d headers, %q, %d parts", len(a.fields), a.body, a.parts)
		}
	})
}
