// Package rule decides what a listener does with a request: it compiles the conditions and actions
// of its rules and says which action is due, by which rule. It is pure: it reads no socket and no
// clock but the one that the age of a cookie is compared with, and answers nothing itself.
package rule

import (
	"net/netip"

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
type Table struct{}

// Compile makes the table. It refuses what config.Validate refuses.
func Compile(rules []config.Rule, fallback config.Action) (*Table, error) { panic("not built yet") }

// Decide says what to do with the request.
func (t *Table) Decide(r *Request) Decision { panic("not built yet") }

func (*Forward) action()  {}
func (*Redirect) action() {}
func (*Fixed) action()    {}
