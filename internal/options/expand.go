package options

import "strings"

// expander replaces $(VARIABLE) and %(name) in the values, after everything is read and before anything is applied.
type expander struct {
	r *reader
	// first is the index of the first setting of each name: uWSGI's rule for %(name).
	first map[string]int
	state []expansion
	// size is how many bytes the replaced values have in all.
	size int
}

// mostExpanded bounds them: values that name each other twice grow quickly.
const mostExpanded = 16 << 20

type expansion int

const (
	untouched expansion = iota
	expanding
	expanded
)

// expand replaces $(VARIABLE) by the environment and %(name) by the first setting of that name. What is not found
// stays as it is, with a warning if it stands in an option's value. The arithmetic of %(a + 1) and @(file) are not done.
func (r *reader) expand() {
	e := &expander{r: r, first: map[string]int{}, state: make([]expansion, len(r.settings))}
	for i, s := range r.settings {
		if _, twice := e.first[s.Name]; !twice {
			e.first[s.Name] = i
		}
	}
	for i := range r.settings {
		e.expand(i)
	}
}

func (e *expander) expand(i int) {
	if e.state[i] != untouched {
		return
	}
	e.state[i] = expanding
	s := &e.r.settings[i]
	value := e.replace(s, s.Value, "$(", func(name string) (string, bool) {
		value, found := e.r.environ[name]
		return value, found
	})
	value = e.replace(s, value, "%(", func(name string) (string, bool) {
		at, found := e.first[name]
		if !found {
			return "", false
		}
		e.r.used[name] = true
		if e.state[at] == expanding {
			e.r.problem(s.Origin, s.Name, s.Name+" = "+shown(s.Value)+": %("+shortName(name)+") stands for itself", "name something else")
			return "", true
		}
		e.expand(at)
		return e.r.settings[at].Value, true
	})
	if strings.Contains(value, "@(") && s.option != nil && s.option.Kind != Noted {
		e.r.warn(s.Origin, "%s = %s: @(file) is not replaced by fender yet", s.Name, shown(s.Value))
	}
	s.Value = value
	e.state[i] = expanded
}

// replace replaces every mark + name + ")" that lookup finds. What is put in is not looked at again.
func (e *expander) replace(s *Setting, text, mark string, lookup func(name string) (string, bool)) string {
	if !strings.Contains(text, mark) {
		return text
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, mark)
		b.WriteString(before)
		name, after, closed := strings.Cut(rest, ")")
		if !found || !closed || b.Len() > longestLine {
			if found {
				b.WriteString(mark + rest)
			}
			break
		}
		if value, ok := lookup(name); ok {
			b.WriteString(value)
			text = after
			continue
		}
		if s.option != nil && s.option.Kind != Noted {
			e.r.warn(s.Origin, "%s = %s: %s%s) stays as it is: %s", s.Name, shown(s.Value), mark, strings.Trim(shown(name), `"`), why(mark, name))
		}
		b.WriteString(mark)
		text = rest
	}
	if e.size += b.Len(); b.Len() > longestLine || e.size > mostExpanded {
		e.r.problem(s.Origin, s.Name, s.Name+": the value (or all together) is too long when the variables are replaced", "shorten it")
		return ""
	}
	return b.String()
}

func why(mark, name string) string {
	switch {
	case mark == "$(":
		return "there is no such environment variable"
	case strings.Contains(name, " "):
		return "fender does not calculate yet"
	}
	return "there is no such option or placeholder"
}
