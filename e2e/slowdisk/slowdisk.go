//go:build linux

// Package slowdisk is a disk for tests that can be told to hang: a file system of its own (FUSE), a flat
// directory in memory. While its gate is shut every read and write of a file waits, in the kernel, as it
// would with a disk that fails or a file server that is gone.
//
// It is served by a process of its own, which is the test binary once more: a process that uses files
// which it serves itself could not even be killed.
package slowdisk

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// playEnv makes a test binary that has this package serve the directory that it names.
const playEnv = "FENDER_TEST_SLOW_DISK"

func init() {
	if dir := os.Getenv(playEnv); dir != "" {
		if err := play(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// Disk is a mounted disk.
type Disk struct {
	Dir string

	t     testing.TB
	say   io.WriteCloser
	done  chan string // orders that are carried out
	mu    sync.Mutex
	hangs int           // accesses that wait for the gate
	grown chan struct{} // closed and replaced when hangs changes
}

// New mounts one with its gate open. The test is skipped where nobody may mount; in CI only where there is
// no FUSE, or no root.
func New(t testing.TB) *Disk {
	t.Helper()
	if err := possible(); err != nil {
		if os.Getenv("CI") != "" && os.Geteuid() == 0 && !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("CI skips nothing: %v", err)
		}
		t.Skipf("skipped: a disk that hangs needs root and /dev/fuse: %v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d := &Disk{Dir: t.TempDir(), t: t, done: make(chan string, 1), grown: make(chan struct{})}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), playEnv+"="+d.Dir, "GORACE=atexit_sleep_ms=10")
	cmd.Stderr = os.Stderr
	if d.say, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(said)
	if line, err := lines.ReadString('\n'); line != "mounted\n" {
		t.Fatalf("mounting: %q, %v", line, err)
	}
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		d.hear(lines)
	}()
	t.Cleanup(func() {
		d.say.Close() // it lets all go that waits, and ends
		<-heard
		if err := cmd.Wait(); err != nil {
			t.Errorf("the disk's process: %v", err)
		}
	})
	return d
}

// possible says why no file system can be mounted here, or nil.
func possible() error {
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: "/dev/fuse", Err: err}
	}
	_ = unix.Close(fd)
	if os.Geteuid() != 0 {
		return unix.EPERM
	}
	return nil
}

// hear takes in which orders are carried out, and how many accesses hang.
func (d *Disk) hear(lines *bufio.Reader) {
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		word := strings.TrimSpace(line)
		n, err := strconv.Atoi(word)
		d.mu.Lock()
		d.hangs = n // with an order none hangs any more, or yet
		close(d.grown)
		d.grown = make(chan struct{})
		d.mu.Unlock()
		if err != nil {
			d.done <- word
		}
	}
}

// Shut shuts the gate and Open opens it.
func (d *Disk) Shut() { d.tell("shut") }

// Open opens the gate: what waits goes on.
func (d *Disk) Open() { d.tell("open") }

// tell gives an order, and waits until it is carried out.
func (d *Disk) tell(order string) {
	d.t.Helper()
	if _, err := io.WriteString(d.say, order+"\n"); err != nil {
		d.t.Fatal(err)
	}
	select {
	case done := <-d.done:
		if done != order {
			d.t.Fatalf("the disk was told to %s and did %q", order, done)
		}
	case <-time.After(patience):
		d.t.Fatalf("the disk did not %s", order)
	}
}

// patience only ends a test that has failed.
const patience = 20 * time.Second

// Hangs waits until n accesses wait for the gate.
func (d *Disk) Hangs(n int) {
	d.t.Helper()
	late := time.After(patience)
	for {
		d.mu.Lock()
		hangs, grown := d.hangs, d.grown
		d.mu.Unlock()
		if hangs >= n {
			return
		}
		select {
		case <-grown:
		case <-late:
			d.t.Fatalf("%d accesses hang, %d should", hangs, n)
		}
	}
}
