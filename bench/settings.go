package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// settings are the command line's values.
type settings struct {
	full        bool // the long run, with every workload
	rounds      int
	length      time.Duration // of one round
	connections int
	stacks      []string
	workloads   []string
	fender      string // path of the binary
	venv        string
	root        string // of the tree
	out         string // JSON report
	chart       string // SVG
}

func parse(args []string) (settings, error) {
	root, err := os.Getwd()
	if err != nil {
		return settings{}, err
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	rounds := flags.Int("rounds", 5, "rounds for each stack and workload")
	full := flags.Bool("full", false, "every workload, and the points of a series that take long")
	seconds := flags.Float64("seconds", 1, "length of a round in seconds")
	connections := flags.Int("connections", 32, "connections of wrk")
	stacks := flags.String("stacks", strings.Join(stackNames(), ","), "which stacks")
	loads := flags.String("workloads", "", "which workloads: "+strings.Join(names(true), ",")+" (default those of the short run, with -full all)")
	fender := flags.String("fender", filepath.Join(root, "bin", "fender"), "the binary to measure")
	venv := flags.String("venv", filepath.Join(root, ".venv-bench"), "virtual environment of all stacks")
	out := flags.String("out", filepath.Join(root, "build", "bench.json"), "where the JSON goes")
	chart := flags.String("chart", filepath.Join(root, "build", "bench.svg"), "where the chart goes")
	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	set := settings{
		full: *full, rounds: *rounds, length: time.Duration(*seconds * float64(time.Second)), connections: *connections,
		stacks: strings.Split(*stacks, ","), workloads: strings.Split(*loads, ","),
		fender: *fender, venv: *venv, root: root, out: *out, chart: *chart,
	}
	if *loads == "" {
		set.workloads = names(*full)
	}
	if flags.NArg() > 0 {
		return settings{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if set.rounds < 1 || set.rounds > 1000 || set.length < time.Second || set.length > 10*time.Minute || set.connections < 1 || set.connections > 1000 {
		return settings{}, errors.New("rounds 1 to 1000, seconds 1 to 600, connections 1 to 1000")
	}
	if err := known("stack", set.stacks, stackNames()); err != nil {
		return settings{}, err
	}
	if err := known("workload", set.workloads, names(true)); err != nil {
		return settings{}, err
	}
	if _, err := os.Stat(filepath.Join(root, "bench", "wrk.lua")); err != nil {
		return settings{}, errors.New("run it from the root of the tree, as make bench does")
	}
	return set, nil
}

func known(what string, names, all []string) error {
	for _, name := range names {
		if !slices.Contains(all, name) {
			return fmt.Errorf("no %s %q; there are: %s", what, name, strings.Join(all, ", "))
		}
	}
	return nil
}
