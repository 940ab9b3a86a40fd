package options

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrHelp and ErrVersion are what Read returns when the command line asks for them.
var (
	ErrHelp    = errors.New("help was asked for")
	ErrVersion = errors.New("the version was asked for")
)

// ErrNoApplication is what a ConfigError is (errors.Is) when the one thing wrong is that no application was
// named: exit code 22, uWSGI's number.
var ErrNoApplication = errors.New("no application")

// UsageError is a command line that cannot be understood: exit code 2.
type UsageError struct {
	// Problems are sentences, one for each mistake.
	Problems []string
}

func (e *UsageError) Error() string { return strings.Join(e.Problems, "\n") }

// ConfigError is a configuration that was understood and cannot be used: exit code 1. It carries everything
// that is wrong, so that one run is enough to mend it.
type ConfigError struct {
	Problems []Problem
}

// Problem is one thing that is wrong with the configuration.
type Problem struct {
	// Options are the names of the options concerned, the most likely culprit first; empty for a file.
	Options []string
	// Origin is where the culprit stands.
	Origin string
	// What says what is wrong, Hint what to do about it.
	What, Hint string

	noApplication bool
}

// String is the problem in one line: origin, what, hint.
func (p Problem) String() string {
	line := p.What
	if p.Origin != "" {
		line = p.Origin + ": " + line
	}
	if p.Hint != "" {
		line += "; " + p.Hint
	}
	return line
}

func (e *ConfigError) Error() string {
	if len(e.Problems) == 1 {
		return e.Problems[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d problems in the configuration:", len(e.Problems))
	for _, p := range e.Problems {
		b.WriteString("\n  ")
		b.WriteString(p.String())
	}
	return b.String()
}

// Is makes errors.Is(err, ErrNoApplication) work.
func (e *ConfigError) Is(target error) bool {
	return target == ErrNoApplication && len(e.Problems) == 1 && e.Problems[0].noApplication
}

// without drops the problems that only follow from a value that could not be read.
func without(problems []Problem, unread []Problem) []Problem {
	broken := map[string]bool{}
	for _, p := range unread {
		for _, name := range p.Options {
			broken[name] = true
		}
	}
	return slices.DeleteFunc(problems, func(p Problem) bool {
		return slices.ContainsFunc(p.Options, func(name string) bool { return broken[name] })
	})
}

// concernsFile says whether a file could not be read.
func concernsFile(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return slices.Contains(p.Options, "ini") })
}

// shown is a piece of foreign text made safe for a message: quoted, and cut if it is long.
func shown(text string) string {
	const most = 80
	if len(text) > most {
		return fmt.Sprintf("%q...", text[:most])
	}
	return fmt.Sprintf("%q", text)
}
