package lab

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fender/internal/proving/lab/scenario"
	"fender/scenarios"
)

const ending = ".scenario"

// Library are the scenarios that fender carries along, the incident first.
func Library() ([]*scenario.Scenario, error) {
	names, err := fs.Glob(scenarios.Files, "*"+ending)
	if err != nil {
		return nil, err
	}
	var first, rest []*scenario.Scenario
	for _, name := range names {
		s, err := read(scenarios.Files.ReadFile, name)
		if err != nil {
			return nil, err
		}
		if s.Name == "incident" {
			first = append(first, s)
		} else {
			rest = append(rest, s)
		}
	}
	return append(first, rest...), nil
}

// ErrNoScenario says that there is no scenario of that name.
var ErrNoScenario = errors.New("no such scenario")

// Find is the scenario of that name, or the one in the file when the name is a path.
func Find(name string) (*scenario.Scenario, error) {
	if strings.ContainsRune(name, os.PathSeparator) || strings.HasSuffix(name, ending) {
		return read(readFile, name)
	}
	all, err := Library()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range all {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return nil, fmt.Errorf("%w as %q: there are %s, and files (./mine.scenario)", ErrNoScenario, name, strings.Join(names, ", "))
}

// readFile reads no more than it takes to see that a file is too large for a scenario.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, scenario.Limit+1))
}

func read(from func(string) ([]byte, error), name string) (*scenario.Scenario, error) {
	text, err := from(name)
	if err != nil {
		return nil, err
	}
	s, err := scenario.Parse(name, text) // errors name the file
	if err != nil {
		return nil, err
	}
	s.Name = strings.TrimSuffix(filepath.Base(name), ending)
	return s, nil
}
