package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Limits of AWS's for the conditions of a rule.
const (
	maxValues          = 5 // of a rule, in all conditions
	maxConditionValues = 3
	maxWildcards       = 5 // of a rule
	maxValue           = 128
	maxHeaderName      = 40
	maxMethod          = 40
)

var (
	goodHostPattern = regexp.MustCompile(`^[a-zA-Z0-9.*?-]+$`)
	goodPathPattern = regexp.MustCompile(`^[a-zA-Z0-9_.$/~"'@:+&*?-]+$`)
	goodMethod      = regexp.MustCompile(`^[A-Z_-]+$`)
	goodToken       = regexp.MustCompile("^[a-zA-Z0-9!#$%&'*+.^_`|~-]+$")
	fields          = map[string]bool{
		string(HostHeader): true, string(PathPattern): true, string(HTTPHeader): true,
		string(HTTPRequestMethod): true, string(QueryString): true, string(SourceIP): true,
	}
)

func (k *checker) conditions(all []Condition) {
	if len(all) == 0 {
		k.fail(".Conditions", "a rule needs at least one; what is to match everything goes to DefaultActions")
	}
	values, wildcards, seen := 0, 0, map[Field]bool{}
	for i := range all {
		c := &all[i]
		k.under(fmt.Sprintf(".Conditions[%d]", i), func() {
			if seen[c.Field] && c.Field != HTTPHeader && c.Field != QueryString {
				k.fail(".Field", "a rule has at most one condition for %s", c.Field)
			}
			seen[c.Field] = true
			n := len(c.Values) + len(c.RegexValues) + len(c.Query)
			if n == 0 && fields[string(c.Field)] {
				k.fail("", "it has no values")
			}
			if n > maxConditionValues {
				k.fail("", "%d values are more than the %d that a condition may have", n, maxConditionValues)
			}
			values += n
			wildcards += k.condition(c)
		})
	}
	if values > maxValues {
		k.fail(".Conditions", "%d values are more than the %d that a rule may have", values, maxValues)
	}
	if wildcards > maxWildcards {
		k.fail(".Conditions", "%d wildcards are more than the %d that a rule may have", wildcards, maxWildcards)
	}
}

// condition checks one and counts its wildcards.
func (k *checker) condition(c *Condition) (wildcards int) {
	if !fields[string(c.Field)] {
		k.fail(".Field", "%q is not one of %s%s", c.Field,
			"host-header, path-pattern, http-header, http-request-method, query-string, source-ip", didYouMean(string(c.Field), fields))
		return 0
	}
	if len(c.Query) > 0 && c.Field != QueryString || len(c.Values) > 0 && c.Field == QueryString {
		k.fail("", "keys and values in QueryStringConfig belong to query-string, and it has only those")
	}
	if c.HeaderName != "" && c.Field != HTTPHeader {
		k.fail(".HttpHeaderName", "it belongs to http-header")
	}
	if len(c.RegexValues) > 0 && !slices.Contains([]Field{HostHeader, PathPattern, HTTPHeader}, c.Field) {
		k.fail(".RegexValues", "they go with host-header, path-pattern and http-header")
	}
	for _, text := range c.RegexValues {
		if len(text) > maxValue {
			k.fail(".RegexValues", "%q has more than %d characters", text[:maxValue], maxValue)
		} else if _, err := regexp.Compile(text); err != nil {
			k.fail(".RegexValues", "%v", err)
		}
	}
	if c.Field == HTTPHeader {
		switch {
		case !goodToken.MatchString(c.HeaderName) || len(c.HeaderName) > maxHeaderName:
			k.fail(".HttpHeaderName", "%q is not the name of a header of at most %d characters", c.HeaderName, maxHeaderName)
		case strings.EqualFold(c.HeaderName, "host"):
			k.fail(".HttpHeaderName", "host has a condition of its own: host-header")
		}
	}
	for _, v := range c.Values {
		wildcards += k.value(c.Field, v)
	}
	for _, q := range c.Query {
		if q.Value == "" {
			k.fail("", "a Value is missing (* matches any)")
		}
		wildcards += k.value(QueryString, q.Key) + k.value(QueryString, q.Value)
	}
	return wildcards
}

// value checks one value and counts its wildcards.
func (k *checker) value(f Field, v string) int {
	if len(v) > maxValue {
		k.fail("", "%q has more than %d characters", v[:maxValue], maxValue)
	}
	switch f {
	case HostHeader:
		if !goodHostPattern.MatchString(v) {
			k.fail("", "%q has something else in it than letters, digits, - . * ?", v)
		}
	case PathPattern:
		if !goodPathPattern.MatchString(v) {
			k.fail("", `%q has something else in it than letters, digits and _-.$/~"'@:+&*?`, v)
		}
	case HTTPRequestMethod:
		if !goodMethod.MatchString(v) || len(v) > maxMethod {
			k.fail("", "%q is not a method in capital letters", v)
		}
		return 0
	case SourceIP:
		if _, err := ParseSource(v); err != nil {
			k.fail("", "%v", err)
		}
		return 0
	}
	return wildcardsIn(v)
}

// wildcardsIn counts * and ?, but for those behind a backslash.
func wildcardsIn(v string) (n int) {
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '\\':
			i++
		case '*', '?':
			n++
		}
	}
	return n
}

// ParseSource reads a value of source-ip: 192.0.2.0/24.
func ParseSource(v string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(v)
	if err != nil {
		return p, fmt.Errorf("%q is not a range of addresses such as 192.0.2.0/24", v)
	}
	return p.Masked(), nil
}
