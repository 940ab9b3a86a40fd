package keeper

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"fender/internal/proving/proctree"

	"golang.org/x/sys/unix"
)

// say is the keeper's descriptor for its one line to the lab.
const say = 3

// Keep is the keeper's process: it starts the program of args (SIGNAL -- PROGRAM ARG...), obeys its
// input, and returns the exit code when nothing is left below it.
func Keep(args []string, input io.Reader) int {
	runtime.LockOSThread() // PDEATHSIG comes when the thread that forked ends
	line := os.NewFile(say, "say")
	unix.CloseOnExec(say)
	main, stopWith, err := begin(args)
	if err != nil {
		fmt.Fprintf(line, "error %s\n", strings.ReplaceAll(err.Error(), "\n", " "))
		return 1
	}
	fmt.Fprintf(line, "pid %d\n", main.pid)
	line.Close()
	go obey(input, main, stopWith)
	return reap(main)
}

func begin(args []string) (*kept, syscall.Signal, error) {
	if len(args) < 3 || args[1] != "--" {
		return nil, 0, errors.New("the arguments are SIGNAL -- PROGRAM and its own")
	}
	number, err := strconv.Atoi(args[0])
	if err != nil || number <= 0 || number > 64 {
		return nil, 0, fmt.Errorf("%q is no signal", args[0])
	}
	// Whatever the program leaves behind becomes a child of the keeper.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, 0, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, 0, err
	}
	defer null.Close()
	program, err := exec.LookPath(args[2])
	if err != nil {
		return nil, 0, err
	}
	p, err := os.StartProcess(program, args[2:], &os.ProcAttr{
		Files: []*os.File{null, os.Stdout, os.Stderr}, Env: os.Environ(),
		Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return nil, 0, err
	}
	m := &kept{pid: p.Pid}
	_ = p.Release() // reap waits for it by its number
	return m, syscall.Signal(number), nil
}

// obey reads the lab's orders. At the end of the input everything is killed.
func obey(input io.Reader, main *kept, stopWith syscall.Signal) {
	lines := bufio.NewScanner(input)
	for lines.Scan() {
		word, value, _ := strings.Cut(lines.Text(), " ")
		switch n, _ := strconv.Atoi(value); {
		case word == "stop":
			main.signal(stopWith)
		case word == "signal" && n > 0:
			main.signal(syscall.Signal(n))
		}
	}
	killAll()
}

// killAll kills everything below the keeper, again and again until reap has found nothing and ended the
// process: what is forked meanwhile must go too. It does not spin while a killed process hangs in the kernel.
func killAll() {
	dying := map[process]bool{}
	for {
		if killBelow(dying) == 0 { // all that is there dies as fast as the kernel lets it
			time.Sleep(rekill)
		}
	}
}

// rekill is how long the keeper waits before it looks for what was forked meanwhile.
const rekill = 10 * time.Millisecond

// process is one process for good: its number alone may come again.
type process struct {
	pid     int
	started uint64
}

// killBelow kills everything below the keeper. It adds what it has killed to dying, and returns how many
// of them were not there before.
func killBelow(dying map[process]bool) (fresh int) {
	self := os.Getpid()
	below, _ := proctree.Tree(self)
	for _, p := range below {
		if p.PID == self {
			continue
		}
		_ = syscall.Kill(p.PID, syscall.SIGKILL)
		if is := (process{p.PID, p.Started}); !dying[is] {
			dying[is] = true
			fresh++
		}
	}
	return fresh
}

// reap waits for every process below. When the program itself has ended the rest is killed.
func reap(main *kept) int {
	code := 0
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil: // ECHILD: nothing is left
			return code
		case main.ended(pid):
			code = exitCode(status)
			go killAll()
		}
	}
}

func exitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
