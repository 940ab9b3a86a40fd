package lab

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"fender/internal/proving/lab/scenario"
	"fender/internal/proving/lab/stack"
	"fender/internal/proving/proctree"
	"fender/internal/proving/report"

	"github.com/google/go-cmp/cmp"
)

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestBoard_CountsWhatComesAfterTheStartAndBeforeTheEnd(t *testing.T) {
	begin := time.Date(2026, 11, 25, 20, 0, 0, 0, time.UTC)
	after := func(s float64) time.Time { return begin.Add(time.Duration(s * float64(time.Second))) }
	b := newBoard(begin, 0.5)
	b.worker(after(-2), stack.Event{Born: true, PID: 1})
	b.worker(after(-1), stack.Event{Born: true, PID: 2})
	b.arm(begin)
	born, dead := b.await("born", 2), b.await("dead", 1)
	b.worker(after(1), stack.Event{Born: true, PID: 3})
	if closed(born) {
		t.Error("one birth was taken for two")
	}
	b.worker(after(2), stack.Event{PID: 99, Reason: "nobody has heard of it"})
	if closed(dead) {
		t.Error("the death of a process that was no worker was taken for one")
	}
	b.worker(after(3), stack.Event{PID: 1, Reason: "cheaper"})
	if !closed(dead) {
		t.Error("nobody was told of the death")
	}
	b.worker(after(4), stack.Event{Born: true, PID: 4})
	if !closed(born) {
		t.Error("nobody was told of the second birth")
	}
	b.did(after(4.5), "kills", "SIGKILL")
	b.disarm()
	b.worker(after(5), stack.Event{PID: 2, Reason: "the end"})
	b.sample(report.Sample{Processes: 3, Threads: 7})
	b.sample(report.Sample{Processes: 2, Threads: 9})

	row := report.Row{
		Series: []report.Bin{{At: 0, Width: 1}, {At: 1, Width: 2}, {At: 3, Width: 2}},
	}
	b.fill(&row)
	if row.Born != 2 || row.Dead != 1 || row.Reasons["cheaper"] != 1 || row.Done["kills"] != 1 || row.Peak.Processes != 3 || row.Peak.Threads != 9 {
		t.Errorf("%+v", row)
	}
	var workers []int
	for _, bin := range row.Series {
		workers = append(workers, bin.Workers)
	}
	if diff := cmp.Diff([]int{3, 2, 2}, workers); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{3, 4}, b.workers()); diff != "" {
		t.Error(diff)
	}
}

func TestMeter_AddsUpWhatProcessesThatComeAndGoHaveCost(t *testing.T) {
	m := newMeter()
	begin := time.Date(2026, 11, 25, 20, 0, 0, 0, time.UTC)
	pss := func(p proctree.Process) int64 { return int64(p.PID) }
	process := func(pid int, started uint64, cpu time.Duration) proctree.Process {
		return proctree.Process{PID: pid, Started: started, CPU: cpu, Threads: 2}
	}
	_, spent := m.look(begin, 0, []proctree.Process{process(1, 1, time.Second)}, pss)
	if spent != time.Second {
		t.Error(spent)
	}
	// 1 goes on, 2 is new; then 1 is another process of the same number.
	s, spent := m.look(begin.Add(2*time.Second), 2, []proctree.Process{process(1, 1, 2*time.Second), process(2, 5, time.Second)}, pss)
	if spent != 2*time.Second || s.CPU != 1 || s.Memory != 3 || s.Threads != 4 || s.Processes != 2 {
		t.Errorf("%v %+v", spent, s)
	}
	if _, spent := m.look(begin.Add(3*time.Second), 3, []proctree.Process{process(1, 9, time.Second/2)}, pss); spent != time.Second/2 {
		t.Error(spent)
	}
}

func TestProgress_SaysThePhaseTheTimeLeftAndTheFailures(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, false)
	begin := time.Date(2026, 11, 25, 20, 0, 0, 0, time.UTC)
	b := newBoard(begin, 1)
	p.begin("fender", b)
	b.worker(begin, stack.Event{Born: true, PID: 1})
	b.arm(begin)
	b.logLine(begin, `http t e c 127.0.0.1:1 0 0 -1 502 - 1 2`)
	until := scenario.Phase{Name: "load", Users: 50, For: 10 * time.Second, Most: 30 * time.Second, Until: &scenario.Event{Kind: "born", Count: 2}}
	p.phase(until, begin)
	for at, want := range map[time.Duration]string{
		4 * time.Second:  "fender: load, 2 born usually in 6s · 1 of 1 failed · 1 workers, 0 born, 0 dead (50 users)",
		14 * time.Second: "fender: load, 2 born in 16s at most · 1 of 1 failed · 1 workers, 0 born, 0 dead (50 users)",
	} {
		if got := p.line(begin.Add(at)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	p.phase(scenario.Phase{Name: "rest", For: 10 * time.Second}, begin)
	if got := p.line(begin.Add(time.Second)); !strings.HasPrefix(got, "fender: rest, 9s left") {
		t.Error(got)
	}
	p.row(&report.Row{Stack: "fender", Total: report.Count{Requests: 3, Failed: 1}, Outcome: report.Failed})
	p.close()
	want := "fender: starting\nfender: load: 50 users, until born 2, usually 10s, at most 30s\nfender: rest: nobody, for 10s\n" +
		"fender: 3 requests, 1 failed, 0 workers born, 0 dead: failed\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestLibrary_BeginsWithTheIncident(t *testing.T) {
	all, err := Library()
	if err != nil || len(all) < 10 || all[0].Name != "incident" {
		t.Fatal(all, err)
	}
	if _, err := Find("incidnt"); err == nil || !strings.Contains(err.Error(), `no such scenario as "incidnt": there are incident, chaos,`) {
		t.Error(err)
	}
	if s, err := Find("../../../scenarios/churn.scenario"); err != nil || s.Name != "churn" {
		t.Error(s, err)
	}
	if _, err := Find("/dev/zero"); err == nil || !strings.Contains(err.Error(), "larger than 64 KiB") {
		t.Error(err)
	}
	if _, err := Find("./no.scenario"); err == nil {
		t.Error("a file that is not there was read")
	}
}
