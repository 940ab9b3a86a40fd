package rule

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"fender/internal/proving/alb/config"
)

// condition holds for a request, or does not.
type condition func(*Request) bool

func newCondition(c config.Condition) (condition, error) {
	texts := matchers{}
	fold := c.Field == config.HostHeader || c.Field == config.HTTPHeader
	if c.Field != config.QueryString && c.Field != config.SourceIP && c.Field != config.HTTPRequestMethod {
		for _, v := range c.Values {
			texts = append(texts, newPattern(v, fold).match)
		}
		for _, v := range c.RegexValues {
			if c.Field == config.HostHeader {
				v = "(?i)" + v
			}
			re, err := regexp.Compile(v)
			if err != nil {
				return nil, err
			}
			texts = append(texts, re.MatchString)
		}
	}
	switch c.Field {
	case config.HostHeader:
		return func(r *Request) bool { return texts.any(hostOnly(r.Host)) }, nil
	case config.PathPattern:
		return func(r *Request) bool { return texts.any(normalize(r.Path)) }, nil
	case config.HTTPHeader:
		return func(r *Request) bool { return slices.ContainsFunc(r.Header(c.HeaderName), texts.any) }, nil
	case config.HTTPRequestMethod:
		return func(r *Request) bool { return slices.Contains(c.Values, r.Method) }, nil
	case config.QueryString:
		return newQueryCondition(c.Query), nil
	case config.SourceIP:
		return newSourceCondition(c.Values)
	}
	return nil, fmt.Errorf("there is no condition %q", c.Field)
}

// matchers are the values of a condition: one of them is enough.
type matchers []func(string) bool

func (m matchers) any(text string) bool {
	return slices.ContainsFunc(m, func(match func(string) bool) bool { return match(text) })
}

func newQueryCondition(pairs []config.QueryPair) condition {
	type pair struct{ key, value pattern }
	var wanted []pair
	for _, p := range pairs {
		if p.Key == "" {
			p.Key = "*"
		}
		wanted = append(wanted, pair{newPattern(p.Key, true), newPattern(p.Value, true)})
	}
	return func(r *Request) bool {
		for parameter := range strings.SplitSeq(r.Query, "&") {
			if parameter == "" {
				continue
			}
			key, value, _ := strings.Cut(parameter, "=")
			for _, w := range wanted {
				if w.key.match(key) && w.value.match(value) {
					return true
				}
			}
		}
		return false
	}
}

func newSourceCondition(values []string) (condition, error) {
	var ranges []netip.Prefix
	for _, v := range values {
		p, err := config.ParseSource(v)
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, p)
	}
	return func(r *Request) bool {
		source := r.Source.Unmap()
		return slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(source) })
	}, nil
}

// hostOnly is the host without its port.
func hostOnly(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		return host[:i]
	}
	return host
}
