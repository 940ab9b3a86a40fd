package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"fender/internal/proving/proctree"
	"fender/internal/proving/up"
)

// stopTimeout bounds the end of a process; generous, because a loaded machine is slow.
const stopTimeout = 15 * time.Second

// running is a started stack. It owns its processes until stop.
type running struct {
	stack
	place
	children []*child
	ended    chan struct{} // closed when one of them has ended
	end      func()
	plain    bool    // beside one of the same stack that is recycled
	warmed   float64 // requests/s that wrk got in the first load
	rate     float64 // requests/s of an open loop
	point    int     // of a series
}

// child is a direct child: all others are found below it.
type child struct {
	cmd  *exec.Cmd
	log  *os.File
	done chan struct{} // closed when it has ended and was waited for
}

// start starts a stack and returns when it answers the workload's request with 200.
func (b *bench) start(ctx context.Context, s stack, w workload, extra ...string) (*running, error) {
	dir, err := os.MkdirTemp(b.dir, s.name+"-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o777); err != nil { // NGINX's workers write their temporary files there
		return nil, err
	}
	address, err := up.Address()
	if err != nil {
		return nil, err
	}
	r := &running{stack: s, place: place{dir: dir, files: b.dir, address: address, load: w, extra: extra}, ended: make(chan struct{})}
	r.end = sync.OnceFunc(func() { close(r.ended) })
	if w.Database {
		if err := r.migrate(ctx, b.venv, b.root); err != nil {
			return nil, err
		}
	}
	commands, err := s.commands(r.place)
	if err != nil {
		return nil, err
	}
	for _, cmd := range commands {
		if err := r.launch(cmd); err != nil {
			r.stop()
			return nil, err
		}
	}
	if err := r.await(ctx); err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

func (r *running) launch(cmd *exec.Cmd) error {
	log, err := os.Create(filepath.Join(r.dir, filepath.Base(cmd.Path)+".log"))
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(append(os.Environ(), cmd.Env...), r.environ()...)
	// A group of its own, so that Ctrl-C reaches only the runner, which stops things in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		log.Close()
		return err
	}
	c := &child{cmd: cmd, log: log, done: make(chan struct{})}
	r.children = append(r.children, c)
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(c.done)
		r.end()
	}()
	return nil
}

// await returns when the stack answers, or a child has ended.
func (r *running) await(ctx context.Context) error {
	err := up.Await(ctx, "http://"+r.address+r.load.Path, r.ended)
	if !errors.Is(err, up.ErrEnded) {
		if err != nil {
			err = fmt.Errorf("%s: %w", r.name, err)
		}
		return err
	}
	for _, c := range r.children {
		select {
		case <-c.done:
			return fmt.Errorf("%s: %s ended at start: %s", r.name, filepath.Base(c.cmd.Path), tail(c.log.Name()))
		default:
		}
	}
	return fmt.Errorf("%s: %w", r.name, err)
}

// stopAll stops several stacks at once.
func stopAll(all []*running) {
	var group sync.WaitGroup
	for _, r := range all {
		group.Go(r.stop)
	}
	group.Wait()
}

// stop ends all processes of the stack, the last started first, and waits for them.
func (r *running) stop() {
	for i := len(r.children) - 1; i >= 0; i-- {
		c := r.children[i]
		// Seen before it ends: what it leaves behind has another parent then.
		below, _ := proctree.Tree(c.cmd.Process.Pid)
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-c.done:
		case <-time.After(stopTimeout):
			fmt.Fprintf(os.Stderr, "bench: %s took more than %s to stop and is killed\n", r.name, stopTimeout)
			_ = c.cmd.Process.Kill()
			<-c.done
		}
		for _, p := range below {
			if p.Same() {
				_ = syscall.Kill(p.PID, syscall.SIGKILL)
			}
		}
		c.log.Close()
	}
	r.children = nil
}

// processes are all processes of the stack now.
func (r *running) processes() ([]proctree.Process, error) {
	var roots []int
	for _, c := range r.children {
		roots = append(roots, c.cmd.Process.Pid)
	}
	return proctree.Tree(roots...)
}

// tail is the end of a log, for an error message.
func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if len(text) > 2000 {
		text = text[len(text)-2000:]
	}
	return "its last words:\n" + string(text)
}
