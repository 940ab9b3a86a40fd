package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// estimate is that of a run with all stacks. The test is in the root of the tree.
func estimate(t *testing.T, args ...string) time.Duration {
	set, err := parse(args)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{settings: set, stacks: allStacks(set)}
	p := &progress{}
	for _, m := range b.measurements(&report{}) {
		for _, name := range set.workloads {
			if m.name == name {
				p.left = append(p.left, m)
			}
		}
	}
	return p.rest()
}

func TestEstimate_OfTheFullRunIsAtMost40Minutes(t *testing.T) {
	t.Chdir(tree(t).root)
	text, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`BENCH='-full -seconds (\d+) `).FindStringSubmatch(string(text))
	if found == nil {
		t.Fatal("bench-full is another")
	}
	if got := estimate(t, "-full", "-seconds", found[1]); got > 40*time.Minute || got < 20*time.Minute {
		t.Errorf("%s", got)
	}
}

func TestEstimate_GrowsWithRoundsAndTheirLength(t *testing.T) {
	t.Chdir(tree(t).root)
	short := estimate(t)
	if more := estimate(t, "-rounds", "6"); more <= short {
		t.Errorf("a round more: %s, not more than %s", more, short)
	}
	if longer := estimate(t, "-seconds", "2"); longer <= short {
		t.Errorf("longer rounds: %s, not more than %s", longer, short)
	}
}

func TestProgress_CorrectsTheEstimateByWhatIsDone(t *testing.T) {
	var out strings.Builder
	p := &progress{w: &out, left: []measurement{{name: "a", takes: time.Minute}, {name: "b", takes: 2 * time.Minute}, {name: "c", takes: 4 * time.Minute}}}
	p.next()
	p.done(2 * time.Minute)
	p.next()
	p.done(time.Minute) // twice as long as planned, then half: as planned
	p.next()
	want := "bench: a, 3 to go, about 7m0s left\nbench: b, 2 to go, about 12m0s left\nbench: c, 1 to go, about 4m0s left\n"
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
}
