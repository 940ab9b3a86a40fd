package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"fender/internal/proving/lab/stack"
	"fender/internal/proving/proctree"
	"fender/internal/proving/up"
)

// stopGrace is how long a program may take to end; generous, because a loaded machine is slow.
const stopGrace = 10 * time.Second

// instance is one started server of a stack: one or two programs.
type instance struct {
	stack    *stack.Stack
	place    stack.Place
	programs []*program
	ended    chan struct{} // closed when one of the programs has ended, by itself or not
	end      func()
}

func placed(s *stack.Stack, p stack.Place) *instance {
	i := &instance{stack: s, place: p, ended: make(chan struct{})}
	i.end = sync.OnceFunc(func() { close(i.ended) })
	return i
}

// startInstance starts a server and returns when it answers /hello with 200 and its workers are there.
func (r *row) startInstance(ctx context.Context, number int) (*instance, error) {
	dir := filepath.Join(r.dir, fmt.Sprintf("i%d", number))
	// Apache's and NGINX's workers are another user when the lab is root.
	if err := os.Mkdir(dir, 0o777); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		return nil, err
	}
	address, err := up.Address()
	if err != nil {
		return nil, err
	}
	i := placed(r.stack, stack.Place{Host: r.lab.Host, Dir: dir, Address: address, Options: r.options()})
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
		name := filepath.Base(c.Args[0])
		err := i.launch(r.lab.Self, fmt.Sprintf("%s %d", name, number), c, r.environ(dir), func(line string, _ bool) {
			now := time.Now()
			r.logs.line(now, fmt.Sprintf("%d %s", number, name), line)
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
	}
	if err := i.await(ctx, workers); err != nil {
		i.stop(0)
		return nil, err
	}
	return i, nil
}

// launch starts one of the server's programs.
func (i *instance) launch(self []string, name string, c stack.Command, env []string, seen func(line string, isErr bool)) error {
	p, err := launch(self, name, c.Args, append(env, c.Env...), i.place.Dir, c.Stop, false, seen)
	if err != nil {
		return err
	}
	i.programs = append(i.programs, p)
	go func() { // until the program is stopped
		<-p.child.Done()
		i.end()
	}()
	return nil
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
