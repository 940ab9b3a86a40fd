package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"fender/internal/proving/lab/stack"
	"fender/internal/proving/proctree"
)

// Bounds of starting and stopping; generous, because a loaded machine is slow.
const (
	startTimeout = 60 * time.Second
	stopGrace    = 10 * time.Second
)

// instance is one started server of a stack: one or two programs.
type instance struct {
	stack    *stack.Stack
	place    stack.Place
	programs []*program
}

// startInstance starts a server and returns when it answers /hello with 200.
func (r *row) startInstance(ctx context.Context, number int) (*instance, error) {
	dir := filepath.Join(r.dir, fmt.Sprintf("i%d", number))
	// Apache's and NGINX's workers are another user when the lab is root.
	if err := os.Mkdir(dir, 0o777); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	i := &instance{stack: r.stack, place: stack.Place{Host: r.lab.Host, Dir: dir, Address: address, Options: r.options()}}
	commands, err := r.stack.Commands(i.place)
	if err != nil {
		return nil, err
	}
	workers := newCountdown(r.initial())
	for n, c := range commands {
		var reader stack.Reader
		if n == r.stack.Manager {
			reader = r.stack.Reader()
		}
		env := append(r.environ(dir), c.Env...)
		p, err := launch(r.lab.Self, fmt.Sprintf("%s %d", filepath.Base(c.Args[0]), number), c.Args, env, dir, c.Stop, false, func(line string, _ bool) {
			now := time.Now()
			r.logs.line(now, fmt.Sprintf("%d %s", number, filepath.Base(c.Args[0])), line)
			if reader == nil {
				return
			}
			if e, ok := reader.Line(line); ok {
				r.board.worker(now, e)
				if e.Born {
					workers.one()
				}
			}
		})
		if err != nil {
			i.stop(0)
			return nil, err
		}
		i.programs = append(i.programs, p)
	}
	err = i.await(ctx)
	if err == nil {
		err = i.complete(ctx, workers)
	}
	if err != nil {
		i.stop(0)
		return nil, err
	}
	return i, nil
}

// stop ends the programs, the last started first.
func (i *instance) stop(grace time.Duration) {
	for n := len(i.programs) - 1; n >= 0; n-- {
		i.programs[n].stop(grace)
	}
}

func (i *instance) processes() (all []proctree.Process) {
	for _, p := range i.programs {
		below, err := p.child.Processes()
		if err == nil {
			all = append(all, below...)
		}
	}
	return all
}
