package accesslog

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDocs_ListTheKeysAndShowALine(t *testing.T) {
	text, err := os.ReadFile("../../../docs/access-log.md")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		keys = append(keys, m[1])
	}
	if diff := cmp.Diff(Keys, keys); diff != "" {
		t.Errorf("the code (-) and docs/access-log.md (+) differ:\n%s", diff)
	}
	e := entry()
	e.Target, e.Referer = "/page", ""
	if line := string(AppendText(nil, e, Rules{})); !strings.Contains(string(text), "    "+line) {
		t.Errorf("docs/access-log.md does not show the line as it is:\n%s", line)
	}
}
