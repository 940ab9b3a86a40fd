package proctree

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestParseStat_ReadsFieldsBehindAnyName(t *testing.T) {
	line := "77 (a ) (b) 1 2) S 12 77 77 0 -1 4194304 10 0 0 0 250 50 9 11 20 0 7 0 4242 1 2 3\n"
	p, err := ParseStat([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	want := Process{PID: 77, Parent: 12, Comm: "a ) (b) 1 2", CPU: 3 * time.Second, Reaped: 200 * time.Millisecond, Threads: 7, Started: 4242}
	if p != want {
		t.Errorf("got %+v, want %+v", p, want)
	}
	want.Zombie = true
	if p, err := ParseStat([]byte(strings.Replace(line, "2) S", "2) Z", 1))); err != nil || p != want {
		t.Errorf("got %+v, want %+v; %v", p, want, err)
	}
}

func TestParseStat_RefusesWhatIsNoStatLine(t *testing.T) {
	for _, line := range []string{"", "77", "77 (x", "77 (x) S 1", "x (x) S 12 77 77 0 -1 0 10 0 0 0 1 1 9 9 20 0 1 0 4 1"} {
		if p, err := ParseStat([]byte(line)); err == nil {
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
		found, err := Tree(root)
		if err != nil {
			t.Fatal(err)
		}
		pids := map[int]bool{}
		for _, p := range found {
			pids[p.PID] = true
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

// A look without a descriptor left must fail: nobody may take it for "no process is there".
func TestTree_DoesNotLoseProcessesForWantOfDescriptors(t *testing.T) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	few := before
	few.Cur = 0
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	found, err := Tree(os.Getpid())
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, syscall.EMFILE) || len(found) > 0 {
		t.Errorf("found %v, error %v", found, err)
	}
}
