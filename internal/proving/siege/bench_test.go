package siege

import (
	"context"
	"testing"
	"time"
)

// BenchmarkHello is keep-alive hello with a frugal target in the same process: both sides in one
// number of CPUs. -cpu 1 says what one core does for both.
func BenchmarkHello(b *testing.B) {
	s := frugal(b, hello)
	const users = 20
	b.ReportAllocs()
	r, err := Run(context.Background(), Options{Requests: resolved(b, s.addr), Phases: []Phase{{Users: users}}, Reps: b.N/users + 1})
	if err != nil || r.Failed > 0 {
		b.Fatal(err, r)
	}
	b.ReportMetric(r.Rate, "requests/s")
}

// BenchmarkOpen is the same target with 15,000 arrivals a second.
func BenchmarkOpen(b *testing.B) {
	s := frugal(b, hello)
	const rate = 15_000
	b.ReportAllocs()
	p := Phase{Rate: rate, Open: true, For: time.Duration(b.N) * time.Second / rate}
	r, err := Run(context.Background(), Options{Requests: resolved(b, s.addr), Phases: []Phase{p}})
	if err != nil || r.Failed > 0 {
		b.Fatal(err, r)
	}
	b.ReportMetric(r.Latency.P50*1e6, "p50-µs")
	b.ReportMetric(r.Open.Lag*1e6, "lag-µs")
}
