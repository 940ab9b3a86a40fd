package config

import (
	"fmt"
	"strings"
	"time"
)

// MaxTargets is how many a target group may have.
const MaxTargets = 1000

func (k *checker) targetGroup(g *TargetGroup, names map[string]bool) {
	switch {
	case !goodName.MatchString(g.Name):
		k.fail(".Name", "%q is not 1 to 32 letters, digits and hyphens, none at an end", g.Name)
	case names[g.Name]:
		k.fail(".Name", "another target group is named %s", g.Name)
	}
	names[g.Name] = true
	k.protocol(".Protocol", g.Protocol)
	switch g.ProtocolVersion {
	case HTTP1, HTTP2:
	default:
		k.fail(".ProtocolVersion", "%s", unknownType(string(g.ProtocolVersion), map[string]bool{"HTTP1": true, "HTTP2": true}))
	}
	if g.Port < 0 || g.Port > 65535 {
		k.fail(".Port", "%d is not a port", g.Port)
	}
	check(targetGroupAttributes, g, k.c.hastened, k.fail)
	if g.WeightsEvery <= 0 {
		k.fail("", "WeightsEvery is %v: NewTargetGroup gives the 5 s of AWS", g.WeightsEvery)
	}
	k.together(g)
	k.healthCheck(&g.HealthCheck)
	if len(g.Targets) > MaxTargets {
		k.fail(".Targets", "%d are more than the %d that a target group may have", len(g.Targets), MaxTargets)
	}
	seen := map[Target]bool{}
	for i, t := range g.Targets {
		at := fmt.Sprintf(".Targets[%d]", i)
		if err := t.Validate(); err != nil {
			k.fail(at, "%v", err)
		} else if seen[t] {
			k.fail(at, "%s is a target already", t.HostPort())
		}
		seen[t] = true
	}
}

// Validate says whether the target can be registered.
func (t Target) Validate() error {
	switch {
	case t.ID == "":
		return fmt.Errorf("its Id is missing: an IP address or a host name")
	case !goodHost.MatchString(t.ID):
		return fmt.Errorf("the Id %q is neither an IP address nor a host name", t.ID)
	case t.Port == 0:
		return fmt.Errorf("its Port is missing, and the target group has none either")
	case t.Port < 0 || t.Port > 65535:
		return fmt.Errorf("%d is not a port", t.Port)
	}
	return nil
}

// together checks what AWS does not let be combined.
func (k *checker) together(g *TargetGroup) {
	if g.SlowStart > 0 && g.Algorithm != RoundRobin {
		k.fail(".Attributes.slow_start.duration_seconds", "slow start goes with the algorithm round_robin only")
	}
	if g.AnomalyMitigation && g.Algorithm != WeightedRandom {
		k.fail(".Attributes.load_balancing.algorithm.anomaly_mitigation", "it goes with the algorithm weighted_random only")
	}
	s := g.Stickiness
	if s.Enabled && g.Algorithm == WeightedRandom {
		k.fail(".Attributes.stickiness.enabled", "stickiness does not go with the algorithm weighted_random")
	}
	if s.Enabled && s.Type == AppCookie {
		const at = ".Attributes.stickiness.app_cookie.cookie_name"
		switch {
		case s.CookieName == "":
			k.fail(at, "app_cookie needs the name of the application's cookie")
		case strings.ContainsAny(s.CookieName, " \t=;,\"") || len(s.CookieName) > 255:
			k.fail(at, "%q is not the name of a cookie", s.CookieName)
		}
		if strings.HasPrefix(s.CookieName, "AWSALB") {
			k.fail(at, "names that begin with AWSALB are the load balancer's own")
		}
	}
	dns, routing := g.DNSFailover, g.UnhealthyRouting
	if dns.Count > 0 && dns.Count < routing.Count || dns.Percent > 0 && dns.Percent < routing.Percent {
		k.fail(".Attributes.target_group_health.dns_failover.minimum_healthy_targets.count",
			"the thresholds of DNS fail-over must not be below those of unhealthy_state_routing")
	}
}

func (k *checker) healthCheck(h *HealthCheck) {
	k.protocol(".HealthCheckProtocol", h.Protocol)
	if h.Port < 0 || h.Port > 65535 {
		k.fail(".HealthCheckPort", "%d is not a port", h.Port)
	}
	if !strings.HasPrefix(h.Path, "/") || len(h.Path) > maxPath || strings.ContainsFunc(h.Path, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		k.fail(".HealthCheckPath", "%q is not a path that begins with / and has at most %d characters", h.Path, maxPath)
	}
	ranged := func(at string, d time.Duration, low, high int) {
		if !k.c.hastened && (d < time.Duration(low)*time.Second || d > time.Duration(high)*time.Second) {
			k.fail(at, "%v is outside of %d to %d seconds", d, low, high)
		}
	}
	ranged(".HealthCheckIntervalSeconds", h.Interval, 5, 300)
	ranged(".HealthCheckTimeoutSeconds", h.Timeout, 2, 120)
	if h.Timeout > h.Interval {
		k.fail(".HealthCheckTimeoutSeconds", "%v is longer than the interval of %v", h.Timeout, h.Interval)
	}
	threshold := func(at string, n int) {
		if n < 2 || n > 10 {
			k.fail(at, "%d is outside of 2 to 10", n)
		}
	}
	threshold(".HealthyThresholdCount", h.Healthy)
	threshold(".UnhealthyThresholdCount", h.Unhealthy)
	if len(h.Matcher.ranges) == 0 {
		k.fail(".Matcher", "it has no status code")
	}
}
