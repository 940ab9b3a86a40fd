package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fender/internal/proving/report"
)

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestPrepare_TakesAnEarlierReportAwayAndNothingElse(t *testing.T) {
	out := t.TempDir()
	l := &lab{Options: Options{Out: out}}
	if err := l.save(&report.Result{V: report.Version, Scenario: "churn", Title: strings.Repeat("x", 500)}); err != nil {
		t.Fatal(err)
	}
	notes := filepath.Join(out, "notes.txt")
	put(t, notes, "mine")
	for range 2 { // the second time there is no report
		if err := prepare(out); err != nil {
			t.Fatal(err)
		}
		if exists(filepath.Join(out, "result.json")) || exists(filepath.Join(out, "index.html")) || !exists(notes) || !exists(filepath.Join(out, "logs")) {
			t.Error("the report stays, or something else has gone")
		}
	}
}

func TestPrepare_RefusesAFileThatIsNoReport(t *testing.T) {
	for _, name := range []string{"index.html", "result.json"} {
		path := filepath.Join(t.TempDir(), name)
		put(t, path, "<title>my home</title>")
		if err := prepare(filepath.Dir(path)); err == nil || !strings.Contains(err.Error(), path+" is there and is no report of fender lab") {
			t.Error(err)
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != "<title>my home</title>" {
			t.Errorf("%q, %v", text, err)
		}
	}
}

func TestSave_LeavesNoHalfReport(t *testing.T) {
	out := t.TempDir()
	if err := os.MkdirAll(filepath.Join(out, "index.html", "in the way"), 0o755); err != nil {
		t.Fatal(err)
	}
	l := &lab{Options: Options{Out: out}}
	if err := l.save(&report.Result{V: report.Version, Scenario: "churn"}); err == nil || !strings.Contains(err.Error(), "index.html") {
		t.Error(err)
	}
	if paths, _ := filepath.Glob(filepath.Join(out, "*.new")); len(paths) > 0 || !exists(filepath.Join(out, "result.json")) {
		t.Error(paths)
	}
}
