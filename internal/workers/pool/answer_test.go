package pool

import (
	"testing"
	"time"

	"fender/internal/exchange"
)

func TestPool_HoldsAnAnswerThatFitsUntilItIsComplete(t *testing.T) {
	b := serving(t, Options{AnswerBuffer: 1000})
	b.get(1)
	b.begins(1)
	b.gives(1, 500, 1000)
	b.passes(1 * cycle)
	b.gives(1, 500, 1000)
	b.passes(1 * cycle)
	b.expect("send 1 to 1/0")
	b.ends(1)
	b.expect("finish 1")
}

func TestPool_LetsALongAnswerLeaveAsItComes(t *testing.T) {
	b := serving(t, Options{AnswerBuffer: 1000})
	b.get(1)
	b.begins(1)
	b.gives(1, 1, 1001)
	b.gives(1, 1000, 1001)
	b.ends(1)
	b.expect("send 1 to 1/0", "release 1", "finish 1")
}

func TestPool_LetsAnAnswerLeaveThatIsLongerThanItSaid(t *testing.T) {
	b := serving(t, Options{AnswerBuffer: 1000})
	b.get(1)
	b.begins(1)
	b.gives(1, 1000, 5)
	b.expect("send 1 to 1/0")
	b.gives(1, 1, 5)
	b.expect("release 1")
}

func TestPool_LetsAStreamLeaveWhenNothingFollows(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.gives(1, 100, -1)
	b.passes(streamQuiet - 1)
	b.gives(1, 100, -1)
	b.passes(streamQuiet - 1)
	b.expect("send 1 to 1/0")
	b.passes(1)
	b.expect("release 1")
	b.gives(1, 100, -1)
	b.passes(cycle)
	b.ends(1)
	b.expect("finish 1")
}

func TestPool_LetsAStreamLeaveWhenThereIsEnoughOfIt(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.gives(1, streamBytes-1, -1)
	b.expect("send 1 to 1/0")
	b.gives(1, 1, -1)
	b.expect("release 1")
	b.passes(cycle)
	b.expect() // once
}

func TestPool_LetsAnEmptyStreamLeaveToo(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.gives(1, 0, 0)
	b.passes(cycle)
	b.expect("send 1 to 1/0") // a length of 0 is a length
	b.ends(1)
	b.get(2)
	b.begins(2)
	b.gives(2, 0, -1)
	b.passes(streamQuiet)
	b.expect("finish 1", "send 2 to 1/0", "release 2")
}

func TestPool_DoesNotCountTheQuietOfOneAnswerForTheNext(t *testing.T) {
	b := serving(t, Options{})
	b.get(1, 2)
	b.begins(1)
	b.gives(1, 10, -1)
	b.passes(2 * ms)
	b.ends(1)
	b.begins(2)
	b.passes(cycle)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "finish 1")
}

func TestPool_LetsAnAnswerLeaveThatCannotBeHeld(t *testing.T) {
	b := serving(t, Options{})
	b.get(1, 2)
	b.begins(1)
	b.ForceRelease(1) // nothing of it has come
	b.ForceRelease(99)
	b.gives(1, 10, 100)
	b.ForceRelease(2) // waits behind
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead")
	b.ForceRelease(1)
	b.ForceRelease(1)
	b.expect("release 1")
	b.Cancel(b.now, 1)
	b.ForceRelease(1)
	b.expect("cut 1: client-gone", "abort 1/0 seq 1")
}

func TestPool_KnowsOnlyTheAnswerThatTheSlotOwes(t *testing.T) {
	b := serving(t, Options{})
	b.get(1, 2)
	b.begins(1)
	for name, ok := range map[string]bool{
		"the next":       b.AnswerPart(b.now, 1, 0, 2, 2, 1, -1),
		"an old one":     b.AnswerPart(b.now, 1, 0, 1, 0, 1, -1),
		"another slot":   b.AnswerPart(b.now, 1, 1, 1, 1, 1, -1),
		"before":         b.AnswerPart(b.now, 1, -1, 1, 1, 1, -1),
		"another worker": b.AnswerPart(b.now, 2, 0, 1, 1, 1, -1),
		"an end":         b.AnswerEnd(b.now, 1, 0, 2, 2, 1, -1, false, false),
		"an end of none": b.AnswerEnd(b.now, 2, 0, 1, 1, 1, -1, false, false),
	} {
		if ok {
			t.Errorf("%s is known", name)
		}
	}
	b.ends(1)
	b.runs(2)
	if b.AnswerEnd(b.now, 1, 0, 2, 2, 1, -1, false, false) {
		t.Error("an answer ends twice")
	}
}

func TestPool_FailsAnAnswerThatCannotBeSent(t *testing.T) {
	b := serving(t, Options{})
	b.get(1, 2)
	b.begins(1)
	b.BadAnswer(b.now, 1, 0, "a header has a line break")
	b.BadAnswer(b.now, 1, 0, "again")
	b.gives(1, 100, -1)
	b.passes(2 * ms)
	b.ends(1)
	b.runs(2)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "fail 1: bad-answer", "finish 2")
	b.BadAnswer(b.now, 1, 0, "nothing is there")
	b.BadAnswer(b.now, 9, 0, "nobody")
	n := b.noted(NoteError)
	if len(n) != 1 || n[0].Text != "a header has a line break" || n[0].Spawn != 1 || n[0].Generation != 1 {
		t.Errorf("notes %+v", n)
	}
	if n := b.Totals(); n.Failed != 1 || n.Answered != 1 || n.Cut != 0 {
		t.Errorf("totals %+v", n)
	}
}

func TestPool_CutsABadAnswerThatHasBegunToLeave(t *testing.T) {
	b := serving(t, Options{})
	b.get(1, 2)
	b.begins(1)
	b.gives(1, 10, -1)
	b.passes(streamQuiet)
	b.BadAnswer(b.now, 1, 0, "too late")
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "release 1", "cut 1: answer-cut")
	b.ends(1)
	b.runs(2)
	b.expect("finish 2")
	if n := b.Totals(); n.Failed != 1 || n.Cut != 1 || n.Answered != 1 {
		t.Errorf("totals %+v", n)
	}
}

func TestPool_HoldsNothingOfABadAnswer(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.gives(1, 10, -1)
	b.BadAnswer(b.now, 1, 0, "bad")
	b.passes(cycle)
	b.gives(1, 2*streamBytes, -1)
	b.passes(cycle)
	b.expect("send 1 to 1/0", "fail 1: bad-answer")
}

func TestPool_FailsAnAnswerThatTheApplicationDidNotFinish(t *testing.T) {
	b := serving(t, Options{})
	b.get(1, 2)
	b.begins(1)
	b.gives(1, 10, -1)
	b.breaks(1)
	b.begins(2)
	b.gives(2, streamBytes, -1)
	b.breaks(2)
	b.expect("send 1 to 1/0", "send 2 to 1/0 ahead", "fail 1: bad-answer", "release 2", "cut 2: answer-cut")
	if n := b.Totals(); n.Failed != 2 || n.Cut != 1 || n.Answered != 0 {
		t.Errorf("totals %+v", n)
	}
	if n := b.noted(NoteError); len(n) != 2 || n[0].Cause != exchange.CauseBadAnswer || n[1].Cause != exchange.CauseAnswerCut || n[1].Text == "" {
		t.Errorf("notes %+v", n)
	}
}

func TestPool_IsNotWokenForAMessageThatIsBeingAnswered(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.gives(1, 10, 100)
	if at, ok := b.Next(); !ok || at != b.now+cycle {
		t.Errorf("next %v %v at %v", at, ok, b.now)
	}
}

func TestPool_HoldsTheAnswerOfARetryFromItsBeginning(t *testing.T) {
	b := serving(t, Options{Processes: 2, AnswerBuffer: 1000})
	b.get(1)
	b.begins(1)
	b.gives(1, 900, 1000)
	b.killed(1)
	b.begins(1)
	b.gives(1, 900, 1000)
	b.ends(1)
	b.expect("send 1 to 1/0", "spawn 3 as number 1 of generation 1", "send 1 to 2/0", "finish 1")
}

func TestPool_LetsGoOfAnAnswerOnlyWhileItIsItsOwn(t *testing.T) {
	for name, ends := range map[string]func(*bench){
		"cancelled":  func(b *bench) { b.Cancel(b.now, 1) },
		"refused":    func(b *bench) { b.BadAnswer(b.now, 1, 0, "bad") },
		"over time":  func(b *bench) { b.now += time.Second; b.overTime(b.now, b.on(1)) },
		"forced out": func(b *bench) { b.Force(b.now) },
	} {
		b := serving(t, Options{Harakiri: time.Second})
		b.get(1)
		b.begins(1)
		b.gives(1, 10, -1)
		ends(b)
		b.forget()
		b.passes(streamQuiet)
		for _, line := range b.lines {
			if line == "release 1" {
				t.Errorf("%s: it is released", name)
			}
		}
	}
}

func TestPool_KeepsTheQuietOfAnAnswerWhenTheOneBehindItIsCancelled(t *testing.T) {
	b := serving(t, Options{})
	b.get(1, 2)
	b.begins(1)
	b.gives(1, 10, -1)
	b.Cancel(b.now, 2)
	b.forget()
	b.passes(streamQuiet)
	b.expect("release 1")
}

func TestPool_TakesNoAnswerFromASlotThatHasNothing(t *testing.T) {
	b := serving(t, Options{Threads: 2})
	b.get(1, 2)
	b.runs(1, 2)
	b.get(3) // what is remembered of 2, which slot 1 had, becomes 3, on slot 0
	b.begins(3)
	if b.AnswerPart(b.now, 1, 1, 3, b.requests[3].seq, 1, -1) {
		t.Error("slot 1 gives the answer of slot 0")
	}
}
