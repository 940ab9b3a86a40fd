package osproc

import (
	"bytes"
	"os"
	"strconv"
)

// SleepsOnLock reports whether a thread of the process sleeps on a lock (a futex); false when that
// cannot be known. It reads a file of the kernel's own, no disk. A thread that waits for an
// interpreter's lock wakes every few milliseconds, so one look may miss it.
func (p *Process) SleepsOnLock(tid int) bool {
	name := "/proc/" + strconv.Itoa(p.PID) + "/task/" + strconv.Itoa(tid) + "/wchan"
	for range 3 {
		b, err := os.ReadFile(name)
		if err != nil {
			return false
		}
		if bytes.HasPrefix(b, []byte("futex")) { // futex_wait_queue_me, futex_wait_queue, futex_do_wait
			return true
		}
	}
	return false
}
