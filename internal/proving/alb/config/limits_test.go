package config

import (
	"fmt"
	"strings"
	"testing"
)

// byHand is a valid configuration with one rule, as flags or a program build it.
func byHand() *Config {
	c := New("shop")
	g := NewTargetGroup("web")
	g.Targets = []Target{{"10.0.0.1", 80}}
	c.TargetGroups = []TargetGroup{g}
	c.Listeners = []Listener{{
		Protocol: HTTP, Port: 80, DefaultAction: Action{Fixed: &FixedResponse{Status: 404}},
		Rules: []Rule{{
			Priority: 1, Conditions: []Condition{{Field: PathPattern, Values: []string{"/a"}}},
			Action: Action{Forward: &Forward{Groups: []WeightedGroup{{"web", 1}}}},
		}},
	}}
	c.Complete()
	return c
}

func TestValidate_HoldsTheLimitsOfAWS(t *testing.T) {
	if err := byHand().Validate(); err != nil {
		t.Fatal(err)
	}
	rule := func(change func(*Rule)) func(*Config) {
		return func(c *Config) { change(&c.Listeners[0].Rules[0]) }
	}
	conditions := func(all ...Condition) func(*Config) { return rule(func(r *Rule) { r.Conditions = all }) }
	header := func(name string, values ...string) Condition {
		return Condition{Field: HTTPHeader, HeaderName: name, Values: values}
	}
	query := func(n int) Condition {
		c := Condition{Field: QueryString}
		for i := range n {
			c.Query = append(c.Query, QueryPair{fmt.Sprint(i), "x"})
		}
		return c
	}
	redirect := func(change func(*Redirect)) func(*Config) {
		r := newRedirect()
		r.Status, r.Port = 301, "81"
		change(r)
		return rule(func(to *Rule) { to.Action = Action{Redirect: r} })
	}
	for _, c := range []struct {
		change func(*Config)
		says   string // empty: it is valid
	}{
		{conditions(query(3), header("x", "1", "2")), ""},
		{conditions(query(4)), "4 values are more than the 3"},
		{conditions(query(3), header("x", "1", "2", "3")), "6 values are more than the 5"},
		{conditions(header("x", "*?*?*")), ""},
		{conditions(header("x", "*?*?*?")), "6 wildcards are more than the 5"},
		{conditions(header("x", `\*\?*?*?*`)), ""},
		{conditions(header(strings.Repeat("x", 40), "1")), ""},
		{conditions(header(strings.Repeat("x", 41), "1")), "at most 40 characters"},
		{conditions(header("x", strings.Repeat("v", 128))), ""},
		{conditions(header("x", strings.Repeat("v", 129))), "more than 128 characters"},
		{conditions(header("x y", "1")), "is not the name of a header"},
		{conditions(header("x", "1"), header("x", "2")), ""},
		{conditions(Condition{Field: HTTPRequestMethod, Values: []string{strings.Repeat("X", 41)}}), "is not a method"},
		{conditions(Condition{Field: HostHeader, Values: []string{"a_b"}}), "something else in it"},
		{conditions(Condition{Field: HostHeader, HeaderName: "x", Values: []string{"a"}}), "it belongs to http-header"},
		{conditions(Condition{Field: SourceIP, RegexValues: []string{"a"}}), "they go with"},
		{conditions(Condition{Field: PathPattern, RegexValues: []string{strings.Repeat("a", 129)}}), "more than 128 characters"},
		{conditions(Condition{Field: QueryString, Query: []QueryPair{{"a", ""}}}), "a Value is missing"},
		{conditions(Condition{Field: PathPattern}), "it has no values"},

		{rule(func(r *Rule) { r.Priority = 50000 }), ""},
		{rule(func(r *Rule) { r.Priority = 50001 }), "outside of 1 to 50000"},
		{func(c *Config) { manyRules(c, 100) }, ""},
		{func(c *Config) { manyRules(c, 101) }, "101 rules are more than the 100"},

		{func(c *Config) { manyGroups(c, 5) }, ""},
		{func(c *Config) { manyGroups(c, 6) }, "forward needs 1 to 5 target groups"},
		{rule(func(r *Rule) { r.Action.Forward.Groups = nil }), "forward needs 1 to 5 target groups"},
		{rule(func(r *Rule) { r.Action.Forward.Groups = []WeightedGroup{{"web", 1}, {"web", 2}} }), "stands here twice"},
		{rule(func(r *Rule) { r.Action.Forward.Groups[0].Weight = -1 }), "outside of 0 to 999"},
		{rule(func(r *Rule) { r.Action.Forward.Sticky = true }), "outside of 1 to 604800 seconds"},
		{rule(func(r *Rule) { r.Action.Fixed = &FixedResponse{Status: 200} }), "exactly one of"},

		{rule(func(r *Rule) { r.Action = Action{Fixed: &FixedResponse{200, "text/html", strings.Repeat("b", 1024)}} }), ""},
		{rule(func(r *Rule) { r.Action = Action{Fixed: &FixedResponse{200, "text/html", strings.Repeat("b", 1025)}} }), "more than 1024 bytes"},

		{redirect(func(*Redirect) {}), ""},
		{redirect(func(r *Redirect) { r.Host = strings.Repeat("h", 128) }), ""},
		{redirect(func(r *Redirect) { r.Host = strings.Repeat("h", 129) }), "more than 128 characters"},
		{redirect(func(r *Redirect) { r.Query = "a b" }), "other than printable"},
		{redirect(func(r *Redirect) { r.Protocol = "ftp" }), "is none of HTTP, HTTPS"},
		{redirect(func(r *Redirect) { r.Path = "/#{path" }), "there is no #{path"},

		{func(c *Config) { c.TargetGroups[0].WeightsEvery = 0 }, "WeightsEvery is 0s"},
		{func(c *Config) { manyTargets(c, MaxTargets) }, ""},
		{func(c *Config) { manyTargets(c, MaxTargets+1) }, "1001 are more than the 1000"},
		{func(c *Config) { c.LoadBalancer.AccessLogs.Prefix = "a/AWSLogs" }, "neither AWSLogs nor .."},
		{func(c *Config) { c.LoadBalancer.AccessLogs.Prefix = "a/../b" }, "neither AWSLogs nor .."},
		{func(c *Config) { c.Name = strings.Repeat("n", 33) }, "is not 1 to 32 letters"},
		{func(c *Config) { c.ID = "xyz" }, "16 hexadecimal digits"},
		{func(c *Config) { c.Region = "a b" }, "is not a region"},
		{func(c *Config) { c.Account = "1" }, "is not 12 digits"},
		{func(c *Config) { c.Listeners[0].Port = 65536 }, "is not a port"},
		{func(c *Config) { c.Listeners[0].Address = "a b" }, "is not an address"},
		{func(c *Config) { c.Listeners[0].Protocol = "" }, "it is missing: HTTP or HTTPS"},
		{func(c *Config) { c.Listeners = append(c.Listeners, c.Listeners[0]) }, "has 127.0.0.1:80 already"},
		{func(c *Config) {
			c.Listeners[0].Port = 0
			c.Listeners = append(c.Listeners, c.Listeners[0])
		}, ""},
	} {
		config := byHand()
		c.change(config)
		config.Complete()
		err := config.Validate()
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("want %q: %v", c.says, err)
		}
	}
}

func manyRules(c *Config, n int) {
	l := &c.Listeners[0]
	for len(l.Rules) < n {
		r := l.Rules[0]
		r.Priority = len(l.Rules) + 1
		l.Rules = append(l.Rules, r)
	}
}

func manyGroups(c *Config, n int) {
	f := c.Listeners[0].Rules[0].Action.Forward
	for len(f.Groups) < n {
		name := fmt.Sprintf("web%d", len(f.Groups))
		c.TargetGroups = append(c.TargetGroups, NewTargetGroup(name))
		c.TargetGroups[len(c.TargetGroups)-1].Port = 80
		f.Groups = append(f.Groups, WeightedGroup{name, 1})
	}
}

func manyTargets(c *Config, n int) {
	g := &c.TargetGroups[0]
	for len(g.Targets) < n {
		g.Targets = append(g.Targets, Target{"10.0.0.2", len(g.Targets)})
	}
}
