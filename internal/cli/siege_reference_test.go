package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"fender/internal/exit"

	"github.com/google/go-cmp/cmp"
)

// sieged is what a run of siege, or of fender siege, printed.
type sieged struct{ out, err string }

// keys are the names of the summary, in order, with their units. fender siege says more below it.
func (s sieged) keys() []string {
	var all []string
	summary, _, _ := strings.Cut(s.err, "\nLatency:")
	for _, m := range regexp.MustCompile(`(?m)^([A-Z][a-z ]+):[\t ]*[0-9.]+ ?(\S*)$`).FindAllStringSubmatch(summary, -1) {
		all = append(all, m[1]+"|"+m[2])
	}
	return all
}

// value is a number of the summary.
func (s sieged) value(key string) string {
	m := regexp.MustCompile(key + `:[\t ]*([0-9.]+)`).FindStringSubmatch(s.err)
	if m == nil {
		return "missing"
	}
	return m[1]
}

// lines are those of the requests, without times.
func (s sieged) lines() map[string]int {
	all := map[string]int{}
	for line := range strings.Lines(s.out) {
		if line = strings.TrimSpace(line); line != "" {
			all[regexp.MustCompile(`[0-9.]+ secs`).ReplaceAllString(line, "T secs")]++
		}
	}
	return all
}

func TestSiege_AgreesWithSiege(t *testing.T) {
	program, err := exec.LookPath("siege")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("CI skips nothing: siege is not installed (Debian: siege)")
		}
		t.Skip("siege is not installed (Debian: sudo apt-get install siege)")
	}
	home := t.TempDir()
	rc := filepath.Join(home, "rc")
	const conf = "verbose = true\ncolor = off\njson_output = false\nlogging = false\nprotocol = HTTP/1.1\nconnection = keep-alive\nparser = false\nfollow-location = false\n"
	if err := os.WriteFile(rc, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	original := func(args ...string) sieged {
		cmd := exec.Command(program, append([]string{"-R", rc}, args...)...)
		var out, errors bytes.Buffer
		cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), "HOME="+home), &out, &errors
		if err := cmd.Run(); err != nil {
			t.Fatalf("siege %v: %v\n%s", args, err, &errors)
		}
		return sieged{out.String(), errors.String()}
	}
	ours := func(args ...string) sieged {
		p := newProcess(append([]string{"siege"}, args...)...)
		if code := Run(p.Process); code != exit.OK {
			t.Fatalf("fender siege %v: exit %d\n%s", args, code, &p.err)
		}
		return sieged{p.out.String(), p.err.String()}
	}

	original("-V") // it makes its folder at the first start, and says so

	var mu sync.Mutex
	var bodies []string
	url := besieged(t, func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		_, _ = b.ReadFrom(r.Body)
		mu.Lock()
		bodies = append(bodies, r.Method+" "+r.URL.Path+" "+b.String()+" "+r.Header.Get("Content-Type")+" "+r.Header.Get("X-A")+" "+r.UserAgent())
		mu.Unlock()
		switch r.URL.Path {
		case "/500":
			w.WriteHeader(http.StatusInternalServerError)
		case "/cut":
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, "hello")
	})
	took := func() []string {
		mu.Lock()
		defer mu.Unlock()
		b := bodies
		bodies = nil
		return b
	}
	body, file := filepath.Join(home, "body"), filepath.Join(home, "urls")
	if err := os.WriteFile(body, []byte("from a file"), 0o600); err != nil { // siege cuts a last line end off
		t.Fatal(err)
	}
	list := "# comment\nWHERE=" + url + "\n$(WHERE)/a\n${WHERE}/b POST x=$(WHERE)\n" + url + "/c d\n" + url + "/e PUT <" + body + "\n"
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		args   []string
		values bool // the counts are to be the same
		bodies bool // likewise what the server saw, in order
	}{
		{"the incident's", []string{"-c", "5", "-r", "10", url + "/hello", "-v"}, true, true},
		{"attached values", []string{"-c2", "-r3", "-b", "-v", url + "/hello"}, true, true},
		{"headers", []string{"--concurrent=1", "--reps=2", "-H", "X-A: b", "-A", "me", "-T", "text/x", "-v", url + "/x POST a=1&b=2"}, true, true},
		{"a file", []string{"-c1", "-r", "once", "-A", "me", "-v", "-f", file}, true, true},
		{"more of a file than it has", []string{"-c1", "-r6", "-A", "me", "-v", "--file=" + file}, true, true},
		{"500", []string{"-c1", "-r3", "-v", url + "/500"}, true, false},
		{"cut", []string{"-c1", "-r3", url + "/cut"}, true, false},
	} {
		theirs := original(c.args...)
		seenTheirs := took()
		mine := ours(c.args...)
		seenMine := took()
		if diff := cmp.Diff(theirs.keys(), mine.keys()); diff != "" || len(mine.keys()) != 12 {
			t.Errorf("%s: the keys: %s", c.name, diff)
		}
		for _, key := range []string{"Transactions", "Availability", "Successful transactions", "Failed transactions"} {
			if a, b := theirs.value(key), mine.value(key); c.values && a != b {
				t.Errorf("%s: %s: siege %s, fender siege %s", c.name, key, a, b)
			}
		}
		if !c.bodies {
			continue
		}
		for i := range seenTheirs {
			seenTheirs[i] = regexp.MustCompile(`Mozilla.*|fender-siege.*`).ReplaceAllString(seenTheirs[i], "agent")
		}
		for i := range seenMine {
			seenMine[i] = regexp.MustCompile(`Mozilla.*|fender-siege.*`).ReplaceAllString(seenMine[i], "agent")
		}
		if diff := cmp.Diff(seenTheirs, seenMine); diff != "" {
			t.Errorf("%s: what the server saw: %s", c.name, diff)
		}
		if diff := cmp.Diff(theirs.lines(), mine.lines()); diff != "" {
			t.Errorf("%s: the lines: %s", c.name, diff)
		}
	}
	var short map[string]any
	args := []string{"-j", "-q", "-c1", "-r2", url + "/hello"}
	if err := json.Unmarshal([]byte(ours(args...).out), &short); err != nil || len(short) != 12 {
		t.Errorf("%v %v", err, short)
	}
	var theirs map[string]any
	if err := json.Unmarshal([]byte(original(args...).out), &theirs); err != nil {
		t.Fatal(err)
	}
	for key := range theirs {
		if _, ok := short[key]; !ok {
			t.Errorf("--json-output lacks %s", key)
		}
	}
}
