package event

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// table returns the first column of the table below the heading in docs/events.md.
func table(t *testing.T, heading string) []string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, ok := strings.Cut(string(text), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("docs/events.md has no heading %q", heading)
	}
	part, _, _ = strings.Cut(part, "\n## ")
	var words []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_-]+)` \\|").FindAllStringSubmatch(part, -1) {
		words = append(words, m[1])
	}
	return words
}

func TestDocs_ListKindsReasonsAndKeys(t *testing.T) {
	var kinds, reasons []string
	for _, k := range Kinds {
		kinds = append(kinds, string(k))
	}
	for _, r := range Reasons {
		reasons = append(reasons, string(r))
	}
	keys := []string{"v"}
	for f := range reflect.TypeFor[Event]().Fields() {
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		keys = append(keys, key)
	}
	for heading, want := range map[string][]string{"Kinds": kinds, "Reasons for which a worker goes": reasons, "Keys": keys} {
		if diff := cmp.Diff(want, table(t, heading)); diff != "" {
			t.Errorf("%s: the code (-) and docs/events.md (+) differ:\n%s", heading, diff)
		}
	}
}
