package workers

import (
	"net/http"
	"testing"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
	"fender/internal/observe/event"
	"fender/internal/workers/wire"
)

// dead waits until a process has ended.
func dead(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, int(patience.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			t.Fatalf("process %d does not end: %v", pid, err)
		}
		return
	}
}

// The worker dies by an outside SIGKILL at each step of a request's life.

func TestWorkshop_MovesAnUnreadRequestWhenItsWorkerDies(t *testing.T) {
	h := open(t, nil)
	first := h.ask("GET", begin, at("first"), ok)
	c := h.cue("first")
	second := h.ask("POST", begin, ok)
	h.settle() // it is sent ahead
	thaw := h.freeze()
	kill(t, c.PID)
	dead(t, c.PID)
	thaw()
	h.cue("first").goOn() // begun again: it is safe
	if f := second.ended("ok"); f.Attempts != 1 || f.Spawn != 2 {
		t.Errorf("facts %+v", f)
	}
	if f := first.ended("ok"); f.Attempts != 2 || f.Spawn != 2 {
		t.Errorf("facts %+v", f)
	}
}

func TestWorkshop_MovesARequestThatWasReadAndNotBegun(t *testing.T) {
	h := open(t, nil)
	a := h.ask("POST", at("read"), begin, ok)
	kill(t, h.cue("read").PID)
	h.cue("read").goOn()
	if f := a.ended("ok"); f.Attempts != 1 || f.Spawn != 2 {
		t.Errorf("facts %+v", f)
	}
	e := h.worker(event.StateGone)
	if e.Signal != int(unix.SIGKILL) || e.Reason != event.ReasonCrash || e.Moved != 1 || e.Failed != 0 || e.PID == 0 {
		t.Errorf("event %+v", e)
	}
}

func TestWorkshop_BeginsASafeRequestAgain(t *testing.T) {
	h := open(t, nil)
	a := h.ask("GET", begin, at("begun"), ok)
	for range 4 { // an outside SIGKILL is nobody's fault: as often as it takes
		kill(t, h.cue("begun").PID)
	}
	h.cue("begun").goOn()
	if f := a.ended("ok"); f.Attempts != 5 {
		t.Errorf("facts %+v", f)
	}
}

func TestWorkshop_FailsAnUnsafeRequestThatWasBegun(t *testing.T) {
	h := open(t, nil)
	a := h.ask("POST", begin, at("begun"), ok)
	c := h.cue("begun")
	kill(t, c.PID)
	if f := a.refused("fail", exchange.CauseWorkerCrash); f.PID != c.PID || f.Attempts != 1 {
		t.Errorf("facts %+v", f)
	}
	e := h.event("request-error", func(e *event.Event) bool { return e.Kind == event.RequestError })
	if e.Method != http.MethodPost || e.Path != "/play" || e.Cause != "worker-crash" || e.PID != c.PID || e.RequestID != uint64(a.id) {
		t.Errorf("event %+v", e)
	}
	h.ask("POST", begin, ok).ended("ok")
}

var halfAnAnswer = step{
	Do: "part", Status: "200 OK", Flags: wire.FlagHead, Body: "half",
	Fields: []exchange.Field{{Name: "Content-Length", Value: "8"}},
}

func TestWorkshop_DropsHalfAnAnswerThatWasHeld(t *testing.T) {
	for method, again := range map[string]bool{"GET": true, "POST": false} {
		t.Run(method, func(t *testing.T) {
			h := open(t, nil)
			rest := step{Do: "part", Part: 1, Flags: wire.FlagEnd, Body: "done"}
			a := h.ask(method, begin, halfAnAnswer, at("half"), step{Do: "phase"}, rest)
			c := h.cue("half")
			h.settle()
			kill(t, c.PID)
			if !again {
				a.refused("fail", exchange.CauseWorkerCrash)
				return
			}
			h.cue("half").goOn()
			a.ended("halfdone")
		})
	}
}

func TestWorkshop_CutsAnAnswerThatHadBegunToLeave(t *testing.T) {
	h := open(t, nil)
	stream := step{Do: "part", Status: "200 OK", Flags: wire.FlagHead, Body: "streamed"}
	a := h.ask("GET", begin, stream, at("streaming"), ok)
	c := h.cue("streaming")
	<-a.begun // nothing followed: it is a stream
	kill(t, c.PID)
	a.refused("cut", exchange.CauseAnswerCut)
	if a.body.String() != "streamed" {
		t.Errorf("body %q", a.body.String())
	}
}

func TestWorkshop_DeliversAnAnswerThatTheDeadHadFinished(t *testing.T) {
	h := open(t, nil)
	a := h.ask("POST", begin, at("begun"), ok, at("answered"))
	c := h.cue("begun")
	thaw := h.freeze()
	c.goOn()
	h.cue("answered")
	kill(t, c.PID)
	dead(t, c.PID)
	thaw()
	if f := a.ended("ok"); f.Attempts != 1 || f.PID != c.PID {
		t.Errorf("facts %+v", f)
	}
}

func TestWorkshop_KeepsAnAnswerWhenTheWorkerDiesInClose(t *testing.T) {
	h := open(t, nil)
	end := step{
		Do: "part", Status: "200 OK", Body: "ok", Flags: wire.FlagHead | wire.FlagEnd | wire.FlagClosing,
	}
	a := h.ask("POST", begin, step{Do: "phase", Phase: wire.PhaseClosing}, end, at("closing"))
	c := h.cue("closing")
	a.ended("ok")
	next := h.ask("POST", begin, ok) // behind close(): unread
	h.settle()
	kill(t, c.PID)
	if f := next.ended("ok"); f.Attempts != 1 || f.Spawn != 2 {
		t.Errorf("facts %+v", f)
	}
}

func TestWorkshop_NamesAPoisonRequestAfterTwoDeathsOfItsOwnDoing(t *testing.T) {
	h := open(t, nil)
	h.ask("GET", begin, step{Do: "exit", Code: 3}).refused("fail", exchange.CausePoison)
	for range 2 {
		if e := h.worker(event.StateGone); e.Reason != event.ReasonCrash || e.ExitCode == nil || *e.ExitCode != 3 {
			t.Errorf("event %+v", e)
		}
	}
	h.ask("GET", begin, ok).ended("ok")
}

func TestWorkshop_DoesNotBlameAWorkerThatWasToldToEnd(t *testing.T) {
	for sig, own := range map[unix.Signal]bool{
		unix.SIGKILL: false, unix.SIGTERM: false, unix.SIGSEGV: true, unix.SIGABRT: true, unix.SIGBUS: true,
	} {
		m := &member{}
		m.death.known = true
		m.death.status = statusOf(sig)
		if d := m.verdict(false); d.Own != own || d.Signal != int(sig) {
			t.Errorf("%v: %+v", sig, d)
		}
	}
	m := &member{}
	m.death.known, m.death.status = true, statusOf(unix.SIGKILL)
	if d := m.verdict(true); !d.Own || !d.OOM {
		t.Errorf("out of memory: %+v", d)
	}
	if d := (&member{}).verdict(false); d.Own || d.Text == "" {
		t.Errorf("unknown: %+v", d)
	}
}

func TestWorkshop_CountsOneDeathPerProcessThatTheKernelEnded(t *testing.T) {
	w := &Workshop{kills: 5, members: map[poolSpawn]*member{}}
	one, two := &member{spawn: 1, dead: true}, &member{spawn: 2, dead: true}
	w.members[1], w.members[2] = one, two
	if !w.outOfMemory(one, 7) {
		t.Error("the count has grown")
	}
	delete(w.members, 1)
	if !w.outOfMemory(two, 7) {
		t.Error("the count had grown by two")
	}
	if w.outOfMemory(two, 7) {
		t.Error("the count has not grown")
	}
}

func TestWorkshop_GoesOnWithoutAnExitStatus(t *testing.T) {
	h := open(t, func(_ *Options, b *playbook) { b.Stubborn = true })
	a := h.ask("GET", begin, at("begun"), ok)
	kill(t, h.cue("begun").PID)
	h.cue("begun").goOn() // after a bounded time
	a.ended("ok")
	if e := h.worker(event.StateGone); e.Signal != 0 || e.ExitCode != nil || e.Text == "" {
		t.Errorf("event %+v", e)
	}
}
