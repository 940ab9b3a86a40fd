package accesslog

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fender/internal/observe/sink"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func entry() *Entry {
	return &Entry{
		Time:      time.Date(2026, 11, 23, 20, 36, 1, 123_456_789, time.UTC),
		RequestID: 4711, TraceID: "Root=1-67891233-abc", Client: "10.0.0.7",
		Method: "GET", Target: "/page?token=secret", Proto: "HTTP/1.1",
		Status: 200, Received: 0, Sent: 610,
		Queue: 1234 * time.Microsecond, Work: 34 * time.Millisecond, Total: 36*time.Millisecond + 7*time.Microsecond,
		Worker: 3, Spawn: 17, PID: 4242, Generation: 1, Attempts: 1,
		Host: "shop.example", UserAgent: "curl/8.0", Referer: "https://shop.example/?q=1",
	}
}

func TestAppendText_IsOneReadableLine(t *testing.T) {
	want := `2026-11-23T20:36:01.123456Z 10.0.0.7 "GET /page?token=secret HTTP/1.1" 200 610 0.036007s` +
		` queue_s=0.001234 worker_s=0.034000 received=0 worker=3 spawn=17 pid=4242 generation=1 attempts=1` +
		` request_id=4711 trace_id="Root=1-67891233-abc" host="shop.example" user_agent="curl/8.0" referer="https://shop.example/?q=1"` + "\n"
	if diff := cmp.Diff(want, string(AppendText(nil, entry(), Rules{}))); diff != "" {
		t.Error(diff)
	}
	failed := &Entry{Time: entry().Time, RequestID: 1, Method: "POST", Target: "/", Proto: "HTTP/1.1", Status: 503, Cause: "queue-full"}
	want = `2026-11-23T20:36:01.123456Z - "POST / HTTP/1.1" 503 0 0.000000s cause=queue-full` +
		` queue_s=0.000000 worker_s=0.000000 received=0 worker=0 spawn=0 pid=0 generation=0 attempts=0` +
		` request_id=1 host="" user_agent="" referer=""` + "\n"
	if diff := cmp.Diff(want, string(AppendText(nil, failed, Rules{}))); diff != "" {
		t.Error(diff)
	}
}

func TestVars_StandAtTheEndOfALine(t *testing.T) {
	e := entry()
	e.Vars = []Var{{"user", "7"}, {"what.else", "a \"quote\"\n"}}
	if line := string(AppendText(nil, e, Rules{})); !strings.HasSuffix(line, ` referer="https://shop.example/?q=1" var.user="7" var.what.else="a \x22quote\x22\x0A"`+"\n") {
		t.Errorf("text: %s", line)
	}
	if line := string(AppendJSON(nil, e, Rules{})); !strings.HasSuffix(line, `"referer":"https://shop.example/?q=1","vars":{"user":"7","what.else":"a \"quote\"\u000A"}}`+"\n") {
		t.Errorf("JSON: %s", line)
	}
}

func TestAppendJSON_IsTheContract(t *testing.T) {
	want := `{"time":"2026-11-23T20:36:01.123456Z","request_id":4711,"trace_id":"Root=1-67891233-abc","client":"10.0.0.7",` +
		`"method":"GET","target":"/page?token=secret","proto":"HTTP/1.1","status":200,"cause":"","received":0,"sent":610,` +
		`"queue_s":0.001234,"worker_s":0.034000,"total_s":0.036007,"worker":3,"spawn":17,"pid":4242,"generation":1,"attempts":1,` +
		`"host":"shop.example","user_agent":"curl/8.0","referer":"https://shop.example/?q=1"}` + "\n"
	if diff := cmp.Diff(want, string(AppendJSON(nil, entry(), Rules{}))); diff != "" {
		t.Error(diff)
	}
}

func TestAppendJSON_HasTheListedKeysInTheirOrder(t *testing.T) {
	dec := json.NewDecoder(bytes.NewReader(AppendJSON(nil, entry(), Rules{})))
	var got []string
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := tok.(json.Delim); ok {
			continue
		}
		got = append(got, tok.(string))
		if _, err := dec.Token(); err != nil { // its value
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(Keys, got); diff != "" {
		t.Error(diff)
	}
}

func TestFormats_LetNobodyForgeALineOrAField(t *testing.T) {
	e := entry()
	e.Target = "/a\" 200\r\n2026 forged\x00\x1b[31m\\\xff\xc3\xa9\u2028\u0085"
	e.Client = "10.0.0.7 forged\n"
	e.UserAgent = "x\" worker=9 y=\""
	text := string(AppendText(nil, e, Rules{}))
	want := `10.0.0.7\x20forged\x0A "GET /a\x22 200\x0D\x0A2026 forged\x00\x1B[31m\x5C\xFF\xC3\xA9\xE2\x80\xA8\xC2\x85 HTTP/1.1"`
	if !strings.Contains(text, want) {
		t.Errorf("line is\n%s\nwant in it\n%s", text, want)
	}
	if !strings.Contains(text, `user_agent="x\x22 worker=9 y=\x22"`) {
		t.Errorf("a field was forged: %s", text)
	}
	line := AppendJSON(nil, e, Rules{})
	if n := bytes.Count(line, []byte("\n")); n != 1 || bytes.ContainsAny(line[:len(line)-1], "\r\n\x00\x1b") {
		t.Errorf("JSON line holds control characters: %q", line)
	}
	var back struct{ Target, Client string }
	if err := json.Unmarshal(line, &back); err != nil {
		t.Fatal(err)
	}
	if want := "/a\" 200\r\n2026 forged\x00\x1b[31m\\\\xFFé\u2028\u0085"; back.Target != want {
		t.Errorf("target reads %q, want %q", back.Target, want)
	}
	if back.Client != e.Client {
		t.Errorf("client reads %q, want %q", back.Client, e.Client)
	}
}

func TestFormats_MaskQueryStrings(t *testing.T) {
	r := Rules{MaskQuery: true}
	text, line := string(AppendText(nil, entry(), r)), string(AppendJSON(nil, entry(), r))
	for _, s := range []string{text, line} {
		if strings.Contains(s, "secret") || strings.Contains(s, "q=1") {
			t.Errorf("a query string is shown: %s", s)
		}
		if !strings.Contains(s, "/page?...") || !strings.Contains(s, "https://shop.example/?...") {
			t.Errorf("the mask is missing: %s", s)
		}
	}
	e := entry()
	e.Target = "/plain"
	if !strings.Contains(string(AppendText(nil, e, r)), `"GET /plain HTTP`) {
		t.Error("a target without a query string was changed")
	}
}

func TestFormats_BoundWhatAClientCanFill(t *testing.T) {
	e := entry()
	huge := strings.Repeat("\x00", 1<<20)
	e.Target, e.UserAgent, e.Referer, e.Host, e.TraceID, e.Client, e.Method = huge, huge, huge, huge, huge, huge, huge
	for name, line := range map[string][]byte{"text": AppendText(nil, e, Rules{}), "json": AppendJSON(nil, e, Rules{})} {
		if len(line) > 7*6*maxField+1000 {
			t.Errorf("%s: a line of %d bytes", name, len(line))
		}
	}
}

func TestAppendSeconds_HasMicrosecondsAndNoNegativeTime(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.000000", 999: "0.000000", time.Microsecond: "0.000001", 1500 * time.Millisecond: "1.500000",
		time.Hour + 10*time.Microsecond: "3600.000010", -time.Second: "0.000000",
	} {
		if got := string(appendSeconds(nil, d)); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestRules_SayWhichRequestsGetALine(t *testing.T) {
	ok, missing, failed := Entry{Status: 200, Total: time.Second}, Entry{Status: 404}, Entry{Status: 503}
	gone, cut := Entry{Status: 499}, Entry{Status: 200, Cause: "answer-cut"}
	for _, c := range []struct {
		name  string
		rules Rules
		entry Entry
		want  bool
	}{
		{"everything by default", Rules{}, ok, true},
		{"nothing when disabled", Rules{Disabled: true}, failed, false},
		{"log-4xx although disabled", Rules{Disabled: true, Log4xx: true}, missing, true},
		{"a client that left is a 4xx", Rules{Disabled: true, Log4xx: true}, gone, true},
		{"log-4xx is not for 5xx", Rules{Disabled: true, Log4xx: true}, failed, false},
		{"log-5xx although disabled", Rules{Disabled: true, Log5xx: true}, failed, true},
		{"log-5xx is not for 4xx", Rules{Disabled: true, Log5xx: true}, missing, false},
		{"a cut answer is a failure", Rules{Disabled: true, Log5xx: true}, cut, true},
		{"log-slow reached", Rules{Disabled: true, LogSlow: time.Second}, ok, true},
		{"log-slow not reached", Rules{Disabled: true, LogSlow: time.Second + 1}, ok, false},
		{"log-slow adds, it does not take away", Rules{LogSlow: time.Hour}, ok, true},
	} {
		if got := c.rules.Wants(&c.entry); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func open(t *testing.T, o Options) *Writer {
	t.Helper()
	w, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWriter_WritesToStdoutStderrAndToAFile(t *testing.T) {
	var out, errs bytes.Buffer
	path := filepath.Join(t.TempDir(), "access.log")
	a := open(t, Options{Destination: Stdout, Stdout: &out})
	b := open(t, Options{Destination: path, Format: JSON, Rules: Rules{MaskQuery: true}})
	c := open(t, Options{Destination: "stderr", Stderr: &errs})
	d := open(t, Options{Destination: "-", Stdout: &errs}) // written after c is closed
	for _, w := range []*Writer{a, b, c, d} {
		w.Write(entry())
		if err := w.Close(10 * time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(AppendText(nil, entry(), Rules{})); out.String() != want {
		t.Errorf("stdout got %q", out.String())
	}
	if want := string(AppendText(nil, entry(), Rules{})); errs.String() != want+want {
		t.Errorf("stderr and - got %q", errs.String())
	}
	got, err := os.ReadFile(path)
	if want := string(AppendJSON(nil, entry(), Rules{MaskQuery: true})); err != nil || string(got) != want {
		t.Errorf("file got %q, %v", got, err)
	}
}

func TestWriter_OffLogsNothing(t *testing.T) {
	for _, w := range []*Writer{nil, open(t, Options{}), open(t, Options{Destination: Off})} {
		w.Write(entry())
		if w.Lost() != 0 || w.Close(0) != nil {
			t.Error("a log that is off lost something")
		}
	}
}

func TestWriter_RefusesWhatItCannotDo(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "no", "log")
	for want, o := range map[string]Options{
		`"xml" is neither`:      {Destination: Stdout, Stdout: io.Discard, Format: "xml"},
		"no standard output":    {Destination: Stdout},
		"access-log: " + "open": {Destination: missing},
	} {
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open = %v, want %q in it", err, want)
		}
	}
}

type blocked struct{ let chan struct{} }

func (b blocked) Write(p []byte) (int, error) { <-b.let; return len(p), nil }

func TestWriter_BlockedStdoutNeverBlocksACaller(t *testing.T) {
	b := blocked{make(chan struct{})}
	notices := make(chan sink.Notice, 1)
	w := open(t, Options{Destination: Stdout, Stdout: b, Limit: 64 << 10, Notify: func(n sink.Notice) { notices <- n }})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				w.Write(entry())
			}
		})
	}
	wg.Wait() // returns although nothing was written
	lost := w.Lost()
	if line := len(AppendText(nil, entry(), Rules{})); lost != uint64(4000-(64<<10)/line) {
		t.Errorf("%d lines lost of 4000, with room for %d", lost, (64<<10)/line)
	}
	close(b.let)
	if n := <-notices; n.Lost != lost || !strings.Contains(n.String(), "access log on standard output") {
		t.Errorf("notice %q, want %d lines", n, lost)
	}
	if err := w.Close(10 * time.Second); err != nil {
		t.Fatal(err)
	}
}

func TestFormats_DoNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 4096)
	e := entry()
	e.Target = "/päge\n?x"
	if n := testing.AllocsPerRun(200, func() { buf = AppendText(buf[:0], e, Rules{}) }); n != 0 {
		t.Errorf("text: %v allocations", n)
	}
	if n := testing.AllocsPerRun(200, func() { buf = AppendJSON(buf[:0], e, Rules{MaskQuery: true}) }); n != 0 {
		t.Errorf("json: %v allocations", n)
	}
}

func FuzzFormats_AreOneLineAndTrueJSON(f *testing.F) {
	f.Add("/", "curl", "10.0.0.1", int64(1))
	f.Add("/\xff\"\\\n", "\u2028\x00", "::1", int64(-1))
	f.Fuzz(func(t *testing.T, target, agent, client string, n int64) {
		e := &Entry{Target: target, UserAgent: agent, Client: client, Cause: agent, Method: target, TraceID: client,
			Sent: n, Queue: time.Duration(n), Status: int(n)}
		for _, r := range []Rules{{}, {MaskQuery: true}} {
			text := AppendText(nil, e, r)
			for i, c := range text {
				if (c < ' ' || c >= 0x7f) && i != len(text)-1 {
					t.Fatalf("byte %#x in text line %q", c, text)
				}
			}
			line := AppendJSON(nil, e, r)
			if bytes.IndexByte(line, '\n') != len(line)-1 || !json.Valid(line) {
				t.Fatalf("not one line of JSON: %q", line)
			}
		}
	})
}

func BenchmarkText(b *testing.B) {
	buf, e := make([]byte, 0, 4096), entry()
	for b.Loop() {
		buf = AppendText(buf[:0], e, Rules{})
	}
}

func BenchmarkWriter(b *testing.B) {
	w, err := Open(Options{Destination: Stdout, Stdout: io.Discard})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		e := entry()
		for pb.Next() {
			w.Write(e)
		}
	})
	if err := w.Close(time.Minute); err != nil {
		b.Fatal(err)
	}
}
