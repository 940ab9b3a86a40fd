package siege

import (
	"context"
	"testing"
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
