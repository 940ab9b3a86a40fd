package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"syscall"
	"time"
)

// How many clients keep a connection open and say nothing: before every stack that keeps
// connections, and before those that have a front of their own.
const (
	idleConnections  = 1000
	crowdConnections = 10_000
)

// crowdGoal is the most that fender's master may hold with the crowd, in MB of RSS.
const crowdGoal = 25

// idleResult is what idle connections cost one stack.
type idleResult struct {
	Stack    string  `json:"stack"`
	Before   share   `json:"memory_before_mib"`
	With     share   `json:"memory_with_mib"`
	PerConn  float64 `json:"kib_per_connection"`
	FrontRSS float64 `json:"front_rss_mb"` // with the connections; of all processes of the front
	Open     int     `json:"connections_still_open"`
	Asked    int     `json:"connections"`
}

// idle measures each stack's memory before and with idle connections. Each of them has
// had one answer, as a load balancer's have.
func (b *bench) idle(ctx context.Context, connections int, stacks ...string) ([]idleResult, error) {
	var results []idleResult
	for _, s := range b.stacks {
		if !s.holds(stacks...) {
			continue
		}
		w := find("idle-load")
		w.Idle = connections
		result, err := b.idleOne(ctx, s, w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		results = append(results, result)
		fmt.Fprintf(os.Stderr, "bench: idle, %s: %.1f MiB, with %d connections %.1f MiB\n",
			s.name, result.Before.sum(), result.Asked, result.With.sum())
	}
	return results, nil
}

// holds says whether the stack keeps idle connections, and is one of those, if any are named.
func (s stack) holds(stacks ...string) bool {
	return s.leftOut(find("idle-load")) == "" && (len(stacks) == 0 || slices.Contains(stacks, s.name))
}

func (b *bench) idleOne(ctx context.Context, s stack, w workload) (idleResult, error) {
	result := idleResult{Stack: s.name, Asked: w.Idle}
	r, err := b.start(ctx, s, w)
	if err != nil {
		return result, err
	}
	defer r.stop()
	if _, err := b.wrk(ctx, r, warmUp); err != nil {
		return result, err
	}
	if result.Before, err = r.memory(); err != nil {
		return result, err
	}
	all, err := hold(ctx, r, w.Idle)
	if err != nil {
		return result, err
	}
	defer all.close()
	if result.With, err = r.memory(); err != nil {
		return result, err
	}
	if result.FrontRSS, err = r.frontRSS(); err != nil {
		return result, err
	}
	result.Open = all.open()
	result.PerConn = (result.With.sum() - result.Before.sum()) * 1024 / float64(w.Idle)
	return result, nil
}

// frontRSS is the resident memory of the front's processes, in MB.
func (r *running) frontRSS() (float64, error) {
	processes, err := r.processes()
	if err != nil {
		return 0, err
	}
	var total float64
	for _, p := range processes {
		if !r.front(p.Comm) {
			continue
		}
		bytes, err := p.RSS()
		if err != nil {
			return 0, err
		}
		total += float64(bytes) / 1e6
	}
	return total, nil
}

// verdict judges fender's master with the crowd.
func (i idleResult) verdict() (verdict, bool) {
	if i.Stack != "fender" || i.Asked != crowdConnections {
		return verdict{}, false
	}
	v := goal{Most: crowdGoal}.judge(fmt.Sprintf("idle: master's RSS with %d connections, MB", i.Asked), summarize([]float64{i.FrontRSS}), 1)
	if i.Open < i.Asked {
		v.Reached, v.Got = false, fmt.Sprintf("%s, and %d connections were closed", v.Got, i.Asked-i.Open)
	}
	return v, true
}

// holdOne opens a connection and has one request answered on it.
func holdOne(ctx context.Context, r *running) (net.Conn, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	c, err := dialer.DialContext(ctx, "tcp", r.address)
	if err != nil {
		return nil, err
	}
	return c, askOn(c, r)
}

// askOn sends one request on the connection and reads its answer to the end.
func askOn(c net.Conn, r *running) error {
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", r.load.Path, r.address); err != nil {
		return err
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", r.name, answer.Status)
	}
	return nil
}

// silent says whether the connection is open: nothing came, not even its end. It doesn't wait.
func silent(c net.Conn) bool {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return false
	}
	var peeked error
	err = raw.Control(func(fd uintptr) {
		_, _, peeked = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return err == nil && errors.Is(peeked, syscall.EAGAIN)
}
