package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"fender/internal/proving/proctree"
)

// share is a quantity of the front and one of the workers.
type share struct {
	Front   float64 `json:"front"`
	Workers float64 `json:"workers"`
}

func (s share) sum() float64 { return s.Front + s.Workers }

func (s *share) add(front bool, value float64) {
	if front {
		s.Front += value
	} else {
		s.Workers += value
	}
}

// memory is the stack's PSS now, in MiB.
func (r *running) memory() (share, error) {
	processes, err := r.processes()
	if err != nil {
		return share{}, err
	}
	var total share
	for _, p := range processes {
		bytes, err := p.PSS()
		if err != nil {
			if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
				continue // it has just ended; who has not been waited for yet holds nothing either
			}
			return share{}, fmt.Errorf("memory of %s (%s): %w", r.name, p.Comm, err)
		}
		total.add(r.front(p.Comm), float64(bytes)/(1<<20))
	}
	return total, nil
}

// spent is the CPU time between two looks at the stack, in seconds. It fails when a
// process came or went, unless that is what is measured: the time of one that came and
// went is in its parent's sum of those that it has waited for.
func (r *running) spent(before, after []proctree.Process, recycling bool) (share, error) {
	was := map[int]proctree.Process{}
	for _, p := range before {
		was[p.PID] = p
	}
	for _, p := range after {
		old, ok := was[p.PID]
		if (!ok || old.Started != p.Started) && !recycling {
			return share{}, fmt.Errorf("process %d (%s) was born during the round", p.PID, p.Comm)
		}
	}
	if len(after) != len(before) && !recycling {
		return share{}, fmt.Errorf("%d processes at the start of the round, %d at its end", len(before), len(after))
	}
	then, now := r.cost(before), r.cost(after)
	return share{Front: now.Front - then.Front, Workers: now.Workers - then.Workers}, nil
}

// cost is the CPU time of these processes until now, and of what they have waited for,
// which are no fronts: those live as long as the stack.
func (r *running) cost(processes []proctree.Process) share {
	var total share
	for _, p := range processes {
		total.add(r.front(p.Comm), p.CPU.Seconds())
		total.add(false, p.Reaped.Seconds())
	}
	return total
}

// births is how many workers the log says were replaced until now.
func (r *running) births() int {
	if r.recycled == nil || len(r.children) == 0 {
		return 0
	}
	text, err := os.ReadFile(r.children[0].log.Name())
	if err != nil {
		return 0
	}
	return len(r.recycled.FindAll(text, -1))
}
