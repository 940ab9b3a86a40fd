package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"fender/internal/proving/lab"
	"fender/internal/proving/lab/scenario"
	"fender/internal/proving/lab/stack"
)

func (f *labFlags) list(p *Process) error {
	all, err := lab.Library()
	if err != nil {
		return err
	}
	if f.asJSON {
		return f.listJSON(p, all)
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

// labListing is `fender lab list --json`.
type labListing struct {
	V         int              `json:"v"`
	Scenarios []listedScenario `json:"scenarios"`
	Stacks    []listedStack    `json:"stacks"`
}

type listedScenario struct {
	Name     string   `json:"name"`
	Title    string   `json:"title"`
	About    []string `json:"about"`
	Requests []string `json:"requests"`
	Phases   []string `json:"phases"`
	Needs    []string `json:"needs"`
	Expects  []string `json:"expects"`
	Usually  float64  `json:"usually_s"` // for one stack, at speed 1
	Most     float64  `json:"most_s"`
}

type listedStack struct {
	Name    string `json:"name"`
	Family  string `json:"family"`
	Title   string `json:"title"`
	Missing string `json:"missing,omitempty"` // what to install
}

func (f *labFlags) listJSON(p *Process, all []*scenario.Scenario) error {
	doc := labListing{V: 1}
	for _, s := range all {
		usually, most := s.Length()
		l := listedScenario{Name: s.Name, Title: s.Title, About: s.About, Usually: usually.Seconds(), Most: most.Seconds()}
		for _, q := range s.Requests {
			l.Requests = append(l.Requests, q.Method+" "+q.Path)
		}
		for _, ph := range s.Phases {
			l.Phases = append(l.Phases, fmt.Sprintf("%s: %s, %s", ph.Name, ph.Describe(), ph.Ends()))
		}
		for _, e := range s.Needs {
			l.Needs = append(l.Needs, e.String())
		}
		for _, e := range s.Expects {
			l.Expects = append(l.Expects, e.String())
		}
		doc.Scenarios = append(doc.Scenarios, l)
	}
	host, err := f.host()
	if err != nil {
		return err
	}
	for _, s := range stack.All(host) {
		doc.Stacks = append(doc.Stacks, listedStack{s.Name, s.Family, s.Title, s.Missing()})
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	_, err = p.Stdout.Write(append(text, '\n'))
	return err
}
