package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

func readPhase(s *Scenario, w *words) (err error) {
	var p Phase
	if p.Name, err = w.quoted("the phase's name"); err != nil {
		return err
	}
	if s.phase(p.Name) {
		return fmt.Errorf("there are two phases %q", p.Name)
	}
	if err := p.readLoad(w); err != nil {
		return err
	}
	switch {
	case w.optional("for"):
		p.For, err = w.duration()
		p.Most = p.For
	case w.optional("until"):
		err = p.readUntil(w)
	default:
		err = errors.New("its end is missing: for 20s, or until born 2 usually 30s at most 2m")
	}
	s.Phases = append(s.Phases, p)
	return err
}

func (p *Phase) readLoad(w *words) error {
	if w.optional("nobody") {
		return nil
	}
	text, err := w.next("the load: 50 users, 100/s or nobody")
	if err != nil {
		return err
	}
	if rate, ok := strings.CutSuffix(text, "/s"); ok {
		if p.Rate, err = strconv.ParseFloat(rate, 64); err != nil || !(p.Rate > 0 && p.Rate <= 100_000) {
			return fmt.Errorf("%q is no rate: it is above 0/s and at most 100000/s", text)
		}
		return nil
	}
	if p.Users, err = strconv.Atoi(text); err != nil || p.Users < 1 || p.Users > 10_000 || !w.optional("users") {
		return fmt.Errorf("%q is no load: write 50 users (1 to 10000), 100/s or nobody", text)
	}
	return nil
}

func (p *Phase) readUntil(w *words) (err error) {
	p.Until = &Event{}
	if p.Until.Kind, err = w.oneOf("an event", Events); err != nil {
		return err
	}
	if p.Until.Count, err = w.count("a number of them", 10_000); err != nil {
		return err
	}
	if !w.optional("usually") {
		return errors.New("how long it usually takes is missing: usually 30s at most 2m")
	}
	if p.For, err = w.duration(); err != nil {
		return err
	}
	if !w.optional("at", "most") {
		return errors.New("its bound is missing: at most 2m")
	}
	if p.Most, err = w.duration(); err != nil {
		return err
	}
	if p.Most < p.For {
		return fmt.Errorf("at most %s is less than what it usually takes, %s", clock(p.Most), clock(p.For))
	}
	return nil
}

func (s *Scenario) phase(name string) bool {
	return slices.ContainsFunc(s.Phases, func(p Phase) bool { return p.Name == name })
}

func readDuring(s *Scenario, w *words) (err error) {
	var f Fault
	if f.Phase, err = w.quoted("the phase's name"); err != nil {
		return err
	}
	switch {
	case w.optional("every"):
		f.Every, err = w.duration()
	case w.optional("after"):
		f.After, err = w.duration()
	default:
		err = errors.New("when is missing: every 150ms, or after 5s")
	}
	if err != nil {
		return err
	}
	f.Action, err = w.choice("what is done", Actions)
	s.Faults = append(s.Faults, f)
	return err
}

func readBeside(s *Scenario, w *words) (err error) {
	var b Beside
	if b.Phase, err = w.quoted("the phase's name"); err != nil {
		return err
	}
	if b.Count, err = w.count("a number of clients", 1000); err != nil {
		return err
	}
	if b.Kind, err = w.choice("a kind of clients", SlowKinds); err != nil {
		return err
	}
	if b.Path, err = w.next("a path"); err != nil {
		return err
	}
	if !strings.HasPrefix(b.Path, "/") {
		return fmt.Errorf("%q is no path", b.Path)
	}
	s.Beside = append(s.Beside, b)
	return nil
}

// choice takes one of several phrases, which may be of several words.
func (w *words) choice(what string, all []string) (string, error) {
	for _, phrase := range all {
		if w.optional(strings.Fields(phrase)...) {
			return phrase, nil
		}
	}
	return "", fmt.Errorf("%s is not there: write one of: %s", what, strings.Join(all, ", "))
}

// whole checks what no line alone can know.
func (s *Scenario) whole() error {
	switch {
	case s.Title == "":
		return errors.New("it has no title")
	case len(s.Requests) == 0:
		return errors.New("no line says what is requested")
	case len(s.Phases) == 0:
		return errors.New("it has no phase")
	case !slices.ContainsFunc(s.Phases, func(p Phase) bool { return p.Users > 0 || p.Rate > 0 }):
		return errors.New("in none of its phases anybody asks for anything")
	case len(s.Needs) == 0:
		return errors.New("no line \"needs\" says what must have happened: a scenario without its fault shows nothing")
	case len(s.Expects) == 0:
		return errors.New("it expects nothing")
	}
	bodies := int64(0)
	for _, q := range s.Requests {
		bodies += q.Body * int64(q.Times)
	}
	if bodies > mostBodies {
		return fmt.Errorf("the bodies of its requests are %d MiB together, more than %d: make them smaller, or their times", bodies>>20, mostBodies>>20)
	}
	for _, f := range s.Faults {
		switch {
		case !s.phase(f.Phase):
			return fmt.Errorf("during names a phase that is not there, %q", f.Phase)
		case f.Action == "deploy" && s.Instances < 2:
			return errors.New("a deploy needs at least 2 instances")
		case f.Action == "crash" && !s.Harm:
			return errors.New("a crash needs the line \"harm\": without it the site has no such view")
		case f.Action == "deploy" && f.Every > 0:
			return errors.New("a deploy comes once: write after, not every")
		}
	}
	for _, b := range s.Beside {
		if !s.phase(b.Phase) {
			return fmt.Errorf("beside names a phase that is not there, %q", b.Phase)
		}
	}
	for _, e := range slices.Concat(s.Needs, s.Expects) {
		if e.Phase != "" && !s.phase(e.Phase) {
			return fmt.Errorf("%s: there is no phase %q", e, e.Phase)
		}
	}
	if _, most := s.Length(); most > 24*time.Hour {
		return errors.New("it may take longer than a day")
	}
	return nil
}
