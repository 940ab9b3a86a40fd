package pool

import (
	"testing"

	"fender/internal/exchange"
)

// blank is the page of a worker that has begun nothing.
type blank struct{}

func (blank) State(SpawnID, int) (uint32, Phase) { return 0, PhaseIdle }
func (blank) Heard(SpawnID) uint64               { return 0 }
func (blank) Blocked(SpawnID, int) bool          { return false }

func TestPool_MovesTheOlderOfTwoMessagesWhenTheNewerWasReadFirst(t *testing.T) {
	p := New(Options{}, blank{})
	p.Start(0)
	p.TemplateReady(0, 1)
	p.Hello(0, 1)
	p.Submit(1, Request{ID: 1})
	p.Submit(2, Request{ID: 2})
	var sent []Effect
	for _, e := range p.Effects() {
		if e.Op == OpSend {
			sent = append(sent, e)
		}
	}
	if len(sent) != 2 || sent[0].ID != 1 || sent[1].ID != 2 || !sent[1].Ahead {
		t.Fatalf("sent %+v", sent)
	}
	p.TookBack(3, 1, 0, []uint32{sent[0].Seq})
	var again []exchange.ID
	for _, e := range p.Effects() {
		if e.Op == OpSend {
			again = append(again, e.ID)
		}
	}
	if len(again) != 1 || again[0] != 1 {
		t.Errorf("sent %v after the older came back, expected 1 behind 2", again)
	}
	if !p.AnswerEnd(4, 1, 0, 2, sent[1].Seq, 0, 0, false, false) {
		t.Error("the newer is not what the slot owes")
	}
	if n := p.Totals(); n.TakenBack != 1 || n.Answered != 1 {
		t.Errorf("totals %+v", n)
	}
}
