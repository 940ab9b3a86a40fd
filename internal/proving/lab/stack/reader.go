package stack

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// Event is what a line told of a worker.
type Event struct {
	Born   bool // else it died
	PID    int
	Reason string // of a death, where the server tells it
}

// Reader turns the lines of a server into events. It remembers what came before.
type Reader interface {
	Line(line string) (Event, bool)
}

// uwsgi reads uWSGI's log.
type uwsgi struct {
	pids map[int]int    // worker's number -> pid
	why  map[int]string // pid -> why it goes
}

func newUWSGI() Reader { return &uwsgi{pids: map[int]int{}, why: map[int]string{}} }

var (
	uwsgiBorn   = regexp.MustCompile(`^(?:spawned|Respawned) uWSGI worker (\d+) \((?:new )?pid: (\d+)`)
	uwsgiKilled = regexp.MustCompile(`^worker (\d+) killed successfully \(pid: (\d+)\)`)
	uwsgiDied   = regexp.MustCompile(`worker (\d+) \(pid: (\d+)\) (?:died|M[IY]STERIOUSLY)(?:[, ]*killed by signal (\d+))?`)
	uwsgiBuried = regexp.MustCompile(`^worker (\d+) buried`)
	uwsgiDone   = regexp.MustCompile(`^\.\.\.The work of process (\d+) is done`)
	uwsgiHUP    = regexp.MustCompile(`^Gracefully killing worker \d+ \(pid: (\d+)\)`)
	uwsgiSlow   = regexp.MustCompile(`HARAKIRI ON WORKER \d+ \(pid: (\d+)`)
)

func (u *uwsgi) Line(line string) (Event, bool) {
	number := func(s string) int { n, _ := strconv.Atoi(s); return n }
	note := func(pid, why string) (Event, bool) {
		u.why[number(pid)] = why
		return Event{}, false
	}
	dead := func(worker, pid int, why string) (Event, bool) {
		if known := u.why[pid]; known != "" {
			why = known
		}
		delete(u.why, pid)
		delete(u.pids, worker)
		return Event{PID: pid, Reason: why}, pid > 0
	}
	switch {
	case strings.Contains(line, "uWSGI worker"):
		if m := uwsgiBorn.FindStringSubmatch(line); m != nil {
			u.pids[number(m[1])] = number(m[2])
			return Event{Born: true, PID: number(m[2])}, true
		}
	case strings.HasPrefix(line, "...The work"):
		if m := uwsgiDone.FindStringSubmatch(line); m != nil {
			return note(m[1], "max-requests")
		}
	case strings.HasPrefix(line, "Gracefully"):
		if m := uwsgiHUP.FindStringSubmatch(line); m != nil {
			return note(m[1], "reload")
		}
	case strings.Contains(line, "HARAKIRI ON"):
		if m := uwsgiSlow.FindStringSubmatch(line); m != nil {
			return note(m[1], "harakiri")
		}
	case strings.Contains(line, "killed successfully"):
		if m := uwsgiKilled.FindStringSubmatch(line); m != nil {
			return dead(number(m[1]), number(m[2]), "cheaper")
		}
	case strings.Contains(line, "buried"):
		if m := uwsgiBuried.FindStringSubmatch(line); m != nil {
			return dead(number(m[1]), u.pids[number(m[1])], "reload")
		}
	case strings.Contains(line, "(pid: "):
		if m := uwsgiDied.FindStringSubmatch(line); m != nil {
			why := "crash"
			if m[3] != "" {
				why = "signal " + m[3]
			}
			return dead(number(m[1]), number(m[2]), why)
		}
	}
	return Event{}, false
}

// gunicorn reads gunicorn's log.
type gunicorn struct {
	live map[int]bool
	why  map[int]string
}

func newGunicorn() Reader { return &gunicorn{map[int]bool{}, map[int]string{}} }

var (
	gunicornBorn   = regexp.MustCompile(`\[INFO\] Booting worker with pid: (\d+)`)
	gunicornRecyc  = regexp.MustCompile(`\[(\d+)\] \[INFO\] Autorestarting worker after current request`)
	gunicornExit   = regexp.MustCompile(`\[INFO\] Worker exiting \(pid: (\d+)\)`)
	gunicornSignal = regexp.MustCompile(`Worker \(pid:(\d+)\) was sent (SIG\w+)`)
	gunicornGone   = regexp.MustCompile(`Worker \(pid:(\d+)\) exited with code (\d+)`)
	gunicornSlow   = regexp.MustCompile(`WORKER TIMEOUT \(pid:(\d+)\)`)
)

func (g *gunicorn) Line(line string) (Event, bool) {
	pid := func(m []string) int { n, _ := strconv.Atoi(m[1]); return n }
	dead := func(pid int, why string) (Event, bool) {
		if !g.live[pid] {
			return Event{}, false // it was told of already
		}
		if known := g.why[pid]; known != "" {
			why = known
		}
		delete(g.live, pid)
		delete(g.why, pid)
		return Event{PID: pid, Reason: why}, true
	}
	if m := gunicornBorn.FindStringSubmatch(line); m != nil {
		g.live[pid(m)] = true
		return Event{Born: true, PID: pid(m)}, true
	}
	if m := gunicornRecyc.FindStringSubmatch(line); m != nil {
		g.why[pid(m)] = "max-requests"
	}
	if m := gunicornSlow.FindStringSubmatch(line); m != nil {
		g.why[pid(m)] = "timeout"
	}
	if m := gunicornExit.FindStringSubmatch(line); m != nil {
		return dead(pid(m), "reload")
	}
	if m := gunicornSignal.FindStringSubmatch(line); m != nil {
		return dead(pid(m), m[2])
	}
	if m := gunicornGone.FindStringSubmatch(line); m != nil {
		return dead(pid(m), "exit "+m[2])
	}
	return Event{}, false
}

// apache reads mod_wsgi's lines in Apache's error log.
type apache struct {
	live map[int]bool
	why  map[int]string
}

func newApache() Reader { return &apache{map[int]bool{}, map[int]string{}} }

var (
	modWSGI = regexp.MustCompile(`mod_wsgi \(pid=(\d+)\): (.*)`)
)

func (a *apache) Line(line string) (Event, bool) {
	m := modWSGI.FindStringSubmatch(line)
	if m == nil {
		return Event{}, false
	}
	pid, _ := strconv.Atoi(m[1])
	dead := func(why string) (Event, bool) {
		if !a.live[pid] {
			return Event{}, false
		}
		if known := a.why[pid]; known != "" {
			why = known
		}
		delete(a.live, pid)
		delete(a.why, pid)
		return Event{PID: pid, Reason: why}, true
	}
	switch text := m[2]; {
	case strings.HasPrefix(text, "Starting process 'site'"):
		a.live[pid] = true
		return Event{Born: true, PID: pid}, true
	case strings.HasPrefix(text, "Maximum requests reached"):
		a.why[pid] = "max-requests"
	case strings.HasPrefix(text, "Exiting process 'site'"):
		return dead("reload")
	case strings.Contains(text, "has died"):
		return dead("crash")
	}
	return Event{}, false
}

// fender reads fender's events, JSON lines.
type fender struct{ live map[int]bool }

func newFender() Reader { return &fender{map[int]bool{}} }

func (f *fender) Line(line string) (Event, bool) {
	var e struct {
		Event, To, Reason string
		PID               int
	}
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil || e.Event != "worker" || e.PID == 0 {
		return Event{}, false
	}
	switch {
	case e.To == "ready":
		f.live[e.PID] = true
		return Event{Born: true, PID: e.PID}, true
	case e.To == "gone" && f.live[e.PID]:
		delete(f.live, e.PID)
		return Event{PID: e.PID, Reason: e.Reason}, true
	}
	return Event{}, false
}
