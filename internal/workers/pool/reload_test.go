package pool

import (
	"strings"
	"testing"
	"time"

	"fender/internal/observe/event"
)

// texts are what notes say.
func texts(notes []Note) string {
	var all []string
	for _, n := range notes {
		all = append(all, n.Text)
	}
	return strings.Join(all, "; ")
}

func TestPool_ReloadsWorkerByWorkerOnceTheNewCodeHasComeUp(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1)
	b.begins(1)
	b.forget()
	b.Reload(b.now, event.ReasonTouch)
	b.expect("start template 2")
	b.TemplateReady(b.now, 2)
	b.expect("spawn 3 as number 3 of generation 2")
	if got := texts(b.notesOf(NoteTemplate)); got != "starting; ready" {
		t.Errorf("notes %s", got)
	}
	b.get(2)
	b.expect("send 2 to 2/0") // the old ones serve until then
	b.runs(2)
	b.passes(time.Second)
	b.Hello(b.now, 3)
	b.expect("finish 2", "retire 2: touch", "spawn 4 as number 4 of generation 2")
	b.leaves(2)
	b.Hello(b.now, 4)
	b.expect("retire 1: touch", "reload 2 done")
	b.ends(1)
	b.expect("finish 1")
	if !b.Status(b.now).Reloading {
		t.Error("the old generation still has a worker")
	}
	b.leaves(1)
	b.expect("stop template 1")
	if st := b.Status(b.now); st.Reloading || st.Generation != 2 || st.Totals.Reloads != 1 {
		t.Errorf("status %+v", st)
	}
	n := b.noted(NoteReload)
	if texts(n) != "began; done" || n[0].Reason != event.ReasonTouch || n[0].Generation != 2 ||
		n[1].Reason != event.ReasonTouch || n[1].After != time.Second || n[1].Generation != 2 {
		t.Errorf("notes %+v", n)
	}
}

func TestPool_GoesOnWhenTheNewCodeDoesNotComeUp(t *testing.T) {
	for _, c := range []struct {
		name  string
		fails func(*bench)
		want  []string
	}{
		{"import", func(b *bench) { b.TemplateFailed(b.now, 2, 1, "no module") },
			[]string{"reload 2 refused (4): no module"}},
		{"the template dies", func(b *bench) { b.TemplateReady(b.now, 2); b.forget(); b.TemplateDied(b.now, 2, "SIGKILL") },
			[]string{"kill 3", "reload 2 refused (4): SIGKILL"}},
		{"boot", func(b *bench) {
			b.TemplateReady(b.now, 2)
			b.forget()
			b.BootFailed(b.now, 3, 1, "a hook raised")
			b.crashes(3)
		}, []string{"stop template 2", "reload 2 refused (4): a hook raised"}},
		{"the first worker dies", func(b *bench) { b.TemplateReady(b.now, 2); b.forget(); b.crashes(3) },
			[]string{"stop template 2", "reload 2 refused (4): SIGSEGV"}},
		{"fork", func(b *bench) { b.TemplateReady(b.now, 2); b.forget(); b.ForkFailed(b.now, 3, "no memory") },
			[]string{"stop template 2", "reload 2 refused (4): the template could not fork: no memory"}},
		{"protocol", func(b *bench) {
			b.TemplateReady(b.now, 2)
			b.forget()
			b.Protocol(b.now, 3, "rubbish")
			b.expect("retire 3: protocol", "kill 3")
			b.killed(3)
		}, []string{"stop template 2", "reload 2 refused (4): SIGKILL"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := serving(t, Options{Processes: 2})
			b.Reload(b.now, event.ReasonReload)
			b.forget()
			c.fails(b)
			b.expect(c.want...)
			if b.boot.until.on {
				t.Error("it pauses, and the old code has not failed")
			}
			b.get(1, 2)
			b.runs(1, 2)
			b.expect("send 1 to 1/0", "send 2 to 2/0", "finish 1", "finish 2")
			n := b.noted(NoteReload)
			if last := n[len(n)-1]; !strings.HasPrefix(last.Text, "refused, generation 1 goes on: ") || last.Generation != 2 {
				t.Errorf("notes %+v", n)
			}
			if st := b.Status(b.now); st.Reloading || st.Generation != 1 || st.Totals.Reloads != 0 {
				t.Errorf("status %+v", st)
			}
			if b.find(3) != nil {
				b.killed(3)
			}
			b.Reload(b.now, event.ReasonReload)
			b.expect("start template 3") // and may be tried again
		})
	}
}

func TestPool_IgnoresTheNewWorkerOfARefusedReload(t *testing.T) {
	b := serving(t, Options{})
	b.Reload(b.now, event.ReasonReload)
	b.TemplateReady(b.now, 2)
	b.TemplateDied(b.now, 2, "gone")
	b.forget()
	b.Hello(b.now, 2)
	b.get(1)
	b.expect("send 1 to 1/0")
	b.killed(2)
	b.expect()
}

func TestPool_MergesReloadsIntoOneMore(t *testing.T) {
	b := serving(t, Options{})
	b.get(9)
	b.begins(9)
	b.forget()
	b.Reload(b.now, event.ReasonReload)
	b.expect("start template 2")
	b.Reload(b.now, event.ReasonTouch)
	b.TemplateReady(b.now, 2)
	b.Reload(b.now, event.ReasonTouch)
	b.expect("spawn 2 as number 2 of generation 2")
	b.Hello(b.now, 2)
	b.expect("retire 1: reload", "reload 2 done") // its own reason, not the next one's
	b.Reload(b.now, event.ReasonTouch)
	b.ends(9)
	b.expect("finish 9") // a worker of the old generation is still there
	b.leaves(1)
	b.expect("stop template 1", "start template 3")
	b.TemplateReady(b.now, 3)
	b.Hello(b.now, 3)
	b.expect("spawn 3 as number 1 of generation 3", "retire 2: touch", "reload 3 done")
	b.leaves(2)
	b.expect("stop template 2")
	n := b.noted(NoteReload)
	if got := texts(n); strings.Count(got, "merged") != 3 || strings.Count(got, "began") != 2 || strings.Count(got, "done") != 2 {
		t.Errorf("notes %s", got)
	}
	if n := b.Totals().Reloads; n != 2 {
		t.Errorf("%d reloads", n)
	}
}

func TestPool_ReloadsOnceMoreAfterARefusedReload(t *testing.T) {
	b := serving(t, Options{})
	b.Reload(b.now, event.ReasonReload)
	b.Reload(b.now, event.ReasonTouch)
	b.TemplateFailed(b.now, 2, 1, "no module")
	b.expect("start template 2", "reload 2 refused (4): no module", "start template 3")
	b.TemplateReady(b.now, 3)
	b.Reload(b.now, event.ReasonReload)
	b.crashes(2)
	b.expect("spawn 2 as number 2 of generation 3", "stop template 3", "reload 3 refused (4): SIGSEGV", "start template 4")
}

func TestPool_WaitsWithAReloadUntilSomethingWasReady(t *testing.T) {
	b := newBench(t, Options{})
	b.Reload(b.now, event.ReasonReload)
	b.TemplateReady(b.now, 1)
	b.expect("spawn 1 as number 1 of generation 1")
	b.Hello(b.now, 1)
	b.expect("start template 2")
}

func TestPool_WaitsWithAReloadForTheWorkersOfARefusedOne(t *testing.T) {
	b := serving(t, Options{})
	b.Reload(b.now, event.ReasonReload)
	b.TemplateReady(b.now, 2)
	b.TemplateDied(b.now, 2, "gone")
	b.Reload(b.now, event.ReasonReload)
	b.expect("start template 2", "spawn 2 as number 2 of generation 2", "kill 2", "reload 2 refused (4): gone")
	b.killed(2)
	b.expect("start template 3")
}

func TestPool_ReplacesWorkersThatStartWhileItReloads(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.killed(2)
	b.expect("spawn 3 as number 2 of generation 1")
	b.Reload(b.now, event.ReasonReload)
	b.TemplateReady(b.now, 2)
	b.expect("start template 2", "spawn 4 as number 3 of generation 2")
	b.Hello(b.now, 4)
	// 3 has not come up: it need not any more.
	b.expect("retire 3: reload", "spawn 5 as number 4 of generation 2")
	b.Hello(b.now, 3)
	b.expect()
	b.leaves(3)
	b.Hello(b.now, 5)
	b.expect("retire 1: reload", "reload 2 done")
}

func TestPool_ForksForTheOldGenerationUntilTheNewOneIsReady(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.Reload(b.now, event.ReasonReload)
	b.TemplateReady(b.now, 2)
	b.forget()
	b.killed(1)
	b.expect("spawn 4 as number 1 of generation 1")
	b.Hello(b.now, 4)
	b.expect()
}

func TestPool_EndsAPauseBetweenAttemptsWithAReload(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.killed(2)
	b.crashes(3)
	b.expect("spawn 3 as number 2 of generation 1")
	b.Reload(b.now, event.ReasonReload)
	b.TemplateReady(b.now, 2)
	b.Hello(b.now, 4)
	b.expect("start template 2", "spawn 4 as number 2 of generation 2", "spawn 5 as number 3 of generation 2")
	if b.boot.until.on {
		t.Error("it waits for the old code to come up")
	}
}

func TestPool_ReportsTheEndOfAReloadWhenTheLastOldWorkerDies(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.Reload(b.now, event.ReasonReload)
	b.TemplateReady(b.now, 2)
	b.Hello(b.now, 3)
	b.expect("start template 2", "spawn 3 as number 3 of generation 2", "retire 1: reload", "spawn 4 as number 4 of generation 2")
	b.leaves(1)
	b.expect()
	b.killed(2)
	b.expect("reload 2 done", "stop template 1")
}

func TestPool_DoesNotReloadWhileItStops(t *testing.T) {
	b := serving(t, Options{})
	b.Reload(b.now, event.ReasonReload)
	b.Stop(b.now)
	b.expect("start template 2", "retire 1: shutdown", "stop template 1", "stop template 2")
	b.Reload(b.now, event.ReasonReload)
	b.TemplateReady(b.now, 2)
	b.TemplateReady(b.now, 1)
	b.TemplateFailed(b.now, 2, 1, "told to")
	b.Scale(b.now, 1)
	b.expect()
}

func TestPool_BeginsNoReloadWhileItStops(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.Stop(b.now)
	b.forget()
	b.Reload(b.now, event.ReasonReload)
	b.expect()
	if n := len(b.noted(NoteReload)); n != 0 {
		t.Errorf("%d notes of a reload", n)
	}
}

func TestPool_SaysWhyTheWorkerOfARefusedReloadGoes(t *testing.T) {
	b := serving(t, Options{})
	b.Reload(b.now, event.ReasonTouch)
	b.TemplateReady(b.now, 2)
	b.forget()
	b.TemplateDied(b.now, 2, "gone")
	b.killed(2)
	n := b.noted(NoteWorker)
	if len(n) != 2 || n[0].To != StateDoomed || n[0].Reason != event.ReasonTouch || n[1].To != StateGone || n[1].Reason != event.ReasonTouch {
		t.Errorf("notes %+v", n)
	}
}
