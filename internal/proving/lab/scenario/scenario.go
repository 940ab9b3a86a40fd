// Package scenario is the language of the lab's scenarios: a small file of plain lines becomes a
// Scenario, at any speed. It owns the grammar, its errors and the arithmetic of speed. It runs
// nothing and measures nothing. scenarios/README.md explains every word.
package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Scenario is one file.
type Scenario struct {
	Name      string // of the file, without its ending
	Title     string
	About     []string // paragraphs' lines
	Stacks    []string // nil: all
	Options   []Option // as the incident's command line had them, uWSGI's names
	Stress    []Option // take the place of options of the same name with --stress
	Balancer  []Setting
	Instances int  // of each stack behind the balancer
	Harm      bool // the example site's views that do harm exist
	Requests  []Request
	Phases    []Phase
	Faults    []Fault
	Beside    []Beside
	Needs     []Expectation // the fault that must have happened
	Expects   []Expectation
}

// Option is one option of the servers.
type Option struct {
	Name  string
	Value string
}

// Setting is one property of the balancer.
type Setting struct {
	Name  string
	Value time.Duration
}

// Request is one line of what the clients ask for. Times in braces in its path scale.
type Request struct {
	Method string
	Path   string
	Body   int64 // bytes
	Times  int   // how often among all
}

// Phase is one stretch of the load.
type Phase struct {
	Name  string
	Users int     // that ask one after the other; with Rate 0 and Users 0 nobody asks
	Rate  float64 // requests per second, whatever the answers do
	For   time.Duration
	Until *Event // ends the phase; For is then how long it usually takes
	Most  time.Duration
}

// Event is something that a worker does.
type Event struct {
	Kind  string // born or dead
	Count int
}

// Fault is something that is done to the server during a phase.
type Fault struct {
	Phase  string
	Every  time.Duration // 0: once
	After  time.Duration // of a fault that comes once: from the phase's begin
	Action string
}

// Beside are clients of another kind during a phase.
type Beside struct {
	Phase string
	Count int
	Kind  string // slow readers, slow writers
	Path  string
}

// Actions, kinds of clients, and what they mean to a reader of `fender lab list`.
var (
	Actions   = []string{"kill a worker", "reload", "crash", "deploy", "hang up"}
	SlowKinds = []string{"slow readers", "slow writers"}
)

// Events that a phase can wait for.
var Events = []string{"born", "dead"}

// Options that a scenario may set, and whether their value is a time, which scales.
var known = map[string]bool{
	"processes": false, "threads": false, "cheaper": false, "cheaper-initial": false, "cheaper-step": false,
	"cheaper-overload": true, "harakiri": true, "max-requests": false, "min-worker-lifetime": true, "queue-limit": false, "queue-timeout": true, "drain-delay": true,
}

// Settings of the balancer. The lag is a time of the scenario and scales, the others are properties
// of networks and stay.
var settings = map[string]bool{
	"fin-delay": false, "propagation-lag": true, "deregistration-delay": true, "idle-timeout": false,
}

// Option is the value of the option, "" when it is not set.
func (s *Scenario) Option(name string) string {
	for _, o := range s.Options {
		if o.Name == name {
			return o.Value
		}
	}
	return ""
}

// Setting is the balancer's property of that name, 0 when it is not set.
func (s *Scenario) Setting(name string) time.Duration {
	for _, b := range s.Balancer {
		if b.Name == name {
			return b.Value
		}
	}
	return 0
}

// Stressed is the scenario with its stress options, or an error when it has none.
func (s *Scenario) Stressed() (*Scenario, error) {
	if len(s.Stress) == 0 {
		return nil, fmt.Errorf("%s has no line \"stress\": it has one form only", s.Name)
	}
	c := s.clone()
	for _, o := range s.Stress {
		i := slices.IndexFunc(c.Options, func(p Option) bool { return p.Name == o.Name })
		if i < 0 {
			c.Options = append(c.Options, o)
		} else {
			c.Options[i] = o
		}
	}
	c.Stress = nil
	return c, nil
}

func (s *Scenario) clone() *Scenario {
	c := *s
	c.Options, c.Balancer, c.Requests = slices.Clone(s.Options), slices.Clone(s.Balancer), slices.Clone(s.Requests)
	c.Phases, c.Faults = slices.Clone(s.Phases), slices.Clone(s.Faults)
	return &c
}

// Length is how long the phases usually take, and at most.
func (s *Scenario) Length() (usually, most time.Duration) {
	for _, p := range s.Phases {
		usually += p.For
		most += p.Most
	}
	return usually, most
}

// Describe is the load of the phase in words.
func (p Phase) Describe() string {
	switch {
	case p.Rate > 0:
		return fmt.Sprintf("%g requests/s", p.Rate)
	case p.Users > 0:
		return fmt.Sprintf("%d users", p.Users)
	}
	return "nobody"
}

// Ends is how the phase ends, in words.
func (p Phase) Ends() string {
	if p.Until == nil {
		return "for " + clock(p.For)
	}
	return fmt.Sprintf("until %s %d, usually %s, at most %s", p.Until.Kind, p.Until.Count, clock(p.For), clock(p.Most))
}

// clock writes a duration without its zero parts: 1m, not 1m0s.
func clock(d time.Duration) string {
	text := d.String()
	text = strings.Replace(text, "m0s", "m", 1)
	return strings.Replace(text, "h0m", "h", 1)
}
