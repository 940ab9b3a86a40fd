package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Matcher is the set of status codes that pass a health check.
type Matcher struct{ ranges []codes }

type codes struct{ from, to int }

// ParseMatcher reads "200", "200,202" or "200-299" and their mixtures, within 200 to 499.
func ParseMatcher(text string) (Matcher, error) {
	var m Matcher
	for part := range strings.SplitSeq(text, ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		r := codes{code(low), code(high)}
		if r.from < 200 || r.to > 499 || r.from > r.to {
			return Matcher{}, fmt.Errorf("%q is not a list of status codes of 200 to 499 such as 200, 200,202 or 200-299", text)
		}
		m.ranges = append(m.ranges, r)
	}
	return m, nil
}

// code is 0 for what is not three digits: Atoi takes signs and leading zeros.
func code(text string) int {
	text = strings.TrimSpace(text)
	n, err := strconv.Atoi(text)
	if err != nil || len(text) != 3 {
		return 0
	}
	return n
}

// Matches reports whether the code passes.
func (m Matcher) Matches(code int) bool {
	for _, r := range m.ranges {
		if r.from <= code && code <= r.to {
			return true
		}
	}
	return false
}

// String is the matcher as it is written.
func (m Matcher) String() string {
	parts := make([]string, len(m.ranges))
	for i, r := range m.ranges {
		parts[i] = strconv.Itoa(r.from)
		if r.to != r.from {
			parts[i] += "-" + strconv.Itoa(r.to)
		}
	}
	return strings.Join(parts, ",")
}
