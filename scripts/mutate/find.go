package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// mutant is one small change.
type mutant struct {
	id      int // from 1; the value of the variable that brings it to life
	name    string
	outcome outcome
}

// source is one file and what is to be changed in it.
type source struct {
	path   string
	text   []byte
	fset   *token.FileSet
	syntax *ast.File
	// wrap gives a node's new text; it gets what the node's own text has become.
	wrap     map[ast.Node][]func(string) string
	function string // that is being looked at
	mutants  *[]*mutant
	names    map[string]int // how often each name was given
}

// mutate finds all mutants of the package in dir and returns the files' new texts by their paths.
func mutate(dir string) (map[string]string, []*mutant, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, nil, err
	}
	files := map[string]string{}
	var mutants []*mutant
	names := map[string]int{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		s, err := newSource(path, text, &mutants, names)
		if err != nil {
			return nil, nil, err
		}
		absolute, err := filepath.Abs(path)
		if err != nil {
			return nil, nil, err
		}
		files[absolute] = s.find()
	}
	if len(mutants) == 0 {
		return nil, nil, fmt.Errorf("there is nothing to change in %s", dir)
	}
	return files, mutants, nil
}

func newSource(path string, text []byte, mutants *[]*mutant, names map[string]int) (*source, error) {
	s := &source{
		path: path, text: text, fset: token.NewFileSet(), mutants: mutants, names: names,
		wrap: map[ast.Node][]func(string) string{},
	}
	var err error
	s.syntax, err = parser.ParseFile(s.fset, path, text, parser.SkipObjectResolution)
	return s, err
}

// find marks what can be changed and returns the file's new text.
func (s *source) find() string {
	for _, d := range s.syntax.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		s.function = functionName(f)
		ast.Inspect(f.Body, func(n ast.Node) bool {
			s.node(n)
			return true
		})
	}
	return s.render(s.syntax)
}

func functionName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	t := f.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	return fmt.Sprintf("%s.%s", t.(*ast.Ident).Name, f.Name.Name)
}

// add makes a mutant of a node. what says how it is changed; wrap makes the new text of the old and
// the mutant's number.
func (s *source) add(n ast.Node, what string, wrap func(old string, id int) string) {
	name := fmt.Sprintf("%s %s: %s", filepath.Base(s.path), s.function, what)
	s.names[name]++
	if k := s.names[name]; k > 1 {
		name = fmt.Sprintf("%s (%d)", name, k) // the same again in this function
	}
	m := &mutant{id: len(*s.mutants) + 1, name: name}
	*s.mutants = append(*s.mutants, m)
	s.wrap[n] = append(s.wrap[n], func(old string) string { return wrap(old, m.id) })
}

// old is a node's text on one line.
func (s *source) old(n ast.Node) string {
	return strings.Join(strings.Fields(string(s.text[s.offset(n.Pos()):s.offset(n.End())])), " ")
}

func (s *source) offset(p token.Pos) int { return s.fset.Position(p).Offset }

// render is a node's text with all changes below it and its own.
func (s *source) render(n ast.Node) string {
	text := s.inner(n)
	for _, w := range s.wrap[n] {
		text = w(text)
	}
	return text
}

// inner is a node's text with all changes below it.
func (s *source) inner(n ast.Node) string {
	at, end := s.offset(n.Pos()), s.offset(n.End())
	if n == s.syntax { // comments before and behind it belong to it
		at, end = 0, len(s.text)
	}
	var b strings.Builder
	for _, child := range s.changed(n) {
		b.Write(s.text[at:s.offset(child.Pos())])
		b.WriteString(s.render(child))
		at = s.offset(child.End())
	}
	b.Write(s.text[at:end])
	return b.String()
}

// changed lists the topmost changed nodes below n, in order.
func (s *source) changed(n ast.Node) []ast.Node {
	var all []ast.Node
	ast.Inspect(n, func(x ast.Node) bool {
		if x != nil && x != n && len(s.wrap[x]) > 0 {
			all = append(all, x)
			return false
		}
		return true
	})
	return all
}
