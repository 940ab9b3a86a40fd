package lab

import (
	"strings"
	"testing"

	"fender/internal/proving/lab/scenario"
	"fender/internal/proving/report"

	"github.com/google/go-cmp/cmp"
)

// parsed is a scenario with these lines about needs and expectations.
func parsed(t *testing.T, lines string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Parse("x", []byte("title T\nharm\ninstances 2\nrequest GET /\nphase \"p\" 1 users for 1s\nphase \"q\" 1 users for 1s\n"+lines))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestJudge_ComparesEveryMeasureWithTheRow(t *testing.T) {
	row := report.Row{
		Born: 3, Dead: 2, Done: map[string]int{"kills": 4, "slow": 5},
		Total: report.Count{Requests: 1000, Failed: 2, Statuses: map[string]int{"503": 1}, Cut: 1, P50: 0.1, P99: 0.5, Longest: 2},
		Phases: []report.Phase{
			{Name: "p", Count: report.Count{Requests: 400, Failed: 2, P99: 0.6, Born: 1}},
		},
	}
	for line, want := range map[string]string{
		"requests = 1000": "met 1000", "failed = 2": "met 2", "failed <= 0.2 %": "met 0.2 %", "failed < 0.2 %": "unmet 0.2 %",
		"availability >= 99.8 %": "met 99.8 %", "503 >= 1": "met 1", "502 = 0": "met 0", "cut = 0": "unmet 1",
		"born >= 3": "met 3", "dead > 2": "unmet 2", "kills = 4": "met 4", "slow >= 5": "met 5", "crashes >= 1": "unmet 0",
		"p50 <= 100ms": "met 100ms", "p99 < 500ms": "unmet 500ms", "longest <= 3": "met 2s",
		`failed in "p" = 2`: "met 2", `born in "p" = 1`: "met 1", `dead in "p" = 0`: "met 0", `p99 in "p" <= 1s`: "met 600ms",
		`failed in "q" = 0`: `open the run broke off before "q"`,
	} {
		s := parsed(t, "needs requests >= 1\nexpect "+line+"\n")
		_, verdicts := judge(s, &row, true)
		v := verdicts[1]
		got := "unmet " + v.Got
		if v.Met {
			got = "met " + v.Got
		}
		if v.Open != "" {
			got = "open " + v.Open
		}
		if got != want || v.Text == "" || v.Needed {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestJudge_AFaultThatDidNotHappenFailsTheScenario(t *testing.T) {
	s := parsed(t, "needs dead >= 1\nexpect failed = 0\n")
	for _, c := range []struct {
		dead, failed int
		want         report.Outcome
	}{{1, 0, report.Passed}, {1, 1, report.Failed}, {0, 0, report.NoFault}, {0, 1, report.Failed}} {
		row := report.Row{Dead: c.dead, Total: report.Count{Requests: 10, Failed: c.failed}}
		if got, verdicts := judge(s, &row, true); got != c.want || !verdicts[0].Needed {
			t.Errorf("%d dead, %d failed: %s, want %s: %+v", c.dead, c.failed, got, c.want, verdicts)
		}
	}
}

func TestJudge_LeavesOpenWhatCannotBeSeen(t *testing.T) {
	s := parsed(t, "needs dead >= 1\nneeds kills >= 1\nneeds hang-ups >= 1\nexpect failed = 0\n")
	row := report.Row{Total: report.Count{Requests: 10}, Done: map[string]int{"hang-ups": 1}}
	outcome, verdicts := judge(s, &row, false)
	if outcome != report.Passed || verdicts[0].Open == "" || verdicts[1].Open == "" || verdicts[2].Open != "" {
		t.Errorf("%s: %+v", outcome, verdicts)
	}
	if _, verdicts := judge(s, &report.Row{}, false); verdicts[3].Open != "there was no request" {
		t.Errorf("%+v", verdicts)
	}
}

func TestDecide_OnlyFendersRowDecides(t *testing.T) {
	unmet := []report.Verdict{{Text: "failed = 0", Got: "3"}}
	bad := report.Row{Stack: "gunicorn", Outcome: report.Failed, Verdicts: unmet}
	good := report.Row{Stack: "fender", Outcome: report.Passed}
	for _, c := range []struct {
		name   string
		rows   []report.Row
		target bool
		why    string // "": passed
	}{
		{"a competitor fails", []report.Row{bad, good}, false, ""},
		{"a competitor breaks off", []report.Row{{Stack: "apache", Outcome: report.Broken}, good}, false, ""},
		{"fender fails", []report.Row{{Stack: "fender", Outcome: report.Failed, Verdicts: unmet}}, false, "fender: failed = 0 was 3"},
		{"fender had no fault", []report.Row{bad, {Stack: "fender", Outcome: report.NoFault, Verdicts: []report.Verdict{{Text: "dead >= 1", Got: "0"}}}}, false, "fender: dead >= 1 was 0"},
		{"fender broke off", []report.Row{{Stack: "fender", Outcome: report.Broken, Error: "no port; its last words:\n  x\n  y"}}, false, "fender: no port"},
		{"something of fender's was not judged", []report.Row{{Stack: "fender", Outcome: report.Passed, Verdicts: []report.Verdict{{Text: "p99 <= 1s", Open: "there was no request"}}}}, false, "fender: p99 <= 1s was not judged: there was no request"},
		{"only competitors, one of them with the fault", []report.Row{bad, {Stack: "x", Outcome: report.NoFault}}, false, ""},
		{"no fault anywhere", []report.Row{{Stack: "x", Outcome: report.NoFault}, {Stack: "y", Outcome: report.Broken}}, false, "it has shown nothing"},
		{"nothing ran", []report.Row{{Stack: "fender", Outcome: report.Skipped}}, false, "no stack ran"},
		{"a target fails", []report.Row{{Stack: "target", Outcome: report.Failed, Verdicts: unmet}}, true, "target: failed = 0 was 3"},
		{"a target passes", []report.Row{{Stack: "target", Outcome: report.Passed, Verdicts: []report.Verdict{{Text: "dead >= 1", Open: "?"}}}}, true, ""},
	} {
		passed, why := decide(c.rows, c.target)
		if strings.Contains(strings.Join(why, ""), "\n") || passed != (c.why == "") || !strings.Contains(strings.Join(why, "; "), c.why) {
			t.Errorf("%s: %v, %q", c.name, passed, why)
		}
	}
}

func TestLogCount_TellsFailuresAndTheirSignatures(t *testing.T) {
	c := newLogCount(0.5)
	line := func(times, status, target string) string {
		return `http 2026-11-25T20:54:32.374785Z app/lab/326f4ca239a83c37 127.0.0.1:53890 127.0.0.1:42677 ` + times + " " + status + " " + target + ` 114 277 "GET http://127.0.0.1:1/ HTTP/1.1" "x y" - -`
	}
	for at, text := range []string{
		line("0.000 0.001 0.000", "200", "200"), line("0.000 0.000 -1", "502", "-"), line("-1 -1 -1", "502", "-"),
		line("0.000 0.001 0.000", "502", "502"), line("-1 -1 -1", "460", "-"), line("0.000 0.001 0.000", "503", "503"), "rubbish",
		line("0.000 0.003 0.000", "502", "-"), line("0.000 0.004 0.001", "502", "-"),
	} {
		c.add(float64(at)*0.3, text)
	}
	want := map[string]int{"200": 1, "502": 5, "460": 1, "503": 1, "unreadable": 1}
	if diff := cmp.Diff(want, c.statuses); diff != "" || c.requests != 8 || c.failed != 6 || len(c.lines) != 6 {
		t.Errorf("%s %+v", diff, c)
	}
	want = map[string]int{"the target closed the connection under the request (t t -1)": 1, "the target refused the connection (-1 -1 -1)": 1, "another (t t t)": 2}
	if diff := cmp.Diff(want, c.causes); diff != "" {
		t.Error(diff)
	}
	bins := []report.Bin{{At: 0, Width: 0.5, OK: 1, Failed: 1}, {At: 0.5, Width: 0.5, Failed: 2}, {At: 1, Width: 0.5}, {At: 1.5, Width: 0.5, Failed: 1}, {At: 2, Width: 0.5, Failed: 2}}
	if diff := cmp.Diff(bins, c.series(2.4)); diff != "" {
		t.Error(diff)
	}
}
