package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"go.yaml.in/yaml/v3"
)

// Read reads a configuration in YAML, completes and validates it. file is its name in errors.
func Read(file string, text []byte) (*Config, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := d.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: the file is empty", file)
		}
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: one document is expected", file)
	}
	c := New("fender-alb")
	r := &reader{file: file, lines: map[string]int{}}
	root := place{r: r, node: document.Content[0]}
	root.mapping(keys{
		"LoadBalancer": c.readLoadBalancer,
		"Listeners": func(p place) {
			p.list(func(p place) {
				c.Listeners = append(c.Listeners, Listener{})
				readListener(p, &c.Listeners[len(c.Listeners)-1])
			})
		},
		"TargetGroups": func(p place) {
			p.list(func(p place) {
				c.TargetGroups = append(c.TargetGroups, NewTargetGroup(""))
				readTargetGroup(p, &c.TargetGroups[len(c.TargetGroups)-1])
			})
		},
	})
	if len(r.problems) == 0 { // what could not be read would only be found missing
		c.Complete()
		r.problems = c.problems()
	}
	if len(r.problems) > 0 {
		return nil, r.all()
	}
	return c, nil
}

func (c *Config) readLoadBalancer(p place) {
	p.mapping(keys{
		"Name":      func(p place) { p.text(&c.Name) },
		"Id":        func(p place) { p.text(&c.ID) },
		"Region":    func(p place) { p.text(&c.Region) },
		"AccountId": func(p place) { p.text(&c.Account) },
		"NodeAddress": func(p place) {
			var s string
			p.text(&s)
			var err error
			if c.Node, err = netip.ParseAddr(s); err != nil {
				p.fail("%q is not an IP address", s)
			}
		},
		"Attributes": func(p place) { attributes(p, loadBalancerAttributes, &c.LoadBalancer) },
	})
}

func readListener(p place, l *Listener) {
	p.mapping(keys{
		"Protocol": func(p place) { word(p, &l.Protocol) },
		"Address":  func(p place) { p.text(&l.Address) },
		"Port":     func(p place) { p.integer(&l.Port) },
		"Certificates": func(p place) {
			p.list(func(p place) {
				var c Certificate
				p.mapping(keys{
					"CertificateFile": func(p place) { p.text(&c.CertificateFile) },
					"PrivateKeyFile":  func(p place) { p.text(&c.PrivateKeyFile) },
				})
				l.Certificates = append(l.Certificates, c)
			})
		},
		"DefaultActions": func(p place) { readActions(p, &l.DefaultAction) },
		"Rules": func(p place) {
			p.list(func(p place) {
				var r Rule
				p.mapping(keys{
					"Priority":   func(p place) { p.integer(&r.Priority) },
					"Conditions": func(p place) { p.list(func(p place) { r.Conditions = append(r.Conditions, readCondition(p)) }) },
					"Actions":    func(p place) { readActions(p, &r.Action) },
				})
				l.Rules = append(l.Rules, r)
			})
		},
	})
}

func readTargetGroup(p place, g *TargetGroup) {
	h := &g.HealthCheck
	p.mapping(keys{
		"Name":            func(p place) { p.text(&g.Name) },
		"Protocol":        func(p place) { word(p, &g.Protocol) },
		"ProtocolVersion": func(p place) { word(p, &g.ProtocolVersion) },
		"Port":            func(p place) { p.integer(&g.Port) },
		"TargetType": func(p place) {
			var s string
			if p.text(&s); s != "ip" {
				p.fail("%s", unknownType(s, map[string]bool{"ip": true}))
			}
		},
		"HealthCheckEnabled":  func(p place) { p.boolean(&h.Enabled) },
		"HealthCheckProtocol": func(p place) { word(p, &h.Protocol) },
		"HealthCheckPath":     func(p place) { p.text(&h.Path) },
		"HealthCheckPort": func(p place) {
			if p.node.Value != "traffic-port" {
				if p.integer(&h.Port); h.Port == 0 {
					p.fail("it is a port or traffic-port")
				}
			}
		},
		"HealthCheckIntervalSeconds": func(p place) { p.seconds(&h.Interval) },
		"HealthCheckTimeoutSeconds":  func(p place) { p.seconds(&h.Timeout) },
		"HealthyThresholdCount":      func(p place) { p.integer(&h.Healthy) },
		"UnhealthyThresholdCount":    func(p place) { p.integer(&h.Unhealthy) },
		"Matcher": func(p place) {
			p.mapping(keys{"HttpCode": func(p place) {
				var s string
				p.text(&s)
				var err error
				if h.Matcher, err = ParseMatcher(s); err != nil {
					p.fail("%v", err)
				}
			}})
		},
		"Attributes": func(p place) { attributes(p, targetGroupAttributes, g) },
		"Targets": func(p place) {
			p.list(func(p place) {
				var t Target
				p.mapping(keys{
					"Id":   func(p place) { p.text(&t.ID) },
					"Port": func(p place) { p.integer(&t.Port) },
				})
				g.Targets = append(g.Targets, t)
			})
		},
	})
}

// word reads one of a few words; Validate knows which.
func word[S ~string](p place, to *S) {
	var s string
	p.text(&s)
	*to = S(s)
}

// unknownType says what to do about a type that is not one of the known.
func unknownType(s string, known map[string]bool) string {
	if why, ok := typesNotHere[s]; ok {
		return why
	}
	return fmt.Sprintf("there is no type %q%s", s, didYouMean(s, known))
}
