package lab

import (
	"fmt"
	"slices"
	"strings"

	"fender/internal/proving/lab/scenario"
	"fender/internal/proving/report"
)

// judge compares a row with what the scenario needs and expects. It is pure. sees is false when the
// lab can see only the clients' side (--target).
func judge(s *scenario.Scenario, row *report.Row, sees bool) (report.Outcome, []report.Verdict) {
	outcome := report.Passed
	var all []report.Verdict
	look := func(e scenario.Expectation, needed bool) {
		v := report.Verdict{Text: e.String(), Needed: needed}
		got, open := measure(e, row, sees)
		switch {
		case open != "":
			v.Open = open
		default:
			v.Got, v.Met = e.Format(got), e.Holds(got)
			if !v.Met && needed {
				outcome = report.NoFault
			}
			if !v.Met && !needed && outcome == report.Passed {
				outcome = report.Failed
			}
		}
		all = append(all, v)
	}
	// A failure counts also when the fault itself did not happen, so it is looked at first.
	for _, e := range s.Expects {
		look(e, false)
	}
	expected := outcome
	for _, e := range s.Needs {
		look(e, true)
	}
	if expected == report.Failed {
		outcome = report.Failed
	}
	slices.SortStableFunc(all, func(a, b report.Verdict) int {
		switch {
		case a.Needed == b.Needed:
			return 0
		case a.Needed:
			return -1
		}
		return 1
	})
	return outcome, all
}

// done are the names in a row's Done of the measures that count the lab's own doing.
var done = []string{"kills", "crashes", "reloads", "deploys", "hang-ups", "slow"}

// measure is the value of an expectation's measure, or why there is none.
func measure(e scenario.Expectation, row *report.Row, sees bool) (value float64, open string) {
	if slices.Contains(done, e.Measure) {
		if !sees && e.Measure != "hang-ups" && e.Measure != "slow" {
			return 0, "the lab does nothing to a service of your own"
		}
		return float64(row.Done[e.Measure]), ""
	}
	c := row.Total
	if e.Phase != "" {
		i := slices.IndexFunc(row.Phases, func(p report.Phase) bool { return p.Name == e.Phase })
		if i < 0 {
			return 0, fmt.Sprintf("the run broke off before %q", e.Phase)
		}
		c = row.Phases[i].Count
	} else {
		c.Born, c.Dead = row.Born, row.Dead
	}
	switch e.Measure {
	case "born", "dead":
		if !sees {
			return 0, "the lab cannot see the workers there"
		}
		return float64(map[string]int{"born": c.Born, "dead": c.Dead}[e.Measure]), ""
	case "requests":
		return float64(c.Requests), ""
	case "cut":
		return float64(c.Cut), ""
	case "502", "503", "504":
		return float64(c.Statuses[e.Measure]), ""
	}
	if c.Requests == 0 {
		return 0, "there was no request"
	}
	switch e.Measure {
	case "failed":
		if e.Unit == "%" {
			return 100 * float64(c.Failed) / float64(c.Requests), ""
		}
		return float64(c.Failed), ""
	case "availability":
		return c.Availability(), ""
	case "p50":
		return c.P50, ""
	case "p99":
		return c.P99, ""
	case "longest":
		return c.Longest, ""
	}
	return 0, "nobody measures it"
}

// decide says whether the run passed: fender's row decides, and without it no row does; but a run in
// which nowhere a fault happened has shown nothing.
func decide(rows []report.Row, target bool) (passed bool, why []string) {
	shown, ran, ours := false, 0, false
	for _, r := range rows {
		if r.Outcome == report.Skipped {
			continue
		}
		ran++
		shown = shown || r.Outcome == report.Passed || r.Outcome == report.Failed
		if r.Stack != "fender" && !target {
			continue
		}
		ours = true
		switch r.Outcome {
		case report.Broken:
			short, _, _ := strings.Cut(r.Error, "; "+lastWords) // the row has them
			why = append(why, fmt.Sprintf("%s: %s", r.Stack, short))
		case report.Failed, report.NoFault:
			for _, v := range r.Verdicts {
				if !v.Met && v.Open == "" {
					why = append(why, fmt.Sprintf("%s: %s was %s", r.Stack, v.Text, v.Got))
				}
			}
		}
		if open := slices.IndexFunc(r.Verdicts, func(v report.Verdict) bool { return v.Open != "" }); open >= 0 && !target && r.Outcome == report.Passed {
			why = append(why, fmt.Sprintf("%s: %s was not judged: %s", r.Stack, r.Verdicts[open].Text, r.Verdicts[open].Open))
		}
	}
	switch {
	case ran == 0:
		why = append(why, "no stack ran")
	case !shown && !ours:
		why = append(why, "nowhere did the fault happen that the scenario is about: it has shown nothing")
	}
	return len(why) == 0, why
}
