package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// complete waits until all the workers of the start have come: who comes later counts as born.
func (i *instance) complete(ctx context.Context, workers *countdown) error {
	timeout := time.NewTimer(startTimeout)
	defer timeout.Stop()
	select {
	case <-workers.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timeout.C:
		return fmt.Errorf("%s: its log does not tell of %d workers; %s", i.stack.Name, workers.asked, i.programs[i.stack.Manager].last)
	}
}

// countdown is closed when so many have come.
type countdown struct {
	asked int
	left  atomic.Int64
	done  chan struct{}
}

func newCountdown(n int) *countdown {
	c := &countdown{asked: n, done: make(chan struct{})}
	c.left.Store(int64(n))
	return c
}

func (c *countdown) one() {
	if c.left.Add(-1) == 0 {
		close(c.done)
	}
}

// initial is how many workers the stack starts with: all, unless it can scale and shall.
func (r *row) initial() int {
	names := []string{"cheaper-initial", "cheaper", "processes"}
	if slices.Contains(r.stack.Lacks, "cheaper") || r.lab.scenario.Option("cheaper") == "" {
		names = names[2:]
	}
	for _, name := range names {
		if n, err := strconv.Atoi(r.lab.scenario.Option(name)); err == nil {
			return n
		}
	}
	return 1
}

// await asks until the answer is 200 or a program has ended.
func (i *instance) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := answers(ctx, "http://"+i.place.Address+"/hello")
		if err == nil {
			return nil
		}
		for _, p := range i.programs {
			select {
			case <-p.child.Done():
				p.lines.Wait()
				return fmt.Errorf("%s ended at its start; %s", p.name, p.last)
			default:
			}
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("%s does not answer after %s: %w; %s", i.stack.Name, startTimeout, err, i.programs[0].last)
			}
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// answers says whether a GET on a connection of its own gets 200.
func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Close = true
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return err
}

// freeAddress asks the kernel for a port of the loopback interface.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
