package workers

import (
	"testing"
	"time"
)

func TestUrgency_InterruptsNobodyWhileRequestsWait(t *testing.T) {
	var u urgency
	for i, step := range []struct {
		at    time.Duration
		waits bool
		want  bool
	}{
		{0, false, false},
		{time.Millisecond, true, true},
		{2 * time.Millisecond, false, true}, // it may be full again in a moment
		{9 * time.Millisecond, true, true},
		{18 * time.Millisecond, false, true},
		{19 * time.Millisecond, false, false},
		{20 * time.Millisecond, false, false},
	} {
		u.batch = u.wish(step.at, step.waits)
		if u.batch != step.want {
			t.Errorf("step %d: %v", i, u.batch)
		}
		if at, ok := u.next(); ok != step.want || ok && at <= step.at {
			t.Errorf("step %d: looked at again at %v, %v", i, at, ok)
		}
	}
	u.fixed = true
	if u.wish(time.Second, true) {
		t.Error("a policy that cannot be changed is wished for")
	}
	if _, ok := u.next(); ok {
		t.Error("and waited for")
	}
}
