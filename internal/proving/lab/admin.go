package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"fender/internal/proving/report"
	"fender/internal/proving/up"
)

// targets is what the balancer's /register and /deregister take, in the AWS SDK's shape.
type targets struct {
	TargetGroupArn string
	Targets        []target
}

type target struct {
	ID   string `json:"Id"`
	Port int
}

// overview is what the lab reads of /describe.
type overview struct {
	TargetGroups []struct {
		TargetGroupArn           string
		TargetHealthDescriptions []struct {
			Target       target
			TargetHealth struct{ State, Reason, Description string }
		}
	}
}

func (b *balancer) register(ctx context.Context, address string) error {
	return b.change(ctx, "register", address)
}

func (b *balancer) deregister(ctx context.Context, address string) error {
	return b.change(ctx, "deregister", address)
}

func (b *balancer) change(ctx context.Context, what, address string) error {
	t, err := split(address)
	if err != nil {
		return err
	}
	all, err := b.describe(ctx)
	if err != nil {
		return err
	}
	if len(all.TargetGroups) == 0 {
		return errors.New("the balancer has no target group")
	}
	text, err := json.Marshal(targets{all.TargetGroups[0].TargetGroupArn, []target{t}})
	if err != nil {
		return err
	}
	return b.ask(ctx, http.MethodPost, "/"+what, text, nil)
}

func (b *balancer) describe(ctx context.Context) (all overview, err error) {
	err = b.ask(ctx, http.MethodGet, "/describe", nil, &all)
	return all, err
}

// healthEvery is how often the balancer is asked for a target's health. It tells nobody by itself.
const healthEvery = 50 * time.Millisecond

// healthy waits until the balancer finds the target healthy.
func (b *balancer) healthy(ctx context.Context, address string) error {
	want, err := split(address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, up.Timeout, fmt.Errorf("the balancer does not find %s healthy in %s", address, up.Timeout))
	defer cancel()
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	for {
		all, err := b.describe(ctx)
		if err != nil {
			return err
		}
		for _, g := range all.TargetGroups {
			for _, t := range g.TargetHealthDescriptions {
				if t.Target == want && t.TargetHealth.State == "healthy" {
					return nil
				}
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func split(address string) (target, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return target{}, err
	}
	port, err := portOf(address)
	return target{host, port}, err
}

// ask asks the balancer's admin address.
func (b *balancer) ask(ctx context.Context, method, path string, body []byte, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, b.admin+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return fmt.Errorf("the balancer's admin address: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the balancer refuses to %s: %s", path[1:], report.Plain(string(text)))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}
