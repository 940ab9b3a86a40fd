// Package latency records how long requests took, in HDR histograms: any percentile afterwards, within
// a tenth of a percent, in memory that does not grow. It owns the histogram's bounds and its JSON
// form. When a request began, and which requests count, is its caller's business.
package latency

import (
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Longest is the longest time that is told apart; what took longer counts as this long.
const Longest = time.Hour

// Digits is how many leading digits of a time are kept.
type Digits int

// Fine is for a whole run (about 180 KB), Coarse for one second of it (about 30 KB).
const (
	Fine   Digits = 3
	Coarse Digits = 2
)

// Histogram is a set of times. It is not safe for concurrent use: each writer has its own, and they
// are merged.
type Histogram struct {
	h   *hdrhistogram.Histogram
	max time.Duration
	min time.Duration
	sum time.Duration
}

// New returns an empty histogram.
func New(d Digits) *Histogram {
	return &Histogram{h: hdrhistogram.New(1, Longest.Microseconds(), int(d)), min: math.MaxInt64}
}

// Add records one time. It allocates nothing.
func (h *Histogram) Add(d time.Duration) {
	d = max(d, 0)
	// A value within the bounds is always taken; 0 is one of them.
	_ = h.h.RecordValue(min(d, Longest).Microseconds())
	h.max, h.min, h.sum = max(h.max, d), min(h.min, d), h.sum+d
}

// Merge adds all that other has. Both must have the same digits, or h more.
func (h *Histogram) Merge(other *Histogram) {
	if other.Count() == 0 {
		return
	}
	h.h.Merge(other.h)
	h.max, h.min, h.sum = max(h.max, other.max), min(h.min, other.min), h.sum+other.sum
}

// Reset forgets everything.
func (h *Histogram) Reset() {
	h.h.Reset()
	h.max, h.min, h.sum = 0, math.MaxInt64, 0
}

// Count is how many times were recorded.
func (h *Histogram) Count() int64 { return h.h.TotalCount() }

// Sum is all times together.
func (h *Histogram) Sum() time.Duration { return h.sum }

// Max is the longest time, exactly; 0 when there is none.
func (h *Histogram) Max() time.Duration { return h.max }

// Min is the shortest time, exactly; 0 when there is none.
func (h *Histogram) Min() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return h.min
}

// Mean is the average; 0 when there is none.
func (h *Histogram) Mean() time.Duration {
	if n := h.Count(); n > 0 {
		return h.sum / time.Duration(n)
	}
	return 0
}

// At is the time within which percent of all stayed; never more than Max. 0 when there is none.
func (h *Histogram) At(percent float64) time.Duration {
	if h.Count() == 0 {
		return 0
	}
	d := time.Duration(h.h.ValueAtPercentile(percent)) * time.Microsecond
	return max(min(d, h.max), h.min)
}

// Above is how many of the times are longer than d, within the histogram's digits.
func (h *Histogram) Above(d time.Duration) int64 {
	n := int64(0)
	for _, bar := range h.h.Distribution() {
		if bar.From > d.Microseconds() {
			n += bar.Count
		}
	}
	return n
}
