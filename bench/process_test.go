package main

import (
	"testing"
	"time"

	"fender/internal/proving/proctree"
)

func TestSpent_FailsWhenAProcessCameOrWent(t *testing.T) {
	r := &running{stack: stack{front: func(comm string) bool { return comm == "front" }}}
	was := []proctree.Process{{PID: 1, Comm: "front", CPU: time.Second}, {PID: 2, CPU: time.Second}}
	now := []proctree.Process{{PID: 1, Comm: "front", CPU: 3 * time.Second}, {PID: 2, CPU: 5 * time.Second}}
	got, err := r.spent(was, now)
	if err != nil || got != (share{Front: 2, Workers: 4}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := r.spent(was, now[:1]); err == nil {
		t.Error("a process went and nobody noticed")
	}
	if _, err := r.spent(was, append(now[:1:1], proctree.Process{PID: 3})); err == nil {
		t.Error("a process was replaced and nobody noticed")
	}
	if _, err := r.spent(was, append(now[:1:1], proctree.Process{PID: 2, Started: 9})); err == nil {
		t.Error("a pid was used again and nobody noticed")
	}
}
