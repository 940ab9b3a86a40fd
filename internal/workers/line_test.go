package workers

import (
	"testing"

	"fender/internal/exchange"
	"fender/internal/workers/pool"
	"fender/internal/workers/wire"
	"fender/internal/workers/worker"
)

// What the pool lets into a line must fit into its socket, whatever the kernel's own books make of a message
// of that length, and a call's return with it.
func TestWorker_HoldsAWholeLineAndAReturn(t *testing.T) {
	o := worker.NewOutbox()
	for size := 512; size <= wire.MaxMessage; size += 509 {
		w, err := worker.New(1)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if w.Small() {
			t.Skip("this kernel's socket buffers are small")
		}
		body := exchange.Body{Bytes: make([]byte, size-wire.FrameHeadSize)}
		n, bytes := 0, 0
		for n < pool.LineMost && (n < 2 || bytes+size <= pool.LineBytes) {
			if got := worker.MessageSize(nil, body); got != size {
				t.Fatalf("a message of %d bytes is said to have %d", size, got)
			}
			if err := o.Request(w, 0, 1, uint32(n+1), nil, body); err != nil {
				t.Fatalf("message %d of %d bytes: %v", n+1, size, err)
			}
			n, bytes = n+1, bytes+size
		}
		if err := o.Return(w, 0, 1, 1, true, wire.None()); err != nil {
			t.Errorf("a return behind %d messages of %d bytes: %v", n, size, err)
		}
	}
}
