package config

// Matcher is the set of status codes that pass a health check.
type Matcher struct{ ranges []codes }

type codes struct{ from, to int }

// ParseMatcher reads "200", "200,202" or "200-299" and their mixtures, within 200 to 499.
func ParseMatcher(text string) (Matcher, error) { panic("not built yet") }

// Matches reports whether the code passes.
func (m Matcher) Matches(code int) bool { panic("not built yet") }
