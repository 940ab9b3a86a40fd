package metrics

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"fender/internal/observe/event"

	"github.com/google/go-cmp/cmp"
)

func options() Options {
	return Options{
		Version: "1.0.0",
		Causes:  []Cause{{"queue-full", 503}, {"client-gone", 499}, {"answer-cut", 0}},
		States:  []string{"starting", "ready", "retiring"},
	}
}

// scrape asks as Prometheus does and returns the series of fender's own metrics.
func scrape(t *testing.T, m *Metrics) map[string]string {
	t.Helper()
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if rec.Code != 200 {
		t.Fatalf("status %d: %s", rec.Code, rec.Body)
	}
	series := map[string]string{}
	for s := bufio.NewScanner(rec.Body); s.Scan(); {
		if line := s.Text(); !strings.HasPrefix(line, "#") {
			i := strings.LastIndexByte(line, ' ')
			series[line[:i]] = line[i+1:]
		}
	}
	return series
}

func check(t *testing.T, got map[string]string, want map[string]string) {
	t.Helper()
	for name, v := range want {
		if g, ok := got[name]; !ok || g != v {
			t.Errorf("%s = %q, want %q", name, g, v)
		}
	}
}

func TestMetrics_ZeroIsShownBeforeAnythingHappened(t *testing.T) {
	got := scrape(t, New(options()))
	want := map[string]string{
		`fender_build_info{version="1.0.0"}`:                      "1",
		`fender_requests_total{cause="",status="2xx"}`:            "0",
		`fender_requests_total{cause="",status="5xx"}`:            "0",
		`fender_requests_total{cause="queue-full",status="5xx"}`:  "0",
		`fender_requests_total{cause="client-gone",status="4xx"}`: "0",
		`fender_requests_total{cause="answer-cut",status="2xx"}`:  "0",
		`fender_workers{state="ready"}`:                           "0",
		`fender_queue_seconds_count`:                              "0",
		`fender_log_lost_total{log="access"}`:                     "0",
		`fender_reloads_total{result="refused"}`:                  "0",
	}
	for _, r := range event.Reasons {
		want[fmt.Sprintf("fender_worker_deaths_total{reason=%q}", r)] = "0"
	}
	check(t, got, want)
	if _, ok := got["process_resident_memory_bytes"]; !ok {
		t.Error("fender's own memory is missing")
	}
}

func TestMetrics_CountRequestsByClassAndCause(t *testing.T) {
	m := New(options())
	m.Request(200, "", true, 2*time.Millisecond, 40*time.Millisecond)
	m.Request(200, "", true, 0, 2*time.Minute)
	m.Request(404, "", true, 0, time.Millisecond)
	m.Request(503, "queue-full", false, 0, 0)
	m.Request(0, "client-gone", false, 0, 0)
	m.Request(200, "answer-cut", true, 0, 0)
	m.Request(500, "never heard of", true, 0, 0)
	m.Bytes(100, 1000)
	m.Bytes(-1, 1)
	check(t, scrape(t, m), map[string]string{
		`fender_requests_total{cause="",status="2xx"}`:             "2",
		`fender_requests_total{cause="",status="4xx"}`:             "1",
		`fender_requests_total{cause="queue-full",status="5xx"}`:   "1",
		`fender_requests_total{cause="client-gone",status="none"}`: "1",
		`fender_requests_total{cause="answer-cut",status="2xx"}`:   "1",
		`fender_requests_total{cause="other",status="5xx"}`:        "1",
		`fender_answers_cut_total`:                                 "1",
		`fender_queue_seconds_count`:                               "5",
		`fender_queue_seconds_bucket{le="0.001"}`:                  "4",
		`fender_queue_seconds_bucket{le="0.0025"}`:                 "5",
		`fender_worker_seconds_bucket{le="0.001"}`:                 "3",
		`fender_worker_seconds_bucket{le="0.05"}`:                  "4",
		`fender_worker_seconds_bucket{le="60"}`:                    "4",
		`fender_worker_seconds_bucket{le="+Inf"}`:                  "5",
		`fender_worker_seconds_sum`:                                "120.041",
		`fender_received_bytes_total`:                              "100",
		`fender_sent_bytes_total`:                                  "1001",
	})
}

func TestMetrics_TotalsTellFailuresFromClientsThatLeft(t *testing.T) {
	m := New(options())
	for _, r := range []struct {
		status int
		cause  string
	}{{200, ""}, {500, ""}, {503, "queue-full"}, {200, "answer-cut"}, {499, "client-gone"}, {500, "a new cause"}} {
		m.Request(r.status, r.cause, false, 0, 0)
	}
	if ended, failed := m.Totals(); ended != 6 || failed != 3 {
		t.Errorf("%d ended, %d failed", ended, failed)
	}
}

func TestMetrics_CountWhatEventsSay(t *testing.T) {
	m := New(options())
	for _, e := range []event.Event{
		{Kind: event.Worker, From: "none", To: event.StateStarting},
		{Kind: event.Worker, From: event.StateStarting, To: event.StateReady},
		{Kind: event.Worker, From: event.StateReady, To: event.StateRetiring, Reason: event.ReasonReload},
		{Kind: event.Worker, From: event.StateRetiring, To: event.StateGone, Reason: event.ReasonReload},
		{Kind: event.Worker, From: event.StateReady, To: event.StateGone, Reason: event.ReasonCrash},
		{Kind: event.Worker, From: event.StateReady, To: event.StateGone},
		{Kind: event.Template, To: event.StateReady},
		{Kind: event.Retry}, {Kind: event.TakenBack}, {Kind: event.TakenBack}, {Kind: event.Warning},
		{Kind: event.Reload, To: event.StateStarted}, {Kind: event.Reload, To: event.StateDone},
		{Kind: event.Reload, To: event.StateRefused},
	} {
		m.Observe(e)
	}
	check(t, scrape(t, m), map[string]string{
		`fender_worker_births_total`:                        "1",
		`fender_worker_deaths_total{reason="reload"}`:       "1",
		`fender_worker_deaths_total{reason="crash"}`:        "1",
		`fender_worker_deaths_total{reason="other"}`:        "1",
		`fender_worker_deaths_total{reason="boot-failure"}`: "0",
		`fender_templates_total`:                            "1",
		`fender_retries_total`:                              "1",
		`fender_taken_back_total`:                           "2",
		`fender_warnings_total`:                             "1",
		`fender_reloads_total{result="done"}`:               "1",
		`fender_reloads_total{result="refused"}`:            "1",
	})
}

func TestMetrics_KeepTheNumberOfWorkersInEachStateByTheirSteps(t *testing.T) {
	m := New(options())
	for _, step := range []string{
		"none starting", "none starting", "none starting", "starting ready", "starting ready",
		"ready retiring", "starting gone", "retiring gone", "none starting",
	} {
		from, to, _ := strings.Cut(step, " ")
		m.Observe(event.Event{Kind: event.Worker, From: from, To: to})
	}
	check(t, scrape(t, m), map[string]string{
		`fender_workers{state="starting"}`: "1",
		`fender_workers{state="ready"}`:    "1",
		`fender_workers{state="retiring"}`: "0",
	})
}

func TestMetrics_ShowTheSampleOfTheOtherRooms(t *testing.T) {
	o := options()
	o.Sample = func() Sample {
		return Sample{
			QueueLength: 7, Connections: 8, Accepted: 9, WorkersWanted: 10, Generation: 2,
			LoopTurns: 11, LoopBusy: 1500 * time.Millisecond, LoopLongest: 70 * time.Microsecond,
			SpoolBytes: 1, SpoolLimit: 2, MemoryBytes: 3, MemoryLimit: 4, AccessLogLost: 5, EventsLost: 6,
		}
	}
	check(t, scrape(t, New(o)), map[string]string{
		"fender_queue_length": "7", "fender_connections": "8", "fender_connections_total": "9",
		"fender_workers_wanted": "10", "fender_generation": "2",
		"fender_loop_turns_total": "11", "fender_loop_busy_seconds_total": "1.5", "fender_loop_lag_seconds": "7e-05",
		"fender_spool_bytes": "1", "fender_spool_limit_bytes": "2",
		"fender_memory_bytes": "3", "fender_memory_limit_bytes": "4",
		`fender_log_lost_total{log="access"}`: "5", `fender_log_lost_total{log="events"}`: "6",
	})
}

func TestMetrics_CountingDoesNotAllocateAndIsSafe(t *testing.T) {
	m := New(options())
	count := func() {
		m.Request(503, "queue-full", true, time.Millisecond, time.Millisecond)
		m.Observe(event.Event{Kind: event.Retry})
		m.Bytes(1, 1)
	}
	if n := testing.AllocsPerRun(100, count); n != 0 {
		t.Errorf("%v allocations", n)
	}
	before := scrape(t, m)["fender_retries_total"]
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				count()
			}
		})
	}
	wg.Wait()
	check(t, scrape(t, m), map[string]string{"fender_retries_total": "4101", "fender_sent_bytes_total": "4101"})
	if before != "101" {
		t.Errorf("counted %s before, want 101", before)
	}
}

// row of docs/metrics.md: | `name` | type | labels | meaning |
var row = regexp.MustCompile("(?m)^\\| `(fender_[a-z_]+)` \\| (\\w+) \\| ([^|]*?) ?\\| (.+) \\|$")

func TestDocs_ListEveryMetricWithTypeLabelsAndMeaning(t *testing.T) {
	text, err := os.ReadFile("../../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		documented[m[1]] = m[2] + " | " + strings.ReplaceAll(m[3], "`", "") + " | " + m[4]
	}
	m := New(options())
	m.died[len(event.Reasons)].Add(1)
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "fender_") {
			continue
		}
		var labels []string
		for _, l := range f.Metric[0].Label {
			labels = append(labels, l.GetName())
		}
		shown[f.GetName()] = strings.ToLower(f.GetType().String()) + " | " + strings.Join(labels, ", ") + " | " + f.GetHelp()
	}
	if diff := cmp.Diff(shown, documented); diff != "" {
		t.Errorf("metrics (-) and docs/metrics.md (+) differ:\n%s", diff)
	}
}
