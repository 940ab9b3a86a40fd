package scenario

import (
	"fmt"
	"strings"
)

// Format writes the scenario in its language.
func (s *Scenario) Format() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("title %s", s.Title)
	for _, a := range s.About {
		line("about %s", a)
	}
	if len(s.Stacks) > 0 {
		line("stacks %s", strings.Join(s.Stacks, ", "))
	}
	for _, o := range s.Options {
		line("set %s %s", o.Name, o.Value)
	}
	for _, o := range s.Stress {
		line("stress %s %s", o.Name, o.Value)
	}
	for _, o := range s.Balancer {
		line("balancer %s %s", o.Name, clock(o.Value))
	}
	if s.Instances != 1 {
		line("instances %d", s.Instances)
	}
	if s.Harm {
		line("harm")
	}
	for _, r := range s.Requests {
		text := fmt.Sprintf("request %s %s", r.Method, r.Path)
		if r.Body > 0 {
			text += fmt.Sprintf(" body %d", r.Body)
		}
		if r.Times > 1 {
			text += fmt.Sprintf(" times %d", r.Times)
		}
		line("%s", text)
	}
	for _, p := range s.Phases {
		load := p.Describe()
		if p.Rate > 0 {
			load = fmt.Sprintf("%g/s", p.Rate)
		}
		line("phase %q %s, %s", p.Name, load, p.Ends())
	}
	for _, f := range s.Faults {
		when := "after " + clock(f.After)
		if f.Every > 0 {
			when = "every " + clock(f.Every)
		}
		line("during %q %s %s", f.Phase, when, f.Action)
	}
	for _, n := range s.Beside {
		line("beside %q %d %s %s", n.Phase, n.Count, n.Kind, n.Path)
	}
	for _, e := range s.Needs {
		line("needs %s", e)
	}
	for _, e := range s.Expects {
		line("expect %s", e)
	}
	return b.String()
}
