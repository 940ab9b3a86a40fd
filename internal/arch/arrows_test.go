package arch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// arrow is one row of the table: who may import whom.
type arrow struct {
	room string // a folder, or folder/... for all below it too
	may  []string
}

// everything is the word for a room that may import every other one.
const everything = "internal/..."

func parseArrows(text string) ([]arrow, error) {
	table, err := section(text, "arrows")
	if err != nil {
		return nil, err
	}
	var all []arrow
	for _, cells := range rows(table) {
		if len(cells) != 2 || len(quoted(cells[0])) != 1 {
			return nil, fmt.Errorf("arrows: %q is not a room and what it may import", strings.Join(cells, " | "))
		}
		a := arrow{room: quoted(cells[0])[0], may: quoted(cells[1])}
		switch {
		case cells[1] == "everything under `internal`":
			a.may = []string{everything}
		case !strings.HasPrefix(cells[1], "nothing") && len(a.may) == 0:
			return nil, fmt.Errorf("arrows: %q says neither \"nothing\" nor what", cells[1])
		}
		all = append(all, a)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("arrows: the table is empty")
	}
	return all, nil
}

// covers reports whether the pattern speaks for the folder.
func covers(pattern, dir string) bool {
	folder, below := strings.CutSuffix(pattern, "/...")
	return dir == folder || below && strings.HasPrefix(dir, folder+"/")
}

// checkArrows compares the imports of the rooms (internal and cmd) with the table. The longest
// pattern that covers a room is its row.
func checkArrows(arrows []arrow, pkgs map[string]*pkg) (problems []string) {
	for _, a := range arrows {
		known := func(pattern string) bool {
			return slices.ContainsFunc(slices.Collect(maps.Keys(pkgs)), func(dir string) bool { return covers(pattern, dir) })
		}
		if !known(a.room) {
			problems = append(problems, fmt.Sprintf("arrows: there is no %s", a.room))
		}
		for _, target := range a.may {
			if !known(target) {
				problems = append(problems, fmt.Sprintf("arrows: %s may import %s, which does not exist", a.room, target))
			}
		}
	}
	for dir, p := range pkgs {
		if !covers("internal/...", dir) && !covers("cmd/...", dir) {
			continue
		}
		var row *arrow
		for i, a := range arrows {
			if covers(a.room, dir) && (row == nil || len(a.room) > len(row.room)) {
				row = &arrows[i]
			}
		}
		if row == nil {
			problems = append(problems, fmt.Sprintf("arrows: %s has no row", dir))
			continue
		}
		for target, files := range p.imports {
			other, ours := strings.CutPrefix(target, module+"/")
			if ours && !slices.ContainsFunc(row.may, func(pattern string) bool { return covers(pattern, other) }) {
				problems = append(problems, fmt.Sprintf("%s imports %s (%s), which the row of %s does not allow",
					dir, other, strings.Join(files, ", "), row.room))
			}
		}
	}
	return problems
}

func TestArchitecture_ArrowsAreTheImports(t *testing.T) {
	arrows, err := parseArrows(architecture(t))
	if err != nil {
		t.Fatal(err)
	}
	report(t, checkArrows(arrows, project(t)))
}

func TestCheckArrows_FindsEveryKindOfProblem(t *testing.T) {
	pkgs, err := tree(fstest.MapFS{
		"cmd/x/main.go":                 {Data: []byte("package main\nimport _ \"fender/internal/a\"\n")},
		"internal/a/a.go":               {Data: []byte("package a\nimport (_ \"fender/internal/b/c\"; _ \"os\")\n")},
		"internal/a/a_test.go":          {Data: []byte("package a\nimport _ \"fender/internal/d\"\n")},
		"internal/b/c/c.go":             {Data: []byte("package c\nimport _ \"fender/internal/d\"\n")},
		"internal/d/d.go":               {Data: []byte("package d\nimport _ \"fender/internal/a\"\n")},
		"internal/e/e_test.go":          {Data: []byte("package e\nimport _ \"fender/internal/a\"\n")},
		"tools/go.mod":                  {Data: []byte("module tools\n")},
		"tools/x.go":                    {Data: []byte("not go")},
		"internal/a/testdata/broken.go": {Data: []byte("not go")},
	})
	if err != nil {
		t.Fatal(err)
	}
	arrows, err := parseArrows("<!-- arrows -->\n| room | may import |\n|---|---|\n" +
		"| `cmd/x` | everything under `internal` |\n| `internal/a` | `internal/b/...` |\n" +
		"| `internal/b/...` | nothing |\n| `internal/gone` | `internal/a`, `internal/lost` |\n<!-- /arrows -->")
	if err != nil {
		t.Fatal(err)
	}
	got := checkArrows(arrows, pkgs)
	slices.Sort(got)
	want := []string{
		"arrows: internal/d has no row",
		"arrows: internal/gone may import internal/lost, which does not exist",
		"arrows: there is no internal/gone",
		"internal/b/c imports internal/d (c.go), which the row of internal/b/... does not allow",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseArrows_RefusesATableThatSaysNothing(t *testing.T) {
	head := "<!-- arrows -->\n| room | may import |\n|---|---|\n"
	for _, text := range []string{
		"", head, head + "<!-- /arrows -->", head + "| a | nothing |\n<!-- /arrows -->", head + "| `a` | all |\n<!-- /arrows -->",
	} {
		if arrows, err := parseArrows(text); err == nil {
			t.Errorf("%q was read as %v", text, arrows)
		}
	}
}
