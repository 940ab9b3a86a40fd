package options

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// System is the Source of the running process. What cannot be found out stays empty, which is a valid answer.
func System(args []string) Source {
	dir, _ := os.Getwd()
	host, _ := os.Hostname()
	return Source{
		Args:      args,
		Environ:   os.Environ(),
		PID:       os.Getpid(),
		Somaxconn: somaxconn("/proc/sys/net/core/somaxconn"),
		Dir:       dir,
		Hostname:  host,
		CPUs:      runtime.NumCPU(),
	}
}

func somaxconn(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || n < 0 {
		return 0
	}
	return n
}
