//go:build linux

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"fender/internal/observe/event"
)

// steps are the states that a spawn has gone through, with the reasons.
func (s *server) steps(spawn uint64) (steps []string) {
	for _, e := range s.events.matching(func(e event.Event) bool { return e.Kind == event.Worker && e.Spawn == spawn }) {
		step := e.From + " to " + e.To
		if e.Reason != event.ReasonNone {
			step += ": " + string(e.Reason)
		}
		steps = append(steps, step)
	}
	return steps
}

func TestTheEventsOfARecycledWorkerTellItsLifeInOrder(t *testing.T) {
	s := serve(t, append(testdata("slow"), "--max-requests", "5", "--max-requests-delta", "0")...)
	s.under(2, get("/"), func(context.Context) {
		s.wait("a recycled worker", 1, leaves(event.ReasonMaxRequests))
	})
	s.signal(syscall.SIGTERM)
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	s.printed()
	want := []string{
		" to starting", "starting to ready", "ready to retiring: max-requests", "retiring to gone: max-requests",
	}
	if got := s.steps(1); !slices.Equal(got, want) {
		t.Errorf("the first worker: %q", got)
	}
	// The replacement is there before the first one leaves.
	index := func(spawn uint64, to string) int {
		return slices.IndexFunc(s.events.matching(func(e event.Event) bool { return true }), func(e event.Event) bool {
			return e.Kind == event.Worker && e.Spawn == spawn && e.To == to
		})
	}
	all := s.events.matching(func(e event.Event) bool { return true })
	if ready, retires := index(2, event.StateReady), index(1, event.StateRetiring); ready < 0 || ready > retires {
		t.Errorf("its replacement became ready as event %d, and it retires as event %d", ready, retires)
	}
	gone := all[index(1, event.StateGone)]
	if gone.Requests < 5 || gone.ExitCode == nil || *gone.ExitCode != 0 || gone.PID == 0 || gone.Worker != 1 || gone.Generation != 1 || gone.Failed != 0 {
		t.Errorf("the end of the first worker: %+v", gone)
	}
	var kinds []string
	for _, e := range all {
		if n := len(kinds); n == 0 || kinds[n-1] != string(e.Kind) {
			kinds = append(kinds, string(e.Kind))
		}
	}
	if got := strings.Join(kinds[:4], " "); got != "config listening config template" || !slices.Contains(kinds, "drain") {
		t.Errorf("kinds %q", kinds)
	}
	for i, e := range all[1:] {
		if e.Time.Before(all[i].Time) {
			t.Errorf("event %d is earlier than the one before: %+v", i+1, e)
		}
	}
}

func TestTheEventsFileIsAppendedToInJSONLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	for run := 1; run <= 2; run++ {
		s := launch(t, append(testdata("slow"), "--http-socket", "127.0.0.1:0", "--access-log", "off", "--events", path)...)
		s.says(" ready in ", "worker 1")
		s.signal(syscall.SIGTERM)
		if code := s.exit(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		starts, ends := 0, 0
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			var doc map[string]any
			if err := json.Unmarshal(lines.Bytes(), &doc); err != nil || doc["v"] != 1.0 || doc["time"] == "" || doc["event"] == "" {
				t.Fatalf("%s: %v", lines.Text(), err)
			}
			if doc["event"] == "listening" {
				starts++
			}
			if doc["event"] == "drain" && doc["to"] == "done" {
				ends++
			}
		}
		if starts != run || ends != run {
			t.Errorf("after %d runs the file tells of %d starts and %d ends", run, starts, ends)
		}
	}
}
