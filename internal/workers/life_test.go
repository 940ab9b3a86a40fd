package workers

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
	"fender/internal/observe/event"
	"fender/internal/workers/python"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestWorkshop_ReloadsWithoutLosingARequest(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) { o.Pool.Processes = 2 })
	h.ask("GET", begin, ok).ended("ok")
	running := h.ask("POST", begin, at("running"), ok)
	c := h.cue("running")
	if err := <-h.Reload(event.ReasonReload); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if f := h.ask("POST", begin, ok).ended("ok"); f.Generation != 2 {
			t.Errorf("facts %+v", f)
		}
	}
	c.goOn()
	if f := running.ended("ok"); f.Generation != 1 {
		t.Errorf("facts %+v", f)
	}
	started := h.event("reload started", func(e *event.Event) bool { return e.Kind == event.Reload && e.To == event.StateStarted })
	if started.Reason != event.ReasonReload || started.Generation != 2 {
		t.Errorf("event %+v", started)
	}
	h.event("reload done", func(e *event.Event) bool { return e.Kind == event.Reload && e.To == event.StateDone })
	// The old template goes when its last worker has.
	e := h.event("old template gone", template_("gone"))
	if e.Generation != 1 {
		t.Errorf("event %+v", e)
	}
}

func TestWorkshop_RefusesAReloadToCodeThatDoesNotComeUp(t *testing.T) {
	for name, change := range map[string]func(*playbook){
		"the template says so": func(b *playbook) { b.Fail = &python.Report{Code: 1, Error: "syntax error"} },
		"the template dies":    func(b *playbook) { b.Die = "boot" },
		"the worker says so":   func(b *playbook) { b.Worker = "failed" },
		"the worker dies":      func(b *playbook) { b.Worker = "exit" },
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, nil)
			h.ask("GET", begin, ok).ended("ok")
			h.script(change)
			err := <-h.Reload(event.ReasonReload)
			if !errors.Is(err, ErrReloadRefused) || len(err.Error()) <= len(ErrReloadRefused.Error()) {
				t.Errorf("error %v", err)
			}
			e := h.event("refused", func(e *event.Event) bool { return e.Kind == event.Reload && e.To == event.StateRefused })
			if e.Generation != 1 || e.Error == "" {
				t.Errorf("event %+v", e)
			}
			if f := h.ask("GET", begin, ok).ended("ok"); f.Spawn != 1 {
				t.Errorf("facts %+v", f)
			}
			h.script(func(b *playbook) { b.Fail, b.Die, b.Worker = nil, "", "" })
			if err := <-h.Reload(event.ReasonReload); err != nil {
				t.Errorf("after the repair: %v", err)
			}
		})
	}
}

func TestWorkshop_MergesReloadsIntoOneMore(t *testing.T) {
	h := open(t, nil)
	h.ask("GET", begin, ok).ended("ok")
	h.script(func(b *playbook) { b.Hold = true })
	first := h.Reload(event.ReasonReload)
	c := h.cue("loading")
	second, third := h.Reload(event.ReasonReload), h.Reload(event.ReasonTouch)
	h.script(func(b *playbook) { b.Hold = false })
	h.settle()
	c.goOn()
	for i, r := range []<-chan error{first, second, third} {
		if err := <-r; err != nil {
			t.Errorf("reload %d: %v", i, err)
		}
	}
	if f := h.ask("GET", begin, ok).ended("ok"); f.Generation != 3 {
		t.Errorf("facts %+v: two wishes during a reload are one more", f)
	}
}

func TestWorkshop_ScalesByHand(t *testing.T) {
	h := open(t, nil)
	h.worker("ready")
	h.Scale(1)
	e := h.event("scale", func(e *event.Event) bool { return e.Kind == event.Scale })
	if e.From != "1" || e.To != "2" {
		t.Errorf("event %+v", e)
	}
	h.worker("ready")
	h.Scale(-1)
	h.worker("gone")
	h.ask("GET", begin, ok).ended("ok")
}

func TestWorkshop_StopsWhenItsRequestsAreDone(t *testing.T) {
	h := open(t, nil)
	running := h.ask("POST", begin, at("running"), ok)
	c := h.cue("running")
	var waiting []*answer
	for range 3 {
		waiting = append(waiting, h.ask("GET", begin, ok))
	}
	h.settle()
	stopped := h.Stop()
	for _, a := range waiting {
		a.refused("fail", exchange.CauseDraining)
	}
	select {
	case <-stopped:
		t.Error("stopped with a request running")
	default:
	}
	if err := <-h.Reload(event.ReasonReload); !errors.Is(err, ErrStopping) {
		t.Errorf("a reload while stopping: %v", err)
	}
	c.goOn()
	running.ended("ok")
	<-stopped
	h.ask("GET", begin, ok).refused("fail", exchange.CauseDraining)
	h.Close()
	h.ask("GET", begin, ok).refused("fail", exchange.CauseDraining)
	if err := <-h.Reload(event.ReasonReload); !errors.Is(err, ErrStopping) {
		t.Errorf("a reload after the end: %v", err)
	}
	if _, err := h.Status(context.Background()); !errors.Is(err, ErrStopping) {
		t.Errorf("the status after the end: %v", err)
	}
	<-h.Stop()
}

func TestWorkshop_EndsByForce(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) { o.Pool.Processes = 3 })
	for range 3 {
		h.worker("ready")
	}
	a := h.ask("POST", begin, at("running"), ok)
	h.cue("running")
	stopped := h.Stop()
	h.Force()
	a.refused("fail", exchange.CauseDraining)
	<-stopped
}

func TestWorkshop_ClosesWithoutHavingStarted(t *testing.T) {
	w, err := New(Options{Launch: func(int) (Launch, error) { return Launch{}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	w.Close()
}

// A file that a worker has sent may be on a disk that hangs.
func TestWorkshop_ClosesThoughAFileDoesNot(t *testing.T) {
	w, err := New(Options{Launch: func(int) (Launch, error) { return Launch{}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	let := make(chan struct{})
	defer close(let)
	w.closer.Do(func() { <-let })
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		w.Close()
	}()
	select {
	case <-closed:
	case <-time.After(patience):
		t.Error("it waits for the file")
	}
}

func TestWorkshop_BeginsNothingAgainWhenNoMethodMayBe(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) { o.RetryMethods = []string{} })
	a := h.ask("GET", begin, at("begun"), ok)
	kill(t, h.cue("begun").PID)
	a.refused("fail", exchange.CauseWorkerCrash)
}

func TestNew_RefusesWhatCannotWork(t *testing.T) {
	if _, err := New(Options{}); err == nil {
		t.Error("without Launch")
	}
	var o Options
	o.Launch = func(int) (Launch, error) { return Launch{}, nil }
	o.Pool.Threads = 300
	if _, err := New(o); err == nil {
		t.Error("with 300 threads")
	}
}

func TestWorkshop_InterruptsARequestThatIsOverItsTime(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) { o.Pool.Harakiri = 50 * time.Millisecond })
	a := h.ask("GET", begin, step{Do: "tell", Name: "begun"}, step{Do: "wait"}, ok)
	stuck := h.cue("begun")
	if f := a.refused("fail", exchange.CauseHarakiri); f.PID == 0 {
		t.Errorf("facts %+v", f)
	}
	seen := map[string]bool{}
	for range 2 {
		c := <-h.cues
		seen[c.At] = true
	}
	if !seen["stacks"] || !seen["interrupt true"] {
		t.Errorf("the worker heard %v", seen)
	}
	stuck.goOn() // it answers too late, and goes
	h.worker("gone")
	h.ask("GET", begin, ok).ended("ok")
}

func TestWorkshop_GivesARequestThatAWorkerRefusedToAnother(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) { o.Pool.Processes = 2 })
	h.worker("ready")
	h.worker("ready")
	for range 4 { // at least one of them meets the first worker
		a := h.ask("POST", step{Do: "refuse-request"}, begin, ok)
		if f := a.ended("ok"); f.Spawn == 1 || f.Attempts != 1 {
			t.Errorf("facts %+v", f)
		}
	}
	h.warning("too many open files")
}

func TestWorkshop_MovesWhatAWorkerHasReadAndDoesNotBegin(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) { o.Pool.Processes = 2 })
	h.worker("ready")
	h.worker("ready")
	a := h.ask("POST", at("read"), step{Do: "begin-unless-withdrawn"}, ok)
	first := h.cue("read")
	second := h.cue("read") // the first stands still, and has the message
	if first.PID == second.PID {
		t.Fatalf("worker %d got the request twice", first.PID)
	}
	second.goOn()
	if f := a.ended("ok"); f.PID != second.PID || f.Attempts != 1 {
		t.Errorf("facts %+v, the first worker was %d", f, first.PID)
	}
	first.goOn() // it refuses, and takes the next one
	h.event("taken back", func(e *event.Event) bool { return e.Kind == event.TakenBack && e.PID == first.PID })
	for served := false; !served; {
		served = h.ask("POST", begin, ok).ended("ok").PID == first.PID
	}
	for len(h.events) > 0 {
		if e := <-h.events; e.Kind == event.Warning {
			t.Errorf("event %+v", e)
		}
	}
}

func TestWorkshop_LetsAWorkerFinishThatLeavesByItself(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) { o.Pool.Threads = 2 })
	running := h.ask("POST", begin, at("running"), ok)
	c := h.cue("running")
	// Another thread shuts its end for reading, as the worker program does on SIGTERM.
	h.ask("GET", begin, step{Do: "shut", Code: unix.SHUT_RD}, ok).ended("ok")
	moved := h.ask("GET", begin, ok)
	h.settle()
	c.goOn()
	if f := running.ended("ok"); f.PID != c.PID {
		t.Errorf("facts %+v", f)
	}
	moved.ended("ok")
}

func TestWorkshop_TellsItsStatus(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) { o.Pool.Threads = 2 })
	h.ask("GET", begin, ok).ended("ok")
	a := h.ask("POST", begin, at("running"), ok)
	c := h.cue("running")
	s, err := h.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if s.State != "serving" || s.Generation != 1 || s.Python != "3.11.2" || s.Template.PID == 0 || len(s.Workers) != 1 {
		t.Fatalf("status %+v", s)
	}
	w := s.Workers[0]
	if w.PID != c.PID || w.State != "busy" || w.Requests != 1 || w.RSS <= 0 || w.PSS <= 0 || len(w.Slots) != 2 {
		t.Errorf("worker %+v", w)
	}
	var busy *SlotStatus
	for i := range w.Slots {
		if w.Slots[i].RequestID == a.id {
			busy = &w.Slots[i]
		}
	}
	if busy == nil || busy.Method != http.MethodPost || busy.Path != "/play" || busy.Since == nil || time.Since(*busy.Since) > patience {
		t.Errorf("slots %+v", w.Slots)
	}
	c.goOn()
	a.ended("ok")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	thaw := h.freeze()
	if _, err := h.Status(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	thaw()
	if b, err := h.Brief(context.Background()); err != nil || len(b.Workers) != 1 || b.Workers[0].PSS != 0 {
		t.Errorf("%+v, %v", b, err)
	}
	if h.Lag().Longest <= 0 {
		t.Error("no lag was measured")
	}
}

func TestWorkshop_RecyclesAWorkerByItsMemory(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) { o.Pool.ReloadOnRSS = 1 }) // everybody is above that
	h.worker("ready")
	e := h.event("retiring", func(e *event.Event) bool { return e.Kind == event.Worker && e.To == event.StateRetiring })
	if e.Reason != event.ReasonMemory {
		t.Errorf("event %+v", e)
	}
}

func TestWorkshop_LeaksNoDescriptorOverManySpawns(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) { o.Pool.MaxRequests, o.Pool.Threads = 1, 2 })
	count := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	// A quiet moment: one worker, ready, nobody leaving.
	quiet := func() int {
		for {
			s, err := h.Status(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Workers) == 1 && s.Workers[0].State == "idle" {
				h.mu.Lock()
				for _, c := range h.conns { // the test's own lines to the dead
					_ = c.Close()
				}
				h.conns = nil
				h.mu.Unlock()
				return count()
			}
			h.worker("gone")
		}
	}
	const spawns = 200
	before := 0
	for i := range spawns + 20 {
		h.ask("GET", begin, ok).ended("ok")
		h.worker("gone")
		if i == 19 {
			before = quiet()
		}
	}
	after := quiet()
	if after > before+6 { // the test's own lines to the one that lives
		t.Errorf("%d descriptors, %d after %d workers more", before, after, spawns)
	}
}
