package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// problem is one thing that is wrong, at a path such as Listeners[0].Rules[2].Priority.
type problem struct {
	at, text string
	line     int // 0: where the path stands
}

func (p problem) Error() string {
	if p.at == "" {
		return clip(p.text)
	}
	return p.at + ": " + clip(p.text)
}

const (
	longestText  = 400 // of a problem: values may be of any length
	mostProblems = 50  // that are said, of a file or of a Config
)

func clip(text string) string {
	if len(text) <= longestText {
		return text
	}
	return strings.ToValidUTF8(text[:longestText], "") + "..."
}

// reader remembers in which line each path stands, so that Validate's problems can be found too.
type reader struct {
	file     string
	lines    map[string]int
	problems []problem
}

// place is a node of the file with its path.
type place struct {
	r    *reader
	node *yaml.Node
	at   string
}

// keys are what a mapping may hold, and what reads each.
type keys map[string]func(place)

func (p place) fail(format string, args ...any) {
	p.r.problems = append(p.r.problems, problem{at: p.at, text: fmt.Sprintf(format, args...), line: p.node.Line})
}

func (p place) child(name string, node *yaml.Node, line int) place {
	c := place{p.r, node, p.at + name}
	if p.at == "" {
		c.at = strings.TrimPrefix(name, ".")
	}
	p.r.lines[c.at] = line
	return c
}

// mapping hands each value to its reader. notHere are keys of AWS's that get their own sentence.
func (p place) mapping(k keys) {
	if p.node.Kind != yaml.MappingNode {
		p.fail("keys and values are expected here")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(p.node.Content); i += 2 {
		key, value := p.node.Content[i], p.node.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			place{p.r, key, p.at}.fail("a key is a word")
			continue
		}
		read, known := k[key.Value]
		why, refused := notHere[key.Value]
		if !known && !refused {
			if !seen[key.Value] {
				place{p.r, key, p.at}.fail("there is no key %s%s", shown(key.Value), didYouMean(key.Value, k))
			}
			seen[key.Value] = true
			continue
		}
		c := p.child("."+key.Value, value, key.Line)
		switch {
		case seen[key.Value]:
			c.fail("it stands here twice")
		case known && value.Kind == yaml.AliasNode:
			c.fail("anchors and aliases are not read here; write the value out")
		case known:
			read(c)
		default:
			c.fail("%s", why)
		}
		seen[key.Value] = true
	}
}

// shown is a word of the file within quotes, cut when it is long.
func shown(word string) string {
	if len(word) > longestWord {
		word = word[:longestWord] + "..."
	}
	return strconv.Quote(word)
}

func (p place) list(each func(place)) {
	if p.node.Kind != yaml.SequenceNode {
		p.fail("a list is expected here")
		return
	}
	for i, node := range p.node.Content {
		c := p.child("["+strconv.Itoa(i)+"]", node, node.Line)
		if node.Kind == yaml.AliasNode {
			c.fail("anchors and aliases are not read here; write the value out")
			continue
		}
		each(c)
	}
}

// scalar is the value as it is written: 10, "10", true and on are all text at first.
func (p place) scalar() (string, bool) {
	if p.node.Kind != yaml.ScalarNode || p.node.Tag == "!!null" {
		p.fail("a value is expected here")
		return "", false
	}
	return p.node.Value, true
}

func (p place) text(to *string) {
	if s, ok := p.scalar(); ok {
		*to = s
	}
}

func (p place) texts(to *[]string) {
	p.list(func(p place) {
		var s string
		p.text(&s)
		*to = append(*to, s)
	})
}

func (p place) integer(to *int) {
	s, ok := p.scalar()
	if !ok {
		return
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		p.fail("%q is not a whole number", s)
		return
	}
	*to = n
}

func (p place) boolean(to *bool) {
	s, ok := p.scalar()
	if !ok {
		return
	}
	b, err := parseBool(s)
	if err != nil {
		p.fail("%v", err)
		return
	}
	*to = b
}

func parseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", s)
}

func parseOn(s string) (bool, error) {
	switch s {
	case "on":
		return true, nil
	case "off":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither on nor off", s)
}

// all joins the problems, each with the file and the line of the nearest path that stands in it.
func (r *reader) all() error {
	return join(r.problems, func(p problem) error {
		if p.line == 0 {
			p.line = r.line(p.at)
		}
		return fmt.Errorf("%s:%d: %w", r.file, p.line, p)
	})
}

// join is the first of the problems, and how many more there are.
func join(problems []problem, say func(problem) error) error {
	var all []error
	for _, p := range problems[:min(len(problems), mostProblems)] {
		all = append(all, say(p))
	}
	if more := len(problems) - mostProblems; more > 0 {
		all = append(all, fmt.Errorf("and %d more", more))
	}
	return errors.Join(all...)
}

func (r *reader) line(at string) int {
	for {
		if line, ok := r.lines[at]; ok {
			return line
		}
		i := strings.LastIndexAny(at, ".[")
		if i < 0 {
			return 1
		}
		at = at[:i]
	}
}

func (p place) seconds(to *time.Duration) {
	var n int
	if p.integer(&n); n < 0 || n > 1<<30 {
		p.fail("%d is not a number of seconds", n)
		return
	}
	*to = time.Duration(n) * time.Second
}
