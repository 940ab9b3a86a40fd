package latency

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestHistogram_PercentilesAreThoseOfTheSortedTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Int64Range(0, int64(2*time.Minute)), 1, 200).Draw(t, "times")
		whole, parts := New(Fine), [2]*Histogram{New(Fine), New(Fine)}
		for i, n := range all {
			whole.Add(time.Duration(n))
			parts[i%2].Add(time.Duration(n))
		}
		merged := New(Fine)
		merged.Merge(parts[0])
		merged.Merge(parts[1])
		slices.Sort(all)
		for _, h := range []*Histogram{whole, merged} {
			if h.Count() != int64(len(all)) || h.Max() != time.Duration(all[len(all)-1]) || h.Min() != time.Duration(all[0]) {
				t.Fatalf("count %d, min %v, max %v of %v", h.Count(), h.Min(), h.Max(), all)
			}
			median := time.Duration(all[(len(all)+1)/2-1])
			if got := h.At(50); got < median-median/500-time.Microsecond || got > median+median/500+time.Microsecond {
				t.Fatalf("p50 is %v, want %v", got, median)
			}
			if h.At(100) > h.Max() || h.At(0) < h.Min() {
				t.Fatalf("percentiles %v to %v leave %v to %v", h.At(0), h.At(100), h.Min(), h.Max())
			}
		}
	})
}

func TestHistogram_EmptyIsAllZero(t *testing.T) {
	h := New(Coarse)
	h.Add(time.Second)
	h.Reset()
	h.Merge(New(Coarse))
	if s := h.Summary(); s != (Summary{}) {
		t.Errorf("%+v", s)
	}
}

func TestHistogram_WhatIsTooLongCountsAsTheLongest(t *testing.T) {
	h := New(Fine)
	h.Add(-time.Second)
	h.Add(3 * Longest)
	if h.Count() != 2 || h.Max() != 3*Longest || h.Min() != 0 || h.At(99) < Longest-Longest/500 {
		t.Errorf("count %d, min %v, p99 %v, max %v", h.Count(), h.Min(), h.At(99), h.Max())
	}
}

func TestHistogram_AboveCounts(t *testing.T) {
	h := New(Fine)
	for n := range 100 {
		h.Add(time.Duration(n) * time.Second)
	}
	if n := h.Above(49*time.Second + 500*time.Millisecond); n != 50 {
		t.Errorf("%d of 100 are above, want 50", n)
	}
}

func TestSummary_IsReadBack(t *testing.T) {
	h := New(Fine)
	for n := range 1000 {
		h.Add(time.Duration(n*n) * time.Microsecond)
	}
	text, err := json.Marshal(h.Summary())
	if err != nil {
		t.Fatal(err)
	}
	var s Summary
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	back, err := Read(s)
	if err != nil {
		t.Fatal(err)
	}
	if got := back.Summary(); got != h.Summary() {
		t.Errorf("%+v\nwant %+v", got, h.Summary())
	}
	for name, change := range map[string]func(*Summary){
		"nonsense":                  func(s *Summary) { s.Histogram = "nonsense" },
		"another count":             func(s *Summary) { s.Count++ },
		"a negative time":           func(s *Summary) { s.Min = -1 },
		"a mean above the maximum":  func(s *Summary) { s.Mean = s.Max + 1 },
		"more than a Duration":      func(s *Summary) { s.Max = 1e300 },
		"a sum above all Durations": func(s *Summary) { s.Mean, s.Max = 8e9, 8e9 },
	} {
		bad := s
		change(&bad)
		if _, err := Read(bad); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

func TestHistogram_AddAllocatesNothing(t *testing.T) {
	h := New(Fine)
	if n := testing.AllocsPerRun(1000, func() { h.Add(time.Millisecond) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
