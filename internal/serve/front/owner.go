package front

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"fender/internal/serve/http1"
)

// portOwner says who listens at a TCP port of this machine, as far as /proc tells this user.
func portOwner(port int) string {
	inodes := listeningInodes(port)
	if len(inodes) == 0 {
		return "a process outside of this container or network namespace"
	}
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range fds {
		link, err := os.Readlink(fd)
		if err != nil || !inodes[link] {
			continue
		}
		pid := strings.Split(fd, "/")[2]
		if pid == strconv.Itoa(os.Getpid()) {
			return "this process itself (the address is given twice)"
		}
		return fmt.Sprintf("pid %s (%s)", pid, commandLine(pid))
	}
	return "a process of another user"
}

// listeningInodes finds the sockets that listen at a port, in the form of the links in /proc/PID/fd.
// The format of the lines is in the kernel's Documentation/networking/proc_net_tcp.rst.
func listeningInodes(port int) map[string]bool {
	const listening = "0A"
	inodes := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			if len(fields) < 10 || fields[3] != listening {
				continue
			}
			if _, hex, ok := strings.Cut(fields[1], ":"); ok {
				if n, err := strconv.ParseUint(hex, 16, 16); err == nil && int(n) == port {
					inodes["socket:["+fields[9]+"]"] = true
				}
			}
		}
		f.Close()
	}
	return inodes
}

// commandLine is a process's command line, cut to what fits a message.
func commandLine(pid string) string {
	b, err := os.ReadFile("/proc/" + pid + "/cmdline")
	if err != nil || len(b) == 0 {
		return "unknown"
	}
	const most = 80
	line := string(bytes.TrimRight(bytes.ReplaceAll(b, []byte{0}, []byte{' '}), " "))
	if len(line) > most {
		line = line[:most] + "..."
	}
	if !http1.SafeValue(line) {
		line = strconv.QuoteToASCII(line)
	}
	return line
}
