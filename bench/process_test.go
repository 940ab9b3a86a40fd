package main

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestParseStat_ReadsFieldsBehindAnyName(t *testing.T) {
	line := "77 (a ) (b) 1 2) S 12 77 77 0 -1 4194304 10 0 0 0 250 50 9 9 20 0 1 0 4242 1 2 3\n"
	p, err := parseStat([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	want := process{pid: 77, parent: 12, comm: "a ) (b) 1 2", cpu: 3 * time.Second, started: 4242}
	if p != want {
		t.Errorf("got %+v, want %+v", p, want)
	}
}

func TestParseStat_RefusesWhatIsNoStatLine(t *testing.T) {
	for _, line := range []string{"", "77", "77 (x", "77 (x) S 1", "x (x) S 12 77 77 0 -1 0 10 0 0 0 1 1 9 9 20 0 1 0 4 1"} {
		if p, err := parseStat([]byte(line)); err == nil {
			t.Errorf("%q was read as %+v", line, p)
		}
	}
}

func TestTree_FindsAChildAndNotItsParent(t *testing.T) {
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		in.Close()
		_ = cmd.Wait()
	}()

	of := func(root int) map[int]bool {
		found, err := tree([]int{root})
		if err != nil {
			t.Fatal(err)
		}
		pids := map[int]bool{}
		for _, p := range found {
			pids[p.pid] = true
		}
		return pids
	}
	if pids := of(os.Getpid()); !pids[os.Getpid()] || !pids[cmd.Process.Pid] {
		t.Errorf("the tree of %d lacks itself or its child %d: %v", os.Getpid(), cmd.Process.Pid, pids)
	}
	if pids := of(cmd.Process.Pid); pids[os.Getpid()] {
		t.Error("a child's tree has its parent")
	}
}

func TestSpent_FailsWhenAProcessCameOrWent(t *testing.T) {
	r := &running{stack: stack{front: func(comm string) bool { return comm == "front" }}}
	was := []process{{pid: 1, comm: "front", cpu: time.Second}, {pid: 2, cpu: time.Second}}
	now := []process{{pid: 1, comm: "front", cpu: 3 * time.Second}, {pid: 2, cpu: 5 * time.Second}}
	got, err := r.spent(was, now)
	if err != nil || got != (share{Front: 2, Workers: 4}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := r.spent(was, now[:1]); err == nil {
		t.Error("a process went and nobody noticed")
	}
	if _, err := r.spent(was, append(now[:1:1], process{pid: 3})); err == nil {
		t.Error("a process was replaced and nobody noticed")
	}
	if _, err := r.spent(was, append(now[:1:1], process{pid: 2, started: 9})); err == nil {
		t.Error("a pid was used again and nobody noticed")
	}
}
