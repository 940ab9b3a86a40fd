// Package keeper starts programs that are certain to end. Between the lab and each program stands a
// small process of our own binary, the keeper: it is the parent of whatever the program leaves
// behind, and when the lab ends, however it ends, the keeper's input ends too, and it kills
// everything below itself.
//
//	lab ── input: "stop", or the end ──> keeper ── signals ──> program ── ... (daemons, workers)
//	    <─ pid, then exit status ───────
//
// It owns the processes below a Child until Stop has returned. It does not know what they are.
package keeper

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"fender/internal/proving/proctree"
)

// Spec is a program to start.
type Spec struct {
	Args           []string // program and arguments
	Dir            string
	Env            []string // KEY=VALUE, all of it
	Stdout, Stderr *os.File // nil: /dev/null
	StopWith       syscall.Signal
}

// Child is a program that a keeper keeps.
type Child struct {
	pid   int
	cmd   *exec.Cmd
	input io.WriteCloser
	done  chan struct{}
}

// Start starts the program below a keeper; self is the command line of a process that calls Keep.
func Start(self []string, spec Spec) (*Child, error) {
	if len(spec.Args) == 0 || spec.StopWith == 0 {
		return nil, errors.New("keeper: nothing to start, or no way to stop it")
	}
	if _, err := exec.LookPath(spec.Args[0]); err != nil {
		return nil, err
	}
	said, say, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer said.Close()
	args := append([]string{}, self[1:]...)
	args = append(append(args, strconv.Itoa(int(spec.StopWith)), "--"), spec.Args...)
	cmd := exec.Command(self[0], args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = spec.Dir, spec.Env, spec.Stdout, spec.Stderr
	if spec.Stdout == nil { // a nil *os.File is no nil io.Writer
		cmd.Stdout = nil
	}
	if spec.Stderr == nil {
		cmd.Stderr = nil
	}
	cmd.ExtraFiles = []*os.File{say}
	// A group of its own: Ctrl-C on the terminal reaches the lab alone, which stops things in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	input, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	say.Close()
	if err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(said).ReadString('\n')
	word, value, _ := strings.Cut(strings.TrimSpace(line), " ")
	pid, _ := strconv.Atoi(value)
	if err != nil || word != "pid" || pid <= 0 {
		input.Close()
		_ = cmd.Wait()
		if word == "error" {
			return nil, fmt.Errorf("%s: %s", spec.Args[0], value)
		}
		return nil, fmt.Errorf("%s: its keeper did not start", spec.Args[0])
	}
	c := &Child{pid: pid, cmd: cmd, input: input, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		_ = cmd.Wait() // how it ended is in its own log
	}()
	return c, nil
}

// PID is the program's process. It may have ended: send signals with Signal.
func (c *Child) PID() int { return c.pid }

// Done is closed when the program and everything below it is gone.
func (c *Child) Done() <-chan struct{} { return c.done }

// Signal has the keeper send a signal to the program. When that is gone nothing happens.
func (c *Child) Signal(s syscall.Signal) error {
	_, err := fmt.Fprintf(c.input, "signal %d\n", int(s))
	if err != nil {
		return fmt.Errorf("the program has ended: %w", err)
	}
	return nil
}

// Processes is the program and everything below it, without the keeper.
func (c *Child) Processes() ([]proctree.Process, error) {
	select {
	case <-c.done:
		return nil, nil
	default:
	}
	all, err := proctree.Tree(c.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	below := all[:0]
	for _, p := range all {
		if p.PID != c.cmd.Process.Pid {
			below = append(below, p)
		}
	}
	return below, nil
}

// Stop asks the program to end, and kills everything below the keeper after the grace. It returns
// when all is gone, and says whether the program went by itself.
func (c *Child) Stop(grace time.Duration) bool {
	defer c.input.Close()
	if grace > 0 {
		_, _ = io.WriteString(c.input, "stop\n") // it fails when all is over
		after := time.NewTimer(grace)
		defer after.Stop()
		select {
		case <-c.done:
			return true
		case <-after.C:
		}
	}
	c.input.Close()
	<-c.done
	return false
}
