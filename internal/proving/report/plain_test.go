package report

import (
	"strings"
	"testing"
)

func TestPlain_ShowsWhatCannotBePrintedAndCutsWhatIsTooLong(t *testing.T) {
	for line, want := range map[string]string{
		"":                                "",
		`it's "plain" \ ünïcode →`:        `it's "plain" \ ünïcode →`,
		"\x1b[2J\rtab\there\x00":          `\x1b[2J\rtab\there\x00`,
		"a\u202eb\u0085c":                 `a\u202eb\u0085c`,
		"\xff":                            "\uFFFD",
		"</script><script>alert(1)":       "</script><script>alert(1)", // the page escapes it
		strings.Repeat("ü", longest/2):    strings.Repeat("ü", longest/2),
		strings.Repeat("x", 3*longest):    strings.Repeat("x", longest) + "... (3000 bytes)",
		strings.Repeat("\x00", longest+1): strings.Repeat(`\x00`, longest) + "... (1001 bytes)",
	} {
		if got := Plain(line); got != want {
			t.Errorf("%.40q: %.80q, want %.80q", line, got, want)
		}
	}
}
