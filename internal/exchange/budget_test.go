package exchange

import (
	"math"
	"sync"
	"testing"
)

// A request for more than there is must not be felt by those who ask for little at the same time.
func TestBudget_RefusalsDisturbNobody(t *testing.T) {
	b := NewBudget(1000)
	stop := make(chan struct{})
	var greedy sync.WaitGroup
	for range 12 { // together more than an int64 holds
		greedy.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if b.Take(math.MaxInt64 / 8) {
					t.Error("more was taken than there is")
					return
				}
			}
		})
	}
	for range 200_000 {
		if !b.Take(1000) {
			t.Error("a refusal of somebody else's was in the way")
			break
		}
		b.Give(1000)
	}
	close(stop)
	greedy.Wait()
	if b.Used() != 0 {
		t.Errorf("%d bytes are left", b.Used())
	}
}

func TestBudget_IsExact(t *testing.T) {
	b := NewBudget(10)
	if !b.Fits(10) || b.Fits(11) || b.Used() != 0 {
		t.Errorf("fits 10: %v, 11: %v; %d used", b.Fits(10), b.Fits(11), b.Used())
	}
	if !b.Take(4) || !b.Take(6) || b.Take(1) || b.Fits(1) || !b.Take(0) || b.Used() != 10 {
		t.Errorf("%d used", b.Used())
	}
	b.Give(6)
	if !b.Fits(6) || b.Fits(7) || b.Limit() != 10 {
		t.Errorf("%d of %d used", b.Used(), b.Limit())
	}
	if none := new(Budget); none.Take(1) || none.Fits(1) {
		t.Error("something fits into nothing")
	}
}
