package arch

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// empty names say nothing about what is inside, so that everything ends there.
var empty = []string{"utils", "util", "common", "helpers", "helper", "types", "manager", "core"}

func checkPackages(pkgs map[string]*pkg) (problems []string) {
	for dir, p := range pkgs {
		say := func(format string, args ...any) {
			problems = append(problems, dir+": "+fmt.Sprintf(format, args...))
		}
		begin := "Package " + p.name + " "
		if p.name == "main" {
			begin = "Command " + path.Base(dir) + " "
		}
		switch {
		case len(p.docs) == 0:
			say("no package comment: say its purpose, what it owns and what it does not do")
		case len(p.docs) > 1:
			say("%d package comments, there should be one", len(p.docs))
		case !strings.HasPrefix(p.docs[0], begin):
			say("the package comment does not begin with %q", strings.TrimSpace(begin))
		}
		if slices.Contains(empty, p.name) || slices.Contains(empty, path.Base(dir)) {
			say("a name that says nothing")
		}
		for _, file := range p.cgo {
			say("%s imports \"C\": fender is built without cgo", path.Base(file))
		}
	}
	return problems
}

func TestPackages_SayWhatTheyAreAndAreFreeOfCgo(t *testing.T) {
	report(t, checkPackages(project(t)))
}

func TestCheckPackages_FindsEveryKindOfProblem(t *testing.T) {
	pkgs, err := tree(fstest.MapFS{
		"a/a.go":      {Data: []byte("// Package a is good.\npackage a\n")},
		"a/b.go":      {Data: []byte("package a\nimport \"C\"\n")},
		"a/c_test.go": {Data: []byte("package a\nimport \"C\"\n")},
		"b/b.go":      {Data: []byte("package b\n")},
		"c/c.go":      {Data: []byte("// Package c has two.\npackage c\n")},
		"c/d.go":      {Data: []byte("// Package c has two.\npackage c\n")},
		"d/d.go":      {Data: []byte("// It is d.\npackage d\n")},
		"utils/u.go":  {Data: []byte("// Package things has them.\npackage things\n")},
		"e/e.go":      {Data: []byte("// Package core has them.\npackage core\n")},
		"f/main.go":   {Data: []byte("// Command f runs.\npackage main\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := checkPackages(pkgs)
	slices.Sort(got)
	want := []string{
		`a: b.go imports "C": fender is built without cgo`,
		`a: c_test.go imports "C": fender is built without cgo`,
		`b: no package comment: say its purpose, what it owns and what it does not do`,
		`c: 2 package comments, there should be one`,
		`d: the package comment does not begin with "Package d"`,
		`e: a name that says nothing`,
		`utils: a name that says nothing`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
