package arch

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// checkRoad looks for the files that the road of a request names, each once, in backquotes.
func checkRoad(text string, root fs.FS) (problems []string) {
	road, err := section(text, "road")
	if err != nil {
		return []string{err.Error()}
	}
	var seen []string
	for _, name := range quoted(road) {
		if !strings.Contains(name, "/") { // an identifier
			continue
		}
		if slices.Contains(seen, name) {
			problems = append(problems, fmt.Sprintf("road: %s stands there twice", name))
		}
		seen = append(seen, name)
		if st, err := fs.Stat(root, name); err != nil || st.IsDir() {
			problems = append(problems, fmt.Sprintf("road: there is no file %s", name))
		}
	}
	if len(seen) == 0 {
		problems = append(problems, "road: it names no file")
	}
	return problems
}

func TestArchitecture_TheRoadOfARequestExists(t *testing.T) {
	report(t, checkRoad(architecture(t), os.DirFS("../..")))
}

func TestCheckRoad_FindsEveryKindOfProblem(t *testing.T) {
	root := fstest.MapFS{"a/x.go": {}, "b/y.go": {}}
	road := "<!-- road -->\n1. `a/x.go`: reads, calls `submit`\n2. `b/z.go`\n3. `a/x.go`\n4. `b`/\n5. `b/y.go`\n<!-- /road -->"
	got := checkRoad(road, root)
	want := []string{"road: there is no file b/z.go", "road: a/x.go stands there twice"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := checkRoad("<!-- road -->\n<!-- /road -->", root); !slices.Equal(got, []string{"road: it names no file"}) {
		t.Errorf("an empty road: %v", got)
	}
	if got := checkRoad("no road", root); len(got) != 1 {
		t.Errorf("no road: %v", got)
	}
}
