package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"fender/internal/exit"
)

func TestLabList_TellsOfEveryScenarioAndStackInBothForms(t *testing.T) {
	people, programs := newProcess("lab", "list"), newProcess("lab", "list", "--json")
	if a, b := Run(people.Process), Run(programs.Process); a != exit.OK || b != exit.OK {
		t.Fatal(a, b, people.err.String(), programs.err.String())
	}
	var doc labListing
	if err := json.Unmarshal(programs.out.Bytes(), &doc); err != nil || doc.V != 1 || len(doc.Scenarios) < 10 || len(doc.Stacks) < 8 {
		t.Fatalf("%v: %+v", err, doc)
	}
	if s := doc.Scenarios[0]; s.Name != "incident" || s.Usually <= 0 || s.Most < s.Usually || len(s.Requests) != 1 || len(s.Phases) != 3 || len(s.Needs) == 0 || len(s.Expects) == 0 {
		t.Errorf("%+v", s)
	}
	for _, s := range doc.Scenarios {
		if !strings.Contains(people.out.String(), s.Name+": "+s.Title) {
			t.Errorf("people are not told of %s", s.Name)
		}
	}
	for _, s := range doc.Stacks {
		if !strings.Contains(people.out.String(), "  "+s.Name+" ") {
			t.Errorf("people are not told of %s", s.Name)
		}
	}
}

func TestLab_RefusesWhatWouldHaveNoEffect(t *testing.T) {
	for args, want := range map[string]string{
		"lab":                        "which scenario?",
		"lab churn crash":            "one scenario at a time",
		"lab churn --bound 3":        "--bound belongs to --target URL",
		"lab churn --allow-remote":   "--allow-remote belongs to --target URL",
		"lab churn --target ftp://x": "is not a URL",
		"lab churn --target http://127.0.0.1:1/ --stacks fender": "--stacks and --target: one of them",
		"lab churn --target http://127.0.0.1:1/ --stress":        "--stress and --target: one of them",
		"lab churn --target http://127.0.0.1:1/ --fin-delay 1":   "--fin-delay and --target: one of them",
		"lab churn --target http://192.0.2.1/":                   "192.0.2.1, which the lab would put load on, is not this machine",
	} {
		p := newProcess(strings.Fields(args)...)
		if code := Run(p.Process); code != exit.Usage || !strings.Contains(p.err.String(), want) {
			t.Errorf("%s: exit %d, %s", args, code, p.err.String())
		}
	}
}
