package lab

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"fender/internal/proving/lab/scenario"
	"fender/internal/proving/latency"
	"fender/internal/proving/report"
	"fender/internal/proving/siege"
)

// load is `fender siege` at work in one phase. A phase in which nobody asks has none.
type load struct {
	program *program
	path    string // of its result
}

// loadResult is what the clients of one phase saw.
type loadResult struct {
	count   report.Count
	siege   *siege.Result
	latency *latency.Histogram
	cpu     float64
}

// startLoad starts the phase's clients. They go on until finish: how long a phase lasts is decided
// by the lab, because it may be an event that ends it.
func (r *row) startLoad(p scenario.Phase) (*load, error) {
	if p.Users == 0 && p.Rate == 0 {
		return nil, nil
	}
	text := r.lab.Target + "\n"
	if r.balancer != nil {
		text = r.lab.urls("http://" + r.balancer.address)
	}
	urls := filepath.Join(r.dir, "urls.txt")
	if err := os.WriteFile(urls, []byte(text), 0o644); err != nil {
		return nil, err
	}
	return r.lab.startLoad(r.dir, urls, p, len(r.loads), r.logs)
}

// urls is the file of what the clients ask for.
func (l *lab) urls(base string) string {
	var b strings.Builder
	for _, q := range l.scenario.Requests {
		line := base + q.Path
		switch q.Method {
		case http.MethodPost:
			line += " POST " + strings.Repeat("x", int(q.Body))
		case http.MethodHead:
			line += " HEAD"
		}
		for range q.Times {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// lasting is the phase's load in siege's words, for long enough.
func lasting(p scenario.Phase) string {
	load := strconv.Itoa(p.Users) + "u"
	if p.Rate > 0 {
		load = strconv.FormatFloat(p.Rate, 'f', -1, 64) + "r"
	}
	return load + "/" + (p.Most + time.Minute).String()
}

func (l *lab) startLoad(dir, urls string, p scenario.Phase, number int, log *logs) (*load, error) {
	path := filepath.Join(dir, fmt.Sprintf("siege-%d.json", number))
	args := []string{l.Fender, "siege", "--phases", lasting(p), "--internet", "--benchmark", "--timeout", "120", "--file", urls, "--out", path}
	if l.Remote {
		args = append(args, "--allow-remote")
	}
	prog, err := launch(l.Self, "fender siege", args, os.Environ(), dir, syscall.SIGINT, false, func(line string, _ bool) {
		log.line(time.Now(), "siege", line)
	})
	if err != nil {
		return nil, err
	}
	return &load{program: prog, path: path}, nil
}

// finish ends the load: siege lets the requests under way end, for a moment, and says what it saw.
func (l *load) finish() (loadResult, error) {
	if l == nil {
		return loadResult{}, nil
	}
	cpu := l.program.cpu()
	if !l.program.stop(stopGrace) {
		return loadResult{}, fmt.Errorf("fender siege did not end; %s", l.program.last)
	}
	f, err := os.Open(l.path)
	if err != nil {
		return loadResult{}, fmt.Errorf("fender siege left no result; %s", l.program.last)
	}
	defer f.Close()
	res, err := siege.ReadResult(f)
	if err != nil {
		return loadResult{}, err
	}
	h, err := latency.Read(res.Latency)
	if err != nil {
		return loadResult{}, err
	}
	return loadResult{count: counted(res), siege: res, latency: h, cpu: cpu}, nil
}

// broken are siege's kinds of failures in which the connection ended in the place of an answer.
var brokenKinds = []string{"closed-before", "reset-before", "reset-after", "truncated"}

// counted is siege's result in the report's words.
func counted(res *siege.Result) report.Count {
	c := report.Count{
		Requests: int(res.Requests), Failed: int(res.Failed), Statuses: map[string]int{},
		P50: res.Latency.P50, P99: res.Latency.P99, Longest: res.Latency.Max,
	}
	for status, n := range res.Statuses {
		c.Statuses[status] = int(n)
	}
	for _, k := range brokenKinds {
		c.Cut += int(res.Failures[k])
	}
	return c
}

// failures names what failed: by status where there was one, by siege's kind else.
func failures(res *siege.Result, into map[string]int) {
	for kind, n := range res.Failures {
		if !strings.HasPrefix(kind, "status-") {
			into[kind] += int(n)
		}
	}
	for status, n := range res.Statuses {
		if status >= "400" {
			into[status] += int(n)
		}
	}
}

// broken is closed when the load has ended: before finish it should not.
func (l *load) broken() <-chan struct{} {
	if l == nil {
		return nil
	}
	return l.program.child.Done()
}

func (l *load) kill() {
	if l != nil {
		l.program.stop(0)
	}
}
