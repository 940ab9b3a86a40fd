package scenario

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Limit is the longest file.
const Limit = 64 << 10

// Parse reads the text of a scenario. An error names the line.
func Parse(name string, text []byte) (*Scenario, error) {
	if len(text) > Limit {
		return nil, fmt.Errorf("%s: larger than %d KiB: is it a scenario?", name, Limit>>10)
	}
	s := &Scenario{Name: name, Instances: 1}
	seen := map[string]int{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if i := strings.IndexFunc(line, func(c rune) bool { return c != '\t' && !strconv.IsPrint(c) }); i >= 0 {
			return nil, fmt.Errorf("%s, line %d: %+q cannot be printed: is it a scenario?", name, number, line[i:min(len(line), i+8)])
		}
		verb, rest, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
		read, ok := verbs[verb]
		if !ok {
			return nil, fmt.Errorf("%s, line %d: %q begins no line: there are %s", name, number, verb, strings.Join(keys(verbs), ", "))
		}
		if once := []string{"title", "stacks", "instances", "harm"}; seen[verb] > 0 && slices.Contains(once, verb) {
			return nil, fmt.Errorf("%s, line %d: %s stands in line %d already", name, number, verb, seen[verb])
		}
		seen[verb] = number
		if err := read(s, strings.TrimSpace(rest)); err != nil {
			return nil, fmt.Errorf("%s, line %d: %s: %w", name, number, verb, err)
		}
	}
	if err := s.whole(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// verbs are the words that begin a line.
var verbs = map[string]func(*Scenario, string) error{}

func init() { // not in the declaration: the errors list the verbs
	verbs["title"] = func(s *Scenario, rest string) error {
		s.Title = rest
		return some(rest)
	}
	verbs["about"] = func(s *Scenario, rest string) error {
		s.About = append(s.About, rest)
		return some(rest)
	}
	for verb, read := range map[string]func(*Scenario, *words) error{
		"stacks": readStacks, "set": readSet, "stress": readStress, "balancer": readBalancer, "instances": readInstances,
		"harm": func(s *Scenario, _ *words) error { s.Harm = true; return nil }, "request": readRequest, "phase": readPhase,
		"during": readDuring, "beside": readBeside, "needs": readNeeds, "expect": readExpect,
	} {
		verbs[verb] = func(s *Scenario, rest string) error {
			w, err := split(rest)
			if err != nil {
				return err
			}
			if err := read(s, w); err != nil {
				return err
			}
			return w.end()
		}
	}
}

func some(text string) error {
	if text == "" {
		return errors.New("the text is missing")
	}
	return nil
}

func readStacks(s *Scenario, w *words) error {
	for len(w.rest) > 0 {
		name, err := w.next("a stack")
		if err != nil {
			return err
		}
		if slices.Contains(s.Stacks, name) {
			return fmt.Errorf("%s stands there twice", name)
		}
		s.Stacks = append(s.Stacks, name)
	}
	if len(s.Stacks) == 0 {
		return errors.New("the names of stacks are missing")
	}
	return nil
}

func readOption(options *[]Option, w *words) error {
	name, err := w.oneOf("an option", keys(known))
	if err != nil {
		return err
	}
	if slices.ContainsFunc(*options, func(o Option) bool { return o.Name == name }) {
		return fmt.Errorf("%s is set twice", name)
	}
	n, err := w.count("the value", 1_000_000)
	*options = append(*options, Option{name, strconv.Itoa(n)})
	return err
}

func readSet(s *Scenario, w *words) error    { return readOption(&s.Options, w) }
func readStress(s *Scenario, w *words) error { return readOption(&s.Stress, w) }

func readBalancer(s *Scenario, w *words) error {
	name, err := w.oneOf("a property of the balancer", keys(settings))
	if err != nil {
		return err
	}
	if s.Setting(name) != 0 {
		return fmt.Errorf("%s is set twice", name)
	}
	d, err := w.duration()
	s.Balancer = append(s.Balancer, Setting{name, d})
	return err
}

func readInstances(s *Scenario, w *words) (err error) {
	s.Instances, err = w.count("a number of instances", 8)
	return err
}

func readRequest(s *Scenario, w *words) (err error) {
	r := Request{Times: 1}
	if r.Method, err = w.oneOf("a method", []string{"GET", "HEAD", "POST"}); err != nil {
		return err
	}
	if r.Path, err = w.next("a path"); err != nil {
		return err
	}
	if !strings.HasPrefix(r.Path, "/") || strings.ContainsFunc(r.Path, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' }) {
		return fmt.Errorf("%q is no path: it begins with / and has neither blanks nor quotes", r.Path)
	}
	if _, err := scalePath(r.Path, 1); err != nil {
		return err
	}
	if w.optional("body") {
		if r.Method != http.MethodPost {
			return fmt.Errorf("%s has no body", r.Method)
		}
		if r.Body, err = readSize(w); err != nil {
			return err
		}
	}
	if w.optional("times") {
		if r.Times, err = w.count("a number", 100); err != nil {
			return err
		}
	}
	s.Requests = append(s.Requests, r)
	return nil
}

// Bounds of what the clients send: all bodies stand in the file that siege is given.
const (
	mostBody   = 8 << 20
	mostBodies = 64 << 20
)

func readSize(w *words) (int64, error) {
	text, err := w.next("a size")
	if err != nil {
		return 0, err
	}
	number, unit := text, int64(1)
	for suffix, n := range map[string]int64{"k": 1 << 10, "m": 1 << 20} {
		if cut, ok := strings.CutSuffix(text, suffix); ok {
			number, unit = cut, n
		}
	}
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || n < 1 || n*unit > mostBody {
		return 0, fmt.Errorf("%q is no size up to %dm: write 100, 64k or 2m", text, mostBody>>20)
	}
	return n * unit, nil
}

func readNeeds(s *Scenario, w *words) error {
	e, err := readExpectation(w)
	s.Needs = append(s.Needs, e)
	return err
}

func readExpect(s *Scenario, w *words) error {
	e, err := readExpectation(w)
	s.Expects = append(s.Expects, e)
	return err
}
