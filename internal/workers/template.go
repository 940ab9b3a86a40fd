package workers

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/loop"
	"fender/internal/observe/event"
	"fender/internal/workers/osproc"
	"fender/internal/workers/python"
)

// Bounds of a template's life, each with its reason.
const (
	// slowBoot is when a template or worker that has not come up yet is worth a warning. There is
	// no limit: an import may take as long as it likes.
	slowBoot = 30 * time.Second
	// exitPatience is how long a process that says or is told that it ends may take for it.
	exitPatience = 10 * time.Second
	// statusPatience is how long a death waits for its exit status.
	statusPatience = time.Second
	// deafPatience is how long a template without a control socket may live.
	deafPatience = 100 * time.Millisecond
	// pushPause is how long an order waits that the kernel has no memory for.
	pushPause = 20 * time.Millisecond
	// controlTurn bounds the messages of a control socket per turn.
	controlTurn = 64
)

// Launch is what a template's process needs.
type Launch struct {
	// Command starts it; its Files follow the control socket, from descriptor 4 on.
	Command osproc.Command
	// Boot is the message that tells it what to import (python.Boot).
	Boot []byte
	// Done is called when the process has started, or has not: the files are no longer needed.
	Done func()
}

type templateState uint8

const (
	templateStarting templateState = iota // no process yet
	templateLoading
	templateReady
	templateFailed // it has said so, and ends
	templateGone
)

// template is one template process and its control socket. It is the loop's handler for that.
type template struct {
	w          *Workshop
	generation int
	state      templateState
	leaving    bool // it was told to end
	began      time.Duration

	control int
	theirs  int // the template's end, held while it imports (tie); -1
	token   loop.Token
	pidfd   loop.Token
	proc    *osproc.Process
	out     []order            // orders that the socket had no room for
	asked   map[uint64]*member // spawns without an answer
	alarm   *alarm
	again   *alarm // tries to send what waits in out
	broken  string // why we ended it

	python  string
	seconds float64
	urlconf bool // it has imported Django's URLconf
	buf     []byte
}

// startTemplate starts the template of a generation. What it takes to start it may touch a disk,
// so it is prepared elsewhere.
func (w *Workshop) startTemplate(now time.Duration, generation int) {
	t := &template{w: w, generation: generation, began: now, control: -1, theirs: -1, asked: make(map[uint64]*member)}
	w.templates[generation] = t
	w.reloads.started(generation)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		w.notStarted(now, t, fmt.Errorf("making the template's control socket: %w", err))
		return
	}
	t.control = pair[0]
	w.processes[t] = struct{}{}
	w.helpers.Go(func() {
		l, err := w.opts.Launch(generation)
		if err != nil {
			_ = unix.Close(pair[1])
			w.post(func(now time.Duration) { w.notStarted(now, t, err) })
			return
		}
		l.Command.Kind = osproc.Template
		l.Command.Files = append([]int{pair[1]}, l.Command.Files...)
		w.helpers.Add(1)
		w.procs.Start(l.Command, func(p *osproc.Process, err error) {
			defer w.helpers.Done()
			if l.Done != nil {
				l.Done()
			}
			heard := w.post(func(now time.Duration) {
				if err != nil {
					_ = unix.Close(pair[1])
					w.notStarted(now, t, err)
					return
				}
				t.started(now, p, l.Boot)
				t.tie(pair[1])
			})
			if !heard {
				_ = unix.Close(pair[1])
			}
			if !heard && p != nil { // nobody is left to whom it could belong
				_ = p.Signal(unix.SIGKILL)
				p.Close()
			}
		})
	})
}

// notStarted reports a template that has no process.
func (w *Workshop) notStarted(now time.Duration, t *template, err error) {
	w.bury(t)
	if !t.leaving {
		w.pool.TemplateFailed(now, t.generation, 1, err.Error())
	}
	w.checkStopped()
}

// started goes on when the process exists.
func (t *template) started(now time.Duration, p *osproc.Process, boot []byte) {
	w := t.w
	t.proc, t.state = p, templateLoading
	var err error
	if t.pidfd, err = w.loop.Add(p.Pidfd(), unix.EPOLLIN, templateDeath{t}); err == nil {
		t.token, err = w.loop.Add(t.control, unix.EPOLLIN, t)
	}
	switch {
	case err != nil:
		t.end(err.Error())
	case t.leaving:
		t.end("")
	default:
		t.send(order{name: python.OpBoot, message: boot})
		t.alarm = w.alarms.set(now+slowBoot, t.slow)
	}
}

func (t *template) slow(now time.Duration) {
	t.alarm = nil
	t.w.opts.Journal.Warn("the template (pid %d) has been importing the application for %v; it is waited for",
		t.proc.PID, (now - t.began).Round(time.Second))
}

// end kills the template's process; why is "" when that is as wanted.
func (t *template) end(why string) {
	if t.broken == "" {
		t.broken = why
	}
	_ = t.proc.Signal(unix.SIGKILL) // the only error is that it has ended
}

// leave lets the template go: it runs its atexit hooks and ends, its workers go on. One that is
// still importing cannot hear that.
func (t *template) leave(now time.Duration) {
	if t.leaving {
		return
	}
	t.leaving = true
	switch t.state {
	case templateLoading:
		_ = t.proc.Signal(unix.SIGTERM)
	case templateReady:
		t.sendExit()
	case templateStarting, templateGone:
		return
	}
	t.patience(now)
}

// patience ends a template that should end by itself and does not.
func (t *template) patience(now time.Duration) {
	t.w.alarms.clear(t.alarm)
	t.alarm = t.w.alarms.set(now+exitPatience, func(time.Duration) {
		t.alarm = nil
		t.w.opts.Journal.Warn("the template (pid %d) does not end (threads or atexit hooks of the application?): killed after %v",
			t.proc.PID, exitPatience)
		t.end("")
	})
}

// templateDeath is told when a template's process has ended.
type templateDeath struct{ t *template }

func (h templateDeath) Ready(now time.Duration, _ uint32) {
	t := h.t
	w := t.w
	w.loop.Remove(t.pidfd)
	t.read(now, 0)
	w.procs.Await(t.proc.PID, func(s osproc.Status) {
		w.post(func(now time.Duration) { t.gone(now, s.String()) })
	})
	w.procs.Poll() // it is our own child: usually its status is there now
	w.alarms.clear(t.alarm)
	t.alarm = w.alarms.set(now+statusPatience, func(now time.Duration) { t.gone(now, "exit status unknown") })
}

// gone buries a template that has ended. Its workers, if any, are now children of ours.
func (t *template) gone(now time.Duration, how string) {
	if t.state == templateGone {
		return
	}
	w, was := t.w, t.state
	w.alarms.clear(t.alarm)
	w.procs.Forget(t.proc.PID)
	w.bury(t)
	if t.broken != "" {
		how = t.broken
	}
	switch {
	case t.leaving || was == templateFailed:
	case was == templateLoading:
		w.pool.TemplateFailed(now, t.generation, 1, "the template ended while it imported the application: "+how)
	default:
		w.pool.TemplateDied(now, t.generation, how)
	}
	w.carry(now)
	for _, m := range t.asked {
		w.stillborn(now, m, "the template ended: "+how)
		w.carry(now)
	}
	clear(t.asked)
	if t.leaving {
		from := event.StateReady
		switch was {
		case templateFailed:
			from = event.StateFailed
		case templateStarting, templateLoading:
			from = event.StateStarting
		}
		w.opts.Journal.Emit(event.Event{
			Kind: event.Template, Generation: t.generation, PID: t.proc.PID,
			From: from, To: event.StateGone,
		})
	}
	w.checkStopped()
}

// bury gives back what a template without process has.
func (w *Workshop) bury(t *template) {
	t.state = templateGone
	w.alarms.clear(t.again)
	t.untie()
	w.loop.Remove(t.token)
	w.loop.Remove(t.pidfd)
	if t.control >= 0 {
		_ = unix.Close(t.control)
		t.control = -1
	}
	if t.proc != nil {
		t.proc.Close()
	}
	t.out, t.buf = nil, nil
	delete(w.processes, t)
	if w.templates[t.generation] == t {
		delete(w.templates, t.generation)
	}
}
