package arch

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// pure are the rooms that decide: values go in, values come out.
var pure = []string{
	"internal/workers/pool", "internal/workers/scaler",
	"internal/proving/alb/message", "internal/proving/alb/desync", "internal/proving/alb/page",
}

// impure are the packages with which something could be done or waited for.
var impure = []string{"net", "os", "syscall", "io", "sync", "context", "log", "unsafe", "runtime", "golang.org/x"}

// clocks are the names of package time that read or wait for a clock.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// checkPure finds input, output, clocks and goroutines in the packages of the rooms.
func checkPure(rooms []string, pkgs map[string]*pkg) (problems []string) {
	for _, room := range rooms {
		p := pkgs[room]
		if p == nil {
			problems = append(problems, room+": does not exist")
			continue
		}
		for target, files := range p.imports {
			if slices.ContainsFunc(impure, func(bad string) bool { return target == bad || strings.HasPrefix(target, bad+"/") }) {
				problems = append(problems, fmt.Sprintf("%s: imports %s (%s), but it only decides", room, target, strings.Join(files, ", ")))
			}
		}
		for _, file := range p.files {
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					problems = append(problems, room+": starts a goroutine, but it only decides")
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clocks, n.Sel.Name) {
						problems = append(problems, fmt.Sprintf("%s: uses time.%s, but the time is given to it", room, n.Sel.Name))
					}
				}
				return true
			})
		}
	}
	return problems
}

func TestDecisions_HaveNoSocketsProcessesClocksOrGoroutines(t *testing.T) {
	report(t, checkPure(pure, project(t)))
}

func TestCheckPure_FindsEveryKindOfProblem(t *testing.T) {
	pkgs, err := tree(fstest.MapFS{
		"a/a.go": {Data: []byte("package a\nimport (\"time\"; \"os/exec\"; \"fmt\")\nvar d time.Duration\nfunc f() { go f(); time.Now(); exec.Command(fmt.Sprint()) }\n")},
		"b/b.go": {Data: []byte("package b\nimport \"time\"\nvar d = time.Second\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := checkPure([]string{"a", "b", "c"}, pkgs)
	slices.Sort(got)
	want := []string{
		"a: imports os/exec (a.go), but it only decides",
		"a: starts a goroutine, but it only decides",
		"a: uses time.Now, but the time is given to it",
		"c: does not exist",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
