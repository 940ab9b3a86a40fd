package lab

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"fender/internal/proving/lab/scenario"
	"fender/internal/proving/report"
)

// load is `fender siege` at work in one phase. A phase in which nobody asks has none.
type load struct {
	program *program
	path    string // of its result
	once    sync.Once
}

// loadResult is what the clients of one phase saw.
type loadResult struct {
	count    report.Count
	failures map[string]int
	examples []string
	series   []report.Bin // with times since the row's begin, in whole seconds
	doc      siegeResult
}

// siegeResult is what the lab reads of siege's result.
type siegeResult struct {
	V int `json:"v"`
}

// startLoad starts the phase's clients. They go on until finish: how long a phase lasts is decided
// by the lab, because it may be an event that ends it.
func (r *row) startLoad(p scenario.Phase) (*load, error) {
	if p.Users == 0 && p.Rate == 0 {
		return nil, nil
	}
	urls := filepath.Join(r.dir, "urls.txt")
	if err := os.WriteFile(urls, []byte(r.lab.urls("http://"+r.balancer.address)), 0o644); err != nil {
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
		case "POST":
			line += " POST " + strings.Repeat("x", int(q.Body))
		case "HEAD":
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
	args := []string{l.Fender, "siege", "--phases", lasting(p), "-i", "-b", "--json", "-f", urls}
	if l.Remote {
		args = append(args, "--allow-remote")
	}
	path := filepath.Join(dir, fmt.Sprintf("siege-%d.json", number))
	out, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	prog, err := launch(l.Self, "fender siege", args, os.Environ(), dir, syscall.SIGINT, true, func(line string, isErr bool) {
		if isErr {
			log.line(time.Now(), "siege", line)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		_, _ = out.WriteString(line)
	})
	if err != nil {
		out.Close()
		return nil, err
	}
	_ = json.Marshal
	return &load{program: prog, path: path}, nil
}

// broken is closed when the load has ended by itself, which it should not.
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
