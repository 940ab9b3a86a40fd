package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"fender/internal/proving/up"
)

// await waits until the server answers, and has all the workers of the start: who comes later counts
// as born.
func (i *instance) await(ctx context.Context, workers *countdown) error {
	err := up.Await(ctx, "http://"+i.place.Address+"/hello", i.ended)
	if err == nil {
		err = i.complete(ctx, workers)
	}
	switch {
	case err == nil, ctx.Err() != nil:
		return err
	case errors.Is(err, up.ErrEnded):
		return errors.New(i.lastWords("at its start"))
	}
	return fmt.Errorf("%s: %w; %s", i.stack.Name, err, i.programs[i.stack.Manager].last)
}

func (i *instance) complete(ctx context.Context, workers *countdown) error {
	timeout := time.NewTimer(up.Timeout)
	defer timeout.Stop()
	select {
	case <-workers.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-i.ended:
		return up.ErrEnded
	case <-timeout.C:
		return fmt.Errorf("its log does not tell of %d workers after %s", workers.asked, up.Timeout)
	}
}

// lastWords says which of the programs has ended by itself, and what it said; nothing when none has.
func (i *instance) lastWords(when string) string {
	for _, p := range i.programs {
		select {
		case <-p.child.Done():
			return fmt.Sprintf("%s ended %s; %s", p.name, when, p.said())
		default:
		}
	}
	return ""
}

// countdown is closed when so many have come.
type countdown struct {
	asked int
	left  atomic.Int64
	done  chan struct{}
}

func newCountdown(n int) *countdown {
	c := &countdown{asked: n, done: make(chan struct{})}
	c.left.Store(int64(n))
	return c
}

func (c *countdown) one() {
	if c.left.Add(-1) == 0 {
		close(c.done)
	}
}

// initial is how many workers the stack starts with: all, unless it can scale and shall.
func (r *row) initial() int {
	names := []string{"cheaper-initial", "cheaper", "processes"}
	if slices.Contains(r.stack.Lacks, "cheaper") || r.lab.scenario.Option("cheaper") == "" {
		names = names[2:]
	}
	for _, name := range names {
		if n, err := strconv.Atoi(r.lab.scenario.Option(name)); err == nil {
			return n
		}
	}
	return 1
}
