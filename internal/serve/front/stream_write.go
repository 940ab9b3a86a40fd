package front

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// maxPieces is how many pieces one system call writes.
	maxPieces = 16
	// maxSendfile is how much one system call sends of a file.
	maxSendfile = 256 << 10
	// copyBuffer is the buffer for files that sendfile(2) does not take.
	copyBuffer = 64 << 10
)

// errShortFile says that a file ended before the range that was to be sent.
var errShortFile = errors.New("the file is shorter than was said")

// fileRange is a piece of a regular file.
type fileRange struct {
	file *os.File
	fd   int
	at   int64
	left int64
}

// write writes all pieces. It returns when the kernel has them, or errStalled when the client takes
// nothing for patience, or too little on average.
func (s *stream) write(out [][]byte, patience time.Duration, rate int) error {
	s.out = out
	err := s.push(s.writable, patience, rate)
	s.out = nil
	return err
}

// sendFile sends n bytes of f from offset off with sendfile(2). The descriptor's own offset, which
// may be shared with another process, is neither used nor moved.
func (s *stream) sendFile(f *os.File, off, n int64, patience time.Duration, rate int) error {
	s.file = fileRange{f, int(f.Fd()), off, n}
	err := s.push(s.sendable, patience, rate)
	rest := s.file
	s.file = fileRange{}
	switch {
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
		return s.copyFile(rest, patience, rate) // a file system without splice
	}
	return err
}

// copyFile sends a range of a file by reading it.
func (s *stream) copyFile(r fileRange, patience time.Duration, rate int) error {
	buf := make([]byte, min(r.left, copyBuffer))
	for r.left > 0 {
		n, err := r.file.ReadAt(buf[:min(int64(len(buf)), r.left)], r.at)
		if n == 0 {
			if err == nil || err == io.EOF {
				err = errShortFile
			}
			return err
		}
		if err := s.write([][]byte{buf[:n]}, patience, rate); err != nil {
			return err
		}
		r.at += int64(n)
		r.left -= int64(n)
	}
	return nil
}

// unsent reports whether push has work left.
func (s *stream) unsent() bool { return len(s.out) > 0 || s.file.left > 0 }

// push calls step until nothing is left. The first try arms no deadline: most answers go at once.
func (s *stream) push(step func(fd uintptr) bool, patience time.Duration, rate int) error {
	s.wait, s.err = false, nil
	if err := s.raw.Write(step); err != nil {
		return closedIsStopped(err)
	}
	if s.err != nil || !s.unsent() {
		return s.err
	}
	s.wait = true
	s.slow()
	defer s.armWrite(time.Time{})
	progress := newPace(patience, rate, time.Now())
	for before := s.sent; s.err == nil && s.unsent(); {
		s.armWrite(progress.until())
		err := s.raw.Write(step)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return closedIsStopped(err)
		}
		if err == nil {
			continue
		}
		now := time.Now()
		if s.sent > before { // when within the time is not known: it counts as now
			progress.progress(int(s.sent-before), now)
			before = s.sent
		}
		if !now.Before(progress.until()) {
			return errStalled
		}
	}
	return s.err
}

// armWrite moves the write deadline. That fails only on a closed connection, which the write tells.
func (s *stream) armWrite(until time.Time) { _ = s.net.SetWriteDeadline(until) }

// closedIsStopped names the one reason why another goroutine closes a connection.
func closedIsStopped(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return errStopped
	}
	return err
}

// tryWrite is push's step for s.out. It returns false to wait for room.
func (s *stream) tryWrite(fd uintptr) bool {
	for len(s.out) > 0 {
		n, errno := s.writev(int(fd))
		switch errno {
		case 0:
			s.advance(n)
		case unix.EINTR:
		case unix.EAGAIN:
			return !s.wait
		default:
			s.err = errno
			return true
		}
	}
	return true
}

// writev writes the first pieces of s.out.
func (s *stream) writev(fd int) (int, unix.Errno) {
	pieces := 0
	for _, b := range s.out {
		if len(b) == 0 {
			continue
		}
		s.iov[pieces].Base = &b[0]
		s.iov[pieces].SetLen(len(b))
		if pieces++; pieces == maxPieces {
			break
		}
	}
	if pieces == 0 {
		return 0, 0
	}
	n, _, errno := unix.Syscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&s.iov[0])), uintptr(pieces))
	for i := range s.iov[:pieces] {
		s.iov[i].Base = nil
	}
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// advance drops n written bytes, and empty pieces, from s.out.
func (s *stream) advance(n int) {
	s.sent += int64(n)
	for len(s.out) > 0 && n >= len(s.out[0]) {
		n -= len(s.out[0])
		s.out[0] = nil
		s.out = s.out[1:]
	}
	if n > 0 {
		s.out[0] = s.out[0][n:]
	}
}

// trySend is push's step for s.file.
func (s *stream) trySend(fd uintptr) bool {
	for s.file.left > 0 {
		at := s.file.at
		n, err := unix.Sendfile(int(fd), s.file.fd, &at, int(min(s.file.left, maxSendfile)))
		switch {
		case err == nil && n == 0:
			s.err = errShortFile
			return true
		case err == nil:
			s.file.at += int64(n)
			s.file.left -= int64(n)
			s.sent += int64(n)
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return !s.wait
		default:
			s.err = err
			return true
		}
	}
	return true
}
