package main

import (
	"fmt"
	"strconv"
)

// everybody is every stack that a goal of the same workload doesn't name.
const everybody = "everybody"

// goal is what our stack is to reach in a workload: a ratio to another stack, or, without
// one, a value.
type goal struct {
	To    string  `json:"to,omitempty"`
	Of    string  `json:"of"` // the title of a quantity
	Least float64 `json:"least,omitempty"`
	Most  float64 `json:"most,omitempty"`
}

func atLeast(ratio float64, to string) goal { return goal{To: to, Of: "requests/s", Least: ratio} }

// verdict is a goal beside what was measured.
type verdict struct {
	What    string `json:"what"`
	Wanted  string `json:"wanted"`
	Got     string `json:"got"`
	Reached bool   `json:"reached"`
}

func (v verdict) word() string {
	if v.Reached {
		return "reached"
	}
	return "missed"
}

// judge compares a median with the goal; what is void has not reached it.
func (g goal) judge(what string, got spread, decimals int) verdict {
	v := verdict{What: what, Got: got.format(decimals)}
	plain := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	if g.Most > 0 {
		v.Wanted, v.Reached = "at most "+plain(g.Most), got.Median <= g.Most
	} else {
		v.Wanted, v.Reached = "at least "+plain(g.Least), got.Median >= g.Least
	}
	return v
}

// goalTo is the goal of the ratio to that stack; one that names it comes first.
func (w workload) goalTo(stack string) (goal, bool) {
	for _, name := range []string{stack, everybody} {
		for _, g := range w.Goals {
			if g.To == name {
				return g, true
			}
		}
	}
	return goal{}, false
}

// verdictTo judges the ratio to one stack, if there is a goal for it.
func (l *loadResult) verdictTo(stack string) (verdict, bool) {
	g, ok := l.goalTo(stack)
	if !ok {
		return verdict{}, false
	}
	what := fmt.Sprintf("%s: %s as a multiple of %s", l.Name, g.Of, title(stack))
	return g.judge(what, l.ratio(l.ours(), stack, quantityOf(g.Of)), 2), true
}

// verdicts are all goals of the workload whose stacks were measured.
func (l *loadResult) verdicts() []verdict {
	var all []verdict
	names := l.stacks()
	for _, g := range l.Goals {
		if g.To == "" && l.has(l.ours()) {
			all = append(all, g.judge(l.Name+": "+g.Of, l.summary(l.ours(), quantityOf(g.Of)), 0))
		}
	}
	for _, stack := range names {
		if stack == l.ours() || !l.has(l.ours()) {
			continue
		}
		if v, ok := l.verdictTo(stack); ok {
			all = append(all, v)
		}
	}
	return all
}
