package siege

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// ReadURLs reads a file of URLs as siege does: one request a line, comments behind #, NAME=value, and
// $NAME, ${NAME} or $(NAME) in what follows (\$ is a dollar). A name that the file does not set is one
// of the environment.
func ReadURLs(r io.Reader, getenv func(string) string) ([]*Request, error) {
	var all []*Request
	vars := map[string]string{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, isVar := variable(line)
		text, err := expand(line, vars, getenv)
		if isVar {
			text, err = expand(value, vars, getenv)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if isVar {
			vars[name] = text
			continue
		}
		req, err := ParseRequest(comment(text))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		all = append(all, req)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there is no URL in it")
	}
	return all, nil
}

// variable takes NAME=value apart: before the = only letters, digits and underscores, as in siege.
func variable(line string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(line, "=")
	name = strings.TrimRight(name, " \t")
	if !ok || name == "" || strings.ContainsFunc(name, func(c rune) bool { return !isName(c) }) {
		return "", "", false
	}
	return name, unquote(comment(strings.TrimSpace(value))), true
}

func isName(c rune) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func unquote(s string) string {
	if len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// comment cuts a comment off that stands behind a blank. A line with a method keeps it: it may be
// part of the body.
func comment(s string) string {
	if _, _, body, _ := split(s); body != "" {
		return s
	}
	for _, mark := range []string{" #", "\t#"} {
		s, _, _ = strings.Cut(s, mark)
	}
	return unquote(strings.TrimSpace(s))
}

// expand puts the values of variables in their places.
func expand(line string, vars map[string]string, getenv func(string) string) (string, error) {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(line, "$")
		if plain, escaped := strings.CutSuffix(before, "\\"); ok && escaped {
			b.WriteString(plain + "$")
			line = rest
			continue
		}
		b.WriteString(before)
		if !ok {
			return b.String(), nil
		}
		name, after, err := reference(rest)
		if err != nil {
			return "", err
		}
		if name == "" { // a dollar in a query string
			b.WriteString("$")
			line = rest
			continue
		}
		value, known := vars[name]
		if !known {
			if value = getenv(name); value == "" {
				return "", fmt.Errorf("$%s is set neither above nor in the environment; \\$ is a dollar", name)
			}
		}
		b.WriteString(value)
		line = after
	}
}

// reference reads NAME, {NAME} or (NAME) at the beginning of s.
func reference(s string) (name, after string, err error) {
	for _, pair := range []string{"{}", "()"} {
		if inner, ok := strings.CutPrefix(s, pair[:1]); ok {
			name, after, ok = strings.Cut(inner, pair[1:])
			if !ok {
				return "", "", fmt.Errorf("$%s... has no closing %s", pair[:1], pair[1:])
			}
			return strings.TrimSpace(name), after, nil
		}
	}
	at := strings.IndexFunc(s, func(c rune) bool { return !isName(c) })
	if at < 0 {
		at = len(s)
	}
	return s[:at], s[at:], nil
}
