package pool

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rows are the cells of a table of ARCHITECTURE.md, which stands between two marks, without its head.
func rows(t *testing.T, mark string) [][]string {
	t.Helper()
	text, err := os.ReadFile("../../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "<!-- "+mark+" -->")
	table, _, also := strings.Cut(after, "<!-- /"+mark+" -->")
	if !ok || !also {
		t.Fatalf("ARCHITECTURE.md has no table %q", mark)
	}
	var all [][]string
	for line := range strings.Lines(table) {
		line = strings.Trim(strings.TrimSpace(line), "|")
		if line == "" || regexp.MustCompile(`^[-| :]*$`).MatchString(line) {
			continue
		}
		var cells []string
		for c := range strings.SplitSeq(line, "|") {
			cells = append(cells, strings.Trim(strings.TrimSpace(c), "`"))
		}
		all = append(all, cells)
	}
	return all[1:]
}

func TestTransitions_AreTheTableOfTheArchitecture(t *testing.T) {
	var written, built []string
	for _, r := range rows(t, "worker-states") {
		written = append(written, r[0]+" -> "+r[1])
	}
	for _, x := range Transitions {
		built = append(built, x.From.String()+" -> "+x.To.String())
	}
	slices.Sort(written)
	slices.Sort(built)
	if !slices.Equal(written, built) {
		t.Errorf("ARCHITECTURE.md says\n  %s\nTransitions say\n  %s", strings.Join(written, "\n  "), strings.Join(built, "\n  "))
	}
}

// The retry table's rows are the cases of TestPool_DecidesByTheTableWhenAWorkerDies.
func TestRetryTable_HasTheRowsThatAreTested(t *testing.T) {
	var names []string
	for _, r := range rows(t, "retry-table") {
		names = append(names, r[0])
	}
	if len(names) != len(deathTable) {
		t.Fatalf("ARCHITECTURE.md has %d rows, %d are tested", len(names), len(deathTable))
	}
	for i, row := range deathTable {
		if names[i] != row.name {
			t.Errorf("row %d is %q, and %q is tested", i+1, names[i], row.name)
		}
	}
}

func TestStates_HaveNames(t *testing.T) {
	for s, name := range map[State]string{StateNone: "none", StateGone: "gone", StateGone + 1: "state(6)"} {
		if s.String() != name {
			t.Errorf("%q instead of %q", s, name)
		}
	}
}

func TestWorker_TakesNoIllegalStep(t *testing.T) {
	b := serving(t, Options{})
	for from := StateNone; from <= StateGone; from++ {
		for to := StateNone; to <= StateGone; to++ {
			w := &worker{spawn: 99, state: from}
			ok := func() (ok bool) {
				defer func() { ok = recover() == nil }()
				b.move(w, to, 0, nil)
				return
			}()
			if ok != slices.Contains(Transitions, Transition{from, to}) {
				t.Errorf("the step from %s to %s: %v", from, to, ok)
			}
		}
	}
}
