package master

import (
	"context"
	"fmt"
	"os"
	"time"

	"fender/internal/exchange"
	"fender/internal/observe/metrics"
	"fender/internal/workers"
	"fender/internal/workers/osproc"
	"fender/internal/workers/pool"
	"fender/internal/workers/python"
	"fender/internal/workers/scaler"
	"fender/internal/workers/wire"
)

// prepareWorkshop makes the room of the workers. It is the first that waits for children, so an
// interpreter was asked for its version before.
func (m *master) prepareWorkshop() error {
	scale, err := m.scaler()
	if err != nil {
		return err
	}
	o := m.opts
	m.workshop, err = workers.New(workers.Options{
		Pool: pool.Options{
			Processes: o.Processes, Threads: o.Threads,
			Cheaper: o.Cheaper, Initial: o.CheaperInitial, Scaler: scale,
			ReloadStep: o.ReloadStep,
			QueueLimit: o.QueueLimit, QueueTimeout: o.QueueTimeout,
			AnswerBuffer: o.AnswerBuffer,
			Harakiri:     o.Harakiri, NoInterrupt: !o.HarakiriInterrupt,
			MaxRequests: o.MaxRequests, MaxRequestsDelta: o.MaxRequestsDelta,
			MaxLifetime: o.MaxWorkerLifetime, LifetimeDelta: o.MaxWorkerLifetimeDelta,
			MinLifetime: o.MinWorkerLifetime, ReloadOnRSS: o.ReloadOnRSS,
			RetireMercy: o.WorkerReloadMercy,
			NeedApp:     o.NeedApp, Seed: uint64(time.Now().UnixNano()),
		},
		Launch:       m.launch,
		RetryMethods: append([]string{}, o.RetryMethods...), // never nil: empty is none
		Memory:       m.memory(),
		Journal:      m.journal,
		Loop:         m.loop,
	})
	return err
}

func (m *master) scaler() (pool.Scaler, error) {
	o := m.opts
	if o.Cheaper == 0 {
		return nil, nil
	}
	b := o.Busyness
	return scaler.New(scaler.Options{
		Algo: o.CheaperAlgo, Step: o.CheaperStep, Overload: o.CheaperOverload, Idle: o.CheaperIdle,
		Busyness: scaler.BusynessOptions{
			Max: b.Max, Min: b.Min, Multiplier: b.Multiplier, Penalty: b.Penalty,
			BacklogAlert: b.BacklogAlert, BacklogMultiplier: b.BacklogMultiplier,
			BacklogStep: b.BacklogStep, BacklogNonzero: b.BacklogNonzero, Verbose: b.Verbose,
		},
	})
}

// launch prepares the template of a generation.
func (m *master) launch(int) (workers.Launch, error) {
	o := m.opts
	name := o.Module
	if name == "" {
		name = o.WSGIFile
	}
	command, err := m.python.Command(python.CommandOptions{Environ: m.env.Environ, Set: o.Env, Title: name})
	if err != nil {
		return workers.Launch{}, err
	}
	boot, err := python.Boot{
		Chdir: o.Chdir, Module: o.Module, Callable: o.Callable, WSGIFile: o.WSGIFile,
		PythonPath: o.Pythonpath, Argv: []string{"fender"},
		Threads: o.Threads, Processes: o.Processes, Lazy: o.LazyApps, NeedApp: o.NeedApp,
		EnableThreads: o.EnableThreads, Vector: wire.Vector(),
		SchedBatch: true, OOMScoreAdj: osproc.WorkerOOMScore(),
		ServerName: hostname(), ServerPort: "0", Software: "fender/" + m.env.Version,
		MaxMessage: wire.MaxMessage, Interrupt: o.HarakiriInterrupt,
		PreloadURLconf: o.PreloadURLconf,
	}.Message()
	if err != nil {
		return workers.Launch{}, err
	}
	program, err := python.BundleFile()
	if err != nil {
		return workers.Launch{}, err
	}
	return workers.Launch{
		Command: osproc.Command{
			Path: command.Path, Args: command.Argv, Env: command.Env, Files: []int{int(program.Fd())},
		},
		Boot: boot,
		Done: func() { program.Close() },
	}, nil
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// memory and spool are the budgets that front and workshop share.
func (m *master) memory() *exchange.Budget {
	if m.memoryBudget == nil {
		m.memoryBudget = exchange.NewBudget(m.opts.MemoryBudget)
	}
	return m.memoryBudget
}

func (m *master) spool() *exchange.Budget {
	if m.spoolBudget == nil {
		m.spoolBudget = exchange.NewBudget(m.opts.SpoolLimit)
	}
	return m.spoolBudget
}

// sample is what the metrics read from other rooms when they are asked for.
func (m *master) sample() metrics.Sample {
	memory, spool := m.memory(), m.spool()
	s := metrics.Sample{
		SpoolBytes: spool.Used(), SpoolLimit: spool.Limit(),
		MemoryBytes: memory.Used(), MemoryLimit: memory.Limit(),
		AccessLogLost: m.log.Lost(), EventsLost: m.journal.Lost(),
	}
	if m.front == nil {
		return s // asked before everything stands
	}
	counts := m.front.Counts()
	s.Connections, s.Accepted = m.front.Quiet().Connections, counts.Connections
	lag := m.workshop.Lag()
	s.LoopTurns, s.LoopBusy, s.LoopLongest = lag.Turns, lag.Total, lag.Recent
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if w, err := m.workshop.Brief(ctx); err == nil {
		s.QueueLength, s.WorkersWanted, s.Generation = w.Queue.Length, w.Target, w.Generation
	}
	return s
}

// shellWarning says that a shell stands between the container's init and fender.
func shellWarning() string {
	if os.Getpid() == 1 || os.Getppid() != 1 {
		return ""
	}
	comm, err := os.ReadFile("/proc/1/comm")
	if err != nil {
		return ""
	}
	switch name := string(comm); name {
	case "sh\n", "bash\n", "dash\n", "ash\n", "busybox\n":
		return fmt.Sprintf("process 1 is a shell (%s), which does not pass SIGTERM on: `docker stop` will kill fender; "+
			"use the exec form, ENTRYPOINT [\"fender\", ...], or `exec fender`", name[:len(name)-1])
	}
	return ""
}
