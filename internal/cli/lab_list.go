package cli

import (
	"fmt"
	"strings"

	"fender/internal/proving/lab"
	"fender/internal/proving/lab/stack"
)

func (f *labFlags) list(p *Process) error {
	all, err := lab.Library()
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, s := range all {
		usually, most := s.Length()
		fmt.Fprintf(&b, "%s: %s\n", s.Name, s.Title)
		for _, line := range s.About {
			fmt.Fprintf(&b, "  %s\n", line)
		}
		for _, q := range s.Requests {
			fmt.Fprintf(&b, "    asks     %s %s\n", q.Method, q.Path)
		}
		for _, ph := range s.Phases {
			fmt.Fprintf(&b, "    phase    %s: %s, %s\n", ph.Name, ph.Describe(), ph.Ends())
		}
		for _, e := range s.Needs {
			fmt.Fprintf(&b, "    needs    %s\n", e)
		}
		for _, e := range s.Expects {
			fmt.Fprintf(&b, "    expects  %s\n", e)
		}
		fmt.Fprintf(&b, "    length   usually %s for each stack, at most %s; --speed 10: %s\n\n", usually, most, usually/10)
	}
	host, err := f.host()
	if err != nil {
		return err
	}
	fmt.Fprintln(&b, "Stacks (--stacks takes their names, or the part before the @):")
	for _, s := range stack.All(host) {
		state := "installed"
		if missing := s.Missing(); missing != "" {
			state = missing
		}
		fmt.Fprintf(&b, "  %-24s %s (%s)\n", s.Name, s.Title, state)
	}
	_, err = p.Stdout.Write([]byte(b.String()))
	return err
}
