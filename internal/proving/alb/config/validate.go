package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Limits of AWS's.
const (
	maxRules        = 100 // of a load balancer, without the default ones
	maxPriority     = 50000
	maxForward      = 5
	maxWeight       = 999
	maxPath         = 1024 // of a health check
	maxFixedBody    = 1024
	maxRedirectPart = 128
	maxStickyTime   = 7 * 24 * time.Hour
)

var (
	goodName   = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?$`)
	goodID     = regexp.MustCompile(`^[0-9a-f]{16}$`)
	goodRegion = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	goodDigits = regexp.MustCompile(`^[0-9]{12}$`)
	goodHost   = regexp.MustCompile(`^[a-zA-Z0-9._:%-]{1,253}$`)
)

// Validate says what is wrong, joined.
func (c *Config) Validate() error {
	return join(c.problems(), func(p problem) error { return p })
}

// checker collects what is wrong.
type checker struct {
	c     *Config
	found []problem
	at    string
}

func (k *checker) fail(at, format string, args ...any) {
	k.found = append(k.found, problem{at: strings.TrimPrefix(k.at+at, "."), text: fmt.Sprintf(format, args...)})
}

// under runs a check one step further down.
func (k *checker) under(at string, check func()) {
	before := k.at
	k.at = strings.TrimPrefix(before+at, ".")
	check()
	k.at = before
}

func (c *Config) problems() []problem {
	k := &checker{c: c}
	k.under("LoadBalancer", k.loadBalancer)
	if len(c.Listeners) == 0 {
		k.fail("Listeners", "there is none, so nothing would be served")
	}
	names := map[string]bool{}
	for i := range c.TargetGroups {
		k.under(fmt.Sprintf("TargetGroups[%d]", i), func() { k.targetGroup(&c.TargetGroups[i], names) })
	}
	rules, ports := 0, map[string]bool{}
	for i := range c.Listeners {
		l := &c.Listeners[i]
		rules += len(l.Rules)
		k.under(fmt.Sprintf("Listeners[%d]", i), func() {
			if l.Port != 0 && ports[l.HostPort()] {
				k.fail(".Port", "another listener has %s already", l.HostPort())
			}
			ports[l.HostPort()] = true
			k.listener(l)
		})
	}
	if rules > maxRules {
		k.fail("Listeners", "%d rules are more than the %d that a load balancer may have", rules, maxRules)
	}
	return k.found
}

func (k *checker) loadBalancer() {
	c := k.c
	switch {
	case !goodName.MatchString(c.Name) || strings.HasPrefix(c.Name, "internal-"):
		k.fail(".Name", "%q is not 1 to 32 letters, digits and hyphens (none at an end, and not internal- at first)", c.Name)
	case !goodID.MatchString(c.ID):
		k.fail(".Id", "%q is not 16 hexadecimal digits", c.ID)
	case !goodRegion.MatchString(c.Region):
		k.fail(".Region", "%q is not a region", c.Region)
	case !goodDigits.MatchString(c.Account):
		k.fail(".AccountId", "%q is not 12 digits", c.Account)
	case !c.Node.IsValid():
		k.fail(".NodeAddress", "it is missing")
	}
	check(loadBalancerAttributes, &c.LoadBalancer, c.hastened, k.fail)
	k.delivery("access_logs", c.LoadBalancer.AccessLogs)
	k.delivery("connection_logs", c.LoadBalancer.ConnectionLogs)
	k.delivery("health_check_logs", c.LoadBalancer.HealthCheckLogs)
}

func (k *checker) delivery(name string, d LogDelivery) {
	if d.Enabled && d.Bucket == "" {
		k.fail(".Attributes."+name+".s3.enabled", "it needs %s.s3.bucket, a folder here", name)
	}
	if strings.Contains(d.Prefix, "AWSLogs") || slices.Contains(strings.Split(d.Prefix, "/"), "..") {
		k.fail(".Attributes."+name+".s3.prefix", "%q must have neither AWSLogs nor .. in it", d.Prefix)
	}
}

func (k *checker) listener(l *Listener) {
	k.protocol(".Protocol", l.Protocol)
	if l.Port < 0 || l.Port > 65535 {
		k.fail(".Port", "%d is not a port", l.Port)
	}
	if !goodHost.MatchString(l.Address) {
		k.fail(".Address", "%q is not an address", l.Address)
	}
	if len(l.Certificates) > 0 && l.Protocol == HTTP {
		k.fail(".Certificates", "an HTTP listener has no certificate")
	}
	for i, c := range l.Certificates {
		if c.CertificateFile == "" || c.PrivateKeyFile == "" {
			k.fail(fmt.Sprintf(".Certificates[%d]", i), "CertificateFile and PrivateKeyFile are both needed")
		}
	}
	k.under(".DefaultActions", func() { k.action(l, &l.DefaultAction) })
	seen := map[int]bool{}
	for i := range l.Rules {
		r := &l.Rules[i]
		k.under(fmt.Sprintf(".Rules[%d]", i), func() {
			if r.Priority < 1 || r.Priority > maxPriority {
				k.fail(".Priority", "%d is outside of 1 to %d", r.Priority, maxPriority)
			} else if seen[r.Priority] {
				k.fail(".Priority", "another rule of the listener has %d already", r.Priority)
			}
			seen[r.Priority] = true
			k.conditions(r.Conditions)
			k.under(".Actions", func() { k.action(l, &r.Action) })
		})
	}
}

func (k *checker) protocol(at string, p Protocol) {
	switch p {
	case HTTP, HTTPS:
	case "TCP", "UDP", "TLS", "TCP_UDP", "GENEVE":
		k.fail(at, "%s belongs to Network and Gateway Load Balancers; HTTP and HTTPS are known here", p)
	case "":
		k.fail(at, "it is missing: HTTP or HTTPS")
	default:
		k.fail(at, "%q is neither HTTP nor HTTPS", p)
	}
}
