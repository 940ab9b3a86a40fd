package workers

import (
	"testing"
	"time"
)

func TestUrgency_InterruptsNobodyWhileRequestsWait(t *testing.T) {
	const us = time.Microsecond
	var u urgency
	for i, step := range []struct {
		at          time.Duration
		free, waits bool
		want        bool
	}{
		{0, true, false, false},
		{0, false, false, false},
		{1 * us, false, true, true},
		{2 * us, false, false, true}, // something may wait again in a moment
		{900 * us, false, true, true},
		{1899 * us, false, false, true},
		{1900 * us, false, false, false},
		{2000 * us, false, false, false},
		{2001 * us, false, true, true},
		{2002 * us, true, true, false}, // behind a slow one, while a slot is free
		{2003 * us, false, false, false},
		{2004 * us, false, true, true},
		{2005 * us, true, false, false},
	} {
		u.batch = u.wish(step.at, step.free, step.waits)
		if u.batch != step.want {
			t.Errorf("step %d: %v", i, u.batch)
		}
		if at, ok := u.next(); ok != step.want || ok && at <= step.at {
			t.Errorf("step %d: looked at again at %v, %v", i, at, ok)
		}
	}
	u.fixed = true
	if u.wish(time.Second, false, true) {
		t.Error("a policy that cannot be changed is wished for")
	}
	if _, ok := u.next(); ok {
		t.Error("and waited for")
	}
}
