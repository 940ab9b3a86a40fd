package scenario

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// MostSpeed is the largest factor: above it every time is lost in the machine's own.
const MostSpeed = 100

// Scale returns the scenario at a speed: phases, sleeps, intervals and options that are times are
// divided by it. The notes say what could not be.
func (s *Scenario) Scale(speed float64) (*Scenario, []string, error) {
	if !(speed >= 0.1 && speed <= MostSpeed) {
		return nil, nil, fmt.Errorf("%g: a speed is between 0.1 and %d", speed, MostSpeed)
	}
	c := s.clone()
	var notes []string
	by := func(d time.Duration) time.Duration {
		return max(time.Millisecond, time.Duration(float64(d)/speed).Round(time.Millisecond))
	}
	for i := range c.Phases {
		p := &c.Phases[i]
		p.For, p.Most = by(p.For), by(p.Most)
		if p.Rate > 0 {
			p.Rate *= speed
		}
	}
	for i := range c.Faults {
		f := &c.Faults[i]
		if f.Every > 0 {
			f.Every = by(f.Every)
		}
		if f.After > 0 {
			f.After = by(f.After)
		}
	}
	for i := range c.Balancer {
		if settings[c.Balancer[i].Name] {
			c.Balancer[i].Value = by(c.Balancer[i].Value)
		}
	}
	for i := range c.Requests {
		path, err := scalePath(c.Requests[i].Path, speed)
		if err != nil {
			return nil, nil, err
		}
		c.Requests[i].Path = path
	}
	for i, o := range c.Options {
		if !known[o.Name] || speed == 1 {
			continue
		}
		n, err := strconv.Atoi(o.Value)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", o.Name, err)
		}
		exact := float64(n) / speed
		scaled := max(1, int(exact+0.5))
		if float64(scaled) != exact {
			notes = append(notes, fmt.Sprintf("%s = %d would be %.3g at this speed; it is a whole number of seconds: %d", o.Name, n, exact, scaled))
		}
		c.Options[i].Value = strconv.Itoa(scaled)
	}
	return c, notes, nil
}

// scalePath puts the seconds of each time in braces in its place: /slow?seconds={2s} is
// /slow?seconds=0.2 at speed 10.
func scalePath(path string, speed float64) (string, error) {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(path, "{")
		b.WriteString(before)
		if !ok {
			if strings.Contains(before, "}") {
				return "", errors.New("a brace is closed that was not opened")
			}
			return b.String(), nil
		}
		inside, after, closed := strings.Cut(rest, "}")
		if !closed || strings.Contains(before, "}") {
			return "", errors.New("braces hold a time, as {2s}")
		}
		d, err := readDuration(inside)
		if err != nil {
			return "", err
		}
		b.WriteString(strconv.FormatFloat(math.Round(d.Seconds()/speed*1e6)/1e6, 'f', -1, 64)) // 0.013333 is exact enough
		path = after
	}
}
