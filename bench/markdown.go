package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// markdown prints the report for people. Each value is the median of the rounds, with
// the least and the largest.
func (rep *report) markdown(w io.Writer) {
	rep.Machine.markdown(w)
	for _, text := range rep.Errors {
		fmt.Fprintf(w, "\nNot measured: %s.\n", text)
	}
	if len(rep.Verdicts) > 0 {
		fmt.Fprint(w, "\n## Goals\n\n")
		table(w, "goal", "wanted", "measured", "")
		for _, v := range rep.Verdicts {
			row(w, v.What, v.Wanted, v.Got, v.word())
		}
	}
	if defeats := rep.defeats(); len(defeats) > 0 {
		fmt.Fprint(w, "\n## Where fender is slower\n\n")
		for _, d := range defeats {
			fmt.Fprintf(w, "- %s: %s of the requests/s of %s\n", d.Workload, d.Ratio.format(2), title(d.Stack))
		}
	}
	for _, l := range rep.Loads {
		l.markdown(w)
	}
	for _, f := range rep.Flat {
		f.markdown(w)
	}
	if len(rep.Eight) > 0 {
		fmt.Fprintf(w, "\n## Memory of %d Django workers after load\n\n", eightWorkers)
		table(w, "stack", "PSS MiB", "of it front", "of it workers")
		for _, e := range rep.Eight {
			row(w, title(e.Stack), fmt.Sprintf("%.1f", e.Memory.sum()), fmt.Sprintf("%.1f", e.Memory.Front), fmt.Sprintf("%.1f", e.Memory.Workers))
		}
	}
	if len(rep.Idle) > 0 {
		fmt.Fprint(w, "\n## Idle connections\n\n")
		table(w, "connections", "stack", "PSS MiB", "with them", "KiB each", "front's RSS MB with them", "still open")
		for _, i := range rep.Idle {
			row(w, fmt.Sprint(i.Asked), title(i.Stack), fmt.Sprintf("%.1f", i.Before.sum()), fmt.Sprintf("%.1f", i.With.sum()),
				fmt.Sprintf("%.1f", i.PerConn), fmt.Sprintf("%.1f", i.FrontRSS), fmt.Sprint(i.Open))
		}
	}
	if s := rep.Spawn; s != nil {
		fmt.Fprintf(w, "\n## From the decision to spawn to ready\n\nfender with the Django site: %.1f ms (%.1f to %.1f, %d births).\n",
			s.Median, s.Min, s.Max, len(s.Seconds))
	}
}

func (m machine) markdown(w io.Writer) {
	fmt.Fprintf(w, "# Benchmark of %s\n\n", m.Time.Format("2006-01-02 15:04 MST"))
	fmt.Fprintf(w, "%d CPUs (%s), %.0f GiB of memory, Linux %s; load average at the start: %s.\n", m.CPUs, m.Model, m.Memory, m.Kernel, m.Load)
	fmt.Fprintf(w, "Interpreter of all stacks: %s.\n", m.Interpreter)
	var versions []string
	for _, name := range slices.Sorted(maps.Keys(m.Versions)) {
		versions = append(versions, name+": "+m.Versions[name])
	}
	fmt.Fprintf(w, "%s.\n", strings.Join(versions, "; "))
	fmt.Fprintf(w, "No access log. The load comes from the same machine: wrk with %d connections where nothing else is said, fender siege for open loops; %d rounds of %g s, interleaved.\n",
		m.Connections, m.Rounds, m.Seconds)
	fmt.Fprintln(w, "Medians of the rounds; in brackets the least and the largest.")
}

func (l *loadResult) markdown(w io.Writer) {
	fmt.Fprintf(w, "\n## %s\n\n%s.\n\n", l.Name, l.about())
	head := []string{"stack"}
	if l.Open {
		head = append(head, "capacity requests/s", "asked requests/s")
	}
	for _, q := range quantities {
		head = append(head, q.title)
	}
	head = append(head, "memory MiB: front + workers", "failures", "void rounds")
	if l.Open {
		head = append(head, "generator behind, ms")
	}
	table(w, head...)
	for _, stack := range l.stacks() {
		cells := []string{title(stack)}
		if l.Open {
			cells = append(cells, l.capacityOf(stack).format(0), l.summary(stack, asked).format(0))
		}
		for _, q := range quantities {
			cells = append(cells, l.summary(stack, q).format(q.decimals))
		}
		memory := l.Memory[stack]
		_, void := l.counted(stack)
		_, failures := l.recycling(stack)
		cells = append(cells, fmt.Sprintf("%.1f + %.1f", memory.Front, memory.Workers), fmt.Sprint(failures), fmt.Sprint(void))
		if l.Open {
			cells = append(cells, l.summary(stack, lag).format(1))
		}
		row(w, cells...)
	}
	l.ratios(w)
	for _, stack := range l.stacks() {
		if c := l.Capacity[stack]; c != nil && c.warning() != "" {
			fmt.Fprintf(w, "\n%s: %s.\n", title(stack), c.warning())
		}
	}
	if l.Recycled {
		l.losses(w)
	}
	for _, name := range stackNames() {
		if why := l.LeftOut[name]; why != "" {
			fmt.Fprintf(w, "\n%s is left out: %s.\n", title(name), why)
		}
	}
	for _, r := range l.Rounds {
		switch {
		case r.Void != "":
			fmt.Fprintf(w, "\nRound %d of %s is void: %s.\n", r.Number, title(r.Stack), r.Void)
		case r.Failures > 0:
			fmt.Fprintf(w, "\nFailures in round %d of %s: %s.\n", r.Number, title(r.Stack), r.Failed)
		}
	}
}

// What only some workloads have in their tables.
var (
	asked = quantity{"asked requests/s", 0, func(r round) float64 { return r.Asked }}
	lag   = quantity{"generator behind, ms", 1, func(r round) float64 { return r.Lag }}
)

// ratios prints our values as multiples of each rival's.
func (l *loadResult) ratios(w io.Writer) {
	names, ours := l.stacks(), l.ours()
	if !slices.Contains(names, ours) || len(names) < 2 {
		return
	}
	fmt.Fprintln(w)
	head := []string{title(ours) + " as a multiple of"}
	for _, q := range quantities[:compared] {
		head = append(head, q.title)
	}
	table(w, append(head, "memory", "goal")...)
	for _, stack := range names {
		if stack == ours {
			continue
		}
		cells := []string{title(stack)}
		for _, q := range quantities[:compared] {
			cells = append(cells, l.ratio(ours, stack, q).format(2))
		}
		goal := ""
		if v, ok := l.verdictTo(stack); ok {
			goal = fmt.Sprintf("%s: %s", v.Wanted, v.word())
		}
		row(w, append(cells, fmt.Sprintf("%.2f", l.Memory[ours].sum()/l.Memory[stack].sum()), goal)...)
	}
}

// losses prints what recycling costs each stack.
func (l *loadResult) losses(w io.Writer) {
	fmt.Fprintln(w)
	table(w, "stack", "loss: 1 - rate with / rate without", "workers replaced", "failures")
	for _, stack := range l.stacks() {
		workers, failures := l.recycling(stack)
		row(w, title(stack), l.loss(stack).format(3), fmt.Sprint(workers), fmt.Sprint(failures))
	}
}

func (f *flatResult) markdown(w io.Writer) {
	fmt.Fprintf(w, "\n## Does the front's cost grow with the number of %s?\n\nBare hello; the front's CPU µs/request.\n\n", f.Unit)
	head := []string{"stack"}
	for _, point := range f.Points {
		head = append(head, fmt.Sprintf("%d %s", point, f.Unit))
	}
	table(w, append(head, "dearest / cheapest")...)
	for _, stack := range f.stacks() {
		cells := []string{title(stack)}
		for _, point := range f.Points {
			cells = append(cells, f.cost(stack, point).format(1))
		}
		row(w, append(cells, f.worst(stack).format(2))...)
	}
	for _, r := range f.Rounds {
		if r.Void != "" {
			fmt.Fprintf(w, "\nRound %d of %s with %d %s is void: %s.\n", r.Number, title(r.Stack), r.Point, f.Unit, r.Void)
		}
	}
}

func table(w io.Writer, head ...string) {
	row(w, head...)
	rule := make([]string, len(head))
	for i := range rule {
		rule[i] = "---"
	}
	row(w, rule...)
}

func row(w io.Writer, cells ...string) {
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}
