package workers

import (
	"testing"
	"time"
)

func TestUrgency_InterruptsNobodyWhileRequestsWait(t *testing.T) {
	var u urgency
	for i, step := range []struct {
		at     time.Duration
		queued int
		want   bool
	}{
		{0, 0, false},
		{time.Millisecond, 3, true},
		{2 * time.Millisecond, 0, true}, // it may be full again in a moment
		{9 * time.Millisecond, 1, true},
		{18 * time.Millisecond, 0, true},
		{19 * time.Millisecond, 0, false},
		{20 * time.Millisecond, 0, false},
	} {
		u.batch = u.wish(step.at, step.queued)
		if u.batch != step.want {
			t.Errorf("step %d: %v", i, u.batch)
		}
		if at, ok := u.next(); ok != step.want || ok && at <= step.at {
			t.Errorf("step %d: looked at again at %v, %v", i, at, ok)
		}
	}
	u.fixed = true
	if u.wish(time.Second, 5) {
		t.Error("a policy that cannot be changed is wished for")
	}
	if _, ok := u.next(); ok {
		t.Error("and waited for")
	}
}
