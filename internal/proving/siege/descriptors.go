package siege

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// ownDescriptors is what the process has open besides its connections.
const ownDescriptors = 32

// enoughDescriptors raises the limit of open files as far as it goes and says whether it suffices.
func enoughDescriptors(connections int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return nil //nolint:nilerr // then nothing is known, and the run will tell
	}
	need := uint64(connections) + ownDescriptors
	if limit.Cur >= need {
		return nil
	}
	hard := limit.Max
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err == nil && hard >= need {
		return nil
	}
	return &DescriptorsError{Connections: connections, Limit: hard}
}

// mostDescriptors is how many files the process may have open at most.
func mostDescriptors() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return MostUsers
	}
	return int(min(limit.Max, MostUsers))
}

// DescriptorsError says that the limit of open files is below the wanted connections.
type DescriptorsError struct {
	Connections int
	Limit       uint64
}

func (e *DescriptorsError) Error() string {
	return fmt.Sprintf("%d connections need more open files than this process may have (%d): ulimit -n %d, or ask for fewer",
		e.Connections, e.Limit, e.Connections+ownDescriptors)
}
