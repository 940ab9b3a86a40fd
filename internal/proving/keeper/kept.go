package keeper

import (
	"sync"
	"syscall"
)

// kept is the program's process as the keeper knows it. Its number is used for signals only while
// it has not been waited for.
type kept struct {
	pid int

	mu   sync.Mutex
	gone bool
}

func (k *kept) signal(s syscall.Signal) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.gone {
		_ = syscall.Kill(k.pid, s)
	}
}

// ended notes that pid was waited for, and says whether it was the program.
func (k *kept) ended(pid int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.gone || pid != k.pid {
		return false
	}
	k.gone = true
	return true
}
