package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree is the root of the tree: tests run in their package's directory.
func tree(t *testing.T) settings {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return settings{root: root, fender: "fender", venv: "venv"}
}

func TestStacks_HaveAConfigurationForEveryWorkload(t *testing.T) {
	for _, s := range allStacks(tree(t)) {
		served := 0
		for _, w := range workloads {
			if s.leftOut(w) != "" {
				continue
			}
			served++
			dir := t.TempDir()
			commands, err := s.commands(place{dir: dir, files: dir, address: "127.0.0.1:1", load: w, extra: s.recycle})
			if err != nil || len(commands) == 0 || slices.Contains(commands, nil) {
				t.Fatalf("%s, %s: commands %v, %v", s.name, w.Name, commands, err)
			}
			paths, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range paths {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				for line := range strings.Lines(string(text)) {
					if !strings.HasPrefix(line, "#") && strings.Contains(line, "${") {
						t.Errorf("%s, %s: nothing was put in place of a word: %s", s.name, filepath.Base(path), line)
					}
				}
			}
		}
		if served == 0 {
			t.Errorf("%s is measured under no workload", s.name)
		}
	}
}

func TestLeftOut_SaysWhy(t *testing.T) {
	for name, workload := range map[string]string{
		"uvicorn": "echo", "gunicorn-sync": "slow", "uwsgi-http": "idle-load", "granian": "bare-recycled", "nginx": "bare", "haproxy": "bare",
	} {
		for _, s := range allStacks(settings{}) {
			if s.name == name && s.leftOut(find(workload)) == "" {
				t.Errorf("%s is measured under %s", name, workload)
			}
		}
	}
	for _, s := range allStacks(settings{}) {
		if s.name == "fender" {
			for _, w := range workloads {
				if why := s.leftOut(w); why != "" && !w.Balances {
					t.Errorf("fender is left out of %s: %s", w.Name, why)
				}
			}
		}
	}
}

func TestRecycled_MatchesWhatEachStackLogs(t *testing.T) {
	lines := map[string]string{
		"fender":           "fender: worker 1 (pid 32148) gone after 52 requests: max-requests",
		baseline:           "Respawned uWSGI worker 1 (new pid: 4790)",
		"uwsgi-http":       "Respawned uWSGI worker 2 (new pid: 4791)",
		"gunicorn-sync":    "[2026-11-25 23:55:10 +0000] [4790] [INFO] Booting worker with pid: 4790",
		"gunicorn-gthread": "[2026-11-25 23:55:10 +0000] [4790] [INFO] Booting worker with pid: 4790",
		"uvicorn":          "INFO:     Started server process [4790]",
	}
	for _, s := range allStacks(settings{}) {
		if (s.recycle == nil) != (s.recycled == nil) {
			t.Errorf("%s has arguments for recycling, or a line to count, but not both", s.name)
		}
		if s.recycled != nil && len(s.recycled.FindAllString("\n"+lines[s.name]+"\n"+lines[s.name]+"\n", -1)) != 2 {
			t.Errorf("%s: two of %q are not counted", s.name, lines[s.name])
		}
	}
}

func TestNames_OfTheShortRunAreSomeOfAll(t *testing.T) {
	all, short := names(true), names(false)
	if len(short) == 0 || len(short) >= len(all) {
		t.Errorf("%d of %d", len(short), len(all))
	}
	for _, name := range short {
		if !slices.Contains(all, name) {
			t.Errorf("%s is not among all", name)
		}
	}
}
