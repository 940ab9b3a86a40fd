package python

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fender/internal/workers/wire"

	"golang.org/x/sys/unix"
)

// output collects what a process prints, and lets a test wait for a text in it.
type output struct {
	mu     sync.Mutex
	cond   *sync.Cond
	buffer bytes.Buffer
	closed bool
}

func newOutput() *output {
	o := &output{}
	o.cond = sync.NewCond(&o.mu)
	return o
}

func (o *output) readFrom(file *os.File) {
	chunk := make([]byte, 64<<10)
	for {
		n, err := file.Read(chunk)
		o.mu.Lock()
		o.buffer.Write(chunk[:n])
		o.closed = err != nil
		o.mu.Unlock()
		o.cond.Broadcast()
		if err != nil {
			file.Close()
			return
		}
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}

// waitFor returns when text has been printed.
func (o *output) waitFor(t testing.TB, text string) {
	t.Helper()
	timer := time.AfterFunc(patience, func() {
		o.mu.Lock()
		o.closed = true
		o.mu.Unlock()
		o.cond.Broadcast()
	})
	defer timer.Stop()
	o.mu.Lock()
	defer o.mu.Unlock()
	for !strings.Contains(o.buffer.String(), text) {
		if o.closed {
			t.Fatalf("%q was not printed; all there is:\n%s", text, o.buffer.String())
		}
		o.cond.Wait()
	}
}

// rig is a template under test, started as the contract says.
type rig struct {
	t       testing.TB
	cmd     *exec.Cmd
	control int
	stderr  *output
	stdout  *output
	boot    Boot
	spawns  uint64
	ended   chan struct{}
	err     error         // of the process, once ended is closed
	printed chan struct{} // closed when nobody can print any more, and all was read
}

// testBoot is a boot message for an application in testdata/apps.
func testBoot(module string) Boot {
	apps, err := filepath.Abs("testdata/apps")
	if err != nil {
		panic(err)
	}
	return Boot{
		Chdir: apps, Module: module, Argv: []string{"fender"}, Threads: 1, Processes: 1, NeedApp: true,
		Vector: wire.Vector(), ServerName: "boot.example", ServerPort: "8000",
		Software: "fender/test", MaxMessage: maxMessage, Interrupt: true,
	}
}

// startTemplate starts a template and sends it boot; it does not wait for loaded.
func startTemplate(t testing.TB, python string, boot Boot, env ...string) *rig {
	t.Helper()
	interpreter := Interpreter{Path: python}
	command, err := interpreter.Command(CommandOptions{Environ: append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1"), Set: env, Title: boot.Module})
	if err != nil {
		t.Fatal(err)
	}
	return startCommand(t, command, boot)
}

func startCommand(t testing.TB, command Command, boot Boot) *rig {
	t.Helper()
	return startInGroup(t, command, boot, true)
}

// startInGroup starts the template in a process group of its own, as the master does, or not.
func startInGroup(t testing.TB, command Command, boot Boot, own bool) *rig {
	t.Helper()
	message, err := boot.Message()
	if err != nil {
		t.Fatal(err)
	}
	return startOrdered(t, command, boot, message, own)
}

// startOrdered starts a template with a first message of any kind.
func startOrdered(t testing.TB, command Command, boot Boot, first []byte, ownGroup ...bool) *rig {
	t.Helper()
	own := len(ownGroup) == 0 || ownGroup[0]
	ours, theirs := packetPair(t)
	bundle, err := BundleFile()
	if err != nil {
		t.Fatal(err)
	}
	defer bundle.Close()
	control := os.NewFile(uintptr(theirs), "control")
	defer control.Close()
	r := &rig{t: t, control: ours, stderr: newOutput(), stdout: newOutput(), boot: boot, ended: make(chan struct{}), printed: make(chan struct{})}
	errRead, errWrite := pipe(t)
	outRead, outWrite := pipe(t)
	r.cmd = &exec.Cmd{
		Path: command.Path, Args: command.Argv, Env: command.Env,
		ExtraFiles: []*os.File{control, bundle}, Stdout: outWrite, Stderr: errWrite,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: own},
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	errWrite.Close()
	outWrite.Close()
	var readers sync.WaitGroup
	readers.Go(func() { r.stderr.readFrom(errRead) })
	readers.Go(func() { r.stdout.readFrom(outRead) })
	go func() { readers.Wait(); close(r.printed) }()
	go func() { r.err = r.cmd.Wait(); close(r.ended) }()
	t.Cleanup(func() {
		if own { // the group is this test's: the template and its workers
			_ = unix.Kill(-r.cmd.Process.Pid, unix.SIGKILL)
		}
		_ = r.cmd.Process.Kill()
		<-r.ended
		unix.Close(ours)
		<-r.printed
		if t.Failed() {
			t.Logf("stderr:\n%s", r.stderr)
		}
	})
	r.order(first)
	return r
}

// start starts a template and waits until it has loaded the application.
func start(t testing.TB, python string, boot Boot, env ...string) *rig {
	t.Helper()
	r := startTemplate(t, python, boot, env...)
	if report := r.report(); report.Op != OpLoaded {
		t.Fatalf("expected loaded, got %+v\n%s", report, r.stderr)
	}
	return r
}

func pipe(t testing.TB) (read, write *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return read, write
}

func (r *rig) order(message []byte, files ...int) {
	r.t.Helper()
	if err := sendMessage(r.control, message, files...); err != nil {
		r.t.Fatalf("sending %s: %v", message, err)
	}
}

// report reads the template's next message.
func (r *rig) report() Report {
	r.t.Helper()
	buffer := make([]byte, MaxControlMessage)
	n, _, err := receive(r.control, buffer)
	if err != nil || n == 0 {
		r.t.Fatalf("the control socket: %d bytes, %v\n%s", n, err, r.stderr)
	}
	report, err := DecodeReport(buffer[:n])
	if err != nil {
		r.t.Fatalf("%v: %s", err, buffer[:n])
	}
	return report
}

// wait returns the template's exit code; -1 for a signal.
func (r *rig) wait() int {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(patience):
		r.t.Fatalf("the template did not end\n%s", r.stderr)
	}
	return r.cmd.ProcessState.ExitCode()
}
