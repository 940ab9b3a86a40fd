package cli

import (
	"os"

	"fender/internal/master"
	"fender/internal/options"
)

// run hands over to the master and returns its exit code.
func run(p *Process, opts *options.Serve, signals <-chan os.Signal) int {
	return master.Run(opts, master.Env{
		Version: p.Version, Environ: p.Environ, Stdout: p.Stdout, Stderr: p.Stderr, Signals: signals,
	})
}
