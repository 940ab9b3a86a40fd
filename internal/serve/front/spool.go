package front

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
)

// errSpoolFull says that the spool's budget is used up.
var errSpoolFull = errors.New("the spool is full")

// budgetStep is the piece in which a growing file takes from the budget.
const budgetStep = 1 << 20

// spool is one temporary file without a name: when it is closed, or the process dies, it is gone. It
// is not safe for use from two goroutines at once.
type spool struct {
	file   *os.File
	budget *exchange.Budget
	taken  int64 // from the budget
	most   int64 // how long it will be at most; 0: not known
	end    int64 // where the next byte is written
}

// openSpool makes a file in dir, without a name from the beginning where the file system can do that.
func openSpool(dir string, budget *exchange.Budget) (*spool, error) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return &spool{file: os.NewFile(uintptr(fd), dir), budget: budget}, nil
	}
	f, err := os.CreateTemp(dir, "fender-spool-*")
	if err != nil {
		if path := (*os.PathError)(nil); errors.As(err, &path) {
			err = path.Err // the random name would make a new message of the same trouble
		}
		if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
			return nil, fmt.Errorf("body-spool: no file can be opened: %w; raise the limit of open files (nofile)", err)
		}
		return nil, fmt.Errorf("body-spool: no file can be made in %s: %w; give a directory that user %d may write in", dir, err, os.Geteuid())
	}
	os.Remove(f.Name())
	return &spool{file: f, budget: budget}, nil
}

// TrySpool reports why no spool file can be made in dir, or nil.
func TrySpool(dir string) error {
	s, err := openSpool(dir, exchange.NewBudget(0))
	if err != nil {
		return err
	}
	s.close()
	return nil
}

// reserve takes n bytes of the budget.
func (s *spool) reserve(n int64) error {
	if !s.budget.Take(n) {
		return errSpoolFull
	}
	s.taken += n
	return nil
}

// write appends b. What the file outgrows is taken from the budget in steps.
func (s *spool) write(b []byte) error {
	if need := s.end + int64(len(b)) - s.taken; need > 0 {
		step := int64(budgetStep)
		if s.most > 0 {
			step = min(step, s.most-s.taken)
		}
		if s.reserve(max(need, step)) != nil {
			if err := s.reserve(need); err != nil {
				return err
			}
		}
	}
	n, err := s.file.WriteAt(b, s.end)
	s.end += int64(n)
	if err != nil {
		return unwritable(err)
	}
	return nil
}

// spoolPieces is how many pieces go into the file in one system call; the kernel takes 1024.
const spoolPieces = 256

// writeReserved appends the pieces, whose room the caller has reserved, and returns where. After an error the
// same place is written again. It uses pieces up.
func (s *spool) writeReserved(pieces [][]byte) (off int64, err error) {
	off = s.end
	end := off
	for len(pieces) > 0 {
		n, err := unix.Pwritev(int(s.file.Fd()), pieces[:min(len(pieces), spoolPieces)], end)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err == nil && n == 0 {
			err = io.ErrShortWrite
		}
		if err != nil {
			return off, unwritable(&os.PathError{Op: "write", Path: s.file.Name(), Err: err})
		}
		end += int64(n)
		for n > 0 && n >= len(pieces[0]) {
			n -= len(pieces[0])
			pieces = pieces[1:]
		}
		if n > 0 {
			pieces[0] = pieces[0][n:]
		}
	}
	s.end = end
	return off, nil
}

// unwritable says what an operator can do. The text has no numbers: the same trouble is told once.
func unwritable(err error) error {
	return fmt.Errorf("body-spool: %w; make room there, or give another directory", err)
}

// close removes the file and returns what it took of the budget. It may wait for a disk.
func (s *spool) close() {
	s.file.Close()
	s.release()
}

// release returns what the file took of the budget.
func (s *spool) release() {
	s.budget.Give(s.taken)
	s.taken = 0
}
