package main

import (
	"strings"
	"testing"
)

func TestSummarize_GivesMedianAndSpread(t *testing.T) {
	if got := summarize([]float64{5, 1, 3}); got != (spread{Median: 3, Min: 1, Max: 5}) {
		t.Errorf("odd: %+v", got)
	}
	if got := summarize([]float64{4, 1, 2, 9}); got != (spread{Median: 3, Min: 1, Max: 9}) {
		t.Errorf("even: %+v", got)
	}
	if got := summarize(nil).format(1); got != "void" {
		t.Errorf("no rounds: %q", got)
	}
}

func TestParseWrk_ReadsTheResultLine(t *testing.T) {
	out := "Running 2s test\n  10 requests\nRESULT {\"requests\":10,\"duration_us\":2000000,\"status\":0,\"p50_us\":150,\"p99_us\":900}\n"
	m, err := parseWrk(out)
	if err != nil || m.Requests != 10 || m.P99 != 900 {
		t.Errorf("got %+v, %v", m, err)
	}
	if _, err := parseWrk("unable to connect"); err == nil {
		t.Error("output without a result was accepted")
	}
}

func TestVoid_OneFailureSpoilsARound(t *testing.T) {
	if why := (measured{Requests: 10}).void(); why != "" {
		t.Errorf("a clean round is void: %s", why)
	}
	for _, m := range []measured{
		{}, {Requests: 9, Status: 1}, {Requests: 9, Connect: 1}, {Requests: 9, Read: 1}, {Requests: 9, Write: 1}, {Requests: 9, Timeout: 1},
	} {
		if m.void() == "" {
			t.Errorf("%+v counts", m)
		}
	}
}

func TestReport_ComparesRoundsOfOneNumberAndLeavesOutVoidOnes(t *testing.T) {
	l := &loadResult{
		workload: workload{Name: "bare", Threads: 1, Goal: 0.8},
		Memory:   map[string]share{"fender": {Front: 10, Workers: 20}, "nginx-uwsgi": {Front: 5, Workers: 10}},
		Rounds: []round{
			{Number: 1, Stack: "fender", PerS: 100}, {Number: 1, Stack: "nginx-uwsgi", PerS: 100},
			{Number: 2, Stack: "fender", PerS: 30}, {Number: 2, Stack: "nginx-uwsgi", PerS: 60},
			{Number: 3, Stack: "fender", Void: "1 status"}, {Number: 3, Stack: "nginx-uwsgi", PerS: 1},
		},
	}
	if got := l.ratio("fender", "nginx-uwsgi", quantities[0]); got != (spread{Median: 0.75, Min: 0.5, Max: 1}) {
		t.Errorf("ratio %+v", got)
	}
	var out strings.Builder
	l.markdown(&out)
	for _, want := range []string{"| fender | 65 (30 to 100) |", "0.75 (0.50 to 1.00)", "2.00 | 0.8: missed |", "Round 3 of fender is void: 1 status."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
	rep := &report{Loads: []*loadResult{l}}
	if err := rep.failed(); err != nil {
		t.Error(err)
	}
	l.Rounds = l.Rounds[4:]
	if rep.failed() == nil {
		t.Error("a stack whose rounds are all void is no failure")
	}
}
