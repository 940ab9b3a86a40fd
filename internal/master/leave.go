package master

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"fender/internal/exit"
	"fender/internal/observe/event"
	"fender/internal/serve/front"
)

// Signals are those that mean something to the master. Go's own answer to SIGQUIT, a dump of
// all goroutines, would be the end of every connection.
var Signals = []os.Signal{
	syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP,
	syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGUSR1, syscall.SIGUSR2,
}

// wait serves signals until the server shall leave, and leaves.
func (m *master) wait() (int, error) {
	for {
		select {
		case fatal := <-m.workshop.Fatal():
			return max(fatal.Code, exit.Problem), fmt.Errorf("nothing can be served: %s", fatal.Text)
		case r := <-m.asked:
			return m.leave(nil, r.now)
		case sig := <-m.signals:
			switch sig {
			case syscall.SIGTERM, syscall.SIGQUIT:
				return m.leave(sig, false)
			case syscall.SIGINT:
				return m.leave(sig, true)
			case syscall.SIGHUP:
				m.workshop.Reload(event.ReasonReload)
			case syscall.SIGTTIN:
				m.workshop.Scale(+1)
			case syscall.SIGTTOU:
				m.workshop.Scale(-1)
			}
		}
	}
}

// leave drains: everything goes on, readiness fails, answers say Connection: close. When the plan
// says so the front closes, then the workers end.
func (m *master) leave(sig os.Signal, now bool) (int, error) {
	began := time.Now()
	e := event.Event{Kind: event.Drain, To: event.StateStarted}
	if s, ok := sig.(syscall.Signal); ok {
		e.Signal = int(s)
	}
	m.journal.Emit(e)
	m.leaving.Store(true)
	m.front.Drain()
	plan := front.Plan{Delay: m.opts.DrainDelay, Quiet: m.opts.DrainQuiet, Timeout: m.opts.DrainTimeout}
	if now {
		plan.Delay = 0
	}
	if m.drained(plan, began) {
		return m.end(began, began.Add(plan.Timeout))
	}
	return m.force(began)
}

// drained waits until the plan says that nobody will be hurt; false means by force, now.
func (m *master) drained(plan front.Plan, began time.Time) bool {
	for {
		departure, wait := plan.Decide(began, time.Now(), m.front.Quiet())
		switch departure {
		case front.Leave:
			return true
		case front.Forced:
			// Whoever is still served gets what Close gives when its time is over.
			return true
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-m.front.Changed():
		case sig := <-m.signals:
			timer.Stop()
			if forces(sig, began) {
				return false
			}
			continue
		}
		timer.Stop()
	}
}

// echo is how soon after the first signal another one counts as the same. Who signals a process and its
// group, as timeout(1) does, reaches it twice; nobody who wants to force it is so quick.
const echo = 200 * time.Millisecond

// forces tells whether a signal after the one that began the drain ends it by force.
func forces(sig os.Signal, began time.Time) bool {
	return (sig == syscall.SIGTERM || sig == syscall.SIGINT || sig == syscall.SIGQUIT) && time.Since(began) >= echo
}

// leastPatience is what workers get for their atexit hooks even when the drain took all its time.
const leastPatience = 2 * time.Second

// end closes the front and lets the workers end, both within the time of the plan. A further
// signal cuts it short.
func (m *master) end(began, until time.Time) (int, error) {
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	forced := make(chan struct{})
	stop := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case sig := <-m.signals:
				if forces(sig, began) {
					close(forced)
					cancel()
					return
				}
			case <-stop:
				return
			}
		}
	}()
	defer func() { close(stop); <-watched }()

	err := m.front.Close(ctx)
	late := time.NewTimer(max(time.Until(until), leastPatience))
	defer late.Stop()
	stopped := m.workshop.Stop()
	e := event.Event{Kind: event.Drain, To: event.StateDone}
	code := exit.OK
	select {
	case <-stopped:
	case <-late.C:
		e.Text = "workers that did not end in time were killed"
	case <-forced:
		e.To, code = event.StateForced, exit.Forced
	}
	select {
	case <-forced:
		e.To, code = event.StateForced, exit.Forced
	default:
	}
	if err != nil {
		e.Error = err.Error()
	}
	e.Seconds = time.Since(began).Seconds()
	m.journal.Emit(e)
	return code, nil
}

// force ends at once: what runs is answered with 503, or cut.
func (m *master) force(began time.Time) (int, error) {
	m.workshop.Force()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := m.front.Close(ctx)
	e := event.Event{Kind: event.Drain, To: event.StateForced, Seconds: time.Since(began).Seconds()}
	if err != nil {
		e.Error = err.Error()
	}
	m.journal.Emit(e)
	return exit.Forced, nil
}
