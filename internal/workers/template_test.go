package workers

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/observe/event"
	"fender/internal/workers/python"
)

func template_(to string) func(*event.Event) bool {
	return func(e *event.Event) bool { return e.Kind == event.Template && e.To == to }
}

func TestWorkshop_TellsAboutTheTemplateAndItsWorkers(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) { o.Pool.Processes = 2 })
	if e := h.event("template ready", template_("ready")); e.PID == 0 || e.Generation != 1 || e.Python != "3.11.2" || e.Seconds != 0.5 {
		t.Errorf("event %+v", e)
	}
	for range 2 {
		if e := h.worker("ready"); e.PID == 0 || e.Spawn == 0 || e.Worker == 0 || e.Seconds <= 0 || e.From != "starting" {
			t.Errorf("event %+v", e)
		}
	}
	h.settle()
	if !h.Ready() {
		t.Error("not ready with two workers")
	}
}

func TestWorkshop_IsFatalWhenTheApplicationDoesNotImport(t *testing.T) {
	h := open(t, func(_ *Options, b *playbook) {
		b.Fail = &python.Report{Code: 22, Error: "no module named mysite"}
	})
	if e := h.event("template failed", template_("failed")); e.PID == 0 || e.Error != "no module named mysite" {
		t.Errorf("event %+v", e)
	}
	if f := <-h.Fatal(); f.Code != 22 || !contains(f.Text, "no module named mysite") {
		t.Errorf("fatal %+v", f)
	}
	if h.Ready() {
		t.Error("ready without a worker")
	}
}

func TestWorkshop_IsFatalWhenTheTemplateDiesWhileItImports(t *testing.T) {
	h := open(t, func(_ *Options, b *playbook) { b.Die = "boot" })
	if f := <-h.Fatal(); f.Code != 1 || !contains(f.Text, "SIGKILL") {
		t.Errorf("fatal %+v", f)
	}
}

func TestWorkshop_IsFatalWhenTheTemplateCannotBeStarted(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) {
		launch := o.Launch
		o.Launch = func(g int) (Launch, error) {
			l, err := launch(g)
			l.Command.Path = "/no/such/python"
			return l, err
		}
	})
	if f := <-h.Fatal(); f.Code != 1 || !contains(f.Text, "/no/such/python") {
		t.Errorf("fatal %+v", f)
	}
}

func TestWorkshop_WarnsAboutWhatTheImportLeft(t *testing.T) {
	h := open(t, func(_ *Options, b *playbook) { b.Left = []string{"poller", "sender"} })
	for _, what := range []string{"2 thread(s)", "2 socket(s)"} {
		if e := h.warning(what); !contains(e.Text, "poller, sender") || !contains(e.Text, "lazy-apps") {
			t.Errorf("event %+v", e)
		}
	}
}

func TestWorkshop_TellsWhatBecameOfTheURLconf(t *testing.T) {
	for name, c := range map[string]struct {
		outcome []string // as the template reports it
		warning string   // "" if there is none
		text    string   // of the template's line
	}{
		"none":     {nil, "", ""},
		"imported": {[]string{python.URLconfImported, ""}, "", "with the URLconf"},
		"kept out": {[]string{python.URLconfKeptOut, "it leaves 1 thread(s) (poller)"}, "is not imported in the template: it leaves 1 thread(s) (poller);", ""},
		"broken":   {[]string{python.URLconfBroken, "KeyError: 'x'"}, "importing the URLconf failed: KeyError: 'x'; every request", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, func(_ *Options, b *playbook) { b.URLconf = c.outcome })
			if c.warning != "" {
				if e := h.warning(c.warning); !contains(e.Text, "preload-urlconf = false") {
					t.Errorf("event %+v", e)
				}
			}
			if e := h.event("template ready", template_("ready")); e.Text != c.text || e.Seconds != 0.5 {
				t.Errorf("event %+v", e)
			}
		})
	}
}

func TestWorkshop_TriesAgainWhenAForkFails(t *testing.T) {
	h := open(t, func(o *Options, b *playbook) { b.NoForks, o.Pool.NeedApp = 2, false })
	h.ask("GET", begin, ok).ended("ok")
}

func TestWorkshop_GoesOnWhenTheTemplateDies(t *testing.T) {
	h := open(t, nil)
	e := h.event("template ready", template_("ready"))
	a := h.ask("POST", begin, at("begun"), ok)
	c := h.cue("begun")
	kill(t, e.PID)
	h.event("template gone", template_("gone"))
	again := h.event("a new template", template_("ready"))
	if again.PID == e.PID {
		t.Errorf("the same template again: %+v", again)
	}
	c.goOn()
	if f := a.ended("ok"); f.PID != c.PID {
		t.Errorf("facts %+v", f)
	}
	// The worker is an orphan now: its death is seen, its status is ours, its place is taken.
	b := h.ask("GET", begin, at("begun"), ok)
	kill(t, h.cue("begun").PID)
	h.cue("begun").goOn()
	if f := b.ended("ok"); f.Attempts != 2 || f.PID == c.PID {
		t.Errorf("facts %+v", f)
	}
	if e := h.worker("gone"); e.Signal != int(unix.SIGKILL) || e.PID != c.PID {
		t.Errorf("event %+v", e)
	}
}

func TestWorkshop_ReplacesATemplateThatMisbehaves(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*playbook)
		text   string
	}{
		"noise":        {func(b *playbook) { b.Noise = "{" }, "not understood"},
		"unknown fork": {func(b *playbook) { b.Noise = `{"op":"forked","spawn":77,"pid":12345}` }, "not asked for"},
		"loaded twice": {func(b *playbook) { b.Noise = `{"op":"loaded"}` }, "twice"},
		"unknown op":   {func(b *playbook) { b.Noise = `{"op":"hello"}` }, "hello"},
		"closes":       {func(b *playbook) { b.CloseCtl = true }, "control socket"},
		"dies":         {func(b *playbook) { b.Die = "spawn" }, "SIGKILL"},
	} {
		t.Run(name, func(t *testing.T) {
			first := true
			h := open(t, func(o *Options, b *playbook) {
				c.change(b)
				o.Pool.NeedApp = false // not fatal before the first worker
				launch := o.Launch
				o.Launch = func(g int) (Launch, error) {
					l, err := launch(g)
					if first { // only the first template is like that
						first = false
						clean := playbook{Op: "boot", Stage: b.Stage}
						*b = clean
					}
					return l, err
				}
			})
			e := h.event("template gone", template_("gone"))
			if !contains(e.Error, c.text) {
				t.Errorf("event %+v, expected %q", e, c.text)
			}
			h.ask("GET", begin, ok).ended("ok")
		})
	}
}

func TestWorkshop_RefusesAPidThatIsNoneOfItsWorkers(t *testing.T) {
	h := open(t, func(o *Options, b *playbook) {
		o.Pool.NeedApp = false
		b.Noise = `{"op":"forked","spawn":1,"pid":` + itoa(unix.Getppid()) + `}`
	})
	if e := h.worker("gone"); !contains(e.Text, "belongs to another group") {
		t.Errorf("event %+v", e)
	}
	h.ask("GET", begin, ok).ended("ok")
}

// ring lets every alarm of the workshop ring now.
func (h *house) ring() {
	h.post(func(now time.Duration) {
		for _, a := range h.alarms.list {
			a.at = now
		}
	})
}

func TestWorkshop_WarnsAboutASlowImportAndWaits(t *testing.T) {
	h := open(t, func(_ *Options, b *playbook) { b.Hold = true })
	c := h.cue("loading")
	h.ring()
	h.warning("importing the application")
	a := h.ask("GET", begin, ok)
	c.goOn()
	a.ended("ok")
}

func TestWorkshop_WarnsAboutAWorkerThatDoesNotComeUpAndWaits(t *testing.T) {
	h := open(t, func(_ *Options, b *playbook) { b.Worker = "mute" })
	c := h.cue("mute")
	h.ring()
	h.warning("has not come up")
	a := h.ask("GET", begin, ok)
	c.goOn()
	a.ended("ok")
}

func TestWorkshop_KillsATemplateThatDoesNotEnd(t *testing.T) {
	h := open(t, func(_ *Options, b *playbook) { b.Deaf = true })
	h.ask("GET", begin, ok).ended("ok")
	stopped := h.Stop()
	h.worker("gone")
	h.settle()
	h.ring()
	h.warning("does not end")
	<-stopped
}

func TestWorkshop_EndsATemplateThatIsStillImporting(t *testing.T) {
	h := open(t, func(_ *Options, b *playbook) { b.Hold = true })
	h.cue("loading")
	<-h.Stop()
}

// Orders wait for it, in the socket and before it; requests do not.
func TestWorkshop_GoesOnBesideATemplateThatStandsStill(t *testing.T) {
	const more = 12
	h := open(t, func(o *Options, _ *playbook) { o.Pool.Processes = 2 })
	template := h.event("template ready", template_("ready")).PID
	h.worker("ready")
	e := h.worker("ready")
	h.post(func(time.Duration) {
		// Room for few orders.
		if err := unix.SetsockoptInt(h.templates[1].control, unix.SOL_SOCKET, unix.SO_SNDBUF, 1); err != nil {
			t.Error(err)
		}
	})
	if err := unix.Kill(template, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	h.Scale(more)
	kill(t, e.PID)
	dead(t, e.PID)
	for range 20 {
		h.ask("POST", begin, ok).ended("ok")
	}
	waiting := make(chan int, 1)
	h.post(func(time.Duration) { waiting <- len(h.templates[1].out) })
	if n := <-waiting; n == 0 {
		t.Error("no order waits before the socket")
	}
	h.ring() // its exit status does not come
	if e := h.worker("gone"); !contains(e.Text, "unknown") {
		t.Errorf("event %+v", e)
	}
	if err := unix.Kill(template, unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for range more + 1 {
		h.worker("ready")
	}
	h.rest(2 + more)
}
