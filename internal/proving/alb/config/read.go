package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile is how long a file may be: a thousand targets and a hundred rules take a tenth of it.
const maxFile = 1 << 20

// ReadFile reads a configuration as Read does.
func ReadFile(name string) (*Config, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	return Read(name, text)
}

// Read reads a configuration in YAML, completes and validates it. file is its name in errors.
func Read(file string, text []byte) (*Config, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s: the file is longer than %d bytes", file, maxFile)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := d.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: the file is empty", file)
		}
		return nil, syntax(file, err)
	}
	switch err := d.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, syntax(file, err)
	default:
		return nil, fmt.Errorf("%s:%d: a second document begins; one is expected", file, second.Line)
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

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): (.*)`)

// syntax is an error of the YAML reader, with the line where ours have it.
func syntax(file string, err error) error {
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("%s:%s: no YAML: %s", file, m[1], m[2])
	}
	return fmt.Errorf("%s: no YAML: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
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
