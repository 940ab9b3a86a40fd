package python

import (
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// pythons are the interpreters that the tests run with: FENDER_TEST_PYTHONS (a list like PATH), or
// Debian's python3 and, of those that pyenv has, the oldest and the newest; all of them with
// FENDER_TEST_ALL_PYTHONS=1.
func pythons(t testing.TB) []string {
	t.Helper()
	if given := os.Getenv("FENDER_TEST_PYTHONS"); given != "" {
		return filepath.SplitList(given)
	}
	found := []string{"/usr/bin/python3"}
	if _, err := os.Stat(found[0]); err != nil {
		path, err := exec.LookPath("python3")
		if err != nil {
			t.Fatal("there is no python3: install it, or name interpreters in FENDER_TEST_PYTHONS")
		}
		found[0] = path
	}
	root := os.Getenv("PYENV_ROOT")
	if root == "" {
		root = filepath.Join(os.Getenv("HOME"), ".pyenv")
	}
	others, _ := filepath.Glob(filepath.Join(root, "versions", "3.*", "bin", "python"))
	others = slicesKeep(others, func(path string) bool { return minor(path) >= oldestMinor })
	sort.Slice(others, func(i, j int) bool { return minor(others[i]) < minor(others[j]) })
	if len(others) > 2 && os.Getenv("FENDER_TEST_ALL_PYTHONS") == "" {
		others = []string{others[0], others[len(others)-1]}
	}
	return append(found, others...)
}

func slicesKeep(list []string, keep func(string) bool) (kept []string) {
	for _, item := range list {
		if keep(item) {
			kept = append(kept, item)
		}
	}
	return kept
}

// minor is the minor version in a path such as .../versions/3.6.15/bin/python.
func minor(path string) int {
	version := filepath.Base(filepath.Dir(filepath.Dir(path)))
	n := 0
	for _, c := range strings.TrimPrefix(version, "3.") {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// eachPython runs a test with every interpreter.
func eachPython(t *testing.T, test func(t *testing.T, python string)) {
	t.Helper()
	for _, path := range pythons(t) {
		name := filepath.Base(filepath.Dir(filepath.Dir(path)))
		if name == "usr" {
			name = "system"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, path)
		})
	}
}

// thorough reports whether a test shall run all its cases with this interpreter, or a few.
func thorough(t testing.TB, python string) bool {
	return python == systemPython(t) || os.Getenv("FENDER_TEST_ALL_PYTHONS") != ""
}

// systemPython is the first of them, for tests that do not depend on the version.
func systemPython(t testing.TB) string { return pythons(t)[0] }
