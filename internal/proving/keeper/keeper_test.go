package keeper

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// The test binary plays the keeper, and the lab that is killed.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "keep":
		os.Exit(Keep(os.Args[2:], os.Stdin))
	case len(os.Args) > 1 && os.Args[1] == "lab":
		if _, err := Start(self(), Spec{Args: family, Stdout: os.Stdout, StopWith: syscall.SIGTERM}); err != nil {
			fmt.Println("error", err)
		}
		select {}
	}
	goleak.VerifyTestMain(m)
}

func self() []string { return []string{os.Args[0], "keep"} }

// family is a program whose daemon and child do not heed SIGTERM. It prints their pids.
var family = []string{"sh", "-c", `trap "" TERM; setsid sleep 1000 & echo $!; sleep 1000 & echo $!; echo $$; wait; wait`}

// pids reads n numbers and returns a descriptor of each process.
func pids(t *testing.T, r *os.File, n int) (fds []int) {
	t.Helper()
	lines := bufio.NewScanner(r)
	for len(fds) < n && lines.Scan() {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatal(lines.Text())
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			t.Fatal(pid, err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		fds = append(fds, fd)
	}
	if len(fds) < n {
		t.Fatal("the program ended early")
	}
	return fds
}

func mustEnd(t *testing.T, fds []int) {
	t.Helper()
	for _, fd := range fds {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for {
			n, err := unix.Poll(poll, 20_000)
			if err == unix.EINTR {
				continue
			}
			if err != nil || n != 1 {
				t.Errorf("a process lives on: %d, %v", n, err)
			}
			break
		}
	}
}

func start(t *testing.T, stopWith syscall.Signal, args ...string) (*Child, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Start(self(), Spec{Args: args, Env: os.Environ(), Stdout: w, StopWith: stopWith})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Stop(0)
		r.Close()
	})
	return c, r
}

func TestStop_LeavesNothingOfAFamilyThatIgnoresIt(t *testing.T) {
	c, out := start(t, syscall.SIGTERM, family...)
	fds := pids(t, out, 3)
	below, err := c.Processes()
	if err != nil || len(below) != 3 {
		t.Errorf("%d processes below the keeper, %v: %v", len(below), err, below)
	}
	if c.Stop(10 * time.Millisecond) {
		t.Error("it went by itself, which it cannot")
	}
	mustEnd(t, fds)
	if below, err := c.Processes(); len(below) != 0 || err != nil {
		t.Errorf("still there: %v, %v", below, err)
	}
}

func TestStop_AsksWithTheSignalOfTheProgram(t *testing.T) {
	c, out := start(t, syscall.SIGINT, "sh", "-c", `trap "echo bye; exit 0" INT; echo ready; while :; do read line < /dev/null; sleep 0.01; done`)
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "ready\n" {
		t.Fatalf("%q %v", line, err)
	}
	if !c.Stop(20 * time.Second) {
		t.Error("it had to be killed")
	}
	if line, _ := lines.ReadString('\n'); line != "bye\n" {
		t.Errorf("its last word: %q", line)
	}
}

func TestProgramThatEnds_TakesWhatItLeftBehindAlong(t *testing.T) {
	c, out := start(t, syscall.SIGTERM, "sh", "-c", `setsid sleep 1000 & echo $!; exit 3`)
	fds := pids(t, out, 1)
	<-c.Done()
	mustEnd(t, fds)
	if code := c.cmd.ProcessState.ExitCode(); code != 3 {
		t.Errorf("exit code %d", code)
	}
	if err := c.Signal(syscall.SIGHUP); err == nil {
		t.Error("a signal to a program that has ended was taken")
	}
}

func TestSignal_ReachesTheProgram(t *testing.T) {
	c, out := start(t, syscall.SIGTERM, "sh", "-c", `trap "echo hup" HUP; echo ready; while :; do sleep 0.01; done`)
	lines := bufio.NewReader(out)
	for _, want := range []string{"ready\n", "hup\n"} {
		if line, err := lines.ReadString('\n'); line != want {
			t.Fatalf("%q, %v; want %q", line, err, want)
		}
		if err := c.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLabThatIsKilled_LeavesNothing(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	lab := exec.Command(os.Args[0], "lab")
	lab.Stdout = w
	if err := lab.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	fds := pids(t, r, 3)
	if err := lab.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = lab.Wait()
	mustEnd(t, fds)
}

func TestStart_SaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		spec Spec
		want string
	}{
		{Spec{StopWith: syscall.SIGTERM}, "nothing to start"},
		{Spec{Args: []string{"true"}}, "no way to stop it"},
		{Spec{Args: []string{"/no/such/program"}, StopWith: syscall.SIGTERM}, "/no/such/program"},
		{Spec{Args: []string{"/etc/passwd"}, StopWith: syscall.SIGTERM}, "permission denied"},
		{Spec{Args: []string{"true"}, Dir: "/no/such/dir", StopWith: syscall.SIGTERM}, "no such file"},
	} {
		if _, err := Start(self(), c.spec); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.spec, err, c.want)
		}
	}
}

// A killed process that stays (in the kernel, or because nobody has waited for it) is no reason to spin.
func TestKillBelow_TellsWhatIsNewFromWhatIsDying(t *testing.T) {
	dying := map[process]bool{}
	var all []*exec.Cmd
	for range 2 {
		cmd := exec.Command("sleep", "1000")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
		if fresh := killBelow(dying); fresh != 1 {
			t.Errorf("%d processes were new, there was one", fresh)
		}
		if fresh := killBelow(dying); fresh != 0 {
			t.Errorf("%d processes were new, there was none", fresh)
		}
	}
	for _, cmd := range all {
		if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Error(err)
		}
	}
}
