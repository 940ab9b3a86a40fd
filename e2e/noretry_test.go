//go:build linux

package e2e

import (
	"context"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"fender/internal/observe/event"
)

// The tests of faults can fail: the same faults against a fender that neither moves nor repeats a
// request are seen by the clients.
func TestFaultsAreSeenWithoutRetrying(t *testing.T) {
	honest := binary
	defer func() { binary = honest }()
	binary = filepath.Join(t.TempDir(), "fender-noretry")
	build := exec.Command("go", "build", "-buildvcs=false", "-tags", "noretry", "-o", binary, "./cmd/fender")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, c := range []struct {
		name  string
		args  []string
		fault func(*server, context.Context)
	}{
		{"SIGKILL", []string{"--processes", "4", "--threads", "2"}, func(s *server, ctx context.Context) {
			s.killWorkers(ctx, 150*time.Millisecond, 20)
		}},
		{"recycling", []string{"--processes", "2", "--threads", "2", "--max-requests", "20"}, func(s *server, _ context.Context) {
			s.wait("60 births", 60, becomes(event.StateReady))
		}},
		{"reload", []string{"--processes", "2", "--threads", "2"}, func(s *server, _ context.Context) {
			for n := 1; n <= 5; n++ {
				s.signal(syscall.SIGHUP)
				s.wait("the reload", n, func(e event.Event) bool {
					return e.Kind == event.Reload && e.To == event.StateDone
				})
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, append(site(t), c.args...)...)
			tally := s.under(16, get("/slow?seconds=0.02"), func(ctx context.Context) { c.fault(s, ctx) })
			if tally.Failed() == 0 {
				t.Errorf("no request failed: this fault is not shown by the tests: %v", tally)
			}
		})
	}
}
