package lab

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"fender/internal/proving/lab/scenario"
	"fender/internal/proving/proctree"
	"fender/internal/proving/report"
)

// slowLength is how long a slow client takes at speed 1.
const slowLength = 10 * time.Second

// startFaults begins what is done during the phase. All of it has ended when the group is done, soon
// after ctx has.
func (r *row) startFaults(ctx context.Context, p scenario.Phase) *sync.WaitGroup {
	var group sync.WaitGroup
	own := r.lab.Target != ""
	plain := strings.HasPrefix(r.lab.Target, "http://") // who hangs up speaks no TLS
	for _, f := range r.lab.scenario.Faults {
		if f.Phase == p.Name && (!own || f.Action == "hang up" && plain) {
			group.Go(func() { r.repeat(ctx, f) })
		}
	}
	for _, b := range r.lab.scenario.Beside {
		if b.Phase != p.Name || own {
			continue
		}
		for range b.Count {
			group.Go(func() { r.slowClient(ctx, b) })
		}
	}
	return &group
}

// repeat does one thing, once or again and again.
func (r *row) repeat(ctx context.Context, f scenario.Fault) {
	once := f.Every == 0
	timer := time.NewTimer(max(f.Every, f.After))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if err := r.act(ctx, f.Action); err != nil && ctx.Err() == nil {
			r.logs.line(time.Now(), "lab", f.Action+": "+err.Error())
			r.note(fmt.Sprintf("%s did not work: %s", f.Action, report.Plain(err.Error())))
		}
		if once {
			return
		}
		timer.Reset(f.Every)
	}
}

// note adds a remark once.
func (r *row) note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.Notes) < 20 && !slices.Contains(r.Notes, text) {
		r.Notes = append(slices.Clone(r.Notes), text)
	}
}

func (r *row) act(ctx context.Context, action string) error {
	switch action {
	case "kill a worker":
		return r.killWorker()
	case "reload":
		return r.reload()
	case "crash":
		return r.crash(ctx)
	case "hang up":
		return r.hangUp(ctx)
	case "deploy":
		return r.deploy(ctx)
	}
	return fmt.Errorf("nobody knows how to %s", action)
}

// killWorker sends SIGKILL to a random worker that is surely one of ours, and lives: some servers are late
// to see that one has died.
func (r *row) killWorker() error {
	workers := r.board.workers()
	ours := slices.DeleteFunc(r.processes(), func(p proctree.Process) bool { return p.Zombie || !slices.Contains(workers, p.PID) })
	if len(ours) == 0 {
		return errors.New("there was no worker at that moment")
	}
	victim := ours[rand.IntN(len(ours))]
	if !victim.Same() {
		return nil // it went by itself meanwhile
	}
	r.board.did(time.Now(), "kills", fmt.Sprintf("SIGKILL to worker (pid %d)", victim.PID))
	return syscall.Kill(victim.PID, syscall.SIGKILL)
}

// reload tells every instance to load the code anew, as its manual says.
func (r *row) reload() error {
	for _, i := range r.all() {
		if err := i.programs[i.stack.Manager].child.Signal(i.stack.Reload); err != nil {
			return err
		}
	}
	r.board.did(time.Now(), "reloads", "reload")
	return nil
}

// crash asks an instance for the view that kills its own process. It goes around the balancer: the
// failure of this request is wanted, and none of the load's.
func (r *row) crash(ctx context.Context) error {
	all := r.all()
	if len(all) == 0 {
		return errors.New("there is no instance")
	}
	i := all[rand.IntN(len(all))]
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+i.place.Address+"/crash", nil)
	if err != nil {
		return err
	}
	r.board.did(time.Now(), "crashes", "a request crashes its worker")
	transport := &http.Transport{DisableKeepAlives: true}
	if resp, err := transport.RoundTrip(req); err == nil { // it has no answer, or one of the server's own
		resp.Body.Close()
	}
	return nil
}

func (r *row) hangUp(ctx context.Context) error {
	address, path := r.door()
	if err := hangUp(ctx, address, path); err != nil {
		return err
	}
	r.board.did(time.Now(), "hang-ups", "a client left before its answer")
	return nil
}

// door is where the clients come in, and what the first request asks for.
func (r *row) door() (address, path string) {
	if u, err := url.Parse(r.lab.Target); err == nil && u.Host != "" {
		port := u.Port()
		if port == "" {
			port = "80"
		}
		return net.JoinHostPort(u.Hostname(), port), u.RequestURI()
	}
	return r.balancer.address, r.lab.scenario.Requests[0].Path
}

func (r *row) slowClient(ctx context.Context, b scenario.Beside) {
	address, _ := r.door()
	length := max(100*time.Millisecond, time.Duration(float64(slowLength)/r.lab.Speed))
	var err error
	if b.Kind == "slow readers" {
		err = slowRead(ctx, address, b.Path, length)
	} else {
		err = slowWrite(ctx, address, b.Path, length)
	}
	switch {
	case err == nil:
		r.board.served()
	case ctx.Err() == nil:
		r.note(fmt.Sprintf("one of the %s failed: %s", b.Kind, report.Plain(err.Error())))
	default:
		r.note(fmt.Sprintf("some of the %s were not done when the phase ended", b.Kind))
	}
}
