//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fender/e2e/load"
	"fender/internal/observe/event"
)

// admin is the address of the admin server.
func (s *server) admin() string {
	s.t.Helper()
	told := func(e event.Event) bool {
		return e.Kind == event.Config && strings.HasPrefix(e.Text, "admin on http://")
	}
	s.wait("the admin address", 1, told)
	return strings.TrimPrefix(s.events.matching(told)[0].Text, "admin on http://")
}

// read asks for a path at another address than the clients'.
func read(t *testing.T, address, path string) *load.Response {
	t.Helper()
	return askRaw(t, address, "GET "+path+" HTTP/1.1\r\nHost: "+address+"\r\nConnection: close\r\n\r\n")
}

// health runs fender health.
func health(t *testing.T, url string) (out string, code int) {
	t.Helper()
	cmd := exec.Command(binary, "health", "--url", url)
	cmd.Env = append(cleanEnviron(), quickExit)
	text, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// metric is the value of a series in Prometheus' text; -1 when it is not there.
func metric(t *testing.T, text, series string) float64 {
	t.Helper()
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			value, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	return -1
}

func TestTheAdminServerTellsHealthReadinessStatusAndMetrics(t *testing.T) {
	s := serve(t, append(testdata("slow"), "--processes", "2", "--admin", "0", "--control", control(t), "--limit-post", "10")...)
	s.wait("2 workers", 2, becomes(event.StateReady))
	admin := s.admin()
	if !strings.HasPrefix(admin, "127.0.0.1:") {
		t.Errorf("without an address it is at %s", admin)
	}
	for range 3 {
		s.must(&load.Request{Target: "/?0&token=secret"})
	}
	s.must(&load.Request{Target: "/missing", Want: []int{404}})
	s.must(&load.Request{Method: "POST", Target: "/", Body: make([]byte, 11), Want: []int{413}})
	slow := s.later(&load.Request{Target: "/a/path?8&token=secret", Header: []string{"Cookie: secret"}})
	s.busySlots(1)

	if res := read(t, admin, "/healthz"); res.Status != 200 {
		t.Errorf("/healthz: %d", res.Status)
	}
	if res := read(t, admin, "/readyz"); res.Status != 200 {
		t.Errorf("/readyz: %d", res.Status)
	}
	// A request is counted when its connection is done with it, which may be after its answer.
	var metrics string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		metrics = string(read(t, admin, "/metrics").Body)
		if metric(t, metrics, `fender_requests_total{cause="",status="2xx"}`) == 3 &&
			metric(t, metrics, `fender_requests_total{cause="body-too-large",status="4xx"}`) == 1 &&
			metric(t, metrics, `fender_connections`) == 1 {
			break
		}
	}
	for series, want := range map[string]float64{
		`fender_requests_total{cause="",status="2xx"}`:               3,
		`fender_requests_total{cause="",status="4xx"}`:               1,
		`fender_requests_total{cause="body-too-large",status="4xx"}`: 1,
		`fender_requests_total{cause="worker-crash",status="5xx"}`:   0,
		`fender_workers{state="ready"}`:                              2,
		`fender_workers_wanted`:                                      2,
		`fender_worker_births_total`:                                 2,
		`fender_worker_deaths_total{reason="crash"}`:                 0,
		`fender_generation`:                                          1,
		`fender_queue_length`:                                        0,
		`fender_connections`:                                         1,
		`fender_log_lost_total{log="access"}`:                        0,
	} {
		if got := metric(t, metrics, series); got != want {
			t.Errorf("%s is %v, not %v", series, got, want)
		}
	}

	res := read(t, admin, "/status")
	var doc struct {
		V          int
		State      string
		Generation int
		Python     string
		Workers    []struct {
			Number, Spawn, PID, Requests int
			State                        string
			RSS                          int64 `json:"rss_bytes"`
			Slots                        []struct {
				ID           uint64 `json:"request_id"`
				Method, Path string
				Since        string
			}
		}
		Queue  struct{ Length, Limit int }
		Totals map[string]int
	}
	if err := json.Unmarshal(res.Body, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.V != 1 || doc.State != "serving" || doc.Generation != 1 || !strings.Contains(doc.Python, python) || len(doc.Workers) != 2 || doc.Queue.Limit != 1024 {
		t.Errorf("/status: %s", res.Body)
	}
	busy := 0
	for _, w := range doc.Workers {
		if state := map[bool]string{true: "busy", false: "idle"}[w.Slots[0].ID != 0]; w.State != state || w.RSS < 1<<20 || len(w.Slots) != 1 || !slices.Contains(s.pids(), w.PID) {
			t.Errorf("worker %+v", w)
		}
		if w.Slots[0].ID != 0 {
			busy++
			if w.Slots[0].Method != http.MethodGet || w.Slots[0].Path != "/a/path" || w.Slots[0].Since == "" {
				t.Errorf("slot %+v", w.Slots[0])
			}
		}
	}
	if busy != 1 || doc.Totals["born"] != 2 || doc.Totals["requests"] != 5 || doc.Totals["failed"] != 1 {
		t.Errorf("%d slots are busy, totals %v", busy, doc.Totals)
	}
	// The control socket tells the same.
	var other map[string]any
	if err := json.Unmarshal([]byte(s.ctl("status", "--json")), &other); err != nil {
		t.Fatal(err)
	}
	var same map[string]any
	if err := json.Unmarshal(res.Body, &same); err != nil {
		t.Fatal(err)
	}
	if a, b := slices.Sorted(maps.Keys(same)), slices.Sorted(maps.Keys(other)); !slices.Equal(a, b) {
		t.Errorf("/status has %v, the control socket %v", a, b)
	}
	table := s.ctl("status")
	for _, word := range []string{"serving", "/a/path", fmt.Sprint(doc.Workers[0].PID)} {
		if !strings.Contains(table, word) {
			t.Errorf("%q is not in\n%s", word, table)
		}
	}
	for _, text := range []string{string(res.Body), metrics, table, s.log.String()} {
		if strings.Contains(text, "secret") {
			t.Errorf("a query string or a cookie is shown: %s", text)
		}
	}
	if o := <-slow; o.kind != load.OK {
		t.Error(o.err)
	}
}

func TestHealthSaysNoWhileDrainingAndReadinessToo(t *testing.T) {
	s := serve(t, append(testdata("slow"), "--admin", "127.0.0.1:0", "--control", control(t), "--health-path", "/-/up")...)
	admin := s.admin()
	if out, code := health(t, "http://"+s.addr+"/-/up"); code != 0 {
		t.Errorf("fender health: %d, %s", code, out)
	}
	// The front answers it, whatever Host a balancer sends; the default path is the application's here.
	if res := s.raw("GET /-/up HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n"); res.Status != 200 || string(res.Body) != "ok\n" {
		t.Errorf("%d %q", res.Status, res.Body)
	}
	if res := s.must(&load.Request{Target: "/healthz"}); string(res.Body) != fmt.Sprint(s.pids()[0]) {
		t.Errorf("/healthz was not the application's: %q", res.Body)
	}
	slow := s.later(&load.Request{Target: "/?1.5"})
	s.busySlots(1)
	s.signal(syscall.SIGTERM)
	s.wait("the drain", 1, func(e event.Event) bool { return e.Kind == event.Drain })
	if res := read(t, admin, "/readyz"); res.Status != 503 || !strings.Contains(string(res.Body), "draining") {
		t.Errorf("/readyz: %d %q", res.Status, res.Body)
	}
	if res := read(t, admin, "/healthz"); res.Status != 200 {
		t.Errorf("/healthz: %d", res.Status)
	}
	if out, code := health(t, s.addr+"/-/up"); code != 1 || !strings.Contains(out, "503") {
		t.Errorf("fender health: %d, %s", code, out)
	}
	if out := s.ctl("status"); !strings.Contains(out, "draining") {
		t.Errorf("fender ctl status: %s", out)
	}
	if o := <-slow; o.kind != load.OK || !o.res.Close {
		t.Errorf("the running request: %v, and its connection goes on: %v", o.err, !o.res.Close)
	}
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, code := health(t, s.addr); code != 1 {
		t.Errorf("fender health after the end: %d", code)
	}
}

func TestAnEmptyHealthPathLeavesEveryPathToTheApplication(t *testing.T) {
	s := serve(t, append(testdata("slow"), "--health-path=")...)
	if res := s.must(&load.Request{Target: "/healthz"}); string(res.Body) != fmt.Sprint(s.pids()[0]) {
		t.Errorf("%q", res.Body)
	}
}
