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
	"time"
)

// idleConnections is how many clients keep a connection open and say nothing.
const idleConnections = 1000

// idleResult is what idle connections cost one stack.
type idleResult struct {
	Stack   string  `json:"stack"`
	Before  share   `json:"memory_before_mib"`
	With    share   `json:"memory_with_mib"`
	PerConn float64 `json:"kib_per_connection"`
	Open    int     `json:"connections_still_open"`
	Asked   int     `json:"connections"`
}

// idle measures each stack's memory before and with the idle connections. Each of them
// has had one answer, as a load balancer's have.
func (b *bench) idle(ctx context.Context) ([]idleResult, error) {
	var results []idleResult
	for _, s := range b.stacks {
		if s.balances {
			continue
		}
		result, err := b.idleOne(ctx, s)
		if err != nil {
			return nil, err
		}
		results = append(results, result)
		fmt.Fprintf(os.Stderr, "bench: idle, %s: %.1f MiB, with %d connections %.1f MiB\n",
			s.name, result.Before.sum(), result.Asked, result.With.sum())
	}
	return results, nil
}

func (b *bench) idleOne(ctx context.Context, s stack) (idleResult, error) {
	result := idleResult{Stack: s.name, Asked: idleConnections}
	r, err := b.start(ctx, s, find("bare"))
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
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for range idleConnections {
		if ctx.Err() != nil {
			return result, ctx.Err()
		}
		c, err := net.DialTimeout("tcp", r.address, 10*time.Second)
		if err != nil {
			return result, err
		}
		open = append(open, c)
		if err := askOn(c, r); err != nil {
			return result, err
		}
	}
	if result.With, err = r.memory(); err != nil {
		return result, err
	}
	for _, c := range open {
		if silent(c) {
			result.Open++
		}
	}
	result.PerConn = (result.With.sum() - result.Before.sum()) * 1024 / idleConnections
	return result, nil
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

// silent says whether the connection is open: nothing came, not even its end.
func silent(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := c.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded)
}
