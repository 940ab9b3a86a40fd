package front

import "testing"

func TestSpares_GiveBackWhatWasKeptLastAndNoMoreThanTheBound(t *testing.T) {
	s := spares[*int]{most: 3}
	if x, ok := s.take(); ok || x != nil {
		t.Errorf("from nothing came %v", x)
	}
	var kept [5]*int
	for i := range kept {
		kept[i] = new(int)
		s.keep(kept[i])
	}
	for i := 2; i >= 0; i-- {
		if x, ok := s.take(); !ok || x != kept[i] {
			t.Errorf("in place of %d came another", i)
		}
	}
	if _, ok := s.take(); ok {
		t.Error("there was a fourth")
	}
	for _, x := range s.list[:cap(s.list)] {
		if x != nil {
			t.Error("what was taken is still held")
		}
	}
}

func TestSpares_AllocateNothingInTheSteadyState(t *testing.T) {
	s := spares[[]byte]{most: 4}
	s.keep(make([]byte, 10))
	if n := testing.AllocsPerRun(100, func() {
		x, _ := s.take()
		s.keep(x)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
