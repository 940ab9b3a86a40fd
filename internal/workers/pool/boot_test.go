package pool

import (
	"strings"
	"testing"
	"time"

	"fender/internal/observe/event"
)

func TestPool_IsFatalWhenTheApplicationDoesNotComeUpAtStart(t *testing.T) {
	b := newBench(t, Options{})
	b.TemplateFailed(b.now, 1, 22, "no application")
	b.expect("fatal 22: no application")
	b = newBench(t, Options{})
	b.TemplateFailed(b.now, 1, 0, "SIGKILL")
	b.expect("fatal 1: SIGKILL")
	b.TemplateFailed(b.now, 1, 0, "again")
	b.passes(time.Hour)
	b.expect() // once, and nothing after it
	if n := b.noted(NoteWarning); len(n) != 0 {
		t.Errorf("notes %+v", n)
	}
}

func TestPool_IsFatalWhenAWorkerSaysThatItHasNoApplication(t *testing.T) {
	b := newBench(t, Options{NeedApp: true, Processes: 2})
	b.TemplateReady(b.now, 1)
	b.BootFailed(b.now, 1, 22, "no application")
	b.crashes(1)
	b.expect("spawn 1 as number 1 of generation 1", "spawn 2 as number 2 of generation 1", "fatal 22: no application")
	b.BootFailed(b.now, 2, 22, "no application")
	b.crashes(2)
	b.passes(time.Hour)
	b.expect()
}

func TestPool_TriesAgainWhenAWorkerDoesNotComeUpAtStart(t *testing.T) {
	b := newBench(t, Options{NeedApp: true})
	b.TemplateReady(b.now, 1)
	b.forget()
	pause := backoffMin
	for i := range SpawnID(fatalBoots - 1) {
		b.crashes(i + 1) // it does not say why
		b.passes(pause - 1)
		b.expect()
		b.passes(1)
		b.drain()
		if len(b.lines) != 1 || !strings.HasPrefix(b.lines[0], "spawn") {
			t.Fatalf("effects %q after %v", b.lines, pause)
		}
		b.forget()
		pause *= 2
	}
	b.crashes(fatalBoots)
	b.expect("fatal 1: SIGSEGV")
}

func TestPool_TriesAgainForEverWithoutNeedApp(t *testing.T) {
	b := newBench(t, Options{})
	b.TemplateReady(b.now, 1)
	b.BootFailed(b.now, 1, 22, "no application")
	b.crashes(1)
	b.passes(backoffMin)
	b.expect("spawn 1 as number 1 of generation 1", "spawn 2 as number 1 of generation 1")
}

func TestPool_PausesLongerAndLongerBetweenWorkersThatDoNotComeUp(t *testing.T) {
	b := serving(t, Options{NeedApp: true, Processes: 2})
	b.killed(2)
	b.forget()
	pause := backoffMin
	for i := range SpawnID(12) {
		b.BootFailed(b.now, 3+i, 1, "no database")
		b.crashes(3 + i)
		n := b.noted(NoteWarning)
		if len(n) != 1 || !strings.Contains(n[0].Text, "no database") || !strings.Contains(n[0].Text, pause.String()) {
			t.Fatalf("notes %+v, expected %v", n, pause)
		}
		b.passes(pause - 1)
		b.expect()
		b.passes(1)
		b.drain()
		if len(b.lines) != 1 {
			t.Fatalf("effects %q after %v", b.lines, pause)
		}
		b.forget()
		pause = min(2*pause, backoffMax)
	}
	if pause != backoffMax {
		t.Errorf("the last pause is %v", pause)
	}
}

func TestPool_ForgetsFailuresWithTheFirstAnswer(t *testing.T) {
	b := serving(t, Options{Processes: 3})
	b.killed(3)
	b.crashes(4)
	b.passes(backoffMin)
	b.crashes(5)
	b.forget()
	if b.boot.failures != 2 || !b.boot.until.on {
		t.Fatalf("boot %+v", b.boot)
	}
	b.get(1)
	b.runs(1)
	b.expect("send 1 to 1/0", "finish 1", "spawn 6 as number 3 of generation 1") // it works again
	if b.boot.failures != 0 || b.boot.until.on {
		t.Errorf("boot %+v", b.boot)
	}
	b.crashes(6)
	b.get(2)
	b.runs(2) // not the first answer of worker 1
	if b.boot.failures != 1 {
		t.Errorf("boot %+v", b.boot)
	}
}

func TestPool_PausesWhenAWorkerDiesBeforeItServedAnything(t *testing.T) {
	b := serving(t, Options{})
	b.forget()
	b.crashes(1)
	b.expect()
	if n := b.noted(NoteWarning); len(n) != 1 || !strings.Contains(n[0].Text, "SIGSEGV") || !strings.Contains(n[0].Text, "100ms") {
		t.Errorf("notes %+v", n)
	}
	b.passes(backoffMin)
	b.expect("spawn 2 as number 1 of generation 1")
	b.Hello(b.now, 2)
	b.crashes(2) // and coming up is not serving
	b.passes(2*backoffMin - 1)
	b.expect()
	b.passes(1)
	b.expect("spawn 3 as number 1 of generation 1")
}

func TestPool_DoesNotPauseForOtherDeaths(t *testing.T) {
	for name, dies := range map[string]func(*bench){
		"killed from outside":  func(b *bench) { b.killed(1) },
		"after an answer":      func(b *bench) { b.get(1); b.runs(1); b.crashes(1) },
		"a request was begun":  func(b *bench) { b.post(1); b.begins(1); b.crashes(1) },
		"cancelled, but begun": func(b *bench) { b.post(1); b.begins(1); b.Cancel(b.now, 1); b.crashes(1) },
		"it broke the protocol": func(b *bench) {
			b.Protocol(b.now, 1, "rubbish")
			b.killed(1)
		},
	} {
		b := serving(t, Options{})
		dies(b)
		if b.boot.until.on || b.boot.failures != 0 {
			t.Errorf("%s: boot %+v", name, b.boot)
		}
		if b.find(2) == nil {
			t.Errorf("%s: no new worker", name)
		}
	}
	b := serving(t, Options{Processes: 2})
	b.post(1, 2)
	b.crashes(1) // not begun: it cannot have been the request
	if !b.boot.until.on {
		t.Error("unread: no pause")
	}
}

func TestPool_PausesAfterAWorkerThatBreaksTheProtocolInsteadOfComingUp(t *testing.T) {
	b := serving(t, Options{})
	b.killed(1)
	b.Protocol(b.now, 2, "rubbish")
	b.forget()
	b.killed(2)
	b.expect()
	if !b.boot.until.on || len(b.noted(NoteWarning)) != 1 {
		t.Errorf("boot %+v", b.boot)
	}
	if n := b.noted(NoteWorker); len(n) != 0 {
		t.Errorf("notes %+v", n)
	}
}

func TestPool_CallsTheDeathOfAWorkerThatStartsABootFailure(t *testing.T) {
	b := newBench(t, Options{})
	b.TemplateReady(b.now, 1)
	b.passes(3 * time.Second)
	b.forget()
	b.crashes(1)
	n := b.noted(NoteWorker)
	if len(n) != 1 || n[0].Reason != event.ReasonBootFailure || n[0].From != StateStarting || n[0].To != StateGone || n[0].After != 3*time.Second {
		t.Errorf("notes %+v", n)
	}
}

func TestPool_TellsHowLongAWorkerTookToComeUp(t *testing.T) {
	b := newBench(t, Options{})
	b.TemplateReady(b.now, 1)
	b.passes(5 * ms)
	b.forget()
	b.Hello(b.now, 1)
	b.Hello(b.now, 1)
	b.Hello(b.now, 8)
	n := b.noted(NoteWorker)
	if len(n) != 1 || n[0].From != StateStarting || n[0].To != StateReady || n[0].After != 5*ms || n[0].Spawn != 1 || n[0].Number != 1 || n[0].Generation != 1 {
		t.Errorf("notes %+v", n)
	}
}

func TestPool_IgnoresLateWordsOfAWorkerThatIsReadyOrGone(t *testing.T) {
	b := serving(t, Options{})
	b.BootFailed(b.now, 1, 1, "late")
	b.BootFailed(b.now, 9, 1, "nobody")
	b.ForkFailed(b.now, 9, "nobody")
	b.Protocol(b.now, 9, "nobody")
	b.killed(9)
	b.expect()
	if b.find(1).failText != "" {
		t.Error("it came up")
	}
}

func TestPool_KillsAWorkerThatBreaksTheProtocol(t *testing.T) {
	b := serving(t, Options{Processes: 2, Threads: 2})
	b.get(1, 2, 3)
	b.begins(1)
	b.forget()
	b.Protocol(b.now, 1, "rubbish")
	b.Protocol(b.now, 1, "more rubbish")
	b.expect("take back 1/1", "retire 1: protocol", "kill 1", "spawn 3 as number 3 of generation 1")
	n := b.noted(NoteWarning)
	if len(n) != 1 || n[0].Text != "rubbish" || n[0].Spawn != 1 || n[0].Number != 1 || n[0].Generation != 1 || n[0].Reason != event.ReasonProtocol {
		t.Errorf("notes %+v", n)
	}
	b.TookBack(b.now, 1, 1, 1)
	b.expect("send 3 to 2/1")
	b.killed(1) // by us, but for what it did: 1 is a suspect
	b.runs(2, 3)
	b.expect("finish 2", "finish 3", "send 1 to 2/0")
	b.begins(1)
	b.Protocol(b.now, 2, "rubbish again")
	b.forget()
	b.killed(2)
	b.expect("fail 1: poison")
}
