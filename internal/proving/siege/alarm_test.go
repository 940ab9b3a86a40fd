package siege

import (
	"testing"
	"time"
)

func TestAlarm_RingsEveryTimeAndNeverEarly(t *testing.T) {
	a := newAlarm()
	defer a.close()
	if a.file == nil {
		t.Skip("there is no timerfd here")
	}
	random := newRand(3)
	for range 1000 {
		due := time.Now().Add(time.Duration(random.IntN(100_000)))
		if !a.sleepUntil(t.Context(), due) {
			t.Fatal("the context has not ended")
		}
		if early := time.Until(due); early > 0 {
			t.Fatalf("it rang %v before its time", early)
		}
	}
	// Had its timer failed, the runtime's would have been taken in its place.
	if !a.nap(time.Nanosecond) || a.err != nil {
		t.Error(a.err)
	}
	if n := testing.AllocsPerRun(100, func() { a.sleepUntil(t.Context(), time.Now().Add(10*time.Microsecond)) }); n > 0 {
		t.Errorf("%v allocations a ring", n)
	}
}
