package workers

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/workers/osproc"
	"fender/internal/workers/pool"
	"fender/internal/workers/python"
)

// order is a message to a template.
type order struct {
	name    string
	message []byte
	member  *member // whose descriptors go along
}

// refusedMessage is what a template calls an order that it could not take in.
const refusedMessage = "message"

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

func (t *template) sendExit() { t.send(order{name: python.OpExit, message: python.Exit()}) }

// reap asks for the exit status of a worker that is dead.
func (t *template) reap(spawn pool.SpawnID, pid int) {
	t.send(order{name: python.OpReap, message: python.Reap{Spawn: uint64(spawn), PID: pid}.Message()})
}

// push sends what waits.
func (t *template) push() {
	t.untie()
	for len(t.out) > 0 {
		o := &t.out[0]
		var oob []byte
		if o.member != nil {
			if o.member.buried {
				t.out = t.out[1:]
				continue
			}
			oob = unix.UnixRights(o.member.sockets.Gift()...)
		}
		_, err := unix.SendmsgN(t.control, o.message, oob, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		switch {
		case err == nil:
			t.out = t.out[1:]
		case errors.Is(err, unix.EAGAIN):
			_ = t.w.loop.Change(t.token, unix.EPOLLIN|unix.EPOLLOUT)
			return
		case errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOMEM), errors.Is(err, unix.ETOOMANYREFS):
			t.pushLater() // the socket has room, so epoll would tell at once, again and again
			return
		default:
			t.out = nil // its end is closed: reading will tell
			return
		}
	}
	t.out = nil
	_ = t.w.loop.Change(t.token, unix.EPOLLIN)
}

// pushLater tries again when the kernel may have memory, or fewer descriptors on their way.
func (t *template) pushLater() {
	_ = t.w.loop.Change(t.token, unix.EPOLLIN)
	t.w.alarms.clear(t.again)
	t.again = t.w.alarms.set(t.w.loop.Now()+pushPause, func(time.Duration) {
		t.again = nil
		t.push()
	})
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
		t.buf = make([]byte, python.MaxControlMessage)
	}
	for n := 0; most == 0 || n < most; n++ {
		// Without room for control messages the kernel closes descriptors that came along.
		size, _, flags, _, err := unix.Recvmsg(t.control, t.buf, nil, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			return
		case err != nil || size == 0:
			t.w.loop.Remove(t.token)
			t.deaf(now)
			return
		}
		if flags&unix.MSG_TRUNC != 0 {
			t.end("it sent a control message above 64 KiB")
			return
		}
		r, err := python.DecodeReport(t.buf[:size])
		if err != nil {
			t.end(err.Error())
			return
		}
		t.report(now, &r)
		t.w.carry(now)
	}
}

// deaf is called when the template's end of the control socket is closed. Usually its process ends
// at the same moment, and how it ended says more; one that lives on cannot be told anything.
func (t *template) deaf(now time.Duration) {
	if t.state == templateFailed || t.leaving || t.state == templateGone {
		return
	}
	t.w.alarms.clear(t.alarm)
	t.alarm = t.w.alarms.set(now+deafPatience, func(time.Duration) {
		t.alarm = nil
		t.end("it has closed its control socket")
	})
}

// report deals with one report.
func (t *template) report(now time.Duration, r *python.Report) {
	w := t.w
	switch r.Op {
	case python.OpLoaded, python.OpFailed:
		t.cameUp(now, r)
	case python.OpForked, python.OpForkFailed:
		m := t.asked[r.Spawn]
		if m == nil {
			t.end(fmt.Sprintf("it reported a fork that was not asked for (spawn %d)", r.Spawn))
			return
		}
		delete(t.asked, r.Spawn)
		if r.Op == python.OpForked {
			w.forked(now, m, r.PID)
		} else {
			w.stillborn(now, m, r.Error)
		}
	case python.OpReaped:
		if m := w.corpse(r); m != nil {
			w.autopsy(now, m, osproc.Status(r.Status))
		}
	case python.OpRefused:
		w.opts.Journal.Warn("the template (pid %d) refused %q: %s", t.proc.PID, r.Name, r.Why)
		t.refused(now, r)
	}
}

// refused deals with an order that the template did not carry out. A spawn whose descriptors did not
// arrive is refused as a message: the template does not trust what it has read of it. Orders are
// dealt with one after the other, so it is the oldest one that is not reported.
func (t *template) refused(now time.Duration, r *python.Report) {
	w := t.w
	switch r.Name {
	case python.OpReap:
		if m := w.corpse(r); m != nil {
			w.died(now, m, false) // somebody else has waited for it: its status is lost
		}
	case python.OpSpawn, refusedMessage:
		if len(t.asked) > 0 {
			oldest := slices.Min(slices.Collect(maps.Keys(t.asked)))
			m := t.asked[oldest]
			delete(t.asked, oldest)
			w.stillborn(now, m, r.Why)
		}
	}
}

// cameUp deals with the report about the import.
func (t *template) cameUp(now time.Duration, r *python.Report) {
	w := t.w
	if t.state != templateLoading {
		t.end("it said twice how it came up")
		return
	}
	w.alarms.clear(t.alarm)
	t.alarm = nil
	t.untie()
	if r.Op == python.OpFailed {
		t.state = templateFailed
		t.patience(now)
		if !t.leaving {
			w.pool.TemplateFailed(now, t.generation, r.Code, r.Error)
		}
		return
	}
	t.state, t.python, t.seconds = templateReady, r.Python, r.Seconds
	t.urlconf = r.URLconf == python.URLconfImported
	t.warnAbout("thread", r.Threads, "a forked worker does not have them")
	t.warnAbout("socket", r.Sockets, "all workers would use the same connection")
	t.warnAboutURLconf(r)
	if t.leaving {
		t.sendExit()
		t.patience(now)
		return
	}
	w.pool.TemplateReady(now, t.generation)
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

// warnAboutURLconf tells why workers import Django's URLconf for themselves.
func (t *template) warnAboutURLconf(r *python.Report) {
	switch r.URLconf {
	case python.URLconfBroken:
		t.w.opts.Journal.Warn("importing the URLconf failed: %s; every request that needs it will fail "+
			"(preload-urlconf = false leaves the import to the requests)", r.URLconfWhy)
	case python.URLconfKeptOut:
		t.w.opts.Journal.Warn("the URLconf is not imported in the template: %s; each worker imports it in its "+
			"first request (preload-urlconf = false does so without a warning)", r.URLconfWhy)
	}
}
