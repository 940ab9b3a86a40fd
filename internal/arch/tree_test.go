package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "fender"

// pkg is one package as its files show it.
type pkg struct {
	dir     string // from the root, "/" between: internal/cli
	name    string
	docs    []string            // package comments
	imports map[string][]string // of files that are no tests -> the files
	cgo     []string            // files that import "C", tests too
	files   []*ast.File         // that are no tests
}

// tree reads every package below root, but those of other modules, of testdata and of hidden or
// underscored folders, as the go command does.
func tree(root fs.FS) (map[string]*pkg, error) {
	pkgs := map[string]*pkg{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			base := path.Base(name)
			if name == "." {
				return nil
			}
			if _, err := fs.Stat(root, name+"/go.mod"); err == nil || base == "testdata" || strings.ContainsAny(base[:1], "._") {
				return fs.SkipDir
			}
			return nil
		case !strings.HasSuffix(name, ".go"):
			return nil
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		dir := path.Dir(name)
		if pkgs[dir] == nil {
			pkgs[dir] = &pkg{dir: dir, imports: map[string][]string{}}
		}
		pkgs[dir].add(name, file)
		return nil
	})
	for dir, p := range pkgs {
		if p.name == "" { // tests only
			delete(pkgs, dir)
		}
	}
	return pkgs, err
}

func (p *pkg) add(name string, file *ast.File) {
	test := strings.HasSuffix(name, "_test.go")
	for _, spec := range file.Imports {
		target, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
		if target == "C" {
			p.cgo = append(p.cgo, name)
		}
		if !test {
			p.imports[target] = append(p.imports[target], path.Base(name))
		}
	}
	if test {
		return
	}
	p.name = file.Name.Name
	p.files = append(p.files, file)
	if file.Doc != nil {
		p.docs = append(p.docs, file.Doc.Text())
	}
}

// project is the tree of this repository, read once.
var project = func() func(*testing.T) map[string]*pkg {
	pkgs, err := tree(os.DirFS("../.."))
	return func(t *testing.T) map[string]*pkg {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if pkgs["cmd/fender"] == nil || pkgs["internal/arch"] == nil {
			t.Fatal("the root of the project is not where this test looks")
		}
		return pkgs
	}
}()

func architecture(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// section is what stands between <!-- name --> and <!-- /name -->.
func section(text, name string) (string, error) {
	_, rest, ok := strings.Cut(text, "<!-- "+name+" -->")
	inner, _, closed := strings.Cut(rest, "<!-- /"+name+" -->")
	if !ok || !closed {
		return "", fmt.Errorf("ARCHITECTURE.md has no <!-- %s --> ... <!-- /%[1]s -->", name)
	}
	return inner, nil
}

// rows are the cells of a Markdown table, without its head.
func rows(table string) [][]string {
	var all [][]string
	for line := range strings.Lines(table) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		all = append(all, cells)
	}
	if len(all) < 2 {
		return nil
	}
	return all[2:] // behind the head and its line
}

// quoted are the words between backquotes.
func quoted(cell string) []string {
	var words []string
	for i, part := range strings.Split(cell, "`") {
		if i%2 == 1 {
			words = append(words, part)
		}
	}
	return words
}

// report fails the test with each problem.
func report(t *testing.T, problems []string) {
	t.Helper()
	slices.Sort(problems)
	for _, p := range problems {
		t.Error(p)
	}
}
