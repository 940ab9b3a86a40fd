package osproc

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Probe asks the kernel for everything that templates and workers need. The error names all that
// is missing and says what to do; there is no fallback for it. What has a fallback is told
// elsewhere: New warns without a subreaper, and without epoll_pwait2 deadlines are kept to the
// millisecond.
func Probe() error {
	var missing []string
	for _, need := range []struct {
		name string
		try  func() error
	}{
		{"SOCK_SEQPACKET sockets that carry descriptors (unix sockets)", probeSeqpacket},
		{"memfd_create (Linux 3.17)", probeMemfd},
		{"pidfd_open, pidfd_send_signal and poll on a pidfd (Linux 5.3)", probePidfd},
		{"eventfd and epoll", probeEpoll},
	} {
		if err := need.try(); err != nil {
			missing = append(missing, fmt.Sprintf("%s: %v", need.name, err))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("this kernel or sandbox lacks what fender needs; run it on Linux 5.10 or newer, "+
		"without a sandbox that filters these calls: %s", strings.Join(missing, "; "))
}

func probeSeqpacket() error {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _, _ = unix.Close(p[0]), unix.Close(p[1]) }()
	if err := unix.Sendmsg(p[0], []byte("x"), unix.UnixRights(p[0]), nil, unix.MSG_NOSIGNAL); err != nil {
		return err
	}
	var b [8]byte
	oob := make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := unix.Recvmsg(p[1], b[:], oob, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return err
	}
	fds, err := rights(oob[:oobn])
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
	if err == nil && (n != 1 || len(fds) != 1) {
		err = errors.New("a descriptor did not come through")
	}
	return err
}

func rights(oob []byte) ([]int, error) {
	all, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var fds []int
	for i := range all {
		if some, err := unix.ParseUnixRights(&all[i]); err == nil {
			fds = append(fds, some...)
		}
	}
	return fds, nil
}

func probeMemfd() error {
	fd, err := unix.MemfdCreate("fender-probe", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Ftruncate(fd, 4096); err != nil {
		return err
	}
	b, err := unix.Mmap(fd, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	return unix.Munmap(b)
}

func probePidfd() error {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.PidfdSendSignal(fd, 0, nil, 0); err != nil {
		return err
	}
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	if err != nil {
		return err
	}
	if n != 0 {
		return errors.New("a living process's pidfd is readable")
	}
	return nil
}

func probeEpoll() error {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(ep) }()
	ev, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(ev) }()
	return unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, ev, &unix.EpollEvent{Events: unix.EPOLLIN})
}
