package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"fender/lab/stacks"
)

// placeholder is what the lab fills in. NGINX's own $variables have no braces in these files.
var placeholder = regexp.MustCompile(`\$\{([A-Za-z_-]+)\}`)

// fill writes the configuration file of that name into the instance's directory.
func (p Place) fill(name string, more map[string]string) (string, error) {
	text, err := stacks.Files.ReadFile(name)
	if err != nil {
		return "", err
	}
	values := map[string]string{"SITE": p.Site, "VENV": p.Venv, "DIR": p.Dir, "ADDRESS": p.Address}
	for _, m := range []map[string]string{p.Options, more} {
		for k, v := range m {
			values[k] = v
		}
	}
	for k, v := range values {
		if strings.ContainsAny(v, "\n\"'\\$%{}") || (k != "PLUGINS" && strings.ContainsAny(v, " \t,;")) {
			return "", fmt.Errorf("%q (%s) cannot stand in the servers' configurations, where blanks and signs have a meaning: take another path (TMPDIR decides over the lab's own)", v, k)
		}
	}
	path := filepath.Join(p.Dir, name)
	return path, os.WriteFile(path, []byte(Fill(string(text), values)), 0o644)
}

// Fill replaces the placeholders. A line with one that has no value is left out; comments stay.
func Fill(text string, values map[string]string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if start := strings.TrimSpace(line); strings.HasPrefix(start, "#") || strings.HasPrefix(start, ";") {
			b.WriteString(line)
			continue
		}
		whole := true
		line = placeholder.ReplaceAllStringFunc(line, func(m string) string {
			v, ok := values[m[2:len(m)-1]]
			whole = whole && ok
			return v
		})
		if whole {
			b.WriteString(line)
		}
	}
	return b.String()
}

func (p Place) socket() string { return filepath.Join(p.Dir, "uwsgi.sock") }

// owner is whom Apache's workers run as: root's Apache refuses to run them as root.
func (p Place) owner() (user, group string) {
	if os.Getuid() == 0 {
		return "www-data", "www-data"
	}
	return fmt.Sprintf("#%d", os.Getuid()), fmt.Sprintf("#%d", os.Getgid())
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return filepath.IsAbs(path) && err == nil
}
