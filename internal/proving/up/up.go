// Package up is how a server of the lab and of the benchmarks comes up: a free address for it, and the
// wait until it answers. It starts and owns nothing.
package up

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Timeout bounds a start; generous, because a loaded machine is slow.
const Timeout = 60 * time.Second

const (
	every    = 25 * time.Millisecond
	patience = 10 * time.Second // with one answer
)

// ErrEnded says that the server ended before it answered.
var ErrEnded = errors.New("it ended at its start")

// Address asks the kernel for a port of the loopback interface that is free now.
func Address() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Await asks the URL until it answers 200. It gives up when ctx or the server has ended, or after Timeout.
func Await(ctx context.Context, url string, ended <-chan struct{}) error {
	timeout := time.NewTimer(Timeout)
	defer timeout.Stop()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := ask(ctx, url)
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return ErrEnded
		default:
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ended:
			return ErrEnded
		case <-timeout.C:
			return fmt.Errorf("it does not answer after %s: %w", Timeout, err)
		case <-tick.C:
		}
	}
}

// ask sends one GET on a connection of its own.
func ask(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Close = true
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	if resp.StatusCode != http.StatusOK {
		return errors.New(url + " answers " + strconv.Itoa(resp.StatusCode))
	}
	return err
}
