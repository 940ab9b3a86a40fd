package workers

import (
	"fender/internal/workers/osproc"
	"fender/internal/workers/python"
	"fender/internal/workers/wire"
)

// Python returns what Options.Launch needs to run templates with an interpreter. It fills in what
// follows from the workshop itself: the test value of the wire, the longest message, and the
// workers' oom_score_adj. boot.Threads must be Options.Pool.Threads.
func Python(i python.Interpreter, command python.CommandOptions, boot python.Boot) func(int) (Launch, error) {
	boot.Vector = wire.Vector()
	boot.MaxMessage = wire.MaxMessage
	return func(int) (Launch, error) {
		b := boot
		if b.OOMScoreAdj == 0 {
			b.OOMScoreAdj = osproc.WorkerOOMScore()
		}
		message, err := b.Message()
		if err != nil {
			return Launch{}, err
		}
		c, err := i.Command(command)
		if err != nil {
			return Launch{}, err
		}
		bundle, err := python.BundleFile()
		if err != nil {
			return Launch{}, err
		}
		return Launch{
			Command: osproc.Command{Path: c.Path, Args: c.Argv, Env: c.Env, Files: []int{int(bundle.Fd())}},
			Boot:    message,
			Done:    func() { _ = bundle.Close() },
		}, nil
	}
}
