package worker

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"fender/internal/workers/wire"
)

// ReadHead reads the head that came in a descriptor. It is read only if it lies in memory: a pread
// of it then waits for no disk. One byte more than wire.MaxHead is read at most.
func ReadHead(fd int) ([]byte, error) {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0); err != nil {
		return nil, errors.New("the head's descriptor is not a memfd")
	}
	b := make([]byte, wire.MaxHead+1)
	n := 0
	for n < len(b) {
		m, err := unix.Pread(fd, b[n:], int64(n))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the head from its descriptor: %w", err)
		}
		if m == 0 {
			break
		}
		n += m
	}
	return b[:n], nil
}

// RegularSize is the size of the regular file behind a descriptor. What the kernel knows of it now
// is enough: another machine, for a file on a network, is not asked.
func RegularSize(fd int) (int64, error) {
	var st unix.Statx_t
	err := unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, unix.STATX_TYPE|unix.STATX_SIZE, &st)
	if err != nil {
		return 0, fmt.Errorf("asking about the file: %w", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return 0, errors.New("it is not a regular file")
	}
	return int64(min(st.Size, 1<<63-1)), nil
}
