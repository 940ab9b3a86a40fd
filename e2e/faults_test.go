//go:build linux

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fender/e2e/load"
	"fender/internal/observe/event"
)

// one sends one request on a connection of its own.
func (s *server) one(q *load.Request) (*load.Response, load.Kind, error) {
	c := &load.Conn{Addr: s.addr, Timeout: patience}
	defer c.Close()
	return c.Do(q)
}

// must sends a request that has to succeed.
func (s *server) must(q *load.Request) *load.Response {
	s.t.Helper()
	res, kind, err := s.one(q)
	if kind != load.OK {
		s.t.Fatalf("%s %s: %s: %v", q.Method, q.Target, kind, err)
	}
	return res
}

// recorded asks the site how often each id was recorded.
func (s *server) recorded() map[string]int {
	s.t.Helper()
	var doc struct {
		IDs map[string]int `json:"ids"`
	}
	if err := json.Unmarshal(s.must(&load.Request{Target: "/echo/ids"}).Body, &doc); err != nil {
		s.t.Fatal(err)
	}
	return doc.IDs
}

type outcome struct {
	res  *load.Response
	kind load.Kind
	err  error
	took time.Duration
}

// later sends a request in the background.
func (s *server) later(q *load.Request) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		begin := time.Now()
		res, kind, err := s.one(q)
		done <- outcome{res, kind, err, time.Since(begin)}
	}()
	return done
}

func (s *server) status() map[string]any {
	s.t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(s.ctl("status", "--json")), &doc); err != nil {
		s.t.Fatal(err)
	}
	return doc
}

// busySlots waits until n slots have a request, by asking the control socket for the status.
func (s *server) busySlots(n int) {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		busy := 0
		for _, w := range s.status()["workers"].([]any) {
			for _, slot := range w.(map[string]any)["slots"].([]any) {
				if slot.(map[string]any)["request_id"].(float64) != 0 {
					busy++
				}
			}
		}
		if busy >= n {
			return
		}
	}
	s.t.Fatalf("never were %d slots busy", n)
}

// Service time of the neighbours: 1.5 s. Fault: one request that never ends, in the same process.
func TestHarakiriStrikesTheGuiltyAndSparesItsNeighbours(t *testing.T) {
	for _, stuck := range []string{"/stuck", "/slow?seconds=30"} {
		t.Run(strings.Trim(stuck, "/?"), func(t *testing.T) {
			s := serve(t, append(site(t), "--processes", "1", "--threads", "4", "--harakiri", "2", "--control", control(t))...)
			guilty := s.later(&load.Request{Target: stuck, Want: []int{504}})
			s.busySlots(1)
			neighbours := []<-chan outcome{}
			for range 3 {
				neighbours = append(neighbours, s.later(&load.Request{Target: "/slow?seconds=1.5"}))
			}
			for i, n := range neighbours {
				if o := <-n; o.kind != load.OK {
					t.Errorf("neighbour %d: %s: %v", i, o.kind, o.err)
				}
			}
			if o := <-guilty; o.kind != load.OK || o.res.Get("x-fender-cause") != "harakiri" {
				t.Errorf("the guilty one: %s: %v", o.kind, o.err)
			}
			s.wait("the worker's end", 1, leaves(event.ReasonHarakiri))
			if text := s.log.String(); !strings.Contains(text, "most recent call first") {
				t.Error("no stack was dumped")
			}
			s.must(&load.Request{Target: "/hello"})
		})
	}
}

// Fault: the interpreter lock is held in C for ever. Whatever else the worker has got cannot run.
func TestHarakiriWithTheInterpreterLockHeldSparesTheNeighbours(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "1", "--threads", "4", "--harakiri", "2", "--control", control(t))...)
	// A neighbour that has begun and is caught by the lock, and those that come after it.
	early := s.later(&load.Request{Target: "/slow?seconds=1.7"})
	s.busySlots(1)
	guilty := s.later(&load.Request{Target: "/stuck?gil=1", Want: []int{504}})
	s.busySlots(2)
	var after []<-chan outcome
	for range 3 {
		after = append(after, s.later(&load.Request{Target: "/hello"}))
	}
	if o := <-guilty; o.kind != load.OK || o.res.Get("x-fender-cause") != "harakiri" {
		t.Errorf("the guilty one: %s: %v", o.kind, o.err)
	}
	for i, n := range append(after, early) {
		if o := <-n; o.kind != load.OK {
			t.Errorf("neighbour %d: %s: %v", i, o.kind, o.err)
		}
	}
	s.wait("the worker's end", 1, leaves(event.ReasonHarakiri))
}

// Fault: /crash, /exit and /leak beyond reason, beside others. The second death names the guilty one.
func TestPoisonTakesNobodyAlong(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "3", "--threads", "2")...)
	tally := s.under(6, get("/slow?seconds=0.02"), func(context.Context) {
		for n := range 10 {
			target := "/crash"
			if n%2 == 1 {
				target = "/exit"
			}
			o := <-s.later(&load.Request{Target: target, Want: []int{500}})
			if o.kind != load.OK || o.res.Get("x-fender-cause") != "poison" {
				t.Errorf("%s: %s: %v", target, o.kind, o.err)
			}
		}
	})
	s.noneFailed(tally)
	if n := s.count(leaves(event.ReasonCrash)); n != 20 {
		t.Errorf("%d workers died, not twice for each of 10 requests", n)
	}
	o := <-s.later(&load.Request{Method: "POST", Target: "/crash", Body: []byte("x"), Want: []int{500}})
	if o.kind != load.OK || o.res.Get("x-fender-cause") != "worker-crash" {
		t.Errorf("POST /crash: %s: %v", o.kind, o.err)
	}
}

func TestKillingTheMasterLeavesNoProcess(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "3", "--threads", "2", "--control", control(t))...)
	stuck := s.later(&load.Request{Target: "/stuck?gil=1"})
	s.busySlots(1)
	s.wait("3 workers", 3, becomes(event.StateReady))
	var gone []func() bool
	for _, e := range s.events.matching(func(e event.Event) bool { return e.PID != 0 }) {
		fd, err := pidfdOpen(e.PID)
		if err != nil {
			t.Fatalf("process %d: %v", e.PID, err)
		}
		defer syscall.Close(fd)
		gone = append(gone, func() bool { return pidfdEnds(fd, patience) })
	}
	if len(gone) < 4 {
		t.Fatalf("only %d processes are known", len(gone))
	}
	s.signal(syscall.SIGKILL)
	<-s.exited
	for i, end := range gone {
		if !end() {
			t.Errorf("process %d of fender goes on", i)
		}
	}
	<-stuck
}

func TestLeakingWorkersAreReplacedBeforeTheyAreLarge(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "2", "--reload-on-rss", "100")...)
	tally := s.under(4, func(client, n int) *load.Request {
		if client == 0 {
			return &load.Request{Target: "/leak?mb=3"}
		}
		return hello(client, n)
	}, func(context.Context) {
		s.wait("3 workers that leave for their memory", 3, leaves(event.ReasonMemory))
	})
	s.noneFailed(tally)
}

func TestWorkersLeaveAtTheirLifetime(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "3", "--max-worker-lifetime", "2", "--threads", "2")...)
	tally := s.under(4, hello, func(context.Context) {
		s.wait("4 workers that leave for their age", 4, leaves(event.ReasonMaxLifetime))
	})
	s.noneFailed(tally)
}

// Fault: a reload to code that does not import. The old generation never stops.
func TestReloadToBrokenCodeIsRefused(t *testing.T) {
	args := app(t, `
def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "3")])
    return [b"one"]
`)
	dir := args[1]
	s := serve(t, append(args, "--processes", "2", "--control", control(t))...)
	file := filepath.Join(dir, "app.py")
	if err := os.WriteFile(file, []byte("import nowhere_at_all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	body := func(want string) func(int, int) *load.Request {
		return func(int, int) *load.Request {
			return &load.Request{Target: "/", Check: func(r *load.Response) error {
				if string(r.Body) != want {
					return fmt.Errorf("body %q", r.Body)
				}
				return nil
			}}
		}
	}
	tally := s.under(4, body("one"), func(context.Context) {
		out, code := s.tryCtl("reload")
		if code != 4 || !strings.Contains(out, "nowhere_at_all") {
			t.Errorf("fender ctl reload: exit code %d, %s", code, out)
		}
	})
	s.noneFailed(tally)
	better := strings.Replace(`
def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "3")])
    return [b"one"]
`, "one", "two", 1)
	if err := os.WriteFile(file, []byte(better), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ctl("reload")
	tally = s.under(4, body("two"), func(ctx context.Context) { every(ctx, 200*time.Millisecond, 2, func() {}) })
	s.noneFailed(tally)
}

func TestTouchReloadReloads(t *testing.T) {
	file := filepath.Join(t.TempDir(), "touch me")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "missing", "file")
	s := serve(t, append(site(t), "--processes", "2", "--touch-reload", missing, "--touch-reload", file)...)
	tally := s.under(4, hello, func(context.Context) {
		now := time.Now()
		if err := os.Chtimes(file, now, now); err != nil {
			t.Fatal(err)
		}
		s.wait("the reload", 1, func(e event.Event) bool { return e.Kind == event.Reload && e.To == event.StateDone })
	})
	s.noneFailed(tally)
	s.wait("the workers that leave for it", 2, leaves(event.ReasonTouch))
}

func TestSIGTTINAndSIGTTOUMoveTheNumberOfWorkers(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "2")...)
	s.wait("2 workers", 2, becomes(event.StateReady))
	tally := s.under(4, hello, func(context.Context) {
		s.signal(syscall.SIGTTIN)
		s.wait("a third worker", 3, becomes(event.StateReady))
		s.signal(syscall.SIGTTOU)
		s.wait("one that goes", 1, leaves(event.ReasonManual))
	})
	s.noneFailed(tally)
}

func TestSIGSTOPpedWorkersAreNeverSeenByNewRequests(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "2")...)
	s.wait("2 workers", 2, becomes(event.StateReady))
	pid := s.pids()[0]
	tally := s.under(4, hello, func(ctx context.Context) {
		every(ctx, 100*time.Millisecond, 2, func() {})
	})
	s.noneFailed(tally)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stands(t, pid)
	for range 20 {
		s.must(&load.Request{Target: "/hello"})
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if s.count(func(e event.Event) bool { return e.Kind == event.TakenBack }) == 0 {
		t.Error("no request was ever before the stopped worker: nothing was shown")
	}
}

// The 5 s request and the rest: as long as a slot is free nobody waits behind it.
func TestASlowRequestDelaysNoOtherWhileASlotIsFree(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "2", "--control", control(t))...)
	s.wait("2 workers", 2, becomes(event.StateReady))
	slow := s.later(&load.Request{Target: "/slow?seconds=5"})
	s.busySlots(1)
	tally := s.under(4, hello, func(context.Context) {
		if o := <-slow; o.kind != load.OK {
			t.Errorf("the slow one: %v", o.err)
		}
	})
	s.noneFailed(tally)
	// Not a measure of speed: behind the slow one it would have been seconds.
	if tally.Longest > 3*time.Second {
		t.Errorf("a request took %v", tally.Longest)
	}
	if tally.Total() < 100 {
		t.Errorf("only %d requests in 5 s", tally.Total())
	}
}

// A slow request comes when the lines of the slots are full of fast ones: those behind it are moved.
func TestASlowRequestDelaysNoneThatWasSentAhead(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "2")...)
	s.wait("2 workers", 2, becomes(event.StateReady))
	s.noneFailed(s.under(4, hello, func(ctx context.Context) { // what is usual is known
		every(ctx, 10*time.Millisecond, 20, func() {})
	}))
	before := s.count(func(e event.Event) bool { return e.Kind == event.TakenBack })
	tally := s.under(32, hello, func(ctx context.Context) {
		every(ctx, 100*time.Millisecond, 2, func() { s.must(&load.Request{Target: "/slow?seconds=4"}) })
	})
	s.noneFailed(tally)
	if tally.Longest > 3*time.Second {
		t.Errorf("a request took %v", tally.Longest)
	}
	if n := s.count(func(e event.Event) bool { return e.Kind == event.TakenBack }) - before; n == 0 {
		t.Error("nothing was taken back: no request was ever behind a slow one, and nothing was shown")
	}
}

func TestASecondSignalForces(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "1", "--control", control(t))...)
	stuck := s.later(&load.Request{Target: "/stuck", Want: []int{503}})
	s.busySlots(1)
	s.signal(syscall.SIGTERM)
	s.wait("the drain", 1, func(e event.Event) bool { return e.Kind == event.Drain })
	// One that comes at once is the same one over again: timeout(1) signals the process and its group.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	sent := 0
	every(ctx, 20*time.Millisecond, 1000, func() {
		sent++
		if s.cmd.Process.Signal(syscall.SIGTERM) != nil {
			cancel()
		}
	})
	if code := s.exit(); code != 130 {
		t.Errorf("exit code %d", code)
	}
	if sent < 5 {
		t.Errorf("the signal was sent %d times: the first repetitions forced", sent)
	}
	if o := <-stuck; o.kind != load.OK {
		t.Errorf("the running request: %s: %v", o.kind, o.err)
	}
}
