//go:build linux

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fender/e2e/load"
	"fender/internal/observe/event"
)

func get(target string) func(int, int) *load.Request {
	return func(int, int) *load.Request { return &load.Request{Target: target} }
}

func hello(int, int) *load.Request {
	return &load.Request{Target: "/hello", Check: func(r *load.Response) error {
		if !strings.Contains(strings.ToLower(string(r.Body)), "hello") {
			return fmt.Errorf("body %q", r.Body)
		}
		return nil
	}}
}

// under keeps clients busy while during runs, and returns what they saw.
func (s *server) under(clients int, next func(int, int) *load.Request, during func(ctx context.Context)) *load.Tally {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	tally := load.NewTally()
	done := make(chan struct{})
	go func() {
		defer close(done)
		load.Run(ctx, s.addr, clients, next, tally)
	}()
	during(ctx)
	cancel()
	<-done
	s.t.Logf("%d requests: %v", tally.Total(), tally)
	return tally
}

func (s *server) noneFailed(t *load.Tally) {
	s.t.Helper()
	if t.Total() == 0 {
		s.t.Fatal("not a single request was made")
	}
	if n := t.Failed(); n > 0 {
		s.t.Errorf("%d of %d requests failed: %v", n, t.Total(), t)
	}
}

// every calls do at each interval until n calls are done or the context ends.
func every(ctx context.Context, interval time.Duration, n int, do func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for range n {
		select {
		case <-tick.C:
			do()
		case <-ctx.Done():
			return
		}
	}
}

// Service time: about 1 ms. Fault: a worker is recycled every 20 to 22 requests.
func TestRecyclingEvery20RequestsIsNeverSeen(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "4", "--threads", "2", "--max-requests", "20")...)
	tally := s.under(16, hello, func(context.Context) {
		s.wait("100 recycled workers", 100, leaves(event.ReasonMaxRequests))
	})
	s.noneFailed(tally)
}

// Service time: 20 ms. Fault: three bursts; between them nearly all workers go.
func TestScalingInThreeBurstsIsNeverSeen(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "10", "--cheaper", "1", "--cheaper-overload", "1",
		"--cheaper-step", "3", "--threads", "2")...)
	for burst := range 3 {
		born, gone := s.count(becomes(event.StateReady)), s.count(leaves(event.ReasonCheaper))
		tally := s.under(40, get("/slow?seconds=0.02"), func(context.Context) {
			s.wait("5 more workers", born+5, becomes(event.StateReady))
		})
		s.noneFailed(tally)
		// A trickle goes on while they leave: a worker that goes must not take a request along.
		tally = s.under(1, get("/slow?seconds=0.02"), func(context.Context) {
			s.wait("5 workers scaled in", gone+5, leaves(event.ReasonCheaper))
		})
		s.noneFailed(tally)
		t.Logf("burst %d: %d born, %d gone", burst, s.count(becomes(event.StateReady))-born, s.count(leaves(event.ReasonCheaper))-gone)
	}
}

// killWorkers sends SIGKILL to a random ready worker at each interval, and returns how many died.
func (s *server) killWorkers(ctx context.Context, interval time.Duration, n int) int {
	s.t.Helper()
	before := s.count(leaves(event.ReasonCrash))
	sent := 0
	every(ctx, interval, n, func() {
		if pids := s.pids(); len(pids) > 0 && syscall.Kill(pids[rand.IntN(len(pids))], syscall.SIGKILL) == nil {
			sent++
		}
	})
	// A worker may be chosen twice before its death is known.
	s.wait("the workers' deaths", before+max(sent*2/3, 1), leaves(event.ReasonCrash))
	return s.count(leaves(event.ReasonCrash)) - before
}

// Service time: 20 ms. Fault: SIGKILL of a random worker every 150 ms.
func TestKilledWorkersAreNeverSeenByGET(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "4", "--threads", "2")...)
	deaths := 0
	tally := s.under(8, get("/slow?seconds=0.02"), func(ctx context.Context) {
		deaths = s.killWorkers(ctx, 150*time.Millisecond, 60)
	})
	s.noneFailed(tally)
	if deaths < 30 {
		t.Errorf("only %d workers died", deaths)
	}
	if n := s.count(func(e event.Event) bool { return e.Kind == event.Retry }); n == 0 {
		t.Error("no request was ever begun again: the kills hit idle workers only")
	}
}

// Service time: 20 ms. Fault: SIGKILL of a random worker every 150 ms.
func TestKilledWorkersAreHonestToPOST(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "4", "--threads", "2")...)
	const clients = 8
	outcomes := make([][]int, clients) // per client, the status of each id
	deaths := 0
	tally := s.under(clients, func(client, n int) *load.Request {
		outcomes[client] = append(outcomes[client], 0)
		return &load.Request{
			Method: "POST", Target: fmt.Sprintf("/echo?id=%d-%d&seconds=0.02", client, n),
			Body: []byte(fmt.Sprintf("body %d-%d", client, n)), Want: []int{200, 500},
			Check: func(r *load.Response) error {
				outcomes[client][n] = r.Status
				if r.Status == 200 && string(r.Body) != fmt.Sprintf("body %d-%d", client, n) {
					return fmt.Errorf("another one's body: %q", r.Body)
				}
				if r.Status == 500 && r.Get("x-fender-cause") != "worker-crash" {
					return fmt.Errorf("500 with cause %q", r.Get("x-fender-cause"))
				}
				return nil
			},
		}
	}, func(ctx context.Context) {
		deaths = s.killWorkers(ctx, 150*time.Millisecond, 60)
	})
	s.noneFailed(tally)
	if deaths < 30 {
		t.Errorf("only %d workers died", deaths)
	}
	counts := s.recorded()
	crashed := 0
	for client, list := range outcomes {
		for n, status := range list {
			id := fmt.Sprintf("%d-%d", client, n)
			switch got := counts[id]; {
			case status == 200 && got != 1:
				t.Errorf("request %s was answered with 200 and is recorded %d times", id, got)
			case status == 500 && got > 1:
				t.Errorf("request %s was answered with 500 and is recorded %d times", id, got)
			}
			if status == 500 {
				crashed++
			}
		}
	}
	t.Logf("%d deaths, %d requests answered with 500", deaths, crashed)
	if crashed == 0 {
		t.Error("no POST was ever caught by a death: nothing was shown")
	}
	if crashed > 3*deaths {
		t.Errorf("%d requests failed at %d deaths of workers with 2 slots", crashed, deaths)
	}
}

// Service time: 20 ms. Fault: a random worker is stopped for 400 ms, twenty times. What it had not begun
// moves, though it had been read; what it had begun goes on afterwards.
func TestStoppedWorkersHoldNothingThatIsNotBegun(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "3", "--threads", "4")...)
	s.wait("3 workers", 3, becomes(event.StateReady))
	tally := s.under(16, func(client, n int) *load.Request {
		return &load.Request{
			Method: "POST", Target: fmt.Sprintf("/echo?id=%d-%d&seconds=0.02", client, n), Body: []byte("x"),
		}
	}, func(ctx context.Context) {
		pids := s.pids()
		var stopped int
		every(ctx, 400*time.Millisecond, 21, func() {
			if stopped != 0 {
				_ = syscall.Kill(stopped, syscall.SIGCONT)
			}
			stopped = pids[rand.IntN(len(pids))]
			_ = syscall.Kill(stopped, syscall.SIGSTOP)
		})
		_ = syscall.Kill(stopped, syscall.SIGCONT)
	})
	s.noneFailed(tally)
	if n := s.count(func(e event.Event) bool { return e.Kind == event.TakenBack }); n == 0 {
		t.Error("nothing was taken back: the stops hit idle workers only")
	}
	if n := s.count(func(e event.Event) bool { return e.Kind == event.Worker && e.To == event.StateGone }); n != 0 {
		t.Errorf("%d workers are gone", n)
	}
	for id, n := range s.recorded() {
		if n != 1 {
			t.Errorf("request %s is recorded %d times", id, n)
		}
	}
}

// Service time: about 1 ms. Fault: SIGKILL of the template, five times.
func TestDeathOfTheTemplateIsNeverSeen(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "3", "--max-requests", "50")...)
	ready := func(e event.Event) bool { return e.Kind == event.Template && e.To == event.StateReady }
	tally := s.under(6, hello, func(context.Context) {
		for n := 1; n <= 5; n++ {
			s.wait("the template", n, ready)
			all := s.events.matching(ready)
			if err := syscall.Kill(all[n-1].PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		s.wait("the sixth template", 6, ready)
		born := s.count(becomes(event.StateReady))
		s.wait("births from it", born+4, becomes(event.StateReady))
	})
	s.noneFailed(tally)
}

// Service time: about 1 ms, some 300 ms. Fault: SIGHUP every second.
func TestReloadEverySecondIsNeverSeen(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "3", "--threads", "2")...)
	done := func(e event.Event) bool { return e.Kind == event.Reload && e.To == event.StateDone }
	tally := s.under(8, func(client, n int) *load.Request {
		if client == 0 {
			return &load.Request{Target: "/slow?seconds=0.3"}
		}
		return hello(client, n)
	}, func(ctx context.Context) {
		every(ctx, time.Second, 8, func() { s.signal(syscall.SIGHUP) })
		s.wait("3 reloads", 3, done)
	})
	s.noneFailed(tally)
}

// Service time: 100 ms. Fault: SIGTERM, four times. As behind a balancer that learns of it late,
// each client sends five more requests after it, on new connections too.
func TestSIGTERMAnswersEverything(t *testing.T) {
	for range 4 {
		s := serve(t, append(site(t), "--processes", "3", "--threads", "2", "--drain-delay", "2s", "--drain-quiet", "1s")...)
		var signalled atomic.Bool
		var begun atomic.Int32
		enough := make(chan struct{})
		after := make([]int, 12)
		tally := s.under(len(after), func(client, _ int) *load.Request {
			if begun.Add(1) == 24 {
				close(enough)
			}
			if signalled.Load() {
				if after[client]++; after[client] > 5 {
					return nil
				}
			}
			return &load.Request{Target: "/slow?seconds=0.1"}
		}, func(context.Context) {
			<-enough
			signalled.Store(true)
			s.signal(syscall.SIGTERM)
			if code := s.exit(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
		s.noneFailed(tally)
	}
}
