// Command bench measures fender beside NGINX + uWSGI and gunicorn, in one run with
// interleaved rounds, and prints a Markdown report.
//
// It owns the processes that it starts: they end with it, also on Ctrl-C. It sends
// load to loopback addresses only, for a bounded time. It doesn't build or install
// anything (`make bench` does) and judges nothing: goals are printed beside the
// numbers, and the exit code says only whether the measurement came about.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// settings are the command line's values.
type settings struct {
	rounds      int
	length      time.Duration // of one round
	connections int
	stacks      []string
	workloads   []string
	fender      string // path of the binary
	venv        string
	root        string // of the tree
	out         string // JSON report
}

func main() {
	// Children are told to end when the thread that started them ends (Pdeathsig).
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "bench: interrupted; everything it started is stopped")
		os.Exit(130)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	set, err := parse(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "fender-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// NGINX's workers may be another user and have to reach the socket in it.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}

	var chosen []stack
	for _, s := range allStacks(set) {
		if !slices.Contains(set.stacks, s.name) {
			continue
		}
		if why := s.missing(); why != "" {
			fmt.Fprintf(os.Stderr, "bench: skipped %s: %s\n", s.name, why)
			continue
		}
		chosen = append(chosen, s)
	}
	if len(chosen) == 0 {
		return errors.New("no stack to measure")
	}

	b := &bench{settings: set, stacks: chosen, dir: dir}
	rep := &report{Version: 1, Machine: describe(ctx, set, chosen)}
	if err := b.all(ctx, rep); err != nil {
		return err
	}
	rep.markdown(os.Stdout)
	if err := save(set.out, rep); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "bench: the same as JSON:", set.out)
	return rep.failed()
}

// all runs every chosen workload and adds its results to the report.
func (b *bench) all(ctx context.Context, rep *report) error {
	for _, w := range workloads {
		if !slices.Contains(b.workloads, w.Name) {
			continue
		}
		result, err := b.load(ctx, w)
		if err != nil {
			return fmt.Errorf("%s: %w", w.Name, err)
		}
		rep.Loads = append(rep.Loads, result)
	}
	if slices.Contains(b.workloads, "idle") {
		results, err := b.idle(ctx)
		if err != nil {
			return fmt.Errorf("idle: %w", err)
		}
		rep.Idle = results
	}
	if slices.Contains(b.workloads, "spawn") {
		result, err := b.spawn(ctx)
		if err != nil {
			return fmt.Errorf("spawn: %w", err)
		}
		rep.Spawn = result
	}
	return nil
}

func parse(args []string) (settings, error) {
	root, err := os.Getwd()
	if err != nil {
		return settings{}, err
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	rounds := flags.Int("rounds", 5, "rounds for each stack and workload")
	seconds := flags.Float64("seconds", 5, "length of a round in seconds")
	connections := flags.Int("connections", 32, "connections of wrk")
	stacks := flags.String("stacks", strings.Join(stackNames, ","), "which stacks")
	loads := flags.String("workloads", strings.Join(workloadNames(), ","), "which workloads")
	fender := flags.String("fender", filepath.Join(root, "bin", "fender"), "the binary to measure")
	venv := flags.String("venv", filepath.Join(root, ".venv-bench"), "virtual environment of all stacks")
	out := flags.String("out", filepath.Join(root, "build", "bench.json"), "where the JSON goes")
	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	set := settings{
		rounds: *rounds, length: time.Duration(*seconds * float64(time.Second)), connections: *connections,
		stacks: strings.Split(*stacks, ","), workloads: strings.Split(*loads, ","),
		fender: *fender, venv: *venv, root: root, out: *out,
	}
	if flags.NArg() > 0 {
		return settings{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if set.rounds < 1 || set.rounds > 1000 || set.length < time.Second || set.length > 10*time.Minute || set.connections < 1 || set.connections > 1000 {
		return settings{}, errors.New("rounds 1 to 1000, seconds 1 to 600, connections 1 to 1000")
	}
	if err := known("stack", set.stacks, stackNames); err != nil {
		return settings{}, err
	}
	if err := known("workload", set.workloads, workloadNames()); err != nil {
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

func save(path string, rep *report) error {
	text, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
