// Package master builds the rooms of a server, gives each what it needs, starts them in order, and
// takes them down in order: signals, reload and drain are here. It owns the process: its user, its
// pidfile, its signals, its exit code.
//
// It decides nothing about requests and workers (package pool does), and holds nothing of the road
// of a request.
package master

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"fender/internal/control"
	"fender/internal/exchange"
	"fender/internal/exit"
	"fender/internal/loop"
	"fender/internal/observe/accesslog"
	"fender/internal/observe/admin"
	"fender/internal/observe/event"
	"fender/internal/observe/metrics"
	"fender/internal/options"
	"fender/internal/serve/front"
	"fender/internal/workers"
	"fender/internal/workers/osproc"
	"fender/internal/workers/python"
)

// Env is what the master takes from its process.
type Env struct {
	Version        string
	Environ        []string // for the application, before the option env
	Stdout, Stderr io.Writer
	// Signals brings the signals of the list of that name, from the process's first moment on.
	Signals <-chan os.Signal
}

// journalPatience bounds how long the last lines may take to be written.
const journalPatience = 2 * time.Second

// Run serves until a signal or a fault ends it, and returns the exit code. It has said why.
func Run(opts *options.Serve, env Env) int {
	journal, err := event.Open(event.Options{Lines: env.Stderr})
	if err != nil {
		fmt.Fprintf(env.Stderr, "fender: %v\n", err)
		return exit.Problem
	}
	m := &master{opts: opts, env: env, began: time.Now(), journal: journal}
	code, err := m.run()
	m.takeDown()
	if cerr := m.journal.Close(journalPatience); cerr != nil && err == nil {
		err = cerr
	}
	if err != nil {
		fmt.Fprintf(env.Stderr, "fender: %v\n", err)
	}
	return code
}

// master is one server.
type master struct {
	opts  *options.Serve
	env   Env
	began time.Time

	journal  *event.Journal
	metrics  *metrics.Metrics
	log      *accesslog.Writer
	python   python.Interpreter
	sockets  []*front.Socket
	served   bool // the sockets are the front's
	front    *front.Front
	workshop *workers.Workshop
	loop     *loop.Loop    // of front and workshop
	ran      chan struct{} // closed when it has ended; nil: it was not started
	admin    *admin.Server
	control  *control.Server
	pidfile  *pidfile
	touched  *touched
	signals  <-chan os.Signal
	asked    chan request // by the control socket
	leaving  atomic.Bool
	told     sync.Once

	memoryBudget, spoolBudget *exchange.Budget
}

// request is what the control socket asks of the master itself.
type request struct{ now bool }

func (m *master) run() (int, error) {
	m.signals = m.env.Signals
	m.asked = make(chan request, 1)
	err := m.build()
	m.tellOptions()
	if err != nil {
		return exitCode(err), err
	}
	m.start()
	return m.wait()
}

// build makes every room in the order in which privileges allow it: addresses and files while this
// is still the user that started it, then the user of the options, then processes.
func (m *master) build() error {
	// Two threads more than processors, for the loop, which must not wait behind busy goroutines.
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 2)
	if m.opts.Umask.Set {
		syscall.Umask(int(m.opts.Umask.Mask))
	}
	for _, step := range []func() error{
		m.openJournal, m.findPython, m.bind, m.openLog, m.openPidfile, m.makeLoop, m.prepareWorkshop, m.openDoors,
		m.becomeUser, m.checkSpool, m.prepareFront, m.writePidfile,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// openJournal begins anew with the events file and the counters.
func (m *master) openJournal() error {
	m.metrics = metrics.New(metrics.Options{
		Version: m.env.Version, Causes: causes(), States: []string{event.StateStarting, event.StateReady, event.StateRetiring, event.StateDoomed},
		Sample: m.sample,
	})
	journal, err := event.Open(event.Options{
		Lines: m.env.Stderr, File: m.opts.Events, Observe: m.metrics.Observe,
	})
	if err != nil {
		return err
	}
	old := m.journal
	m.journal = journal
	return old.Close(journalPatience)
}

// tellOptions says what the options' reader had to say: behind the first two lines, which name the
// interpreter and the address, or before an error, which it may explain.
func (m *master) tellOptions() {
	m.told.Do(func() {
		for _, text := range m.opts.Warnings {
			m.journal.Warn("%s", text)
		}
		for _, text := range m.opts.Notes {
			m.journal.Emit(event.Event{Kind: event.Config, Text: text})
		}
	})
}

func (m *master) findPython() error {
	if dir := m.opts.Chdir; dir != "" {
		if err := enterable(dir); err != nil {
			return fmt.Errorf("chdir: %w: name the directory of the application", err)
		}
	}
	found, err := python.Find(context.Background(), python.FindOptions{
		Python: m.opts.Python, Virtualenv: m.fromChdir(m.opts.Home), Env: m.env.Environ,
	})
	if err != nil {
		return err
	}
	m.python = found
	m.journal.Emit(event.Event{Kind: event.Config, Python: found.String()})
	return nil
}

// fromChdir is the path of an option as uWSGI reads it, whose master goes to chdir before it looks:
// fender's stays where it was started.
func (m *master) fromChdir(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(m.opts.Chdir, path)
}

func enterable(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	}
	return nil
}

// bind opens the clients' addresses. From here on the kernel takes connections; they are served
// when the front starts.
func (m *master) bind() error {
	for _, a := range m.opts.HTTP {
		s, err := front.Listener{
			Address: a.Address, Backlog: m.opts.Listen, Vacuum: m.opts.Vacuum, Option: "http-socket",
		}.Open()
		if err != nil {
			return err
		}
		m.sockets = append(m.sockets, s)
		if n, clamped := s.EffectiveBacklog(); clamped {
			m.journal.Warn("listen: the kernel keeps at most %d connections for %s, not %d: raise net.core.somaxconn", n, s.URL(), m.opts.Listen)
		}
		m.journal.Emit(event.Event{Kind: event.Listening, Address: s.URL()})
	}
	m.tellOptions()
	return nil
}

func (m *master) openLog() (err error) {
	m.log, err = accesslog.Open(accesslog.Options{
		Destination: m.opts.AccessLog, Stdout: m.env.Stdout, Stderr: m.env.Stderr,
		Format: accesslog.Format(m.opts.AccessLogFormat),
		Rules: accesslog.Rules{
			Disabled: !m.opts.LogRequests, Log4xx: m.opts.Log4xx, Log5xx: m.opts.Log5xx,
			LogSlow: m.opts.LogSlow, MaskQuery: m.opts.LogMaskQuery,
		},
		Notify: m.journal.Notice,
	})
	return err
}

func (m *master) makeLoop() (err error) {
	m.loop, err = loop.New()
	return err
}

func (m *master) openPidfile() (err error) {
	m.pidfile, err = openPidfile(m.opts.Pidfile)
	return err
}

// writePidfile is the last step: a fender that does not come up leaves the file of one that runs.
func (m *master) writePidfile() error { return m.pidfile.write(m.journal.Warn) }

// openDoors opens what people ask: the admin address and the control socket.
func (m *master) openDoors() (err error) {
	if !m.opts.Admin.IsZero() {
		m.admin, err = admin.Listen(admin.Options{
			Address: m.opts.Admin.Address, Ready: m.readiness, Status: m.status, Metrics: m.metrics.Handler(),
		})
		if err != nil {
			return err
		}
		m.journal.Emit(event.Event{Kind: event.Config, Text: "admin on " + m.admin.URL()})
	}
	if m.opts.Control != "" {
		if m.control, err = control.Listen(m.opts.Control, backend{m}); err != nil {
			return err
		}
	}
	return nil
}

func (m *master) becomeUser() error {
	id, err := lookUp(m.opts.UID, m.opts.GID)
	if err != nil {
		return err
	}
	if m.control != nil && os.Getuid() == 0 && (id.uid > 0 || id.gid > 0) {
		if err := m.control.Chown(id.uid, id.gid); err != nil {
			return err
		}
	}
	if err := id.drop(); err != nil {
		return err
	}
	if os.Getuid() == 0 && os.Getpid() != 1 {
		m.journal.Emit(event.Event{Kind: event.Config, Text: "running as root; uid and gid name another user"})
	}
	if warning := shellWarning(); warning != "" {
		m.journal.Warn("%s", warning)
	}
	return nil
}

// checkSpool finds out now, as the user that will need it, what else the first large request would.
// A directory that nobody has named may be of no use: in a container whose file system is read-only,
// all that fits in memory is served.
func (m *master) checkSpool() error {
	err := front.TrySpool(m.opts.BodySpool)
	switch origin := m.opts.Origin("body-spool"); {
	case err != nil && (origin == "default" || origin == "TMPDIR"):
		m.journal.Warn("%v; until then a request that does not fit in memory is answered 503", err)
	case err != nil:
		return err
	default:
		if warning := osproc.SpoolWarning(m.opts.BodySpool); warning != "" {
			m.journal.Warn("%s", warning)
		}
	}
	return nil
}

func (m *master) prepareFront() (err error) {
	status := 0
	if !m.opts.NeedApp {
		status = http.StatusInternalServerError
	}
	connections := 0
	if files, _ := osproc.OpenFiles(); files > 0 { // the workshop has warned when it is little
		connections = osproc.Connections(files, m.opts.Processes, m.opts.Threads)
	}
	m.front, err = front.New(front.Options{
		Door: m.workshop, Loop: m.loop, Log: m.logged,
		Warn:      func(err error) { m.journal.Warn("%v", err) },
		Keepalive: m.opts.Keepalive, HeadTimeout: m.opts.HeadTimeout, BodyTimeout: m.opts.BodyTimeout,
		Connections: connections, BufferSize: int(m.opts.BufferSize), LimitPost: m.opts.LimitPost,
		SpoolDir: m.opts.BodySpool, Memory: m.memory(), Spool: m.spool(),
		HealthPath: m.opts.HealthPath, Ready: m.notReady,
		// Never nil: an empty list is nobody, not the front's default.
		TrustedProxies: append([]netip.Prefix{}, m.opts.TrustedProxies...), RealIP: m.opts.RealIP,
		HideCause: !m.opts.CauseHeader, NoAppStatus: status,
	})
	return err
}

// logged is called at the end of each request, by the loop.
func (m *master) logged(e *accesslog.Entry) {
	m.metrics.Request(e.Status, e.Cause, e.Worker > 0, e.Queue, e.Work)
	m.metrics.Bytes(e.Received, e.Sent)
	m.log.Write(e)
}

// start lets everything run.
func (m *master) start() {
	m.ran = make(chan struct{})
	go func() {
		defer close(m.ran)
		m.loop.Run(m.workshop, m.front.Owner())
	}()
	m.workshop.Start()
	m.served = true
	for _, s := range m.sockets {
		m.front.Serve(s)
	}
	var files []string
	for _, f := range m.opts.TouchReload {
		files = append(files, m.fromChdir(f))
	}
	touched, err := watchTouch(files, func(path string) {
		m.journal.Emit(event.Event{Kind: event.Config, Text: "touch-reload: " + path + " was touched"})
		m.workshop.Reload(event.ReasonTouch)
	}, m.journal.Warn)
	if err != nil {
		m.journal.Warn("%v", err)
		touched = nil
	}
	m.touched = touched
}

// takeDown gives back what there is, however far build has come.
func (m *master) takeDown() {
	if m.touched != nil {
		m.touched.stop()
	}
	if m.front != nil {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = m.front.Close(ctx) // closed already, unless something has gone wrong
	}
	if !m.served {
		for _, s := range m.sockets {
			_ = s.Close()
		}
	}
	if m.control != nil {
		if err := m.control.Close(); err != nil {
			m.journal.Warn("%v", err)
		}
	}
	if m.admin != nil {
		_ = m.admin.Close()
	}
	if m.workshop != nil {
		m.workshop.Close()
	}
	if m.ran != nil {
		m.loop.Quit()
		<-m.ran
	}
	if m.loop != nil {
		m.loop.Close()
	}
	if m.log != nil {
		_ = m.log.Close(journalPatience)
	}
	if m.pidfile != nil {
		err := m.pidfile.giveBack()
		if m.pidfile.written && m.opts.Vacuum {
			err = m.pidfile.remove()
		}
		if err != nil {
			m.journal.Warn("%v", err)
		}
	}
}

// exitCode is what an error at start means to a supervisor.
func exitCode(err error) int {
	if errors.Is(err, options.ErrNoApplication) {
		return exit.NoApplication
	}
	return exit.Problem
}

func causes() []metrics.Cause {
	var all []metrics.Cause
	for _, c := range exchange.Causes {
		all = append(all, metrics.Cause{Name: string(c), Status: c.Status()})
	}
	return all
}
