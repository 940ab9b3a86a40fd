package cli

import (
	"io"
	"os"
	"os/signal"
	"strings"
	"time"
)

// Process is the edge between fender and the operating system: everything a command takes from its
// process or gives to it. Tests put their own in its place.
type Process struct {
	Version string   // of fender
	Args    []string // without the program's name
	Environ []string // KEY=VALUE
	PID     int

	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// Notify and Stop are those of package signal.
	Notify func(chan<- os.Signal, ...os.Signal)
	Stop   func(chan<- os.Signal)
	Now    func() time.Time
}

// OS is the process that runs.
func OS(version string) *Process {
	return &Process{
		Version: version, Args: os.Args[1:], Environ: os.Environ(), PID: os.Getpid(),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Notify: signal.Notify, Stop: signal.Stop, Now: time.Now,
	}
}

// Getenv is the value of the variable, "" when there is none. The first of several counts, as in C.
func (p *Process) Getenv(key string) string {
	for _, pair := range p.Environ {
		if k, v, ok := strings.Cut(pair, "="); ok && k == key {
			return v
		}
	}
	return ""
}
