package latency

import (
	"fmt"
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Summary is a histogram as JSON: what people ask for, in seconds, and the whole of it in
// HdrHistogram's own compressed form (V2, base64), in microseconds.
type Summary struct {
	Count     int64   `json:"count"`
	Mean      float64 `json:"mean_s"`
	Min       float64 `json:"min_s"`
	P50       float64 `json:"p50_s"`
	P90       float64 `json:"p90_s"`
	P99       float64 `json:"p99_s"`
	P999      float64 `json:"p999_s"`
	Max       float64 `json:"max_s"`
	Histogram string  `json:"histogram,omitempty"`
}

// Summary returns the summary, with the whole histogram.
func (h *Histogram) Summary() Summary {
	s := Summary{
		Count: h.Count(), Mean: Seconds(h.Mean()), Min: Seconds(h.Min()),
		P50: Seconds(h.At(50)), P90: Seconds(h.At(90)), P99: Seconds(h.At(99)), P999: Seconds(h.At(99.9)),
		Max: Seconds(h.Max()),
	}
	if s.Count > 0 {
		if code, err := h.h.Encode(hdrhistogram.V2CompressedEncodingCookieBase); err == nil {
			s.Histogram = string(code)
		}
	}
	return s
}

// Read makes a histogram of a summary, so that saved runs can be merged or asked for other
// percentiles. Mean is that of the histogram, Min and Max are those of the summary.
func Read(s Summary) (*Histogram, error) {
	h := New(Fine)
	if s.Count == 0 {
		return h, nil
	}
	other, err := hdrhistogram.Decode([]byte(s.Histogram))
	if err != nil {
		return nil, fmt.Errorf("the saved histogram cannot be read: %w", err)
	}
	if dropped := h.h.Merge(other); dropped > 0 || h.Count() != s.Count {
		return nil, fmt.Errorf("the saved histogram has %d times, %d are stated", h.Count(), s.Count)
	}
	if !(0 <= s.Min && s.Min <= s.Mean && s.Mean <= s.Max) || s.Max > longestSum || s.Mean*float64(s.Count) > longestSum {
		return nil, fmt.Errorf("the saved times cannot be: min_s %v, mean_s %v, max_s %v of %d", s.Min, s.Mean, s.Max, s.Count)
	}
	h.max, h.min = duration(s.Max), duration(s.Min)
	h.sum = duration(s.Mean * float64(s.Count))
	return h, nil
}

// longestSum is how many seconds a Duration can hold, and a little less.
const longestSum = 9e9

// Seconds is d in seconds, to the microsecond.
func Seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1e6) / 1e6 }

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
