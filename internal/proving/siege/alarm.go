package siege

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// fineSleep is below what the runtime's timers can do: they may be a millisecond late. The last part
// of a wait is a timerfd's, which wakes the network poller in time and holds no processor.
const fineSleep = 2 * time.Millisecond

// alarm wakes its owner at a time, to within some ten microseconds.
type alarm struct {
	fd   int
	file *os.File // nil: there is no timerfd here
	buf  [8]byte
}

func newAlarm() *alarm {
	a := &alarm{}
	if fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err == nil {
		a.fd, a.file = fd, os.NewFile(uintptr(fd), "timerfd")
	}
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

func (a *alarm) nap(d time.Duration) bool {
	if a.file == nil {
		return false
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	if err := unix.TimerfdSettime(a.fd, 0, &spec, nil); err != nil {
		return false
	}
	_, err := a.file.Read(a.buf[:])
	return err == nil
}
