package lab

import (
	"fmt"
	"strings"

	"fender/internal/proving/latency"
	"fender/internal/proving/report"
	"fender/internal/proving/siege"
)

// binWidth is the width of the series' bins: about 200 of them, of a quarter second at least.
func (l *lab) binWidth() float64 {
	usually, _ := l.scenario.Length()
	for _, w := range []float64{0.25, 0.5, 1, 2, 5, 10, 30} {
		if usually.Seconds()/w <= 240 {
			return w
		}
	}
	return 60
}

// mostExamples is how many failures a report shows as the clients saw them.
const mostExamples = 12

// gather puts together what the clients, the balancer and the watching have seen.
func (r *row) gather() {
	all := latency.New(latency.Fine)
	r.Failures = map[string]int{}
	total := report.Count{Statuses: map[string]int{}}
	for _, got := range r.loads {
		if got.siege == nil {
			continue
		}
		r.LoadCPU += got.cpu
		total.Requests += got.count.Requests
		total.Failed += got.count.Failed
		total.Cut += got.count.Cut
		for status, n := range got.count.Statuses {
			total.Statuses[status] += n
		}
		failures(got.siege, r.Failures)
		all.Merge(got.latency)
		for _, e := range got.siege.Examples {
			if len(r.Examples) < mostExamples {
				r.Examples = append(r.Examples, example(e))
			}
		}
		r.bins(got.siege)
	}
	s := all.Summary()
	total.P50, total.P99, total.Longest = s.P50, s.P99, s.Max
	total.Born, total.Dead, _ = r.board.counts()
	r.Total = total
	r.Series = r.board.series(r.end())
	r.board.fill(&r.Row)
}

// end is the end of the last phase.
func (r *row) end() float64 {
	if len(r.Phases) == 0 {
		return 0
	}
	return r.Phases[len(r.Phases)-1].To
}

// bins adds what the balancer's log does not know: failures without a status. Without a balancer of
// ours all of it comes from the clients.
func (r *row) bins(res *siege.Result) {
	for _, s := range res.Seconds {
		at := r.board.at(s.Time) + 0.5
		unknown := 0
		for kind, n := range s.Failed {
			if r.balancer == nil || !strings.HasPrefix(kind, "status-") {
				unknown += int(n)
			}
		}
		ok := 0
		if r.balancer == nil {
			ok = int(s.OK)
		}
		r.board.bin(at, ok, unknown)
	}
}

func (b *board) bin(at float64, ok, failed int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log.bin(at, ok, failed)
}

func (b *board) series(end float64) []report.Bin {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.series(end)
}

func example(e siege.Example) string {
	text := fmt.Sprintf("%s %s: %s after %s", e.Method, e.URL, e.Kind, report.Seconds(e.Took))
	if e.Status > 0 {
		text += fmt.Sprintf(", status %d", e.Status)
	}
	if e.Cause != "" {
		text += ", cause " + e.Cause
	}
	if e.Seen != "" {
		text += ": " + e.Seen
	}
	return report.Plain(text)
}
