package config

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"time"
)

// New is a load balancer of that name with AWS's defaults, without listeners and target groups.
func New(name string) *Config {
	return &Config{
		Name: name, Region: "us-east-1", Account: "123456789012", Node: netip.AddrFrom4([4]byte{127, 0, 0, 1}),
		LoadBalancer: LoadBalancer{
			IdleTimeout: time.Minute, ClientKeepAlive: time.Hour,
			Desync: DesyncDefensive, XFF: XFFAppend, HTTP2: true,
		},
	}
}

// NewTargetGroup is a target group with AWS's defaults.
func NewTargetGroup(name string) TargetGroup {
	matcher, _ := ParseMatcher("200") // cannot fail
	return TargetGroup{
		Name: name, Protocol: HTTP, ProtocolVersion: HTTP1,
		HealthCheck: HealthCheck{
			Enabled: true, Path: "/", Interval: 30 * time.Second, Timeout: 5 * time.Second,
			Healthy: 5, Unhealthy: 2, Matcher: matcher,
		},
		DeregistrationDelay: 5 * time.Minute,
		Algorithm:           RoundRobin,
		WeightsEvery:        5 * time.Second,
		Stickiness:          Stickiness{Type: LBCookie, LBDuration: 24 * time.Hour, AppDuration: 24 * time.Hour},
		DNSFailover:         Minimum{Count: 1},
		UnhealthyRouting:    Minimum{Count: 1},
	}
}

// Complete fills in what follows from the rest: ids, ARNs, ports of targets, which groups are used.
// Who builds a Config by hand calls it, then Validate.
func (c *Config) Complete() {
	if c.ID == "" {
		c.ID = id("app/" + c.Name)
	}
	used := map[string]bool{}
	for i := range c.Listeners {
		l := &c.Listeners[i]
		if l.Address == "" {
			l.Address = "127.0.0.1"
		}
		for _, a := range l.actions() {
			for _, g := range a.groups() {
				used[g.TargetGroup] = true
			}
		}
	}
	for i := range c.TargetGroups {
		g := &c.TargetGroups[i]
		g.InUse = used[g.Name]
		if g.ARN == "" {
			g.ARN = c.arn("targetgroup/" + g.Name + "/" + id("targetgroup/"+g.Name))
		}
		if g.HealthCheck.Protocol == "" {
			g.HealthCheck.Protocol = g.Protocol
		}
		for j := range g.Targets {
			if g.Targets[j].Port == 0 {
				g.Targets[j].Port = g.Port
			}
		}
	}
}

// id is 16 hex digits that are always the same for a name, so that logs of two runs can be compared.
func id(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:8])
}

func (c *Config) arn(resource string) string {
	return "arn:aws:elasticloadbalancing:" + c.Region + ":" + c.Account + ":" + resource
}

// ARN is the load balancer's.
func (c *Config) ARN() string { return c.arn("loadbalancer/" + c.Resource()) }

// Resource is the load balancer as access logs name it: app/<name>/<id>.
func (c *Config) Resource() string { return "app/" + c.Name + "/" + c.ID }

// DNSName is the Host of HTTP/1.0 requests that have none.
func (c *Config) DNSName() string {
	return c.Name + "-" + c.ID[:min(10, len(c.ID))] + "." + c.Region + ".elb.amazonaws.com"
}

// Hasten divides all durations by a number above 0, as the lab's --speed wants it. The ranges no longer
// hold then; nothing becomes shorter than a millisecond.
func (c *Config) Hasten(by float64) {
	c.hastened = true
	for _, a := range loadBalancerAttributes {
		if a.isLength {
			a.hasten(&c.LoadBalancer, by)
		}
	}
	for i := range c.TargetGroups {
		g := &c.TargetGroups[i]
		for _, a := range targetGroupAttributes {
			if a.isLength {
				a.hasten(g, by)
			}
		}
		g.WeightsEvery = hasten(g.WeightsEvery, by)
		g.HealthCheck.Interval = hasten(g.HealthCheck.Interval, by)
		g.HealthCheck.Timeout = hasten(g.HealthCheck.Timeout, by)
	}
	for i := range c.Listeners {
		for _, a := range c.Listeners[i].actions() {
			if a.Forward != nil {
				a.Forward.StickyTime = hasten(a.Forward.StickyTime, by)
			}
		}
	}
}

// actions are those of the rules, then the default one.
func (l *Listener) actions() []*Action {
	all := make([]*Action, 0, len(l.Rules)+1)
	for i := range l.Rules {
		all = append(all, &l.Rules[i].Action)
	}
	return append(all, &l.DefaultAction)
}

func (a *Action) groups() []WeightedGroup {
	if a.Forward == nil {
		return nil
	}
	return a.Forward.Groups
}

// longest is what no time becomes longer than when Hasten slows it down.
const longest = 100 * 365 * 24 * time.Hour

func hasten(d time.Duration, by float64) time.Duration {
	if d == 0 {
		return 0
	}
	return time.Duration(min(max(float64(time.Millisecond), float64(d)/by), float64(longest)))
}
