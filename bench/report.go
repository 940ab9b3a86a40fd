package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// report is the whole run, as it stands in the JSON file.
type report struct {
	Version  int           `json:"v"`
	Machine  machine       `json:"machine"`
	Verdicts []verdict     `json:"goals"`
	Loads    []*loadResult `json:"workloads"`
	Flat     []*flatResult `json:"flat,omitempty"`
	Eight    []eightResult `json:"eight_workers,omitempty"`
	Idle     []idleResult  `json:"idle,omitempty"`
	Spawn    *spawnResult  `json:"spawn,omitempty"`
	Errors   []string      `json:"errors,omitempty"` // what could not be measured, and why
}

// judge collects all goals beside what was measured.
func (rep *report) judge() {
	add := func(v verdict, ok bool) {
		if ok {
			rep.Verdicts = append(rep.Verdicts, v)
		}
	}
	for _, l := range rep.Loads {
		rep.Verdicts = slices.Concat(rep.Verdicts, l.verdicts(), l.verdictsOfLoss())
	}
	for _, f := range rep.Flat {
		add(f.verdict())
	}
	add(verdictOfEight(rep.Eight))
	for _, i := range rep.Idle {
		add(i.verdict())
	}
	if rep.Spawn != nil {
		add(rep.Spawn.verdict(), true)
	}
}

// failed names what could not be measured, or else the first stack that had no round
// that counts.
func (rep *report) failed() error {
	if len(rep.Errors) > 0 {
		return errors.New("not measured: " + strings.Join(rep.Errors, "; "))
	}
	for _, l := range rep.Loads {
		for _, stack := range l.stacks() {
			if rounds, void := l.counted(stack); len(rounds) == 0 {
				return fmt.Errorf("%s: all %d rounds of %s are void", l.Name, void, stack)
			}
		}
	}
	if len(rep.Loads) == 0 && len(rep.Flat) == 0 && len(rep.Eight) == 0 && len(rep.Idle) == 0 && rep.Spawn == nil {
		return errors.New("nothing was measured")
	}
	return nil
}

// defeat is a workload in which a rival has more requests/s than our stack.
type defeat struct {
	Workload, Stack string
	Ratio           spread
}

func (rep *report) defeats() []defeat {
	var all []defeat
	for _, l := range rep.Loads {
		if l.Open { // where the rates are given
			continue
		}
		for _, stack := range l.stacks() {
			if ratio := l.ratio(l.ours(), stack, quantities[0]); stack != l.ours() && ratio.Median < 1 {
				all = append(all, defeat{l.Name, stack, ratio})
			}
		}
	}
	return all
}
