package front

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// maxUnixPath is the length of sun_path without its NUL.
const maxUnixPath = 107

// openUnix binds a unix socket. A file that a dead server left there is replaced; one at which
// somebody still listens, or that is no socket, is not touched.
func (l Listener) openUnix() (*Socket, error) {
	abstract := strings.HasPrefix(l.Address, "@")
	if len(l.Address) > maxUnixPath {
		return nil, l.fail("is too long for a unix socket: %d bytes, %d are possible", len(l.Address), maxUnixPath)
	}
	if l.Address == "" {
		return nil, l.fail("is empty; an address is host:port or a path")
	}
	if !abstract {
		if err := l.clearStale(); err != nil {
			return nil, err
		}
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: l.Address, Net: "unix"})
	if err != nil {
		return nil, l.explainUnix(err)
	}
	ln.SetUnlinkOnClose(false)
	if l.Mode != 0 && !abstract {
		if err := os.Chmod(l.Address, l.Mode.Perm()); err != nil {
			ln.SetUnlinkOnClose(true)
			_ = ln.Close()
			return nil, l.fail("cannot be given the mode %04o: %v", l.Mode.Perm(), err)
		}
	}
	return l.opened(ln)
}

// clearStale removes a socket file that nobody listens at.
func (l Listener) clearStale() error {
	info, err := os.Lstat(l.Address)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return l.explainUnix(err)
	case info.Mode().Type() != fs.ModeSocket:
		return l.fail("is a file and no socket; remove it or give another path")
	}
	c, err := net.DialTimeout("unix", l.Address, time.Second)
	if err == nil {
		c.Close()
		return l.fail("is taken by a running server: %w; stop it or give another path", ErrInUse)
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return l.fail("cannot be tried: %v; remove it or give another path", err)
	}
	if err := os.Remove(l.Address); err != nil {
		return l.fail("was left by another server and cannot be removed: %v", err)
	}
	return nil
}

func (l Listener) explainUnix(err error) error {
	dir := filepath.Dir(l.Address)
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return l.fail("is taken by a running server: %w; stop it or give another path", ErrInUse)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return l.fail("cannot be made: the directory %s does not exist", dir)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return l.fail("cannot be made: user %d may not write in %s", os.Geteuid(), dir)
	case errors.Is(err, unix.EROFS):
		return l.fail("cannot be made: %s is read-only", dir)
	}
	return l.fail("cannot be listened at: %v", err)
}
