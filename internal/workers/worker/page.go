package worker

import (
	"fmt"

	"golang.org/x/sys/unix"

	"fender/internal/workers/wire"
)

// makePage makes the memory that the worker shares with the master. It is sealed: a worker that
// made it shorter would end the master with SIGBUS.
func (w *Worker) makePage(slots int) error {
	size := wire.PageSize(slots)
	fd, err := unix.MemfdCreate("fender-page", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return fmt.Errorf("making a worker's page: %w", err)
	}
	w.pagefd = fd
	if err := unix.Ftruncate(fd, int64(size)); err != nil {
		return fmt.Errorf("making a worker's page of %d bytes: %w", size, err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS,
		unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		return fmt.Errorf("sealing a worker's page: %w", err)
	}
	w.memory, err = unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("mapping a worker's page: %w", err)
	}
	w.page, err = wire.NewPage(w.memory, slots)
	return err
}

func (w *Worker) dropPage() {
	if w.memory != nil {
		w.page = nil
		_ = unix.Munmap(w.memory)
		w.memory = nil
	}
}
