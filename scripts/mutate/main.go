// Command mutate changes the pool in a thousand small ways and looks whether its tests notice.
//
//	go run ./scripts/mutate                 all mutants, a few minutes on 2 cores
//	go run ./scripts/mutate -sample 100     so many at random
//	go run ./scripts/mutate -only steal     those whose name holds the word
//	go run ./scripts/mutate -list           no test, only their names
//
// A mutant is killed when a test fails, panics or takes far too long. One that survives must stand
// in testdata/survivors.md of the package, with the reason why no test can notice it. The command
// fails when fewer than 90 % are killed, and when one survives that is not listed, or one is listed
// that does not survive.
//
// It owns its temporary directory and the processes that it starts. It changes no file of the
// project: all mutants are built into one test binary by an overlay, and an environment variable
// says which of them is alive.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

// least is the share of mutants that must be killed, in percent.
const least = 90

type settings struct {
	dir       string
	sample    int
	seed      uint64
	only      string
	list      bool
	schedules int
	jobs      int
	verbose   bool
}

func main() {
	var s settings
	flag.StringVar(&s.dir, "dir", "internal/workers/pool", "the package, a directory below the module's root")
	flag.IntVar(&s.sample, "sample", 0, "test so many mutants, chosen at random; 0 is all")
	flag.Uint64Var(&s.seed, "seed", uint64(time.Now().UnixNano()), "of the random choice")
	flag.StringVar(&s.only, "only", "", "test only mutants whose name holds this")
	flag.BoolVar(&s.list, "list", false, "list the mutants and test nothing")
	flag.IntVar(&s.schedules, "schedules", 3000, "random schedules to simulate for each mutant")
	flag.IntVar(&s.jobs, "jobs", 2, "mutants at a time")
	flag.BoolVar(&s.verbose, "v", false, "say of every mutant what became of it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ok, err := run(ctx, s)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
	}
	if err != nil || !ok {
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) (bool, error) {
	files, mutants, err := mutate(s.dir)
	if err != nil {
		return false, err
	}
	chosen := choose(mutants, s)
	if s.list {
		for _, m := range chosen {
			fmt.Println(m.name)
		}
		return true, nil
	}
	known, err := readSurvivors(filepath.Join(s.dir, "testdata", "survivors.md"))
	if err != nil {
		return false, err
	}
	l, err := build(ctx, s, files)
	if err != nil {
		return false, err
	}
	defer l.close()
	began := time.Now()
	if err := l.testAll(ctx, chosen); err != nil {
		return false, err
	}
	whole := len(chosen) == len(mutants)
	ok := report(chosen, known, whole)
	fmt.Printf("%d of %d mutants in %v\n", len(chosen), len(mutants), time.Since(began).Round(time.Second))
	return ok, nil
}

// choose applies -only and -sample.
func choose(mutants []*mutant, s settings) []*mutant {
	var chosen []*mutant
	for _, m := range mutants {
		if strings.Contains(m.name, s.only) {
			chosen = append(chosen, m)
		}
	}
	if s.sample > 0 && s.sample < len(chosen) {
		fmt.Printf("a sample of %d, -seed %d\n", s.sample, s.seed)
		rng := rand.New(rand.NewPCG(s.seed, 1))
		rng.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
		chosen = chosen[:s.sample]
	}
	return chosen
}

// report prints what became of the mutants and tells whether that is good enough.
func report(chosen []*mutant, known map[string]string, whole bool) bool {
	count := map[outcome]int{}
	survived := map[string]bool{}
	ok := true
	for _, m := range chosen {
		count[m.outcome]++
		if m.outcome != survives {
			continue
		}
		survived[m.name] = true
		if _, listed := known[m.name]; !listed {
			fmt.Printf("survives, and is not listed: %s\n", m.name)
			ok = false
		}
	}
	if whole {
		for name := range known {
			if !survived[name] {
				fmt.Printf("is listed, and does not survive (or is no mutant any more): %s\n", name)
				ok = false
			}
		}
	}
	killed := len(chosen) - count[survives]
	share := 100 * float64(killed) / float64(max(len(chosen), 1))
	fmt.Printf("killed %d (%d by a unit test, %d by the simulation, %d by their time), survived %d: %.1f %%\n",
		killed, count[killedByTest], count[killedBySimulation], count[tooSlow], count[survives], share)
	if whole && share < least {
		fmt.Printf("at least %d %% must be killed\n", least)
		ok = false
	}
	return ok
}
