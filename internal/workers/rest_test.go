package workers

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"fender/internal/observe/event"
	"fender/internal/workers/pool"
	"fender/internal/workers/python"
)

// holdings is what this process holds of the kernel's and the runtime's.
type holdings struct {
	files, sockets, pidfds int
	pages                  int // workers' pages, mapped
	pageFiles              int // and their descriptors, which only a worker that is not forked yet needs
	goroutines             int
}

// look counts them; it runs on the loop, so that nothing changes meanwhile.
func look(t *testing.T) (x holdings) {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Error(err)
	}
	for _, e := range list {
		name, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil {
			continue // the listing's own
		}
		x.files++
		switch {
		case strings.HasPrefix(name, "socket:"):
			x.sockets++
		case strings.Contains(name, "pidfd"):
			x.pidfds++
		case strings.HasPrefix(name, "/memfd:fender-page"):
			x.pageFiles++
		}
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Error(err)
	}
	x.pages = strings.Count(string(maps), "/memfd:fender-page")
	x.goroutines = runtime.NumGoroutine()
	return x
}

// rest waits until so many workers of one generation are ready, idle and alone, and tells what is held
// then. Each event is reason to look again, and so is a moment: a template that has said that it failed
// ends without an event.
func (h *house) rest(workers int) holdings {
	h.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		if x, quiet := h.restsNow(workers); quiet {
			return x
		}
		select {
		case <-h.events:
		case <-time.After(5 * time.Millisecond):
		case <-late.C:
			h.t.Fatalf("%d workers alone and idle: that does not come\n%s", workers, h.log())
		}
	}
}

func (h *house) restsNow(workers int) (x holdings, quiet bool) {
	h.t.Helper()
	done := make(chan struct{})
	if !h.post(func(now time.Duration) {
		defer close(done)
		s := h.pool.Status(now)
		quiet = len(s.Workers) == workers && len(h.members) == workers && len(h.processes) == 1 &&
			!s.Reloading && len(h.flights) == 0
		for _, w := range s.Workers {
			quiet = quiet && w.State == pool.StateReady && !w.Busy && w.Generation == s.Generation
		}
		for _, m := range h.members {
			quiet = quiet && !m.dead
		}
		for t := range h.processes {
			quiet = quiet && t.state == templateReady && t.alarm == nil // else it is dying
		}
		if !quiet {
			return
		}
		h.mu.Lock()
		for _, c := range h.conns { // the test's own lines to the dead
			_ = c.Close()
		}
		h.conns = nil
		h.mu.Unlock()
		if x = look(h.t); x.pages != workers || x.pidfds != workers+1 || x.pageFiles != 0 {
			h.t.Errorf("%d workers and a template, but %+v", workers, x)
		}
		for t := range h.processes {
			if len(t.asked) > 0 || len(t.out) > 0 {
				h.t.Errorf("template %d: %d workers are not named, %d orders wait", t.generation, len(t.asked), len(t.out))
			}
		}
		if n := len(h.alarms.list); n != 0 {
			h.t.Errorf("%d alarms will ring", n)
		}
	}) {
		h.t.Fatal("the loop has ended")
	}
	<-done
	return x, quiet
}

// grown reports what has grown. Some are on their way to be closed elsewhere: a leak per round is more.
func (x holdings) grown(t *testing.T, before holdings) {
	t.Helper()
	const slack = 4
	if x.files > before.files+slack || x.sockets > before.sockets+slack || x.goroutines > before.goroutines+slack {
		t.Errorf("%+v, before %+v", x, before)
	}
}

func TestWorkshop_HoldsNothingOfReloadsDeathsAndFailedBoots(t *testing.T) {
	const workers, rounds = 2, 8
	h := open(t, func(o *Options, _ *playbook) { o.Pool.Processes, o.Pool.Threads = workers, 2 })
	reload := func(change func(*playbook), want error) {
		h.script(change)
		if err := <-h.Reload(event.ReasonReload); !errors.Is(err, want) {
			t.Errorf("reload: %v, expected %v", err, want)
		}
		h.script(func(b *playbook) { *b = playbook{Op: "boot", Stage: b.Stage} })
		h.rest(workers)
	}
	pids := func() (template, worker int) {
		done := make(chan struct{})
		h.post(func(time.Duration) {
			defer close(done)
			for t := range h.processes {
				template = t.proc.PID
			}
			for _, m := range h.members {
				worker = m.pid()
			}
		})
		<-done
		return template, worker
	}
	before := h.rest(workers)
	for range rounds {
		reload(func(*playbook) {}, nil)
		reload(func(b *playbook) { b.Fail = &python.Report{Code: 1, Error: "syntax error"} }, ErrReloadRefused)
		reload(func(b *playbook) { b.Die = "boot" }, ErrReloadRefused)
		reload(func(b *playbook) { b.Die = "spawn" }, ErrReloadRefused)
		reload(func(b *playbook) { b.NoForks = 1 }, ErrReloadRefused)
		reload(func(b *playbook) { b.Worker = "exit" }, ErrReloadRefused)
		reload(func(b *playbook) { b.Worker = "vector" }, ErrReloadRefused)
		reload(func(b *playbook) { b.CloseCtl = true }, ErrReloadRefused)
		template, worker := pids()
		kill(t, template)
		h.event("template gone", template_("gone"))
		kill(t, worker) // an orphan by now, or soon
		h.worker("gone")
		h.rest(workers)
	}
	h.rest(workers).grown(t, before)
}
