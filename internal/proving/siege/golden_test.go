package siege

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"fender/internal/golden"

	"github.com/google/go-cmp/cmp"
)

// made is a result without a run: a tally that was given samples with known times.
func made(t *testing.T, slower time.Duration) *Result {
	t.Helper()
	start := time.Date(2026, 11, 25, 20, 36, 11, 0, time.UTC)
	q := resolved(t, "http://127.0.0.1:8000/slow?seconds=1")
	o := &Options{Requests: q, Phases: []Phase{{Users: 2, For: time.Second}, {Rate: 3, Open: true, For: time.Second}}, Mark: "before"}
	o.withDefaults()
	r := &run{opts: o, registry: newRegistry(), counts: &counters{}}
	r.crew = newCrew(r)
	r.tally = newTally(start, 2, r.counts)
	r.counts.opened.Store(3)
	r.counts.late.Store(1)
	r.counts.users.up()
	r.counts.users.up()
	add := func(at, took time.Duration, o outcome) {
		s := sample{q: q[0], out: &o, end: start.Add(at), took: took + slower}
		if o.status > 0 {
			s.body, s.received = 5000, 5100
		}
		r.tally.add(int(at), &s)
	}
	for n := range 97 {
		add(time.Duration(n)*20*time.Millisecond+time.Duration(n%2), time.Duration(n+1)*time.Millisecond, outcome{status: 200})
	}
	add(2010*time.Millisecond, 3*time.Millisecond, outcome{kind: Status5xx, status: 502, err: errors.New("status 502"), cause: "worker-crash", used: 7})
	add(2020*time.Millisecond, time.Millisecond, outcome{kind: ResetBefore, err: &os.SyscallError{Syscall: "read", Err: syscall.ECONNRESET}, used: 12})
	add(2030*time.Millisecond, 30*time.Second, outcome{kind: Timeout, err: os.ErrDeadlineExceeded})
	return r.result(start, start.Add(2500*time.Millisecond), false)
}

func TestResult_SummaryIsSiegesAndMore(t *testing.T) {
	var b bytes.Buffer
	if err := made(t, 0).Summary(&b); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "summary.txt", b.Bytes())
}

func TestResult_JSONIsVersionOne(t *testing.T) {
	var b bytes.Buffer
	r := made(t, 0)
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	back, err := ReadResult(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Error(diff)
	}
	// The compressed histogram is latency's; its bytes are those of this compiler's zlib.
	r.Latency.Histogram, r.LatencyOK.Histogram = "...", "..."
	b.Reset()
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "result.json", b.Bytes())
}

func TestResult_SiegesOwnJSON(t *testing.T) {
	var b bytes.Buffer
	if err := made(t, 0).SiegeJSON(&b); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "siege.json", b.Bytes())
}

func TestCompare_ShowsBothAndTheRatio(t *testing.T) {
	var b bytes.Buffer
	now := made(t, 10*time.Millisecond)
	now.Mark, now.Failures["timeout"], now.Failures["wrong-body"] = "", 3, 1
	if err := Compare(&b, made(t, 0), now); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "differ") {
		t.Error("the same loads are said to differ")
	}
	now.Load.Phases = []string{"7u/1s"}
	b.Reset()
	if err := Compare(&b, made(t, 0), now); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "compare.txt", b.Bytes())
}

func TestReadResult_RefusesWhatIsNone(t *testing.T) {
	for _, text := range []string{"", "{", "[]", "{}", `{"v": 1}`, `{"v": 1, "started": "2026-11-25T20:36:11Z", "requests": 3}`, `{"v": 2}`, `{"v": "x"}`} {
		if r, err := ReadResult(strings.NewReader(text)); err == nil {
			t.Errorf("%q is read as %+v", text, r)
		}
	}
}

func TestSummary_NeverRoundsAFailureAway(t *testing.T) {
	var b bytes.Buffer
	r := &Result{Requests: 1_000_000, OK: 999_999, Failed: 1, Availability: 99.9999}
	if err := r.Summary(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "99.99 %") {
		t.Error(b.String())
	}
}
