//go:build linux

package e2e

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fender/e2e/load"
	"fender/internal/observe/event"
)

// opentelemetry-instrument starts a command with a sitecustomize of its own in PYTHONPATH, which sets
// tracing up before anything else runs. Its exporter is a thread, which must live in every worker.
func TestATracingWrapperIsActiveInEveryWorker(t *testing.T) {
	how := start{
		before: []string{filepath.Join(filepath.Dir(python), "opentelemetry-instrument")},
		env: []string{
			"OTEL_TRACES_EXPORTER=console", "OTEL_METRICS_EXPORTER=none", "OTEL_LOGS_EXPORTER=none",
			"OTEL_SERVICE_NAME=traced", "OTEL_BSP_SCHEDULE_DELAY=50",
		},
	}
	s := how.launch(t, append(testdata("traced"), "--http-socket", "127.0.0.1:0", "--access-log", "off", "--processes", "2")...)
	s.ready()
	check := func(generation float64, id string) {
		t.Helper()
		trace := strings.Repeat(id, 32)
		doc := facts(t, s.must(&load.Request{Target: "/traced", Header: []string{"traceparent: 00-" + trace + "-1234567890abcdef-01"}}))
		where, _ := doc["sitecustomize"].(string)
		if !strings.Contains(where, "opentelemetry") || doc["distro"] != true || doc["provider"] != "TracerProvider" {
			t.Errorf("the wrapper is not active: %v", doc)
		}
		if doc["trace"] != trace || doc["generation"] != generation {
			t.Errorf("generation %v, trace %v", doc["generation"], doc["trace"])
		}
		s.says(`"trace_id": "0x` + trace + `"`) // the worker's exporter has printed the span
	}
	check(1, "a")
	s.signal(syscall.SIGHUP)
	s.wait("the reload", 1, func(e event.Event) bool { return e.Kind == event.Reload && e.To == event.StateDone })
	check(2, "b")
	if err := syscall.Kill(s.pids()[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.wait("its successor", 5, becomes(event.StateReady))
	for _, id := range []string{"c", "d", "e"} {
		check(2, id)
	}
}
