package loop

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSetBatch_ChangesThePolicyAndNothingElse(t *testing.T) {
	runtime.LockOSThread() // the thread ends with the test's goroutine
	read := func() unix.SchedAttr {
		t.Helper()
		attr, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return *attr
	}
	before := read()
	for _, on := range []bool{true, true, false, false} {
		if err := SetBatch(on); err != nil {
			t.Fatal(err)
		}
		want := uint32(schedOther)
		if on {
			want = schedBatch
		}
		got := read()
		if got.Policy != want || got.Nice != before.Nice {
			t.Errorf("policy %d, nice %d, after %v", got.Policy, got.Nice, on)
		}
	}
}
