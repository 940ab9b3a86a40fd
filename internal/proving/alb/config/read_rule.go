package config

import (
	"maps"
	"slices"
	"strings"
	"time"
)

func readCondition(p place) (c Condition) {
	values := func(p place) {
		p.mapping(keys{
			"Values":         func(p place) { p.texts(&c.Values) },
			"RegexValues":    func(p place) { p.texts(&c.RegexValues) },
			"HttpHeaderName": func(p place) { p.text(&c.HeaderName) },
		})
	}
	p.mapping(keys{
		"Field":                   func(p place) { word(p, &c.Field) },
		"Values":                  func(p place) { p.texts(&c.Values) },
		"RegexValues":             func(p place) { p.texts(&c.RegexValues) },
		"HostHeaderConfig":        values,
		"PathPatternConfig":       values,
		"HttpHeaderConfig":        values,
		"HttpRequestMethodConfig": values,
		"SourceIpConfig":          values,
		"QueryStringConfig": func(p place) {
			p.mapping(keys{"Values": func(p place) {
				p.list(func(p place) {
					var q QueryPair
					p.mapping(keys{
						"Key":   func(p place) { p.text(&q.Key) },
						"Value": func(p place) { p.text(&q.Value) },
					})
					c.Query = append(c.Query, q)
				})
			}})
		},
	})
	return c
}

// readActions reads the list that AWS has: exactly one action is left when those for authentication
// are not there.
func readActions(p place, a *Action) {
	n := 0
	p.list(func(p place) {
		n++
		readAction(p, a)
	})
	if n > 1 {
		p.fail("exactly one of forward, redirect and fixed-response is expected")
	}
}

var actionTypes = map[string]bool{"forward": true, "redirect": true, "fixed-response": true}

func readAction(p place, a *Action) {
	var kind string
	var order int
	f, r, x := newForward(), newRedirect(), &FixedResponse{ContentType: "text/plain"}
	configured := map[string]bool{}
	p.mapping(keys{
		"Type": func(p place) {
			if p.text(&kind); !actionTypes[kind] {
				p.fail("%s", unknownType(kind, actionTypes))
			}
		},
		"Order":           func(p place) { p.integer(&order) },
		"TargetGroupName": func(p place) { configured["forward"] = true; readGroupName(p, f) },
		"ForwardConfig":   func(p place) { configured["forward"] = true; readForward(p, f) },
		"RedirectConfig":  func(p place) { configured["redirect"] = true; readRedirect(p, r) },
		"FixedResponseConfig": func(p place) {
			configured["fixed-response"] = true
			p.mapping(keys{
				"StatusCode":  func(p place) { p.integer(&x.Status) },
				"ContentType": func(p place) { p.text(&x.ContentType) },
				"MessageBody": func(p place) { p.text(&x.Body) },
			})
		},
	})
	for _, other := range slices.Sorted(maps.Keys(configured)) {
		if other != kind && actionTypes[kind] {
			p.fail("an action of type %s cannot have the configuration of %s", kind, other)
		}
	}
	switch kind {
	case "forward":
		a.Forward = f
	case "redirect":
		a.Redirect = r
	case "fixed-response":
		a.Fixed = x
	case "":
		p.fail("its Type is missing")
	}
}

func newForward() *Forward { return &Forward{StickyTime: time.Hour} }

func newRedirect() *Redirect {
	return &Redirect{Protocol: "#{protocol}", Host: "#{host}", Port: "#{port}", Path: "/#{path}", Query: "#{query}"}
}

func readGroupName(p place, f *Forward) {
	var s string
	p.text(&s)
	f.Groups = append(f.Groups, WeightedGroup{TargetGroup: s, Weight: 1})
}

func readForward(p place, f *Forward) {
	p.mapping(keys{
		"TargetGroups": func(p place) {
			p.list(func(p place) {
				g := WeightedGroup{Weight: 1}
				p.mapping(keys{
					"TargetGroupName": func(p place) { p.text(&g.TargetGroup) },
					"Weight":          func(p place) { p.integer(&g.Weight) },
				})
				f.Groups = append(f.Groups, g)
			})
		},
		"TargetGroupStickinessConfig": func(p place) {
			p.mapping(keys{
				"Enabled":         func(p place) { p.boolean(&f.Sticky) },
				"DurationSeconds": func(p place) { p.seconds(&f.StickyTime) },
			})
		},
	})
}

func readRedirect(p place, r *Redirect) {
	p.mapping(keys{
		"Protocol": func(p place) { p.text(&r.Protocol) },
		"Host":     func(p place) { p.text(&r.Host) },
		"Port":     func(p place) { p.text(&r.Port) },
		"Path":     func(p place) { p.text(&r.Path) },
		"Query":    func(p place) { p.text(&r.Query) },
		"StatusCode": func(p place) {
			var s string
			p.text(&s)
			switch strings.TrimPrefix(s, "HTTP_") {
			case "301":
				r.Status = 301
			case "302":
				r.Status = 302
			default:
				p.fail("%q is neither HTTP_301 nor HTTP_302", s)
			}
		},
	})
}
