package loop

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hasPwait2 asks whether the kernel has epoll_pwait2 (5.11), which takes nanoseconds. Without it
// deadlines are kept to the millisecond, rounded up.
func hasPwait2(epfd int) bool {
	var ev unix.EpollEvent
	var zero unix.Timespec
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT2, uintptr(epfd),
		uintptr(unsafe.Pointer(&ev)), 1, uintptr(unsafe.Pointer(&zero)), 0, 0)
	return errno == 0
}

// Precise reports whether deadlines are finer than a millisecond.
func (l *Loop) Precise() bool { return !l.noPwait2 }

// poll asks without waiting.
func (l *Loop) poll() int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epfd),
		uintptr(unsafe.Pointer(&l.events[0])), batch, 0, 0, 0)
	if errno != 0 {
		return 0 // EINTR: nothing was taken
	}
	return int(n)
}

// sleep waits for at most d, or without end if d is negative. It may return early with 0.
func (l *Loop) sleep(d time.Duration) int {
	if l.noPwait2 {
		ms := -1
		if d >= 0 {
			ms = int(min((d+time.Millisecond-1)/time.Millisecond, 1<<30))
		}
		n, err := unix.EpollWait(l.epfd, l.events[:], ms)
		if err != nil {
			return 0
		}
		return n
	}
	var p unsafe.Pointer
	if d >= 0 {
		ts := unix.NsecToTimespec(int64(d))
		p = unsafe.Pointer(&ts)
	}
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(l.epfd),
		uintptr(unsafe.Pointer(&l.events[0])), batch, uintptr(p), 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}
