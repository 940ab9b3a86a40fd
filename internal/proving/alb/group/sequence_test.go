package group

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"fender/internal/proving/alb/config"

	"pgregory.net/rapid"
)

// move is one thing that happens to a group.
type move struct {
	what string // register, deregister, fail, pass, wait, choose
	host string
	wait time.Duration
}

// belief is what a second, simpler look at the moves says about a target.
type belief struct {
	target     *Target
	registered bool
	left       time.Time
}

// TestGroup_KeepsItsPromisesWhateverHappens plays random moves and compares each choice, each state and
// each end with what the moves say.
func TestGroup_KeepsItsPromisesWhateverHappens(t *testing.T) {
	const lag, delay = 7 * time.Second, 20 * time.Second
	names := []string{"a", "b", "c"}
	moves := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) move {
		return move{
			rapid.SampledFrom([]string{"register", "deregister", "fail", "pass", "wait", "choose"}).Draw(t, "what"),
			rapid.SampledFrom(names).Draw(t, "host"),
			time.Duration(rapid.IntRange(0, 25).Draw(t, "seconds")) * time.Second,
		}
	}), 20, 80)
	rapid.Check(t, func(rt *rapid.T) {
		all := moves.Draw(rt, "moves")
		algorithm := rapid.SampledFrom([]config.Algorithm{config.RoundRobin, config.LeastRequests, config.WeightedRandom}).Draw(rt, "algorithm")
		var wrong error
		c := settings(func(c *config.TargetGroup) { c.DeregistrationDelay, c.Algorithm = delay, algorithm })
		play(t, c, Options{PropagationLag: lag}, func(t *testing.T, g *Group, s *script) {
			known := map[string]*belief{}
			for i, m := range all {
				if err := makeMove(g, s, known, m, lag, delay); err != nil {
					wrong = fmt.Errorf("move %d, %+v: %w", i, m, err)
					return
				}
			}
		})
		if wrong != nil {
			rt.Fatal(wrong)
		}
	})
}

func makeMove(g *Group, s *script, known map[string]*belief, m move, lag, delay time.Duration) error {
	b := known[m.host]
	switch m.what {
	case "register":
		if err := g.Register(ids(m.host)...); err != nil {
			return err
		}
		if b == nil {
			b = &belief{target: lookUp(g, m.host)}
			known[m.host] = b
		}
		b.registered = true
	case "deregister":
		g.Deregister(ids(m.host)...)
		if b != nil && b.registered {
			b.registered, b.left = false, time.Now()
		}
	case "fail":
		s.set(m.host, refused)
	case "pass":
		s.set(m.host, good)
	case "wait":
		time.Sleep(m.wait)
	}
	wait(0)
	now := time.Now()
	for host, b := range known {
		over := !b.registered && now.Sub(b.left) >= max(lag, delay)
		if isGone(b.target) != over {
			return fmt.Errorf("%s: gone is %v", host, !over)
		}
		state := g.Describe(ids(host)...)[0].State
		if (state == Draining) != (!b.registered && !over) || over != (state == Unused) {
			return fmt.Errorf("%s is %s", host, state)
		}
		if over {
			delete(known, host)
		}
	}
	return checkChoice(g, known, now, lag)
}

func checkChoice(g *Group, known map[string]*belief, now time.Time, lag time.Duration) error {
	routable, healthy := 0, 0
	for _, b := range known {
		if b.registered || now.Sub(b.left) < lag {
			routable++
			if checked(g, b.target) == Healthy {
				healthy++
			}
		}
	}
	c, err := g.Choose(Selection{})
	if none := errors.Is(err, ErrNoTargets); none != (routable == 0) {
		return fmt.Errorf("no targets: %v, with %d", none, routable)
	} else if none {
		return nil
	}
	b := known[c.Target.ID.ID]
	switch {
	case b == nil || b.target != c.Target:
		return fmt.Errorf("%s is chosen and not known", c.Target.Addr)
	case !b.registered && now.Sub(b.left) >= lag:
		return fmt.Errorf("%s is chosen and has left", c.Target.Addr)
	case healthy > 0 && checked(g, c.Target) != Healthy:
		return fmt.Errorf("%s is chosen and %s", c.Target.Addr, checked(g, c.Target))
	}
	return nil
}

// checked is what the checks say of a target, also while it drains.
func checked(g *Group, t *Target) State {
	g.mu.Lock()
	defer g.mu.Unlock()
	return t.health.state
}

func lookUp(g *Group, host string) *Target {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.find(ids(host)[0])
}
