package cli

import (
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"

	"fender/internal/exit"

	"golang.org/x/sys/unix"
)

// pty gives both ends of a terminal.
func pty(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("there is no terminal to be had here: %v", err)
	}
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return screen, terminal
}

func TestSiege_ShowsProgressOnATerminalOnly(t *testing.T) {
	url := besieged(t, hello)
	live := regexp.MustCompile(`\r1s of 1\.2s \(2u/1\.2s\): \d+ requests, \d+/s, p99 \S+, 2 users, 0 failed`)
	screen, terminal := pty(t)
	read := make(chan []byte)
	go func() {
		var all []byte
		buf := make([]byte, 4096)
		for {
			n, err := screen.Read(buf)
			all = append(all, buf[:n]...)
			if err != nil { // EIO: nobody has the terminal open any more
				read <- all
				return
			}
		}
	}()
	p := newProcess("siege", "-c", "2", "-d", "0.01", "-t", "1.2s", url)
	p.Stderr = terminal
	code := Run(p.Process)
	terminal.Close()
	select {
	case all := <-read:
		if code != exit.OK || !live.Match(all) || !regexp.MustCompile(`\r +\r\r?\nTransactions:`).Match(all) {
			t.Errorf("exit %d, %q", code, all)
		}
	case <-time.After(10 * time.Second):
		t.Error("the terminal was not closed")
	}
	screen.Close()

	p, code = fenderSiege("-c 2 -d 0.01 -t 1.2s " + url)
	if code != exit.OK || regexp.MustCompile(`\r`).Match(p.err.Bytes()) {
		t.Errorf("exit %d, %q", code, &p.err)
	}
}
