// Command bench measures fender beside what a user would pick instead, in one run with
// interleaved rounds, and prints a Markdown report; it saves the same as JSON, and a chart.
//
// It owns the processes that it starts: they end with it, also on Ctrl-C. It sends
// load to loopback addresses only, for a bounded time. It doesn't build or install
// anything (`make bench` does) and judges nothing: goals are printed beside the
// numbers, and the exit code says only whether the measurement came about.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"
)

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

	if err := os.WriteFile(filepath.Join(dir, "file"), fileContent(), 0o644); err != nil {
		return err
	}
	if err := raiseFiles(); err != nil {
		return err
	}

	b := &bench{settings: set, stacks: chosen, dir: dir}
	rep := &report{Version: 1, Machine: describe(ctx, set, chosen)}
	p := &progress{w: os.Stderr, left: slices.DeleteFunc(b.measurements(rep), func(m measurement) bool {
		return !slices.Contains(set.workloads, m.name)
	})}
	for len(p.left) > 0 {
		p.next()
		m, began := p.left[0], time.Now()
		err := m.run(ctx)
		p.done(time.Since(began))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil { // the others are measured all the same
			fmt.Fprintf(os.Stderr, "bench: %s: %s\n", m.name, err)
			rep.Errors = append(rep.Errors, fmt.Sprintf("%s: %s", m.name, err))
		}
	}
	rep.judge()
	rep.markdown(os.Stdout)
	if err := save(set, rep); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "bench: the same as JSON: %s, and as a chart: %s\n", set.out, set.chart)
	return rep.failed()
}

// fileContent is what workloads with File serve: 5 MB that no two places have alike.
func fileContent() []byte {
	content := make([]byte, 5_000_000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(content)
	return content
}

// raiseFiles lets this process, and those that it starts, open as many files as it may.
func raiseFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

// save writes the report as JSON, and its chart.
func save(set settings, rep *report) error {
	text, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return err
	}
	var chart bytes.Buffer
	rep.svg(&chart)
	for path, content := range map[string][]byte{set.out: append(text, '\n'), set.chart: chart.Bytes()} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
