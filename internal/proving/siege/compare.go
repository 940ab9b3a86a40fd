package siege

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
)

// row is one line of a comparison.
type row struct {
	name     string
	old, now float64
	print    func(float64) string
}

// Compare prints two results side by side, with the ratio of the second to the first.
func Compare(w io.Writer, old, now *Result) error {
	whole := func(f float64) string { return fmt.Sprintf("%.0f", f) }
	two := func(f float64) string { return fmt.Sprintf("%.2f", f) }
	rows := []row{
		{"requests", float64(old.Requests), float64(now.Requests), whole},
		{"failed", float64(old.Failed), float64(now.Failed), whole},
		{"availability %", floor(old.Availability), floor(now.Availability), two},
		{"requests/s", old.Rate, now.Rate, two},
		{"concurrency", old.Concurrency, now.Concurrency, two},
		{"mean", old.Latency.Mean, now.Latency.Mean, short},
		{"p50", old.Latency.P50, now.Latency.P50, short},
		{"p90", old.Latency.P90, now.Latency.P90, short},
		{"p99", old.Latency.P99, now.Latency.P99, short},
		{"p99.9", old.Latency.P999, now.Latency.P999, short},
		{"max", old.Latency.Max, now.Latency.Max, short},
		{"connections", float64(old.Connections.Opened), float64(now.Connections.Opened), whole},
	}
	for _, kind := range Kinds() {
		if a, b := old.Failures[kind], now.Failures[kind]; a+b > 0 {
			rows = append(rows, row{kind, float64(a), float64(b), whole})
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\t%s\t%s\tratio\t\n", title(old, "before"), title(now, "now"))
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t\n", r.name, r.print(r.old), r.print(r.now), ratio(r.old, r.now))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if !slices.Equal(old.Load.Phases, now.Load.Phases) || !slices.Equal(old.URLs, now.URLs) || old.Load.Reps != now.Load.Reps {
		_, err := fmt.Fprintf(w, "The loads differ: %v %v and %v %v.\n", old.Load.Phases, old.URLs, now.Load.Phases, now.URLs)
		return err
	}
	return nil
}

func title(r *Result, name string) string {
	if r.Mark != "" {
		return r.Mark
	}
	return name
}

func ratio(old, now float64) string {
	switch {
	case old == now:
		return "1.00"
	case old == 0:
		return "-"
	case math.Abs(now/old) >= 100:
		return fmt.Sprintf("%.0f", now/old)
	}
	return fmt.Sprintf("%.2f", now/old)
}
