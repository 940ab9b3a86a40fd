package osproc

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// fewFiles is the number of open files below which a busy front may run out: one per client
// connection, two per slot, one per worker, and spool files.
const fewFiles = 4096

// OpenFiles is how many files this process may have open, and a warning when that is little. The
// Go runtime has raised the soft limit to the hard one at start, and gives children the old soft
// limit back, which programs that use select() rely on; so nothing is set here.
func OpenFiles() (limit uint64, warning string) {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 0, fmt.Sprintf("the limit of open files (nofile) cannot be read: %v", err)
	}
	if r.Cur < fewFiles {
		warning = fmt.Sprintf("only %d files may be open at once (nofile), which bounds the client connections; "+
			"raise the hard limit to %d or more (ulimit -Hn, docker run --ulimit nofile=65536, LimitNOFILE= of systemd)",
			r.Cur, fewFiles)
	}
	return r.Cur, warning
}

// ownFiles is what fender opens besides connections, workers and spool files, generously: listeners, logs,
// epoll, the template's sockets, clients of admin and control.
const ownFiles = 64

// Connections is how many client connections a limit of open files leaves room for. Slots come first, for
// twice the workers (a reload, a replacement); of the rest a quarter is for spool files. However low the
// limit, a quarter of it is for clients.
func Connections(limit uint64, processes, threads int) int {
	const most = 1 << 30 // more than any kernel has, and no overflow
	files := int(min(limit, most))
	workers := 2 * processes * (2*threads + 2)
	return max((files-ownFiles-workers)/4*3, files/4)
}

// How far above the master's the workers' oom_score_adj lies: half of the memory limit (1000 is
// all of it), so that the kernel takes a worker even if the master holds much more memory.
const workerOOM = 500

// WorkerOOMScore is the oom_score_adj for workers: well above this process's own, so that the
// kernel never picks the master. Raising needs no privilege.
func WorkerOOMScore() int {
	own := 0
	if b, err := os.ReadFile("/proc/self/oom_score_adj"); err == nil {
		if n, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
			own = n
		}
	}
	return min(own+workerOOM, 1000)
}
