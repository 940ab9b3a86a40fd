package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const sample = `package p

type box struct{ n int }

func (b *box) grow(most int, ok bool) (string, bool) {
	if b.n+1 > most && !ok {
		return "no" + "ne", false
	}
	b.n = max(b.n, 2*most)
	for i := 0; i < most; i++ {
		if done() {
			continue
		}
		b.n--
	}
	switch {
	case b.n == 0 || ok:
		done()
	}
	return "", true
}

func done() bool { return true }
`

func mutants(t *testing.T, text string) (string, []string) {
	t.Helper()
	var all []*mutant
	s, err := newSource("p.go", []byte(text), &all, map[string]int{})
	if err != nil {
		t.Fatal(err)
	}
	out := s.find()
	var names []string
	for i, m := range all {
		if m.id != i+1 {
			t.Errorf("mutant %d is called %d", i+1, m.id)
		}
		names = append(names, m.name)
	}
	return out, names
}

func TestFind_ListsEveryKindOfChange(t *testing.T) {
	out, got := mutants(t, sample)
	want := []string{
		"p.go box.grow: `b.n = max(b.n, 2*most)` left out",
		"p.go box.grow: `ok` negated",
		"p.go box.grow: `b.n+1 > most && !ok` with ||",
		"p.go box.grow: `b.n+1 > most` with >=",
		"p.go box.grow: `b.n+1 > most` negated",
		"p.go box.grow: `b.n+1` with -",
		"p.go box.grow: false is true",
		"p.go box.grow: `max(b.n, 2*most)` with min",
		"p.go box.grow: `2*most` with +",
		"p.go box.grow: `i < most` with <=",
		"p.go box.grow: `i < most` negated",
		"p.go box.grow: `b.n--` left out",
		"p.go box.grow: `done()` negated",
		"p.go box.grow: `continue` left out",
		"p.go box.grow: `ok` negated (2)",
		"p.go box.grow: `b.n == 0 || ok` with &&",
		"p.go box.grow: `b.n == 0` negated",
		"p.go box.grow: `done()` left out",
		"p.go box.grow: true is false",
		"p.go done: true is false",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("found\n  %s\nexpected\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	if _, err := parser.ParseFile(token.NewFileSet(), "p.go", out, 0); err != nil {
		t.Errorf("%v in\n%s", err, out)
	}
}

func TestFind_NamesTheSameChangeInOneFunctionApart(t *testing.T) {
	_, got := mutants(t, "package p\n\nfunc f() {\n\tg()\n\tg()\n}\n\nfunc g() {}\n")
	if want := []string{"p.go f: `g()` left out", "p.go f: `g()` left out (2)"}; !slices.Equal(got, want) {
		t.Errorf("found %q, expected %q", got, want)
	}
}

func TestFind_ChangesNothingOutsideOfFunctions(t *testing.T) {
	text := "package p\n\nconst a, b = 1 + 2, true\n\nvar c = a < 2\n"
	if out, got := mutants(t, text); len(got) != 0 || out != text {
		t.Errorf("found %q in\n%s", got, out)
	}
}

func TestReadSurvivors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "survivors.md")
	for _, c := range []struct{ text, fault string }{
		{"# Survivors\n\nWords.\n\n- a b: `c` left out\n  The reason,\n  on two lines.\n- d\n  Another.\n\nMore words.\n", ""},
		{"- a\n- b\n  Why.\n", "no reason"},
		{"- a\n  Why.\n- a\n  Why.\n", "twice"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		known, err := readSurvivors(path)
		switch {
		case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
			t.Errorf("%q: error %v, expected %q", c.text, err, c.fault)
		case c.fault == "" && (err != nil || len(known) != 2 || known["a b: `c` left out"] != "The reason, on two lines. "):
			t.Errorf("%q: %v, %v", c.text, known, err)
		}
	}
	if known, err := readSurvivors(filepath.Join(t.TempDir(), "none.md")); known != nil || err != nil {
		t.Errorf("without a file: %v, %v", known, err)
	}
}

func TestReport_AsksForAReasonForEverySurvivor(t *testing.T) {
	killed := &mutant{name: "killed", outcome: killedByTest}
	lives := &mutant{name: "lives", outcome: survives}
	many := []*mutant{lives}
	for range 20 {
		many = append(many, killed)
	}
	for _, c := range []struct {
		name    string
		mutants []*mutant
		known   map[string]string
		whole   bool
		ok      bool
	}{
		{"all are killed", []*mutant{killed}, nil, true, true},
		{"listed", many, map[string]string{"lives": "why"}, true, true},
		{"not listed", many, nil, true, false},
		{"listed and killed", many, map[string]string{"lives": "why", "killed": "why"}, true, false},
		{"listed and not in the sample", []*mutant{killed}, map[string]string{"lives": "why"}, false, true},
		{"too few are killed", []*mutant{killed, lives}, map[string]string{"lives": "why"}, true, false},
	} {
		if got := report(c.mutants, c.known, c.whole); got != c.ok {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
