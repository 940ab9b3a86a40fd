package options

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const reference = "../../docs/options.md"

func TestMarkdown_IsTheReferenceInDocs(t *testing.T) {
	var b bytes.Buffer
	if err := Markdown(&b); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.MkdirAll("../../docs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(reference, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("docs/options.md is not what the table says; run go test ./internal/options -update (-want +got)\n%s", diff)
	}
}

func TestHelp_NamesEveryOptionWithinTheWidth(t *testing.T) {
	for _, width := range []int{0, 60, 80, 120} {
		var b bytes.Buffer
		if err := Help(&b, width); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		for _, group := range Groups() {
			if !strings.Contains(text, "\n"+string(group)+"\n") {
				t.Errorf("no group %s", group)
			}
		}
		for _, o := range Table() {
			name := "--" + o.Name
			if o.Kind == Noted {
				name = o.Name
			}
			if !strings.Contains(text, name) {
				t.Errorf("no option %s", o.Name)
			}
		}
		for line := range strings.Lines(text) {
			// Lines that name an option or the usage are as long as they are.
			indented := strings.HasPrefix(line, "        ")
			if indented && utf8.RuneCountInString(strings.TrimRight(line, "\n")) > max(width, 40) && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("width %d: %q", width, line)
			}
		}
	}
}

func TestHelp_SaysWhenItCannotBeWritten(t *testing.T) {
	if err := Help(full{}, 80); !errors.Is(err, errFull) {
		t.Errorf("help: %v", err)
	}
	if err := Markdown(full{}); !errors.Is(err, errFull) {
		t.Errorf("markdown: %v", err)
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
