package alb

import (
	"bytes"
	"math/rand/v2"

	"fender/internal/proving/alb/group"
	"fender/internal/proving/alb/message"
	"fender/internal/proving/alb/metric"
	"fender/internal/proving/alb/page"
	"fender/internal/proving/alb/rule"
)

// route decides what becomes of the request: the page that the balancer answers with, or nil when a
// target has been chosen.
func (ex *exchange) route(r *message.Request, host []byte) *page.Page {
	l := ex.lis
	if l.only != nil { // no rules, one group
		ex.entry.priority, ex.entry.actions = "0", "forward"
		return ex.choose(l.only, r)
	}
	d := l.table.Decide(ruleRequest(l, r, host, ex.entry.peer))
	ex.bal.metrics.Add(metric.RuleEvaluations, l.evaluated[d.Priority])
	ex.entry.priority, ex.entry.actions = d.Priority, d.Actions
	switch a := d.Action.(type) {
	case *rule.Redirect:
		ex.entry.redirect = a.URL
		return &page.Page{Status: a.Status, Location: a.URL}
	case *rule.Fixed:
		return &page.Page{Status: a.Status, ContentType: a.ContentType, Body: []byte(a.Body)}
	case *rule.Forward:
		way := a.Choose(cookies(r), ex.created, rand.Float64())
		ex.cookies, ex.entry.reason = way.SetCookies, way.ErrorReason
		if s := ex.bal.services[way.TargetGroup]; s != nil {
			return ex.choose(s, r)
		}
	}
	return &page.Page{Status: 503}
}

// choose picks a target of the group.
func (ex *exchange) choose(s *service, r *message.Request) *page.Page {
	ex.service, ex.entry.group = s, s.arn
	if s.http2 && ex.minor != 2 {
		return &page.Page{Status: 464}
	}
	var sel group.Selection
	if s.sticky {
		sel.Cookies = cookies(r)
	}
	choice, err := s.group.Choose(sel)
	if err != nil {
		return &page.Page{Status: 503}
	}
	ex.choice, ex.entry.target = choice, choice.Target.Addr
	choice.Target.Begin()
	ex.countInvalid(r)
	return nil
}

// countInvalid counts the request if a target gets it with names, or without, that are not valid.
func (ex *exchange) countInvalid(r *message.Request) {
	for i := range r.Fields {
		if validName(r.Fields[i].Name) {
			continue
		}
		counter := metric.ForwardedInvalidHeaderRequestCount
		if ex.bal.lb.DropInvalidHeaderFields {
			counter = metric.DroppedInvalidHeaderRequestCount
		}
		ex.bal.metrics.Add(counter, 1)
		return
	}
}

// cookies are the values of the Cookie headers.
func cookies(r *message.Request) []string {
	if r.Cookies == 0 {
		return nil
	}
	values := make([]string, 0, r.Cookies)
	for i := range r.Fields {
		if f := &r.Fields[i]; f.Known == message.Cookie {
			values = append(values, string(f.Value))
		}
	}
	return values
}

// ruleRequest is the request as rules see it.
func ruleRequest(l *listener, r *message.Request, host []byte, p *peer) *rule.Request {
	_, target := splitTarget(r.Target)
	path, query, _ := bytes.Cut(target, []byte{'?'})
	return &rule.Request{
		Method: string(r.Method), Protocol: l.scheme, Host: string(host), Port: l.port,
		Path: string(path), Query: string(query), Source: p.addr.Addr(),
		Header: func(name string) (values []string) {
			for i := range r.Fields {
				if f := &r.Fields[i]; bytes.EqualFold(f.Name, []byte(name)) {
					values = append(values, string(f.Value))
				}
			}
			return values
		},
	}
}
