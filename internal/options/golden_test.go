package options

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files and docs/options.md anew")

// A golden file is an input, a line of dashes, and what Read makes of it. The input has lines
//
//	args: words of the command line      arg: one word, spaces and all
//	env: KEY=VALUE                       pid: N      somaxconn: N
//	unreadable: PATH                     == PATH, and the lines of that file
//
// The result is every option that is not as it is without any input, then warnings, notes and errors.
func TestRead_AgreesWithGoldenFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 20 {
		t.Fatalf("golden files: %d found, error %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, found := strings.Cut(string(text), "\n----\n")
			if !found && !*update {
				t.Fatal("no line of dashes")
			}
			got := describe(parseGolden(t, input))
			if *update {
				if err := os.WriteFile(file, []byte(strings.TrimRight(input, "\n")+"\n----\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func parseGolden(t *testing.T, input string) Source {
	t.Helper()
	source := Source{PID: 4711, Somaxconn: 4096, Dir: "/srv/site", Hostname: "web1", CPUs: 2}
	files := map[string]string{}
	unreadable := map[string]bool{}
	file := ""
	for line := range strings.Lines(input) {
		if path, found := strings.CutPrefix(line, "== "); found {
			file = strings.TrimSpace(path)
			files[file] = ""
			continue
		}
		if file != "" {
			files[file] += line
			continue
		}
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch key {
		case "args":
			source.Args = append(source.Args, strings.Fields(value)...)
		case "arg":
			source.Args = append(source.Args, value)
		case "env":
			source.Environ = append(source.Environ, value)
		case "pid":
			source.PID, _ = strconv.Atoi(value)
		case "somaxconn":
			source.Somaxconn, _ = strconv.Atoi(value)
		case "unreadable":
			unreadable[value] = true
		default:
			if !strings.HasPrefix(line, "#") {
				t.Fatalf("input line %q", line)
			}
		}
	}
	source.ReadFile = func(path string) ([]byte, error) {
		if unreadable[path] {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
		}
		text, found := files[path]
		if !found {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		return []byte(text), nil
	}
	return source
}

func describe(source Source) string {
	var b strings.Builder
	s, err := Read(source)
	plain, plainErr := Read(Source{Args: []string{"--need-app=false"}, Somaxconn: 4096})
	if plainErr != nil {
		panic(plainErr)
	}
	if s != nil {
		for _, o := range Table() {
			if o.target != nil && (s.given(o.Name) || s.Value(o.Name) != plain.Value(o.Name) && o.Name != "need-app") {
				fmt.Fprintf(&b, "%s = %s (%s)\n", o.Name, s.Value(o.Name), s.Origin(o.Name))
			}
		}
		for _, warning := range s.Warnings {
			b.WriteString("warning: " + warning + "\n")
		}
		for _, note := range s.Notes {
			b.WriteString("note: " + note + "\n")
		}
	}
	var usage *UsageError
	var config *ConfigError
	switch {
	case errors.As(err, &usage):
		for _, problem := range usage.Problems {
			b.WriteString("usage: " + problem + "\n")
		}
	case errors.As(err, &config):
		for _, problem := range config.Problems {
			b.WriteString("error: " + problem.String() + "\n")
		}
		if errors.Is(err, ErrNoApplication) {
			b.WriteString("(no application)\n")
		}
	case err != nil:
		b.WriteString(err.Error() + "\n")
	}
	return b.String()
}
