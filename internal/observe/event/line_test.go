package event

import "testing"

// The lines are what a person reads at night: each case is one of them, as it stands on stderr.
func TestLine_SaysWhatHappenedToWhichThingAndWhy(t *testing.T) {
	for _, c := range []struct {
		event Event
		want  string
	}{
		{Event{Kind: Listening, Address: "http://127.0.0.1:8000"},
			"listening on http://127.0.0.1:8000"},
		{Event{Kind: Template, To: StateStarting, Generation: 1, Python: "Python 3.11.2 at /usr/bin/python3"},
			"Python 3.11.2 at /usr/bin/python3, template starting, generation 1"},
		{Event{Kind: Template, To: StateReady, PID: 4240, Generation: 1, Seconds: 0.4127, Text: "mysite.wsgi:application"},
			"template (pid 4240) ready in 412 ms, generation 1: mysite.wsgi:application"},
		{Event{Kind: Template, To: StateFailed, PID: 4240, Generation: 2, Error: "ModuleNotFoundError: No module named 'mysit'"},
			"template (pid 4240) failed, generation 2: ModuleNotFoundError: No module named 'mysit'"},
		{Event{Kind: Template, To: StateGone, PID: 4240, Generation: 2, Signal: 9, Text: "its workers go on, a new one starts"},
			"template (pid 4240) gone: signal 9 (SIGKILL), generation 2: its workers go on, a new one starts"},

		{Event{Kind: Worker, Worker: 3, Spawn: 17, From: "none", To: StateStarting}, ""},
		{Event{Kind: Worker, Worker: 3, Spawn: 17, PID: 4242, From: StateStarting, To: StateReady, Seconds: 0.008},
			"worker 3 (spawn 17, pid 4242) ready in 8 ms"},
		{Event{Kind: Worker, Worker: 3, PID: 4242, From: StateReady, To: StateRetiring, Reason: ReasonMaxRequests},
			"worker 3 (pid 4242) retiring: max-requests"},
		{Event{Kind: Worker, Worker: 3, PID: 4242, From: StateRetiring, To: StateGone, Reason: ReasonMaxRequests, Requests: 204, ExitCode: new(0)},
			"worker 3 (pid 4242) gone after 204 requests: max-requests"},
		{Event{Kind: Worker, Worker: 3, PID: 4242, From: StateReady, To: StateDoomed, Reason: ReasonHarakiri, RequestID: 4711, Method: "GET", Path: "/stuck", Seconds: 60.1},
			"worker 3 (pid 4242) doomed: harakiri, request 4711 GET /stuck after 60 s"},
		{Event{Kind: Worker, Worker: 3, PID: 4242, From: StateDoomed, To: StateGone, Reason: ReasonHarakiri, Signal: 9, Requests: 1, Failed: 2},
			"worker 3 (pid 4242) died after 1 request: harakiri, signal 9 (SIGKILL), 2 requests failed"},
		{Event{Kind: Worker, Worker: 2, PID: 77, From: StateReady, To: StateGone, Reason: ReasonCrash, Signal: 11, Failed: 1},
			"worker 2 (pid 77) died: signal 11 (SIGSEGV), 1 request failed"},
		{Event{Kind: Worker, Worker: 2, PID: 77, From: StateReady, To: StateGone, Reason: ReasonCrash, Signal: 9, Moved: 3},
			"worker 2 (pid 77) died: signal 9 (SIGKILL), 3 requests moved to other workers"},
		{Event{Kind: Worker, Worker: 2, PID: 77, From: StateReady, To: StateGone, Reason: ReasonCrash, ExitCode: new(0), Failed: 1},
			"worker 2 (pid 77) died: exit code 0, 1 request failed"},
		{Event{Kind: Worker, Worker: 2, PID: 77, From: StateReady, To: StateGone, Reason: ReasonOOM, Signal: 9},
			"worker 2 (pid 77) died: out of memory, signal 9 (SIGKILL)"},
		{Event{Kind: Worker, Worker: 2, PID: 77, From: StateStarting, To: StateGone, Reason: ReasonBootFailure, ExitCode: new(1), Error: "ImportError: no"},
			"worker 2 (pid 77) did not come up: exit code 1: ImportError: no"},
		{Event{Kind: Worker, Worker: 2, PID: 77, From: StateReady, To: StateGone, Reason: ReasonShutdown},
			"worker 2 (pid 77) gone: shutdown"},
		{Event{Kind: Worker, Worker: 2, PID: 77, To: StateGone, Reason: ReasonCrash, Signal: 40},
			"worker 2 (pid 77) died: signal 40"},

		{Event{Kind: RequestError, RequestID: 4711, Method: "POST", Path: "/echo", Cause: "worker-crash", Worker: 2, PID: 77, Attempts: 1, TraceID: "Root=1-5"},
			"request 4711 POST /echo failed: worker-crash (worker 2, pid 77, trace Root=1-5)"},
		{Event{Kind: RequestError, RequestID: 4712, Method: "GET", Path: "/", Cause: "queue-full"},
			"request 4712 GET / failed: queue-full"},
		{Event{Kind: Retry, RequestID: 4711, Method: "GET", Path: "/page", Cause: "worker-crash", Attempts: 2},
			"request 4711 GET /page is begun again: worker-crash (begun 2 times)"},
		{Event{Kind: TakenBack, RequestID: 4711, Worker: 2}, ""},
		{Event{Kind: Scale, From: "2", To: "3", Text: "14 requests wait"},
			"scaling from 2 to 3 workers: 14 requests wait"},
		{Event{Kind: Scale, From: "2", To: "2", Text: "30% busy in 3s"},
			"scaling stays at 2: 30% busy in 3s"},
		{Event{Kind: Reload, To: StateStarted, Signal: 1, Generation: 2},
			"reload started (SIGHUP), generation 2 comes"},
		{Event{Kind: Reload, To: StateStarted, Reason: ReasonTouch, Text: "/srv/app.touch"},
			"reload started (touch): /srv/app.touch"},
		{Event{Kind: Reload, To: StateDone, Generation: 2, Seconds: 1.23},
			"reload done in 1.2 s, generation 2 serves"},
		{Event{Kind: Reload, To: StateRefused, Generation: 1, Seconds: 0.5, Error: "SyntaxError: invalid syntax"},
			"reload refused after 500 ms, generation 1 goes on: SyntaxError: invalid syntax"},
		{Event{Kind: Drain, To: StateStarted, Signal: 15, Text: "12 connections, 3 requests"},
			"drain started (SIGTERM): 12 connections, 3 requests"},
		{Event{Kind: Drain, To: StateDone, Seconds: 5.2}, "drain done after 5.2 s"},
		{Event{Kind: Config, Python: "Python 3.11.2 at /usr/bin/python3"}, "Python 3.11.2 at /usr/bin/python3"},
		{Event{Kind: Config, Text: "die-on-term is always so"}, "config: die-on-term is always so"},
		{Event{Kind: Warning, Text: "nofile is 1024", Error: "operation not permitted"},
			"warning: nofile is 1024: operation not permitted"},
	} {
		if got := c.event.Line(); got != c.want {
			t.Errorf("%s %s:\n got %q\nwant %q", c.event.Kind, c.event.To, got, c.want)
		}
	}
}

func TestLine_EveryKindButTakenBackHasOne(t *testing.T) {
	for _, k := range Kinds {
		if line := (Event{Kind: k, To: "x", Text: "y"}).Line(); (line == "") != (k == TakenBack) {
			t.Errorf("%s: line %q", k, line)
		}
	}
}

func TestLine_ShowsControlCharactersInsteadOfSendingThem(t *testing.T) {
	e := Event{Kind: RequestError, RequestID: 1, Path: "/a\nfender: all is well\x1b[2J\u0085\xff", Cause: "bad-answer"}
	want := `request 1 /a\x0Afender: all is well\x1B[2J\xC2\x85\xFF failed: bad-answer`
	if got := e.Line(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (Event{Kind: Warning, Text: "größer als /tmp/ö"}).Line(); got != "warning: größer als /tmp/ö" {
		t.Errorf("letters were changed: %q", got)
	}
}

func TestDuration_IsReadable(t *testing.T) {
	for seconds, want := range map[float64]string{
		0.000012: "0.012 ms", 0.0012: "1.2 ms", 0.008: "8 ms", 0.25: "250 ms", 1.25: "1.2 s", 61.4: "61 s",
	} {
		if got := duration(seconds); got != want {
			t.Errorf("duration(%v) = %q, want %q", seconds, got, want)
		}
	}
}

func FuzzLine_IsOnePrintableLine(f *testing.F) {
	f.Add("worker", "gone", "text\n", "error\x00")
	f.Add("request-error", "", "\xff\xfe", "\u2028")
	f.Fuzz(func(t *testing.T, kind, to, text, path string) {
		line := Event{Kind: Kind(kind), To: to, Text: text, Path: path, Error: text, Cause: to}.Line()
		for _, r := range line {
			if r < ' ' || r == 0x7f || r == '\u2028' {
				t.Fatalf("line holds %q", r)
			}
		}
	})
}
