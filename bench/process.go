package main

import (
	"fmt"

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
			return share{}, fmt.Errorf("memory of %s (%s): %w", r.name, p.Comm, err)
		}
		total.add(r.front(p.Comm), float64(bytes)/(1<<20))
	}
	return total, nil
}

// spent is the CPU time between two looks at the stack, in seconds. It fails when a
// process came or went: its time would be missing.
func (r *running) spent(before, after []proctree.Process) (share, error) {
	was := map[int]proctree.Process{}
	for _, p := range before {
		was[p.PID] = p
	}
	var total share
	for _, p := range after {
		old, ok := was[p.PID]
		if !ok || old.Started != p.Started {
			return share{}, fmt.Errorf("process %d (%s) was born during the round", p.PID, p.Comm)
		}
		total.add(r.front(p.Comm), (p.CPU - old.CPU).Seconds())
	}
	if len(after) != len(before) {
		return share{}, fmt.Errorf("%d processes at the start of the round, %d at its end", len(before), len(after))
	}
	return total, nil
}
