package loop

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Policies of the kernel's scheduler, linux/sched.h.
const (
	schedOther = 0
	schedBatch = 3
)

// ErrPolicy says that the thread has a policy that somebody has chosen for it.
var ErrPolicy = errors.New("the thread has another scheduling policy than the usual one")

// SetBatch makes the calling thread, which is the loop's, a SCHED_BATCH one, or a usual one again. A batch
// thread that wakes up does not interrupt what runs on its processor: it has its turn when that sleeps, or has
// used up its slice of a few milliseconds.
func SetBatch(on bool) error {
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return os.NewSyscallError("sched_getattr", err)
	}
	if attr.Policy != schedOther && attr.Policy != schedBatch {
		return fmt.Errorf("%w: %d", ErrPolicy, attr.Policy)
	}
	attr.Policy = schedOther
	if on {
		attr.Policy = schedBatch
	}
	return os.NewSyscallError("sched_setattr", unix.SchedSetAttr(0, attr, 0))
}
