package main

import (
	"encoding/xml"
	"errors"
	"io"
	"net"
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
	out := "Running 2s test\n  10 requests\nRESULT {\"requests\":10,\"duration_us\":2000000,\"status\":3,\"read\":1,\"p50_us\":150,\"p99_us\":900}\n"
	m, err := parseWrk(out)
	if err != nil || m.perSecond() != 5 || m.P99 != 900 || m.failures() != 4 || m.failed() != "1 read, 3 status" {
		t.Errorf("got %+v, %v", m, err)
	}
	if _, err := parseWrk("unable to connect"); err == nil {
		t.Error("output without a result was accepted")
	}
}

func TestParseSiege_ReadsItsResult(t *testing.T) {
	m, err := parseSiege(`{"v":1,"elapsed_s":2,"requests":12,"ok":10,"failures":{"refused":2},` +
		`"latency":{"p50_s":0.001,"p99_s":0.002,"p999_s":0.003,"max_s":0.004},"open":{"lag_s":0.005}}`)
	if err != nil || m.perSecond() != 5 || m.P50 != 1000 || m.P999 != 3000 || m.Lag != 5000 || m.failed() != "2 refused" {
		t.Errorf("got %+v, %v", m, err)
	}
	if _, err := parseSiege("no target"); err == nil {
		t.Error("output without a result was accepted")
	}
}

// sample is a workload with rounds of two stacks.
func sample() *loadResult {
	return &loadResult{
		workload: workload{Name: "bare", Threads: 1, Processes: 2, Goals: []goal{atLeast(0.8, baseline), atLeast(1, everybody)}},
		Memory:   map[string]share{"fender": {Front: 10, Workers: 20}, baseline: {Front: 5, Workers: 10}},
		LeftOut:  map[string]string{"granian": "it is tired"},
		Rounds: []round{
			{Number: 1, Stack: "fender", PerS: 100}, {Number: 1, Stack: baseline, PerS: 100},
			{Number: 2, Stack: "fender", PerS: 30}, {Number: 2, Stack: baseline, PerS: 60},
			{Number: 3, Stack: "fender", Void: "1 status"}, {Number: 3, Stack: baseline, PerS: 1},
		},
	}
}

func TestReport_ComparesRoundsOfOneNumberAndLeavesOutVoidOnes(t *testing.T) {
	l := sample()
	if got := l.ratio("fender", baseline, quantities[0]); got != (spread{Median: 0.75, Min: 0.5, Max: 1}) {
		t.Errorf("ratio %+v", got)
	}
	rep := &report{Loads: []*loadResult{l}}
	rep.judge()
	var out strings.Builder
	rep.markdown(&out)
	for _, want := range []string{
		"| fender | 65 (30 to 100) |", "0.75 (0.50 to 1.00)", "2.00 | at least 0.8: missed |",
		"Round 3 of fender is void: 1 status.", "Granian is left out: it is tired.",
		"- bare: 0.75 (0.50 to 1.00) of the requests/s of NGINX + uWSGI",
		"| bare: requests/s as a multiple of NGINX + uWSGI | at least 0.8 | 0.75 (0.50 to 1.00) | missed |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
	if err := rep.failed(); err != nil {
		t.Error(err)
	}
	l.Rounds = l.Rounds[4:]
	if rep.failed() == nil {
		t.Error("a stack whose rounds are all void is no failure")
	}
	rep = &report{Loads: []*loadResult{sample()}, Errors: []string{"idle: no more files"}}
	out.Reset()
	rep.markdown(&out)
	if rep.failed() == nil || !strings.Contains(out.String(), "Not measured: idle: no more files.") {
		t.Errorf("what could not be measured is not told: %v", rep.failed())
	}
}

func TestGoals_OfAStackComeBeforeThoseOfEverybody(t *testing.T) {
	w := sample().workload
	if g, ok := w.goalTo(baseline); !ok || g.Least != 0.8 {
		t.Errorf("baseline: %+v, %v", g, ok)
	}
	if g, ok := w.goalTo("uvicorn"); !ok || g.Least != 1 {
		t.Errorf("another: %+v, %v", g, ok)
	}
	w.Goals = nil
	if g, ok := w.goalTo(baseline); ok {
		t.Errorf("no goals: %+v", g)
	}
}

func TestGoals_MostAndLeast(t *testing.T) {
	if v := (goal{Most: 0.8}).judge("x", spread{Median: 0.8}, 2); !v.Reached || v.Wanted != "at most 0.8" {
		t.Errorf("%+v", v)
	}
	if v := atLeast(15000, baseline).judge("x", spread{Median: 14999}, 0); v.Reached || v.Wanted != "at least 15000" {
		t.Errorf("%+v", v)
	}
	if v := (goal{Most: 1}).judge("x", summarize(nil), 2); v.Reached || v.Got != "void" {
		t.Errorf("what is void was reached: %+v", v)
	}
}

func TestGoals_NameQuantitiesAndStacksThatExist(t *testing.T) {
	known := map[string]bool{"": true, everybody: true}
	for _, name := range stackNames() {
		known[name] = true
	}
	for _, w := range workloads {
		for _, g := range w.Goals {
			quantityOf(g.Of) // panics
			if !known[g.To] || (g.Least == 0) == (g.Most == 0) {
				t.Errorf("%s: %+v", w.Name, g)
			}
		}
	}
}

func TestLoss_IsOfTheSameRoundAndBesideUwsgis(t *testing.T) {
	l := &loadResult{
		workload: workload{Name: "x", Recycled: true},
		Rounds: []round{
			{Number: 1, Stack: "fender", PerS: 90, Recycled: 4}, {Number: 1, Stack: "fender", PerS: 100, Plain: true},
			{Number: 2, Stack: "fender", PerS: 60, Recycled: 5}, {Number: 2, Stack: "fender", PerS: 80, Plain: true},
			{Number: 1, Stack: baseline, PerS: 10, Recycled: 1, Failures: 7}, {Number: 1, Stack: baseline, PerS: 100, Plain: true},
		},
	}
	if got := l.loss("fender").format(3); got != "0.175 (0.100 to 0.250)" {
		t.Errorf("loss %s", got)
	}
	if workers, failures := l.recycling("fender"); workers != 9 || failures != 0 {
		t.Errorf("%d workers, %d failures", workers, failures)
	}
	if got := l.ratio("fender", baseline, quantities[0]); got.Median != 9 {
		t.Errorf("rounds without recycling were compared: %+v", got)
	}
	// 0.175 is less than a fifth of 0.9.
	if v := l.verdictsOfLoss(); len(v) != 2 || !v[0].Reached || !v[1].Reached {
		t.Errorf("%+v", v)
	}
	l.Rounds[0].Failures = 1
	l.Rounds[4].PerS = 90
	if v := l.verdictsOfLoss(); v[0].Reached || v[1].Reached {
		t.Errorf("a failure, and more loss than a fifth: %+v", v)
	}
}

func TestFlat_ComparesTheDearestPointWithTheCheapest(t *testing.T) {
	f := &flatResult{Name: "slots", Unit: "slots", Points: []int{1, 4}, Rounds: []round{
		{Stack: "fender", Point: 1, CPU: share{Front: 10}}, {Stack: "fender", Point: 1, CPU: share{Front: 12}}, {Stack: "fender", Point: 1, CPU: share{Front: 99}},
		{Stack: "fender", Point: 4, CPU: share{Front: 15}}, {Stack: "fender", Point: 4, Void: "1 status"},
	}}
	if v, ok := f.verdict(); !ok || v.Reached || v.Got != "1.25 (1.25 to 1.25)" {
		t.Errorf("%+v, %v", v, ok)
	}
	f.Rounds = f.Rounds[:3]
	if v, _ := f.verdict(); v.Reached || v.Got != "void" {
		t.Errorf("a point without a round: %+v", v)
	}
}

func TestChart_IsOneWholeDocument(t *testing.T) {
	rep := &report{Loads: []*loadResult{sample()}, Machine: machine{Model: "<small> & old"}}
	var out strings.Builder
	rep.svg(&out)
	decoder := xml.NewDecoder(strings.NewReader(out.String()))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, out.String())
		}
	}
	for _, want := range []string{">bare</text>", ">fender</text>", ">0.75 (0.50 to 1.00)</text>", "&lt;small&gt; &amp; old"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the chart lacks %q:\n%s", want, out.String())
		}
	}
	if strings.Count(out.String(), "http") != 1 {
		t.Error("the chart names more than its namespace")
	}
}

func TestModel_IsTheFirstProcessors(t *testing.T) {
	if got := model("processor\t: 0\nmodel name\t: A B\n\nmodel name\t: C\n"); got != "A B" {
		t.Errorf("%q", got)
	}
	if got := model(""); got != "unknown" {
		t.Errorf("%q", got)
	}
}

func TestSilent_SeesWhatCameAndTheEnd(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if !silent(c) {
		t.Error("an open connection is closed")
	}
	peer.Close()
	// The end is there when a read meets it.
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if silent(c) {
		t.Error("a closed connection is open")
	}
}
