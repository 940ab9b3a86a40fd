package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Expectation is a measure, a comparison and a value: failed = 0, p99 in "overload" <= 2s.
type Expectation struct {
	Measure string
	Phase   string // "": the whole run
	Op      string
	Value   float64 // of a time: seconds; of a share: percent
	Unit    string  // "", "s" or "%"
}

// Measures are what can be expected. Those of a time are compared with a time.
var Measures = map[string]string{
	"requests":     "requests that were sent",
	"failed":       "requests without the answer that they should have had; with %, their share",
	"availability": "the share of requests that did not fail",
	"502":          "answers 502", "503": "answers 503", "504": "answers 504",
	"cut":     "connections that broke instead of an answer, or within it",
	"born":    "workers that came up, those of the start not counted",
	"dead":    "workers that went",
	"kills":   "workers that the lab has killed",
	"crashes": "requests of the lab's that crashed a worker", "reloads": "reloads that the lab has asked for",
	"deploys": "instances that the lab has replaced", "hang-ups": "clients of the lab's that left before their answer",
	"slow": "slow clients that were served whole",
	"p50":  "the median of the answers' times", "p99": "99 of 100 answers were faster", "longest": "the longest answer",
}

var times = []string{"p50", "p99", "longest"}

// whole are the measures that only a whole run has.
var whole = []string{"kills", "crashes", "reloads", "deploys", "hang-ups", "slow"}

var comparisons = map[string]func(a, b float64) bool{
	"=":  func(a, b float64) bool { return a == b },
	"<=": func(a, b float64) bool { return a <= b },
	">=": func(a, b float64) bool { return a >= b },
	"<":  func(a, b float64) bool { return a < b },
	">":  func(a, b float64) bool { return a > b },
}

// Holds compares what was measured with what is expected.
func (e Expectation) Holds(got float64) bool { return comparisons[e.Op](got, e.Value) }

// Format writes a value in the unit of the expectation.
func (e Expectation) Format(v float64) string {
	switch e.Unit {
	case "s":
		return clock(time.Duration(v * float64(time.Second)).Round(time.Millisecond / 10))
	case "%":
		return strconv.FormatFloat(v, 'g', 6, 64) + " %"
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func (e Expectation) String() string {
	text := e.Measure
	if e.Phase != "" {
		text += fmt.Sprintf(" in %q", e.Phase)
	}
	return text + " " + e.Op + " " + e.Format(e.Value)
}

// readExpectation reads the words behind expect or needs.
func readExpectation(w *words) (Expectation, error) {
	var e Expectation
	var err error
	if e.Measure, err = w.oneOf("what is measured", keys(Measures)); err != nil {
		return e, err
	}
	if w.optional("in") {
		if e.Phase, err = w.quoted("the name of a phase"); err != nil {
			return e, err
		}
		if slices.Contains(whole, e.Measure) {
			return e, fmt.Errorf("%s is known of the whole run only: leave out in %q", e.Measure, e.Phase)
		}
	}
	if e.Op, err = w.oneOf("a comparison", keys(comparisons)); err != nil {
		return e, err
	}
	if slices.Contains(times, e.Measure) {
		d, err := w.duration()
		e.Value, e.Unit = d.Seconds(), "s"
		return e, err
	}
	text, err := w.next("a number")
	if err != nil {
		return e, err
	}
	number, percent := strings.CutSuffix(text, "%")
	percent = w.optional("%") || percent
	if e.Value, err = strconv.ParseFloat(number, 64); err != nil || !(e.Value >= 0 && e.Value <= 1e12) {
		return e, fmt.Errorf("%q is no number", text)
	}
	if percent {
		e.Unit = "%"
	}
	if percent != (e.Measure == "availability") && e.Measure != "failed" {
		return e, fmt.Errorf("%s is compared with %s", e.Measure, map[bool]string{true: "a share: 99.9 %", false: "a number, not with a share"}[e.Measure == "availability"])
	}
	return e, nil
}
