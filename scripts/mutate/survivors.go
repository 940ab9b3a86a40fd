package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// readSurvivors reads the list of mutants that no test can notice: each is a line "- name" and its
// reason is the indented lines below it. A file that is not there is an empty list.
func readSurvivors(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	known := map[string]string{}
	name := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "- "):
			name = strings.TrimSpace(line[2:])
			if _, twice := known[name]; twice {
				return nil, fmt.Errorf("%s: listed twice: %s", path, name)
			}
			known[name] = ""
		case strings.HasPrefix(line, "  ") && name != "":
			known[name] += strings.TrimSpace(line) + " "
		default:
			name = ""
		}
	}
	for name, reason := range known {
		if strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("%s: no reason is given for: %s", path, name)
		}
	}
	return known, nil
}
