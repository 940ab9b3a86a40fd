// Package rule decides what a listener does with a request: it compiles the conditions and actions
// of its rules and says which action is due, by which rule. It is pure: it reads no socket and no
// clock but the one that the age of a cookie is compared with, and answers nothing itself.
package rule

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"fender/internal/proving/alb/config"
)

// Request is what rules look at.
type Request struct {
	Method   string
	Protocol string // http or https: what the client spoke
	Host     string // of the Host header or the absolute URI, with its port if it has one
	Port     int    // the listener's
	Path     string // without the query string, as sent
	Query    string // without the question mark
	Header   func(name string) []string
	Source   netip.Addr // the peer, not X-Forwarded-For
}

// Decision is the action that is due.
type Decision struct {
	Action   Action
	Priority string // field 21 of the access log: the rule's, 0 of the default action
	Actions  string // field 23: forward, redirect or fixed-response
}

// Action is *Forward, *Redirect or *Fixed.
type Action interface{ action() }

// Redirect answers with the Location URL. When it would have been above 8 KiB Status is 507 and URL
// empty: the answer is the balancer's own page then.
type Redirect struct {
	Status int // 301, 302 or 507
	URL    string
}

// Fixed answers with what the rule says.
type Fixed struct {
	Status            int
	ContentType, Body string
}

// Table is the compiled rules of a listener. It does not change, and may be used by many at once.
type Table struct {
	rules    []rule
	fallback func(*Request) Decision
}

type rule struct {
	conditions []condition
	decide     func(*Request) Decision
}

// Compile makes the table. It refuses what config.Validate refuses.
func Compile(rules []config.Rule, fallback config.Action) (*Table, error) {
	t := &Table{}
	var err error
	if t.fallback, err = newDecision(fallback, "0"); err != nil {
		return nil, fmt.Errorf("default action: %w", err)
	}
	for _, c := range slices.SortedStableFunc(slices.Values(rules), func(a, b config.Rule) int { return a.Priority - b.Priority }) {
		var r rule
		if r.decide, err = newDecision(c.Action, strconv.Itoa(c.Priority)); err != nil {
			return nil, fmt.Errorf("rule %d: %w", c.Priority, err)
		}
		for _, condition := range c.Conditions {
			compiled, err := newCondition(condition)
			if err != nil {
				return nil, fmt.Errorf("rule %d: %w", c.Priority, err)
			}
			r.conditions = append(r.conditions, compiled)
		}
		t.rules = append(t.rules, r)
	}
	return t, nil
}

// Decide says what to do with the request: the first rule whose conditions all hold decides.
func (t *Table) Decide(r *Request) Decision {
	for i := range t.rules {
		if !slices.ContainsFunc(t.rules[i].conditions, func(holds condition) bool { return !holds(r) }) {
			return t.rules[i].decide(r)
		}
	}
	return t.fallback(r)
}

func newDecision(a config.Action, priority string) (func(*Request) Decision, error) {
	always := func(d Decision) func(*Request) Decision { return func(*Request) Decision { return d } }
	switch {
	case a.Forward != nil:
		return always(Decision{newForward(a.Forward), priority, "forward"}), nil
	case a.Fixed != nil:
		return always(Decision{&Fixed{a.Fixed.Status, a.Fixed.ContentType, a.Fixed.Body}, priority, "fixed-response"}), nil
	case a.Redirect != nil:
		return func(r *Request) Decision {
			to := &Redirect{a.Redirect.Status, location(a.Redirect, r)}
			if len(to.URL) > maxLocation {
				to = &Redirect{Status: 507}
			}
			return Decision{to, priority, "redirect"}
		}, nil
	}
	return nil, errors.New("it has no action")
}

func (*Forward) action()  {}
func (*Redirect) action() {}
func (*Fixed) action()    {}
