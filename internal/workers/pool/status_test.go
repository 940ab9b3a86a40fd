package pool

import (
	"reflect"
	"testing"
	"time"

	"fender/internal/observe/event"
)

func TestPool_TellsItsState(t *testing.T) {
	b := serving(t, Options{Processes: 2, Threads: 2, QueueLimit: 7, MaxRequests: 1})
	b.get(9)
	b.runs(9)
	b.passes(time.Second)
	b.Memory(b.now, 2, 12345)
	b.get(1, 2, 3, 4)
	b.begins(1, 2, 3, 4)
	b.passes(aheadBound + ms)
	b.get(5)
	b.passes(2 * time.Second)
	b.Hello(b.now, 3)
	got := b.Status(b.now)
	began := 11 * time.Second
	want := Status{
		Generation: 1, Target: 2, Processes: 2, QueueLimit: 7, Totals: b.Totals(),
		Workers: []WorkerStatus{
			{
				Number: 1, Spawn: 1, Generation: 1, State: StateRetiring, Busy: true, Reason: event.ReasonMaxRequests, Requests: 1,
				Slots: []SlotStatus{{ID: 1, Since: began}, {ID: 3, Since: began}},
			},
			{
				Number: 2, Spawn: 2, Generation: 1, State: StateReady, Busy: true, RSS: 12345,
				Slots: []SlotStatus{{ID: 2, Since: began}, {ID: 4, Since: began}},
			},
			{
				Number: 3, Spawn: 3, Generation: 1, State: StateReady, Busy: true,
				Slots: []SlotStatus{{ID: 5, Since: b.now}, {}},
			},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("status\n%+v, expected\n%+v", got, want)
	}
	if n := b.Ready(); n != 2 {
		t.Errorf("%d ready", n)
	}
}

func TestPool_TellsWhatWaits(t *testing.T) {
	b := serving(t, Options{Processes: 2})
	b.get(1, 2)
	b.begins(1, 2)
	b.get(3)
	if st := b.Status(b.now); st.Workers[0].Slots[0].Ahead != 1 || st.Workers[1].Slots[0].Ahead != 0 {
		t.Errorf("status %+v", st)
	}
	b.passes(aheadBound)
	b.TookBack(b.now, 1, 0, 1)
	b.passes(10 * ms)
	b.get(4)
	b.passes(20 * ms)
	if st := b.Status(b.now); st.Queue != 2 || st.OldestWait != 40*ms || st.QueueLimit != 1024 {
		t.Errorf("status %+v", st)
	}
	b.crashes(1) // 1 is a suspect, and has waited as long as 3
	b.passes(10 * ms)
	if st := b.Status(b.now); st.Queue != 3 || st.OldestWait != 50*ms {
		t.Errorf("status %+v", st)
	}
	if st := newBench(t, Options{}).Status(0); st.Generation != 1 || len(st.Workers) != 0 || st.OldestWait != 0 {
		t.Errorf("status %+v", st)
	}
	if st := New(Options{}, b).Status(0); st.Generation != 0 {
		t.Errorf("status before the start %+v", st)
	}
}

func TestPool_TellsTheLongestWaitOfSuspectsToo(t *testing.T) {
	b := serving(t, Options{})
	b.get(1)
	b.begins(1)
	b.passes(time.Second)
	b.crashes(1)
	b.get(2)
	b.passes(time.Second)
	if st := b.Status(b.now); st.OldestWait != 2*time.Second || st.Queue != 2 {
		t.Errorf("status %+v", st)
	}
}

func TestPool_KeepsAStatusApartFromItsState(t *testing.T) {
	b := serving(t, Options{})
	st := b.Status(b.now)
	b.get(1)
	if st.Workers[0].Busy || st.Workers[0].Slots[0].ID != 0 || st.Totals.Submitted != 0 {
		t.Errorf("status %+v", st)
	}
}
