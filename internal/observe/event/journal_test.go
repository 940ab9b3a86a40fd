package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, o Options) *Journal {
	t.Helper()
	j, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func closeJournal(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Close(10 * time.Second); err != nil {
		t.Fatal(err)
	}
}

func TestJournal_FirstLineIsTheAddress(t *testing.T) {
	var lines bytes.Buffer
	j := open(t, Options{Lines: &lines})
	j.Emit(Event{Kind: Listening, Address: "http://127.0.0.1:8000"})
	closeJournal(t, j)
	if got := lines.String(); got != "fender: listening on http://127.0.0.1:8000\n" {
		t.Errorf("got %q", got)
	}
}

func TestJournal_JSONLinesAreTheContract(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.json")
	at := time.Date(2026, 11, 23, 20, 36, 1, 500_000_000, time.FixedZone("", 3600))
	events := []Event{
		{Time: at, Kind: Worker, Worker: 3, Spawn: 17, PID: 4242, Generation: 1, From: "ready", To: "gone",
			Reason: ReasonCrash, Signal: 11, Failed: 1, Moved: 2, Requests: 7},
		{Time: at, Kind: RequestError, RequestID: 9, Method: "POST", Path: "/echo?secret=1", Cause: "worker-crash",
			Attempts: 1, TraceID: "Root=1-5"},
		{Time: at, Kind: Worker, Worker: 1, To: "gone", ExitCode: new(0)},
		{Time: at, Kind: Drain, To: "done", Seconds: 5.25},
	}
	for range 2 { // the second journal appends
		j := open(t, Options{File: path})
		for _, e := range events {
			j.Emit(e)
		}
		closeJournal(t, j)
	}
	want := `{"v":1,"time":"2026-11-23T19:36:01.500000Z","event":"worker","worker":3,"spawn":17,"pid":4242,"generation":1,"from":"ready","to":"gone","reason":"crash","requests":7,"failed":1,"moved":2,"signal":11}
{"v":1,"time":"2026-11-23T19:36:01.500000Z","event":"request-error","request_id":9,"trace_id":"Root=1-5","method":"POST","path":"/echo","cause":"worker-crash","attempts":1}
{"v":1,"time":"2026-11-23T19:36:01.500000Z","event":"worker","worker":1,"to":"gone","exit_code":0}
{"v":1,"time":"2026-11-23T19:36:01.500000Z","event":"drain","to":"done","seconds":5.25}
`
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want+want, string(got)); diff != "" {
		t.Error(diff)
	}
	var back Event
	if err := json.Unmarshal([]byte(strings.SplitN(want, "\n", 2)[0]), &back); err != nil {
		t.Fatal(err)
	}
	first := events[0]
	first.Time = first.Time.UTC()
	if diff := cmp.Diff(first, back); diff != "" {
		t.Errorf("an event does not survive its JSON form:\n%s", diff)
	}
}

// blocked never returns from Write until it is let go.
type blocked struct{ let chan struct{} }

func (b blocked) Write(p []byte) (int, error) { <-b.let; return len(p), nil }

func TestJournal_BlockedStderrStopsNeitherTheEmitterNorTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.json")
	b := blocked{make(chan struct{})}
	j := open(t, Options{Lines: b, File: path})
	const n = 1000
	sub := j.Subscribe(n)
	text := strings.Repeat("x", 4000) // 4 MB of lines, more than a sink holds
	for i := range n {
		j.Emit(Event{Kind: Config, Worker: i, Text: text})
		<-sub.Events() // the ring never fills: what is lost is lost at stderr
	}
	if j.Lost() == 0 {
		t.Error("nothing was lost, stderr was not blocked")
	}
	if err := j.Close(0); err == nil || !strings.Contains(err.Error(), "standard error") {
		t.Errorf("Close = %v, want an error that names standard error", err)
	}
	close(b.let)
	closeJournal(t, j)
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(got, []byte("\n")); lines != n {
		t.Errorf("the file has %d events, want %d", lines, n)
	}
}

func TestJournal_DropsAreReportedAsAWarningWhenThereIsRoomAgain(t *testing.T) {
	// The journal's goroutine starts only after the ring was full.
	j := &Journal{ring: make(chan Event, 4), quit: make(chan struct{}), done: make(chan struct{})}
	sub := j.Subscribe(100)
	for range 10 {
		j.Emit(Event{Kind: Config, Text: "x"})
	}
	if j.Lost() != 6 {
		t.Errorf("Lost() = %d, want 6", j.Lost())
	}
	go j.run()
	closeJournal(t, j)
	var texts []string
	for e := range sub.Events() {
		texts = append(texts, string(e.Kind)+" "+e.Text)
	}
	want := []string{
		"config x", "warning 6 events were dropped: more came at once than the journal could take",
		"config x", "config x", "config x",
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Error(diff)
	}
}

func TestJournal_ObserveSeesEveryEventAlsoTheDroppedOnes(t *testing.T) {
	var seen atomic.Int64
	j := &Journal{
		opts: Options{Observe: func(Event) { seen.Add(1) }},
		ring: make(chan Event, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	for range 10 {
		j.Emit(Event{Kind: Retry})
	}
	if seen.Load() != 10 {
		t.Errorf("%d events were observed, want 10", seen.Load())
	}
}

func TestJournal_EmitIsSafeFromManyGoroutines(t *testing.T) {
	var lines bytes.Buffer
	j := open(t, Options{Lines: &lines})
	sub := j.Subscribe(1000)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 100 {
				j.Emit(Event{Kind: Config, Text: fmt.Sprintf("%d.%d", g, i)})
			}
		})
	}
	wg.Wait()
	closeJournal(t, j)
	got := 0
	for range sub.Events() {
		got++
	}
	if total := uint64(got) + j.Lost() + sub.Lost(); total < 800 || got < 100 {
		t.Errorf("%d events told, %d lost: they do not add up to 800", got, j.Lost())
	}
	if lines.Len() == 0 {
		t.Error("no lines")
	}
}

func TestJournal_BoundsTextsOfStrangers(t *testing.T) {
	j := open(t, Options{})
	sub := j.Subscribe(1)
	j.Emit(Event{Kind: Warning, Text: strings.Repeat("t", 1<<20), Error: strings.Repeat("e", 1<<20)})
	e := <-sub.Events()
	if len(e.Text) != maxText || len(e.Error) != maxText {
		t.Errorf("texts of %d and %d bytes, want %d", len(e.Text), len(e.Error), maxText)
	}
	closeJournal(t, j)
}

func TestJournal_OutageMakesFewLinesForPeopleAndSaysHowManyItLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		j := open(t, Options{Lines: &lines})
		for i := range 500 {
			j.Emit(Event{Kind: RequestError, RequestID: uint64(i + 1), Cause: "queue-full"})
			synctest.Wait()
		}
		j.Emit(Event{Kind: Worker, Worker: 1, To: StateReady})
		time.Sleep(quietSpan)
		synctest.Wait()
		j.Emit(Event{Kind: RequestError, RequestID: 501, Cause: "queue-full"})
		closeJournal(t, j)
		got := strings.Split(strings.TrimSpace(lines.String()), "\n")
		want := []string{
			"fender: request 10 failed: queue-full",
			"fender: worker 1 ready",
			"fender: 490 more lines about failed or repeated requests within 1.0 s: see the access log or the events file",
			"fender: request 501 failed: queue-full",
		}
		if len(got) != 13 || !slices.Equal(got[9:], want) {
			t.Errorf("%d lines, ending with\n%s", len(got), strings.Join(got[max(0, len(got)-4):], "\n"))
		}
	})
}

func TestJournal_FileThatCannotBeOpenedIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "events.json")
	if _, err := Open(Options{File: path}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Open = %v, want an error that names %s", err, path)
	}
}

func TestJournal_FullDiskIsAWarningOnStderr(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Fatal("no /dev/full on this Linux:", err)
	}
	var lines bytes.Buffer
	j := open(t, Options{Lines: &lines, File: "/dev/full"})
	sub := j.Subscribe(10)
	j.Emit(Event{Kind: Config, Text: "x"})
	for e := range sub.Events() {
		if e.Kind == Warning {
			break
		}
	}
	closeJournal(t, j)
	if !strings.Contains(lines.String(), "events file /dev/full cannot be written: write /dev/full: no space left") {
		t.Errorf("stderr says %q", lines.String())
	}
	if j.Lost() == 0 {
		t.Error("nothing counted as lost")
	}
}

func TestJournal_NilIsAJournalThatNobodyReads(t *testing.T) {
	var j *Journal
	j.Emit(Event{Kind: Warning})
	j.Warn("x")
	if j.Lost() != 0 || j.Close(0) != nil {
		t.Error("a nil journal has lost something")
	}
	if _, ok := <-j.Subscribe(1).Events(); ok {
		t.Error("a nil journal told an event")
	}
}

func TestSubscription_ClosedGetsNothingMoreAndLateOneEndsAtOnce(t *testing.T) {
	j := open(t, Options{})
	a, b := j.Subscribe(10), j.Subscribe(1)
	a.Close()
	for range 3 {
		j.Emit(Event{Kind: Config})
	}
	closeJournal(t, j)
	if len(a.Events()) != 0 {
		t.Error("a closed subscription got an event")
	}
	if n := len(b.Events()); n != 1 || b.Lost() != 2 {
		t.Errorf("the small subscription has %d and lost %d, want 1 and 2", n, b.Lost())
	}
	if _, ok := <-j.Subscribe(1).Events(); ok {
		t.Error("an event came after the end")
	}
	a.Close()
}

func TestEmit_DoesNotAllocate(t *testing.T) {
	j := &Journal{opts: Options{Observe: func(Event) {}}, ring: make(chan Event, 1), quit: make(chan struct{}), done: make(chan struct{})}
	e := Event{Kind: TakenBack, RequestID: 1, Path: "/x"}
	if n := testing.AllocsPerRun(100, func() { j.Emit(e) }); n != 0 {
		t.Errorf("Emit allocates %v times", n)
	}
}
