package workers

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/observe/event"
	"fender/internal/workers/loop"
	"fender/internal/workers/osproc"
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
	// maxControl is the longest message of a control socket.
	maxControl = 64 << 10
	// controlTurn bounds the messages of a control socket per turn.
	controlTurn = 64
)

// Launch is what a template's process needs.
type Launch struct {
	// Command starts it; its Files follow the control socket, from descriptor 4 on.
	Command osproc.Command
	// Boot is the message that tells it what to import, as JSON with "op": "boot".
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
	token   loop.Token
	pidfd   loop.Token
	proc    *osproc.Process
	out     []order            // orders that the socket had no room for
	asked   map[uint64]*member // spawns without an answer
	alarm   *alarm
	broken  string // why we ended it

	python  string
	seconds float64
	buf     []byte
}

// order is a message to a template.
type order struct {
	Op         string `json:"op"`
	Spawn      uint64 `json:"spawn,omitempty"`
	Number     int    `json:"number,omitempty"`
	Generation int    `json:"generation,omitempty"`
	PID        int    `json:"pid,omitempty"`

	boot   []byte  // sent instead of all
	member *member // whose descriptors go along
}

// report is a message from a template.
type report struct {
	Op      string   `json:"op"`
	Spawn   uint64   `json:"spawn"`
	PID     int      `json:"pid"`
	Status  int      `json:"status"`
	Code    int      `json:"code"`
	Error   string   `json:"error"`
	Python  string   `json:"python"`
	Seconds float64  `json:"seconds"`
	Threads []string `json:"threads"`
	Sockets []string `json:"sockets"`
	Name    string   `json:"name"`
	Why     string   `json:"why"`
}

// startTemplate starts the template of a generation. What it takes to start it may touch a disk,
// so it is prepared elsewhere.
func (w *Workshop) startTemplate(now time.Duration, generation int) {
	t := &template{w: w, generation: generation, began: now, control: -1, asked: make(map[uint64]*member)}
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
			_ = unix.Close(pair[1])
			if l.Done != nil {
				l.Done()
			}
			w.post(func(now time.Duration) {
				if err != nil {
					w.notStarted(now, t, err)
					return
				}
				t.started(now, p, l.Boot)
			})
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
		t.send(order{boot: boot})
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
		t.send(order{Op: "exit"})
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

// send sends an order, now or when there is room.
func (t *template) send(o order) {
	if t.state == templateGone {
		return
	}
	t.out = append(t.out, o)
	if len(t.out) == 1 {
		t.push()
	}
}

// push sends what waits.
func (t *template) push() {
	for len(t.out) > 0 {
		o := &t.out[0]
		message := o.boot
		if message == nil {
			message, _ = json.Marshal(o) // strings and numbers: it cannot fail
		}
		var oob []byte
		if o.member != nil {
			if o.member.buried {
				t.out = t.out[1:]
				continue
			}
			oob = unix.UnixRights(o.member.sockets.Gift()...)
		}
		_, err := unix.SendmsgN(t.control, message, oob, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.ENOMEM) {
			_ = t.w.loop.Change(t.token, unix.EPOLLIN|unix.EPOLLOUT)
			return
		}
		if err != nil {
			if len(t.out) > 0 && !t.leaving {
				t.end(fmt.Sprintf("its control socket does not take %q: %v", o.Op, err))
			}
			t.out = nil
			return
		}
		t.out = t.out[1:]
	}
	t.out = nil
	_ = t.w.loop.Change(t.token, unix.EPOLLIN)
}

// Ready reads the template's reports.
func (t *template) Ready(now time.Duration, events uint32) {
	if events&unix.EPOLLOUT != 0 {
		t.push()
	}
	if events&^unix.EPOLLOUT != 0 {
		t.read(now, controlTurn)
	}
}

// read takes reports until there is none, at most so many; 0 is no limit.
func (t *template) read(now time.Duration, most int) {
	if t.buf == nil {
		t.buf = make([]byte, maxControl)
	}
	for n := 0; most == 0 || n < most; n++ {
		// Without room for control messages the kernel closes descriptors that came along.
		size, _, flags, _, err := unix.Recvmsg(t.control, t.buf, nil, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			return
		case err != nil || size == 0:
			t.w.loop.Remove(t.token)
			if t.state != templateFailed && !t.leaving {
				t.end("it has closed its control socket")
			}
			return
		}
		var r report
		if flags&unix.MSG_TRUNC != 0 || json.Unmarshal(t.buf[:size], &r) != nil {
			t.end("it sent a control message that cannot be read")
			return
		}
		t.report(now, &r)
		t.w.carry(now)
	}
}

// report deals with one report.
func (t *template) report(now time.Duration, r *report) {
	w := t.w
	switch r.Op {
	case "loaded":
		if t.state != templateLoading {
			t.end("it said twice how it came up")
			return
		}
		w.alarms.clear(t.alarm)
		t.alarm = nil
		t.state, t.python, t.seconds = templateReady, r.Python, r.Seconds
		t.warnAbout("thread", r.Threads, "a forked worker does not have them")
		t.warnAbout("socket", r.Sockets, "all workers would use the same connection")
		if t.leaving {
			t.send(order{Op: "exit"})
			return
		}
		w.pool.TemplateReady(now, t.generation)
	case "failed":
		if t.state != templateLoading {
			t.end("it said twice how it came up")
			return
		}
		t.state = templateFailed
		t.patience(now)
		if !t.leaving {
			w.pool.TemplateFailed(now, t.generation, r.Code, r.Error)
		}
	case "forked", "fork_failed":
		m := t.asked[r.Spawn]
		if m == nil {
			t.end(fmt.Sprintf("it reported a fork that was not asked for (spawn %d)", r.Spawn))
			return
		}
		delete(t.asked, r.Spawn)
		if r.Op == "forked" {
			w.forked(now, m, r.PID)
		} else {
			w.stillborn(now, m, r.Error)
		}
	case "reaped":
		w.reaped(now, r)
	case "refused":
		w.opts.Journal.Warn("the template (pid %d) refused %q: %s", t.proc.PID, r.Name, r.Why)
	default:
		w.opts.Journal.Warn("the template (pid %d) sent %.40q, which is unknown", t.proc.PID, r.Op)
	}
}

// warnAbout tells what the import left behind that a fork cannot copy.
func (t *template) warnAbout(what string, names []string, why string) {
	if len(names) == 0 {
		return
	}
	t.w.opts.Journal.Warn("importing the application left %d %s(s) open in the template (%s): %s; "+
		"if it needs them, set lazy-apps = true, or begin them in a post-fork hook",
		len(names), what, strings.Join(names, ", "), why)
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
		w.opts.Journal.Emit(event.Event{
			Kind: event.Template, Generation: t.generation, PID: t.proc.PID,
			From: event.StateReady, To: event.StateGone,
		})
	}
	w.checkStopped()
}

// bury gives back what a template without process has.
func (w *Workshop) bury(t *template) {
	t.state = templateGone
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
