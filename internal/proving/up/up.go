// Package up is how a server of the lab and of the benchmarks comes up: a free address for it, and the
// wait until it answers. It starts and owns nothing.
package up

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"syscall"
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

// Ports below those that Linux gives to outgoing connections (32768 and above, unless it is told otherwise).
const (
	lowest = 20_000
	ports  = 12_000
)

// Address is a port of the loopback interface that is free now. It is none that the kernel would choose:
// such a one may be the end of a connection by the time that the server is there, under load above all.
func Address() (string, error) {
	var taken error
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", lowest+rand.IntN(ports)))
		if err == nil {
			defer l.Close()
			return l.Addr().String(), nil
		}
		if taken = err; !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return "", fmt.Errorf("no free port: %w", taken)
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
