package siege

import (
	"context"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// fineSleep is below what the runtime's timers can do: they may be a millisecond late. The last part
// of a wait is a timerfd's, which wakes the network poller in time and holds no processor.
const fineSleep = 2 * time.Millisecond

// alarm wakes its owner at a time, to within some ten microseconds.
type alarm struct {
	file *os.File        // nil: there is no timerfd here
	raw  syscall.RawConn // of file
	ring func(fd uintptr) bool

	left time.Duration // of the nap that is to be taken
	set  bool          // it has begun
	err  error
}

func newAlarm() *alarm {
	a := &alarm{}
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return a
	}
	file := os.NewFile(uintptr(fd), "timerfd")
	if a.raw, err = file.SyscallConn(); err != nil {
		file.Close()
		return a
	}
	a.file, a.ring = file, a.wind
	return a
}

func (a *alarm) close() {
	if a.file != nil {
		a.file.Close()
	}
}

// sleepUntil waits for a time, and says false when the context ended before.
func (a *alarm) sleepUntil(ctx context.Context, t time.Time) bool {
	if d := time.Until(t); d > fineSleep {
		timer := time.NewTimer(d - fineSleep)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return false
		}
	}
	for d := time.Until(t); d > 0; d = time.Until(t) {
		if !a.nap(d) {
			time.Sleep(d)
		}
	}
	return ctx.Err() == nil
}

// nap waits for the timer. It is never read: setting it takes the last ring off, and that it rings is
// all that is wanted to be known. So a nap is one system call, and the poller's.
func (a *alarm) nap(d time.Duration) bool {
	if a.file == nil {
		return false
	}
	a.left, a.set, a.err = d, false, nil
	err := a.raw.Read(a.ring)
	return err == nil && a.err == nil
}

// wind sets the timer when it is called first, which is when the poller has been told to look out for
// the ring: one that came earlier would not be seen. Called again, it has rung.
func (a *alarm) wind(fd uintptr) bool {
	if a.set {
		return true
	}
	a.set = true
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(a.left))}
	a.err = unix.TimerfdSettime(int(fd), 0, &spec, nil)
	return a.err != nil
}
