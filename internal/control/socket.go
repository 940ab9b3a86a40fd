package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxPath is the length of a unix socket's path on Linux, without the final zero.
const maxPath = 107

// staleTimeout bounds the look whether somebody listens.
const staleTimeout = time.Second

// private is called on the socket before it is bound: the file that bind makes takes the mode of
// the socket, less the umask, so that at no moment another user can open it.
func private(_, _ string, raw syscall.RawConn) error {
	var err error
	if cerr := raw.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) }); cerr != nil {
		return cerr
	}
	return err
}

// makeRoom makes room for a socket: what a dead fender has left goes, nothing else does.
func makeRoom(path string) error {
	if len(path) > maxPath {
		return fmt.Errorf("control: the path has %d bytes, a unix socket's can have %d: choose a shorter one than %s", len(path), maxPath, path)
	}
	before, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	if before.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("control: %s exists and is not a socket: remove it or choose another path", path)
	}
	c, err := net.DialTimeout("unix", path, staleTimeout)
	if err == nil {
		_ = c.Close()
		return fmt.Errorf("control: another fender listens on %s: stop it or choose another path", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("control: %s cannot be used: %w", path, reason(err))
	}
	if now, err := os.Lstat(path); err != nil || !os.SameFile(now, before) {
		return fmt.Errorf("control: somebody else is making %s at this moment: is another fender starting?", path)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("control: %s was left by a dead fender and cannot be removed: %w", path, err)
	}
	return nil
}

// hint says what to do about a socket that cannot be made.
func hint(path string, err error) string {
	dir := filepath.Dir(path)
	if _, gone := os.Stat(dir); errors.Is(gone, fs.ErrNotExist) {
		return "make the directory " + dir + ", or choose another path"
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Sprintf("let user %d write in %s, or choose another path", os.Geteuid(), dir)
	}
	return "choose another path"
}

// reason is the cause of a network error without the names that its wrappers add.
func reason(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return errors.New("timeout")
	}
	return err
}
