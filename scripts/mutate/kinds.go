package main

import (
	"fmt"
	"go/ast"
	"go/token"
)

// The kinds of changes:
//   - a condition is negated, and a comparison's boundary moved
//   - && and || change places, + and -, * and +, min and max
//   - true and false change places
//   - a statement is left out: a call, an assignment, ++ and --, a bare return, continue, break
//
// Each keeps both forms in the program, so that one binary holds all mutants. Both forms of an
// arithmetic expression are computed: nothing is divided that was not divided before.

var boundary = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
}

var arithmetic = map[token.Token]token.Token{
	token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.ADD, token.QUO: token.MUL,
}

// node marks what can be changed at n itself and, for statements, in its list.
func (s *source) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.BlockStmt:
		s.statements(n.List)
	case *ast.CaseClause:
		s.statements(n.Body)
	case *ast.IfStmt:
		s.condition(n.Cond)
	case *ast.ForStmt:
		if n.Cond != nil {
			s.condition(n.Cond)
		}
	case *ast.SwitchStmt:
		if n.Tag == nil {
			for _, c := range n.Body.List {
				for _, e := range c.(*ast.CaseClause).List {
					s.condition(e)
				}
			}
		}
	case *ast.BinaryExpr:
		s.binary(n)
	case *ast.CallExpr:
		s.extreme(n)
	case *ast.Ident:
		s.literal(n)
	}
}

// condition negates the parts of a condition that are no comparisons: those are negated wherever
// they stand.
func (s *source) condition(e ast.Expr) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		s.condition(e.X)
		return
	case *ast.BinaryExpr:
		if e.Op == token.LAND || e.Op == token.LOR {
			s.condition(e.X)
			s.condition(e.Y)
		}
		return
	case *ast.UnaryExpr:
		if e.Op == token.NOT {
			s.condition(e.X)
		}
		return
	case *ast.Ident:
		if e.Name == "true" || e.Name == "false" {
			return
		}
	}
	s.add(e, fmt.Sprintf("`%s` negated", s.old(e)), negated)
}

func negated(old string, id int) string { return fmt.Sprintf("((%s) != (mutant == %d))", old, id) }

func (s *source) binary(e *ast.BinaryExpr) {
	old := s.old(e)
	// These replace the operator, so they build on the operands and not on the text so far; they
	// must come first.
	replace := func(op token.Token, form string) {
		s.add(e, fmt.Sprintf("`%s` with %s", old, op), func(before string, id int) string {
			after := fmt.Sprintf("%s %s %s", s.render(e.X), op, s.render(e.Y))
			return fmt.Sprintf(form, id, before, after)
		})
	}
	const either = "(mutant != %[1]d && (%[2]s) || mutant == %[1]d && (%[3]s))"
	switch e.Op {
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		replace(boundary[e.Op], either)
		s.add(e, fmt.Sprintf("`%s` negated", old), negated)
	case token.EQL, token.NEQ:
		s.add(e, fmt.Sprintf("`%s` negated", old), negated)
	case token.LAND:
		replace(token.LOR, either)
	case token.LOR:
		replace(token.LAND, either)
	case token.ADD, token.SUB, token.MUL, token.QUO:
		if !isText(e) {
			replace(arithmetic[e.Op], "orMutant(%d, %s, %s)")
		}
	}
}

// isText tells whether an addition joins strings. A literal tells; there are no types here.
func isText(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return e.Kind == token.STRING
	case *ast.BinaryExpr:
		return isText(e.X) || isText(e.Y)
	}
	return false
}

// extreme swaps min and max.
func (s *source) extreme(e *ast.CallExpr) {
	f, ok := e.Fun.(*ast.Ident)
	if !ok || f.Name != "min" && f.Name != "max" {
		return
	}
	other := map[string]string{"min": "max", "max": "min"}[f.Name]
	s.add(e, fmt.Sprintf("`%s` with %s", s.old(e), other), func(before string, id int) string {
		args := ""
		for _, a := range e.Args {
			args += s.render(a) + ", "
		}
		return fmt.Sprintf("orMutant(%d, %s, %s(%s))", id, before, other, args)
	})
}

func (s *source) literal(e *ast.Ident) {
	switch e.Name {
	case "true":
		s.add(e, "true is false", func(_ string, id int) string { return fmt.Sprintf("(mutant != %d)", id) })
	case "false":
		s.add(e, "false is true", func(_ string, id int) string { return fmt.Sprintf("(mutant == %d)", id) })
	}
}

// statements leaves out what can be left out of a list.
func (s *source) statements(list []ast.Stmt) {
	for _, x := range list {
		switch x := x.(type) {
		case *ast.ExprStmt, *ast.IncDecStmt:
		case *ast.AssignStmt:
			if x.Tok == token.DEFINE {
				continue
			}
		case *ast.ReturnStmt:
			if len(x.Results) > 0 {
				continue
			}
		case *ast.BranchStmt:
			if x.Tok != token.CONTINUE && x.Tok != token.BREAK {
				continue
			}
		default:
			continue
		}
		s.add(x, fmt.Sprintf("`%s` left out", s.old(x)), func(old string, id int) string {
			return fmt.Sprintf("if mutant != %d {\n%s\n}", id, old)
		})
	}
}
