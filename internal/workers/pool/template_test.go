package pool

import (
	"strings"
	"testing"

	"fender/internal/observe/event"
)

func TestPool_StartsANewTemplateAtOnceWhenOneDies(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.forget()
	b.TemplateDied(b.now, 1, "SIGKILL")
	b.expect("start template 1")
	b.get(1)
	b.runs(1)
	b.expect("send 1 to 1/0", "finish 1") // the workers go on
	b.killed(1)
	b.expect()
	b.TemplateReady(b.now, 1)
	b.expect("spawn 3 as number 1 of generation 1")
	if got := texts(b.noted(NoteTemplate)); got != "gone: SIGKILL; starting; ready" {
		t.Errorf("notes %s", got)
	}
}

func TestPool_PausesBetweenTemplatesThatDoNotComeUpAgain(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.forget()
	b.TemplateDied(b.now, 1, "SIGKILL")
	b.TemplateFailed(b.now, 1, 1, "no module")
	b.expect("start template 1")
	if n := b.noted(NoteWarning); len(n) != 1 || !strings.Contains(n[0].Text, "no module") || !strings.Contains(n[0].Text, "100ms") {
		t.Errorf("notes %+v", n)
	}
	b.passes(backoffMin - 1)
	b.killed(1)
	b.expect()
	b.passes(1)
	b.expect("start template 1")
	b.TemplateFailed(b.now, 1, 1, "no module")
	b.passes(2*backoffMin - 1)
	b.expect()
	b.passes(1)
	b.expect("start template 1")
	b.TemplateReady(b.now, 1)
	b.expect("spawn 3 as number 1 of generation 1")
	if b.boot.failures != 0 {
		t.Errorf("%d failures are remembered", b.boot.failures)
	}
}

func TestPool_EndsThePauseWhenATemplateIsReady(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.TemplateDied(b.now, 1, "SIGKILL")
	b.killed(1)
	b.crashes(2)
	b.forget()
	if !b.boot.until.on {
		t.Fatal("a worker died before it served anything")
	}
	b.TemplateReady(b.now, 1)
	b.expect("spawn 3 as number 1 of generation 1", "spawn 4 as number 2 of generation 1")
	b.passes(cycle)
	b.expect()
}

func TestPool_StartsATemplateWhoseOrphansFailedToFork(t *testing.T) {
	b := newBench(t, Options{})
	b.TemplateReady(b.now, 1)
	b.TemplateDied(b.now, 1, "SIGKILL") // it had been ready: it is not the code
	b.expect("spawn 1 as number 1 of generation 1", "start template 1")
	b.ForkFailed(b.now, 1, "its template is gone")
	b.expect()
	b.TemplateReady(b.now, 1)
	b.expect()
	b.passes(backoffMin)
	b.expect("spawn 2 as number 1 of generation 1")
}

func TestPool_IgnoresWhatTemplatesOfThePastSay(t *testing.T) {
	b := serving(t, Options{})
	b.Reload(b.now, event.ReasonReload)
	b.TemplateReady(b.now, 2)
	b.Hello(b.now, 2)
	b.TemplateDied(b.now, 1, "SIGKILL") // the old one, while its worker leaves
	b.forget()
	b.leaves(1)
	b.expect() // it need not be stopped any more
	b.TemplateDied(b.now, 1, "again")
	b.TemplateReady(b.now, 1)
	b.TemplateReady(b.now, 7)
	b.TemplateFailed(b.now, 7, 1, "nobody")
	b.expect()
	b.TemplateDied(b.now, 2, "SIGKILL")
	b.expect("start template 2")
}
