package lab

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"fender/internal/proving/keeper"
	"fender/internal/proving/lab/stack"
	"fender/internal/proving/proctree"

	"go.uber.org/goleak"
)

// The test binary plays the keeper.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "keep" {
		os.Exit(keeper.Keep(os.Args[2:], os.Stdin))
	}
	goleak.VerifyTestMain(m)
}

// served is a row whose one server is this shell script, and the server.
func served(t *testing.T, script string) (*row, *instance) {
	t.Helper()
	r := &row{}
	i := placed(&stack.Stack{Name: "sh"}, stack.Place{})
	t.Cleanup(func() { i.stop(0) })
	err := i.launch([]string{os.Args[0], "keep"}, "sh 1", stack.Command{Args: []string{"sh", "-c", script}, Stop: syscall.SIGTERM}, os.Environ(), func(string, bool) {})
	if err != nil {
		t.Fatal(err)
	}
	r.instances = []*instance{i}
	return r, i
}

func TestComplete_EndsWithAServerThatEnds(t *testing.T) {
	_, i := served(t, `echo no room left; exit 3`)
	i.place.Address = "127.0.0.1:1"
	for range 2 {
		err := i.await(t.Context(), newCountdown(1))
		if err == nil || err.Error() != "sh 1 ended at its start; its last words:\n  no room left" {
			t.Error(err)
		}
	}
	if err := i.complete(t.Context(), newCountdown(1)); err == nil {
		t.Error("workers came of a server that has ended")
	}
}

func TestEnded_TellsOfAServerThatIsGone(t *testing.T) {
	r, i := served(t, `echo $((6*7)); exit 0`)
	<-i.ended
	r.ended()
	if len(r.Notes) != 1 || r.Notes[0] != "sh 1 ended by itself during the run; its last words:\n  42" {
		t.Errorf("%q", r.Notes)
	}
	r, _ = served(t, `exec sleep 1000`)
	if r.ended(); len(r.Notes) != 0 {
		t.Errorf("%q", r.Notes)
	}
}

func TestReadLines_CutsTheLongestLine(t *testing.T) {
	var lengths []int
	text := strings.Repeat("x", 300<<10) + "\nshort\r\n\n" + strings.Repeat("y", 65536) + "\nend"
	_ = readLines(strings.NewReader(text), func(line string) { lengths = append(lengths, len(line)) })
	want := []int{64 << 10, 5, 0, 64 << 10, 3}
	if len(lengths) != len(want) {
		t.Fatal(lengths)
	}
	for i := range want {
		if lengths[i] != want[i] {
			t.Error(lengths)
		}
	}
}

func TestTail_IsFitForATerminal(t *testing.T) {
	last := &tail{}
	for range 20 {
		last.add(strings.Repeat("\x1b[2J", 30_000))
	}
	if text := last.String(); len(text) > 60_000 || strings.ContainsRune(text, '\x1b') {
		t.Errorf("%d bytes: %.50q", len(text), text)
	}
}

// Its parent has not waited for it, as a server that looks once a second: nobody is there to kill.
func TestKillWorker_LeavesADeadOneAlone(t *testing.T) {
	r, i := served(t, `sleep 0 & echo $!; exec sleep 1000`)
	r.board = newBoard(time.Now(), 1)
	pid := 0
	for pid == 0 {
		for _, p := range r.processes() {
			if p.Zombie {
				pid = p.PID
			}
		}
	}
	r.board.worker(time.Now(), stack.Event{Born: true, PID: pid})
	if err := r.killWorker(); err == nil || !strings.Contains(err.Error(), "no worker at that moment") || r.board.done["kills"] != 0 {
		t.Errorf("%v, %v", err, r.board.done)
	}
	alive := i.programs[0].child.PID()
	r.board.worker(time.Now(), stack.Event{Born: true, PID: alive})
	if err := r.killWorker(); err != nil || r.board.done["kills"] != 1 {
		t.Errorf("%v, %v", err, r.board.done)
	}
}

// Somebody kills the keeper (the kernel, for want of memory): what it kept may live on and hold the output.
func TestStop_DoesNotWaitForWhatAKilledKeeperHasLeft(t *testing.T) {
	_, i := served(t, `setsid sleep 1000 & exec sleep 1000`)
	var all []proctree.Process
	for len(all) < 2 || all[0].Comm != "sleep" || all[1].Comm != "sleep" {
		all = i.processes()
	}
	var keepers []int
	for _, p := range all {
		if p.PID == i.programs[0].child.PID() {
			keepers = append(keepers, p.Parent)
		} else {
			t.Cleanup(func() { _ = syscall.Kill(p.PID, syscall.SIGKILL) })
		}
	}
	if len(keepers) != 1 {
		t.Fatal(all)
	}
	if err := syscall.Kill(keepers[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	i.stop(stopGrace)
	if words := i.lastWords("by itself"); !strings.Contains(words, "something of it may be left") {
		t.Error(words)
	}
}
