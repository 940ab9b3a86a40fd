package main

import (
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/proving/proctree"
)

var fronted = &running{stack: stack{front: func(comm string) bool { return comm == "front" }}}

func TestSpent_FailsWhenAProcessCameOrWent(t *testing.T) {
	was := []proctree.Process{{PID: 1, Comm: "front", CPU: time.Second}, {PID: 2, CPU: time.Second}}
	now := []proctree.Process{{PID: 1, Comm: "front", CPU: 3 * time.Second}, {PID: 2, CPU: 5 * time.Second}}
	got, err := fronted.spent(was, now, false)
	if err != nil || got != (share{Front: 2, Workers: 4}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := fronted.spent(was, now[:1], false); err == nil {
		t.Error("a process went and nobody noticed")
	}
	if _, err := fronted.spent(was, append(now[:1:1], proctree.Process{PID: 3}), false); err == nil {
		t.Error("a process was replaced and nobody noticed")
	}
	if _, err := fronted.spent(was, append(now[:1:1], proctree.Process{PID: 2, Started: 9}), false); err == nil {
		t.Error("a pid was used again and nobody noticed")
	}
}

func TestSpent_CountsWorkersThatCameAndWent(t *testing.T) {
	was := []proctree.Process{{PID: 1, Comm: "front", CPU: time.Second, Reaped: time.Second}, {PID: 2, CPU: time.Second}}
	// Worker 2 went after 3 s, one that nobody saw took 4 s, and worker 3 has had 5 s.
	now := []proctree.Process{{PID: 1, Comm: "front", CPU: 3 * time.Second, Reaped: 8 * time.Second}, {PID: 3, CPU: 5 * time.Second}}
	if got, err := fronted.spent(was, now, true); err != nil || got != (share{Front: 2, Workers: 11}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestMemory_LeavesOutWhatHasEnded(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Until it has ended, but is still there to be waited for.
	if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	r := &running{stack: fronted.stack, children: []*child{{cmd: cmd}}}
	if got, err := r.memory(); err != nil || got != (share{}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
