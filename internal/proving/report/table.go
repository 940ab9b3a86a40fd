package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Table prints the rows for a terminal, then what is to be said about them.
func (r *Result) Table(out io.Writer) error {
	fmt.Fprintln(out, r.head())
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STACK\tREQUESTS\tFAILED\t502 IN LOG\tBORN\tDEAD\tP50\tP99\tAVAILABILITY\tOUTCOME\t")
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Outcome == Skipped {
			fmt.Fprintf(t, "%s\t-\t-\t-\t-\t-\t-\t-\t-\tskipped\t\n", row.Stack)
			continue
		}
		c := row.Total
		elb, born, dead := fmt.Sprint(row.Statuses["502"]), fmt.Sprint(row.Born), fmt.Sprint(row.Dead)
		if r.Target != "" { // what nobody can see there is no 0
			elb, born, dead = "-", "-", "-"
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", row.Stack, c.Requests, c.Failed, elb, born, dead,
			Seconds(c.P50), Seconds(c.P99), c.percent(), row.Outcome)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i := range r.Rows {
		for _, line := range r.Rows[i].remarks() {
			fmt.Fprintf(out, "%s: %s\n", r.Rows[i].Stack, line)
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintln(out, "note:", n)
	}
	for _, w := range r.Why {
		fmt.Fprintln(out, "failed:", w)
	}
	return nil
}

// head says what was run, and how far the balancer was from its targets.
func (r *Result) head() string {
	text := fmt.Sprintf("%s, speed %g", r.Scenario, r.Speed)
	if r.Stress {
		text += ", stress"
	}
	if r.Target != "" {
		return text + ", against " + r.Target
	}
	delay := "0"
	if r.FinDelay > 0 {
		delay = Seconds(r.FinDelay)
	}
	return text + ", fin-delay " + delay
}

func (c Count) percent() string {
	if c.Requests == 0 {
		return "-"
	}
	return Percent(c.Availability())
}

// remarks are what the table's row does not say.
func (r *Row) remarks() []string {
	var all []string
	if r.Skipped != "" {
		all = append(all, "skipped: "+r.Skipped)
	}
	if r.Error != "" {
		all = append(all, "broken off: "+r.Error)
	}
	if r.Total.Failed > 0 {
		all = append(all, "failed by "+Counts(r.Failures))
	}
	for _, v := range r.Verdicts {
		switch {
		case v.Open != "":
			all = append(all, fmt.Sprintf("not judged: %s (%s)", v.Text, v.Open))
		case !v.Met && v.Needed:
			all = append(all, fmt.Sprintf("needed was %s, there was %s: this run shows nothing about it", v.Text, v.Got))
		case !v.Met:
			all = append(all, fmt.Sprintf("expected %s, got %s", v.Text, v.Got))
		}
	}
	return append(all, r.Notes...)
}

// Counts writes a map of counts in words: 3 x reset, 1 x 502.
func Counts(m map[string]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%d x %s", m[k], k))
	}
	return strings.Join(parts, ", ")
}

// Seconds writes a time with three figures.
func Seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d <= 0:
		return "-"
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < time.Second:
		return d.Round(100 * time.Microsecond).String()
	}
	return fmt.Sprintf("%.2fs", s)
}

// Percent never rounds a failure away: 100 % is written only when nothing failed.
func Percent(p float64) string {
	switch {
	case p >= 100:
		return "100 %"
	case p > 99.99:
		return fmt.Sprintf("%.4f %%", min(p, 99.9999))
	}
	return fmt.Sprintf("%.2f %%", p)
}
