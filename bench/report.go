package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// report is the whole run, as it stands in the JSON file.
type report struct {
	Version int           `json:"v"`
	Machine machine       `json:"machine"`
	Loads   []*loadResult `json:"workloads"`
	Idle    []idleResult  `json:"idle,omitempty"`
	Spawn   *spawnResult  `json:"spawn,omitempty"`
}

func (l *loadResult) stacks() []string {
	var names []string
	for _, name := range stackNames {
		if _, ok := l.Memory[name]; ok {
			names = append(names, name)
		}
	}
	return names
}

func title(stack string) string {
	for _, s := range allStacks(settings{}) {
		if s.name == stack {
			return s.title
		}
	}
	return stack
}

// failed names the first stack that had no round that counts.
func (rep *report) failed() error {
	for _, l := range rep.Loads {
		for _, stack := range l.stacks() {
			if rounds, void := l.counted(stack); len(rounds) == 0 {
				return fmt.Errorf("%s: all %d rounds of %s are void", l.Name, void, stack)
			}
		}
	}
	if len(rep.Loads) == 0 && len(rep.Idle) == 0 && rep.Spawn == nil {
		return errors.New("nothing was measured")
	}
	return nil
}

// markdown prints the report for people. Each value is the median of the rounds, with
// the least and the largest.
func (rep *report) markdown(w io.Writer) {
	m := rep.Machine
	fmt.Fprintf(w, "# Benchmark of %s\n\n", m.Time.Format("2006-01-02 15:04 MST"))
	fmt.Fprintf(w, "%d CPUs, Linux %s. Interpreter of all stacks: %s.\n", m.CPUs, m.Kernel, m.Interpreter)
	var versions []string
	for name, version := range m.Versions {
		versions = append(versions, name+": "+version)
	}
	slices.Sort(versions)
	fmt.Fprintf(w, "%s.\n", strings.Join(versions, "; "))
	fmt.Fprintf(w, "2 worker processes each, no access log. wrk with %d connections on the same machine; %d rounds of %g s, interleaved.\n",
		m.Connections, m.Rounds, m.Seconds)
	fmt.Fprintln(w, "Medians of the rounds; in brackets the least and the largest.")
	for _, l := range rep.Loads {
		l.markdown(w)
	}
	if len(rep.Idle) > 0 {
		fmt.Fprintf(w, "\n## %d idle connections\n\n", idleConnections)
		table(w, "stack", "memory MiB", "with them MiB", "KiB each", "still open")
		for _, i := range rep.Idle {
			row(w, title(i.Stack), fmt.Sprintf("%.1f", i.Before.sum()), fmt.Sprintf("%.1f", i.With.sum()),
				fmt.Sprintf("%.1f", i.PerConn), fmt.Sprint(i.Open))
		}
	}
	if s := rep.Spawn; s != nil {
		fmt.Fprintf(w, "\n## From the decision to spawn to ready\n\nfender with the Django site: %.1f ms (%.1f to %.1f, %d births).\n",
			s.Median, s.Min, s.Max, len(s.Seconds))
	}
}

func (l *loadResult) markdown(w io.Writer) {
	if l.Balances {
		fmt.Fprintf(w, "\n## %s: one target, NGINX with a fixed answer; front is the balancer\n\n", l.Name)
	} else {
		fmt.Fprintf(w, "\n## %s: %s of %s, %d thread%s a process\n\n", l.Name, l.Path, l.Module, l.Threads, plural(l.Threads))
	}
	head := []string{"stack"}
	for _, q := range quantities {
		head = append(head, q.title)
	}
	table(w, append(head, "memory MiB: front + workers", "void rounds")...)
	for _, stack := range l.stacks() {
		cells := []string{title(stack)}
		for _, q := range quantities {
			cells = append(cells, l.summary(stack, q).format(q.decimals))
		}
		memory := l.Memory[stack]
		_, void := l.counted(stack)
		row(w, append(cells, fmt.Sprintf("%.1f + %.1f", memory.Front, memory.Workers), fmt.Sprint(void))...)
	}
	l.ratios(w)
	for _, r := range l.Rounds {
		if r.Void != "" {
			fmt.Fprintf(w, "\nRound %d of %s is void: %s.\n", r.Number, title(r.Stack), r.Void)
		}
	}
}

// ratios prints fender's values as multiples of each rival's.
func (l *loadResult) ratios(w io.Writer) {
	names, ours := l.stacks(), l.ours()
	if !slices.Contains(names, ours) || len(names) < 2 {
		return
	}
	fmt.Fprintln(w)
	table(w, title(ours)+" as a multiple of", "requests/s", "p50", "p99", "CPU/request", "memory", "goal")
	for _, stack := range names {
		if stack == ours {
			continue
		}
		cells := []string{title(stack)}
		for _, q := range quantities[:4] {
			cells = append(cells, l.ratio(ours, stack, q).format(2))
		}
		memory := l.Memory[ours].sum() / l.Memory[stack].sum()
		row(w, append(cells, fmt.Sprintf("%.2f", memory), l.verdict(stack))...)
	}
}

// verdict compares the ratio of requests/s with the goal, which is to the baseline.
func (l *loadResult) verdict(stack string) string {
	if l.Least > 0 {
		reached := "reached"
		if l.summary(l.ours(), quantities[0]).Median < l.Least {
			reached = "missed"
		}
		return fmt.Sprintf("%.0f requests/s: %s", l.Least, reached)
	}
	if l.Goal == 0 || stack != baseline {
		return ""
	}
	ratio := l.ratio("fender", stack, quantities[0])
	if ratio.Median >= l.Goal {
		return fmt.Sprintf("%.1f: reached", l.Goal)
	}
	return fmt.Sprintf("%.1f: missed", l.Goal)
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
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
