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
func pty(t *testing.T, columns uint16) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("there is no terminal to be had here: %v", err)
	}
	if err := unix.IoctlSetWinsize(int(screen.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: 20}); err != nil {
		t.Fatal(err)
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

// onTerminal runs the command with a terminal as standard error, and gives what was written to it.
func onTerminal(t *testing.T, columns uint16, args ...string) (string, int) {
	t.Helper()
	screen, terminal := pty(t, columns)
	defer screen.Close()
	read := make(chan []byte, 1)
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
	p := newProcess(args...)
	p.Stderr = terminal
	code := Run(p.Process)
	terminal.Close()
	select {
	case all := <-read:
		return string(all), code
	case <-time.After(10 * time.Second):
		t.Fatal("the terminal was not closed")
	}
	return "", 0
}

func TestSiege_ShowsProgressOnATerminalOnly(t *testing.T) {
	url := besieged(t, hello)
	const line = `1s of 1\.2s \(2u/1\.2s\): \d+ requests, 0 failed, \d+/s, p99 \S+, 2 users`
	all, code := onTerminal(t, 200, "siege", "-c", "2", "-d", "0.01", "-t", "1.2s", url)
	if code != exit.OK || !regexp.MustCompile(`\r`+line).MatchString(all) || !regexp.MustCompile(`\r +\r\r?\nTransactions:`).MatchString(all) {
		t.Errorf("exit %d, %q", code, all)
	}
	// A line that is longer than the terminal would be left there every second.
	all, code = onTerminal(t, 20, "siege", "-c", "2", "-d", "0.01", "-t", "1.2s", url)
	if code != exit.OK || !regexp.MustCompile(`\r1s of 1\.2s \(2u/1\.2s\r {19}\r`).MatchString(all) {
		t.Errorf("exit %d, %q", code, all)
	}
	p, code := fenderSiege("-c 2 -d 0.01 -t 1.2s " + url)
	if code != exit.OK || regexp.MustCompile(`\r`).Match(p.err.Bytes()) {
		t.Errorf("exit %d, %q", code, &p.err)
	}
}
