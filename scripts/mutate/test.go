package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

type outcome uint8

const (
	untested outcome = iota
	killedByTest
	killedBySimulation
	tooSlow
	survives
)

func (o outcome) String() string {
	return [...]string{"untested", "killed by a unit test", "killed by the simulation", "killed by its time", "survives"}[o]
}

// simulation is the test that is run apart, after the others: it is the slow one.
const simulation = "KeepsItsPromisesInRandomSchedules"

// alive is what the mutants' program needs: which one it is.
const alive = `package %s

import (
	"os"
	"strconv"
)

var mutant, _ = strconv.Atoi(os.Getenv("MUTANT"))

func orMutant[T any](id int, as, other T) T {
	if mutant == id {
		return other
	}
	return as
}
`

// laboratory is the binary with all mutants.
type laboratory struct {
	settings
	scratch string
	binary  string
	patient time.Duration // what a run may take
}

// build makes the binary and sees that its tests pass when no mutant lives.
func build(ctx context.Context, s settings, files map[string]string) (*laboratory, error) {
	scratch, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return nil, err
	}
	l := &laboratory{settings: s, scratch: scratch, binary: filepath.Join(scratch, "mutants.test")}
	if err := l.compile(ctx, files); err != nil {
		l.close()
		return nil, err
	}
	began := time.Now()
	if out, err := l.tests(ctx, 0, "-test.skip="+simulation); err != nil {
		l.close()
		return nil, fmt.Errorf("the tests fail without any mutant: %w\n%s", err, out)
	}
	if out, err := l.simulate(ctx, 0); err != nil {
		l.close()
		return nil, fmt.Errorf("the simulation fails without any mutant: %w\n%s", err, out)
	}
	// Another run on the same machine may be slower, but not by so much.
	l.patient = 8*time.Since(began) + 3*time.Second
	return l, nil
}

func (l *laboratory) close() { _ = os.RemoveAll(l.scratch) }

func (l *laboratory) compile(ctx context.Context, files map[string]string) error {
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	put := func(path, text string) error {
		copied := filepath.Join(l.scratch, filepath.Base(path))
		overlay.Replace[path] = copied
		return os.WriteFile(copied, []byte(text), 0o600)
	}
	dir := ""
	for path, text := range files {
		dir = filepath.Dir(path)
		if err := put(path, text); err != nil {
			return err
		}
	}
	if err := put(filepath.Join(dir, "mutant_alive.go"), fmt.Sprintf(alive, filepath.Base(dir))); err != nil {
		return err
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		return err
	}
	at := filepath.Join(l.scratch, "overlay.json")
	if err := os.WriteFile(at, list, 0o600); err != nil {
		return err
	}
	// vet would complain about code that no person wrote.
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", at, "-o", l.binary, ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the mutants do not compile: %w\n%s", err, out)
	}
	return nil
}

// tests runs the binary with one mutant alive.
func (l *laboratory) tests(ctx context.Context, id int, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, l.binary, append(args, "-test.failfast")...)
	cmd.Dir = l.dir
	cmd.Env = append(os.Environ(), fmt.Sprintf("MUTANT=%d", id), "FENDER_FULL=", "GOMAXPROCS=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.Bytes(), err
}

func (l *laboratory) simulate(ctx context.Context, id int) ([]byte, error) {
	return l.tests(ctx, id, "-test.run="+simulation, fmt.Sprintf("-schedules=%d", l.schedules))
}

func (l *laboratory) test(ctx context.Context, m *mutant) error {
	limited, cancel := context.WithTimeout(ctx, l.patient)
	defer cancel()
	by := killedByTest
	_, err := l.tests(limited, m.id, "-test.skip="+simulation)
	if err == nil {
		by = killedBySimulation
		_, err = l.simulate(limited, m.id)
	}
	var failed *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		m.outcome = survives
	case limited.Err() != nil:
		m.outcome = tooSlow
	case errors.As(err, &failed):
		m.outcome = by
	default:
		return err
	}
	return nil
}

// testAll tests the mutants, several at a time.
func (l *laboratory) testAll(ctx context.Context, mutants []*mutant) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan *mutant)
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range max(l.jobs, 1) {
		wg.Go(func() {
			for m := range work {
				if err := l.test(ctx, m); err != nil {
					cancel(err)
					continue
				}
				mu.Lock()
				done++
				if l.verbose {
					fmt.Printf("%s: %s\n", m.outcome, m.name)
				} else if done%100 == 0 {
					fmt.Printf("%d tested\n", done)
				}
				mu.Unlock()
			}
		})
	}
	for _, m := range mutants {
		if ctx.Err() != nil {
			break
		}
		work <- m
	}
	close(work)
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
