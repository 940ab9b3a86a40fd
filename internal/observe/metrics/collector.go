package metrics

import (
	"fender/internal/observe/event"

	"github.com/prometheus/client_golang/prometheus"
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// The metrics of fender. docs/metrics.md explains them.
var (
	descBuild       = desc("fender_build_info", "Always 1; the version is a label.", "version")
	descRequests    = desc("fender_requests_total", "Requests that ended, by class of status and cause. No cause: the application's own answer.", "status", "cause")
	descQueueTime   = desc("fender_queue_seconds", "Time that requests waited until the last worker got them.")
	descWorkTime    = desc("fender_worker_seconds", "Time from then until the worker's answer was complete.")
	descReceived    = desc("fender_received_bytes_total", "Bytes of request bodies received.")
	descSent        = desc("fender_sent_bytes_total", "Bytes of answer bodies sent.")
	descQueue       = desc("fender_queue_length", "Requests that wait for a slot now.")
	descConnections = desc("fender_connections", "Open connections of clients.")
	descAccepted    = desc("fender_connections_total", "Connections of clients accepted.")
	descWorkers     = desc("fender_workers", "Workers by state.", "state")
	descWanted      = desc("fender_workers_wanted", "Workers that scaling wants.")
	descBorn        = desc("fender_worker_births_total", "Workers that became ready.")
	descDied        = desc("fender_worker_deaths_total", "Workers that ended, by reason.", "reason")
	descTemplates   = desc("fender_templates_total", "Templates that became ready.")
	descGeneration  = desc("fender_generation", "The generation that serves.")
	descReloads     = desc("fender_reloads_total", "Reloads, by result.", "result")
	descRetried     = desc("fender_retries_total", "Requests begun again on another worker.")
	descTakenBack   = desc("fender_taken_back_total", "Requests moved before any worker had begun them.")
	descCut         = desc("fender_answers_cut_total", "Answers cut after they had begun to leave.")
	descTurns       = desc("fender_loop_turns_total", "Turns of the workshop's loop.")
	descBusy        = desc("fender_loop_busy_seconds_total", "Time that the turns took in all.")
	descLag         = desc("fender_loop_lag_seconds", "The longest turn since the last scrape: what became ready waited for it.")
	descLost        = desc("fender_log_lost_total", "Lines of logs dropped because their destination was blocked or full.", "log")
	descWarnings    = desc("fender_warnings_total", "Warnings given.")
	descSpool       = desc("fender_spool_bytes", "Bytes in spool files.")
	descSpoolLimit  = desc("fender_spool_limit_bytes", "Bound of fender_spool_bytes.")
	descMemory      = desc("fender_memory_bytes", "Bytes of requests and answers held in memory.")
	descMemoryLimit = desc("fender_memory_limit_bytes", "Bound of fender_memory_bytes; above it they spool.")
)

// Describe gives prometheus no list: what is collected is checked each time.
func (m *Metrics) Describe(chan<- *prometheus.Desc) {}

// Collect gives every metric, those that are 0 too.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	var s Sample
	if m.opts.Sample != nil {
		s = m.opts.Sample()
	}
	gauge(descBuild, 1, m.opts.Version)

	m.collectRequests(func(class, cause string, n uint64) { counter(descRequests, n, class, cause) })
	ch <- m.queueTime.metric(descQueueTime)
	ch <- m.workTime.metric(descWorkTime)
	counter(descReceived, m.received.Load())
	counter(descSent, m.sent.Load())
	gauge(descQueue, float64(s.QueueLength))
	gauge(descConnections, float64(s.Connections))
	counter(descAccepted, s.Accepted)

	for i, state := range m.states {
		gauge(descWorkers, float64(m.workers[i].Load()), state)
	}
	gauge(descWanted, float64(s.WorkersWanted))
	counter(descBorn, m.born.Load())
	for i, reason := range event.Reasons {
		counter(descDied, m.died[i].Load(), string(reason))
	}
	if n := m.died[len(event.Reasons)].Load(); n != 0 {
		counter(descDied, n, other)
	}
	counter(descTemplates, m.templates.Load())
	gauge(descGeneration, float64(s.Generation))
	counter(descReloads, m.reloaded.Load(), "done")
	counter(descReloads, m.refused.Load(), "refused")
	counter(descRetried, m.retried.Load())
	counter(descTakenBack, m.takenBack.Load())
	counter(descCut, m.cut.Load())
	counter(descTurns, s.LoopTurns)
	ch <- prometheus.MustNewConstMetric(descBusy, prometheus.CounterValue, s.LoopBusy.Seconds())
	gauge(descLag, s.LoopLongest.Seconds())

	counter(descLost, s.AccessLogLost, "access")
	counter(descLost, s.EventsLost, "events")
	counter(descWarnings, m.warnings.Load())
	gauge(descSpool, float64(s.SpoolBytes))
	gauge(descSpoolLimit, float64(s.SpoolLimit))
	gauge(descMemory, float64(s.MemoryBytes))
	gauge(descMemoryLimit, float64(s.MemoryLimit))
}

// collectRequests gives the series of the application's answers and the usual one of each cause
// always, the others once they have happened.
func (m *Metrics) collectRequests(give func(class, cause string, n uint64)) {
	usual := func(cause, c int) bool {
		switch {
		case cause == 0:
			return c >= 2
		case cause > len(m.opts.Causes): // other
			return false
		case m.opts.Causes[cause-1].Status == 0: // it has the status that its answer began with
			return c == 2
		}
		return c == class(m.opts.Causes[cause-1].Status)
	}
	for i, cause := range m.causes {
		for c, name := range classes {
			if n := m.requests[i][c].Load(); n != 0 || usual(i, c) {
				give(name, cause, n)
			}
		}
	}
}
