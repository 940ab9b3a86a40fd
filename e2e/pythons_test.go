//go:build linux

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fender/e2e/load"
	"fender/internal/observe/event"
)

// interpreters are those that FENDER_TEST_PYTHONS names (a list like PATH), or all that pyenv has, and
// the one of the other tests.
func interpreters(t *testing.T) []string {
	t.Helper()
	if given := os.Getenv("FENDER_TEST_PYTHONS"); given != "" {
		return filepath.SplitList(given)
	}
	home := os.Getenv("PYENV_ROOT")
	if home == "" {
		home = filepath.Join(os.Getenv("HOME"), ".pyenv")
	}
	found, err := filepath.Glob(filepath.Join(home, "versions", "*", "bin", "python"))
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{python}, found...)
}

// version asks an interpreter for its version, such as 3.6.15.
func version(t *testing.T, path string) string {
	t.Helper()
	cmd := exec.Command(path, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])")
	cmd.Env = cleanEnviron()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return strings.TrimSpace(string(out))
}

func TestEveryInterpreterServesRecyclesAndIsInterrupted(t *testing.T) {
	var ran, refused []string
	t.Cleanup(func() {
		t.Logf("ran with Python %s; refused Python %s", strings.Join(ran, ", "), strings.Join(refused, ", "))
	})
	for _, path := range interpreters(t) {
		v := version(t, path)
		var major, minor int
		if _, err := fmt.Sscanf(v, "%d.%d.", &major, &minor); err != nil {
			t.Fatalf("%s: version %q: %v", path, v, err)
		}
		if major < 3 || major == 3 && minor < 6 {
			refuses(t, 1, []string{"--http-socket", "127.0.0.1:0", "--chdir", here(), "--module", "smoke", "--python", path}, "3.6", v)
			refused = append(refused, v)
			continue
		}
		ran = append(ran, v)
		t.Run(v, func(t *testing.T) {
			t.Parallel()
			for _, threads := range []string{"1", "2"} {
				smoke(t, path, v, threads)
			}
		})
	}
	if len(ran) == 0 {
		t.Error("no interpreter was tried")
	}
}

// Service time: about 1 ms. Fault: a request that never ends, with harakiri at 500 ms.
func smoke(t *testing.T, path, version, threads string) {
	s := serve(t, "--chdir", here(), "--module", "smoke", "--python", path, "--env", "PYTHONDONTWRITEBYTECODE=1",
		"--threads", threads, "--processes", "2", "--harakiri", "500ms", "--max-requests", "20")
	if got := string(s.must(&load.Request{Target: "/version"}).Body); got != version {
		t.Errorf("this is Python %s", got)
	}
	if !strings.Contains(s.log.String(), "Python "+version) {
		t.Error("the first line does not name the version")
	}
	for _, size := range []int{0, 10, 200_000} {
		body := bytes.Repeat([]byte("\x00\xffab"), size/4)
		res := s.must(&load.Request{Method: "POST", Target: "/echo", Body: body})
		if !bytes.Equal(res.Body, body) {
			t.Errorf("%d bytes of %d came back", len(res.Body), size)
		}
	}
	want := strings.Builder{}
	for n := range 1000 {
		fmt.Fprintf(&want, "piece %d\n", n)
	}
	if got := string(s.must(&load.Request{Target: "/stream"}).Body); got != want.String() {
		t.Errorf("%d bytes of a stream", len(got))
	}
	if got := s.must(&load.Request{Target: "/large-head"}).Get("x-99"); got != strings.Repeat("x", 1000) {
		t.Errorf("the last of many large headers is %.20q", got)
	}
	s.must(&load.Request{Target: "/raise", Want: []int{500}})
	s.says("ValueError: on purpose", "in application")
	s.noneFailed(s.under(4, get("/"), func(context.Context) {
		s.wait("2 recycled workers", 2, leaves(event.ReasonMaxRequests))
	}))
	o := <-s.later(&load.Request{Target: "/stuck", Want: []int{504}})
	if o.kind != load.OK || o.res.Get("x-fender-cause") != "harakiri" {
		t.Errorf("the stuck request: %s: %v", o.kind, o.err)
	}
	s.says("finally of the stuck request in ", "most recent call first")
	s.wait("its worker's end", 1, leaves(event.ReasonHarakiri))
	s.must(&load.Request{Target: "/"})
	for _, e := range s.events.matching(leaves(event.ReasonHarakiri)) {
		if e.Signal != 0 { // it was interrupted, and left by itself
			t.Errorf("the worker was killed: %+v", e)
		}
	}
	if n := s.count(leaves(event.ReasonCrash, event.ReasonProtocol, event.ReasonBootFailure)); n != 0 {
		t.Errorf("%d workers ended badly", n)
	}
}
