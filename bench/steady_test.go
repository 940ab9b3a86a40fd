package main

import (
	"os"
	"slices"
	"testing"
	"time"

	"fender/internal/proving/proctree"
)

func TestWindow_BeginsWhenAllConnectionsAreOpenAndLastsARound(t *testing.T) {
	w := &window{length: time.Second, connections: 100}
	began := time.Unix(1000, 0)
	was, now := []proctree.Process{{PID: 1}}, []proctree.Process{{PID: 1, CPU: time.Second}}
	for _, step := range []struct {
		after     time.Duration
		sent      int64
		processes []proctree.Process
		open      int
		due, over bool
	}{
		{after: 0, sent: 1000},
		{after: settle - 1, sent: 2000},
		{after: settle, sent: 3000, open: 99, due: true},
		{after: settle + 1, sent: 4000, open: 100, processes: was, due: true},
		{after: settle + time.Second, sent: 8000}, // a nanosecond less than a round
		{after: settle + 1 + 2*time.Second, sent: 14_000, processes: now, due: true, over: true},
	} {
		at := began.Add(step.after)
		if due := w.due(at); due != step.due {
			t.Fatalf("after %s: due %v", step.after, due)
		}
		if step.due && w.take(mark{at, step.sent, step.processes}, step.open) != step.over {
			t.Fatalf("after %s: over is not %v", step.after, step.over)
		}
		if got := w.observed(nil); got.Requests != 0 && !step.over {
			t.Fatalf("after %s: a window that isn't over has %d requests", step.after, got.Requests)
		}
	}
	got := w.observed(map[string]int64{"read": 2})
	if got.Requests != 10_000 || got.perSecond() != 5000 || got.failures() != 2 || !slices.Equal(got.before, was) || !slices.Equal(got.after, now) {
		t.Errorf("%+v", got)
	}
}

func TestDescriptors_AreThoseOfTheFront(t *testing.T) {
	all := []proctree.Process{{PID: os.Getpid(), Comm: "front"}, {PID: os.Getpid(), Comm: "worker"}}
	before, err := fronted.descriptors(all)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if after, err := fronted.descriptors(all); err != nil || after != before+1 {
		t.Errorf("one more file: %d, not %d; %v", after, before+1, err)
	}
}

func TestSeries_MeasureNginxBesideFenderInEveryRun(t *testing.T) {
	var names []string
	for _, s := range allStacks(settings{}) {
		if s.inSeries() {
			names = append(names, s.name)
		}
	}
	if !slices.Equal(names, []string{"fender", baseline}) {
		t.Errorf("%v", names)
	}
	for _, s := range allSeries {
		for _, point := range s.Points {
			if w := s.at(point); !w.Steady || w.Connections == 0 {
				t.Errorf("%d %s: opening connections is part of it: %+v", point, s.Unit, w)
			}
		}
	}
}
