package siege

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// stats are the twelve numbers of siege's summary.
type stats struct {
	transactions, successful, failed                               int64
	availability, elapsed, megabytes, response, rate, through, con float64
	longest, shortest                                              float64
}

func (r *Result) stats() stats {
	s := stats{
		transactions: r.OK, successful: r.OK, failed: r.Failed, availability: floor(r.Availability), elapsed: r.Elapsed,
		megabytes: float64(r.BodyBytes) / (1 << 20), response: r.Latency.Mean, con: r.Concurrency,
		longest: r.Latency.Max, shortest: r.Latency.Min,
	}
	if r.Elapsed > 0 {
		s.rate, s.through = float64(r.OK)/r.Elapsed, s.megabytes/r.Elapsed
	}
	return s
}

// floor keeps 99.999 from being printed as 100.00.
func floor(percent float64) float64 { return math.Floor(percent*100) / 100 }

// Summary prints siege's summary, and below it what siege does not say.
func (r *Result) Summary(w io.Writer) error {
	var b strings.Builder
	s := r.stats()
	fmt.Fprintf(&b, "\nTransactions:\t\t%12d hits\n", s.transactions)
	fmt.Fprintf(&b, "Availability:\t\t%12.2f %%\n", s.availability)
	fmt.Fprintf(&b, "Elapsed time:\t\t%12.2f secs\n", s.elapsed)
	fmt.Fprintf(&b, "Data transferred:\t%12.2f MB\n", s.megabytes)
	fmt.Fprintf(&b, "Response time:\t\t%12.2f secs\n", s.response)
	fmt.Fprintf(&b, "Transaction rate:\t%12.2f trans/sec\n", s.rate)
	fmt.Fprintf(&b, "Throughput:\t\t%12.2f MB/sec\n", s.through)
	fmt.Fprintf(&b, "Concurrency:\t\t%12.2f\n", s.con)
	fmt.Fprintf(&b, "Successful transactions:%12d\n", s.successful)
	fmt.Fprintf(&b, "Failed transactions:\t%12d\n", s.failed)
	fmt.Fprintf(&b, "Longest transaction:\t%12.2f\n", s.longest)
	fmt.Fprintf(&b, "Shortest transaction:\t%12.2f\n\n", s.shortest)
	r.more(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Result) more(b *strings.Builder) {
	if r.Interrupted {
		fmt.Fprintf(b, "Interrupted: these are the requests that had ended by then; %d more had begun or were due.\n", r.Left)
	}
	if l := r.Latency; l.Count > 0 {
		fmt.Fprintf(b, "Latency:      p50 %s, p90 %s, p99 %s, p99.9 %s, max %s\n",
			short(l.P50), short(l.P90), short(l.P99), short(l.P999), short(l.Max))
	}
	if l := r.LatencyOK; r.Failed > 0 && l.Count > 0 {
		fmt.Fprintf(b, "  of the ok:  p50 %s, p90 %s, p99 %s, p99.9 %s, max %s\n",
			short(l.P50), short(l.P90), short(l.P99), short(l.P999), short(l.Max))
	}
	fmt.Fprintf(b, "Connections:  %d opened, %d closed by the target while idle\n", r.Connections.Opened, r.Connections.IdleClosed)
	if o := r.Open; o != nil {
		fmt.Fprintf(b, "Arrivals:     %d had to wait for one of %d connections; the generator was at most %s behind\n", o.Late, o.Connections, short(o.Lag))
	}
	if len(r.Statuses) > 0 {
		fmt.Fprintf(b, "Statuses:     %s\n", counts(r.Statuses))
	}
	if r.Failed == 0 {
		return
	}
	fmt.Fprintf(b, "Failures:     %s\n", counts(r.Failures))
	for _, e := range r.Examples {
		fmt.Fprintf(b, "  %s %s %s %s: %s%s\n", e.Time.UTC().Format("15:04:05.000Z"), e.Kind, e.Method, e.URL, e.Seen, e.where())
	}
}

// where says what kind of connection it was, and the cause that the target gave.
func (e *Example) where() string {
	s := ""
	if e.Cause != "" {
		s = ", cause " + e.Cause
	}
	switch e.Kind {
	case Refused.String(), Unreachable.String(), ConnectTimeout.String(), TLS.String(), Unsent.String():
		return s
	}
	if e.Reused == 0 {
		return s + " (new connection)"
	}
	return s + fmt.Sprintf(" (after %d on this connection)", e.Reused)
}

// counts prints a map by its keys.
func counts(m map[string]int64) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(parts, ", ")
}

// short prints a time with three digits or so.
func short(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.1fs", seconds)
	case d >= time.Second:
		return fmt.Sprintf("%.2fs", seconds)
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.0fms", seconds*1e3)
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1fms", seconds*1e3)
	}
	return fmt.Sprintf("%.0fµs", seconds*1e6)
}

// SiegeJSON prints what siege --json-output prints.
func (r *Result) SiegeJSON(w io.Writer) error {
	s := r.stats()
	_, err := fmt.Fprintf(w, `{	"transactions":			%12d,
	"availability":			%12.2f,
	"elapsed_time":			%12.2f,
	"data_transferred":		%12.2f,
	"response_time":		%12.2f,
	"transaction_rate":		%12.2f,
	"throughput":			%12.2f,
	"concurrency":			%12.2f,
	"successful_transactions":	%12d,
	"failed_transactions":		%12d,
	"longest_transaction":		%12.2f,
	"shortest_transaction":		%12.2f
}
`, s.transactions, s.availability, s.elapsed, s.megabytes, s.response, s.rate, s.through, s.con,
		s.successful, s.failed, s.longest, s.shortest)
	return err
}
