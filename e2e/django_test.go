//go:build linux

package e2e

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fender/e2e/load"

	"golang.org/x/sys/unix"
)

// counted serves e2e/testdata/counted.py, which counts its requests.
func counted(t *testing.T, env ...string) []string {
	t.Helper()
	args := append(site(t), "--module", "counted", "--pythonpath", filepath.Join(root, "e2e", "testdata"),
		"--env", "PYTHONDONTWRITEBYTECODE=1")
	for _, kv := range env {
		args = append(args, "--env", kv)
	}
	return args
}

func TestDjangoReturnsItsConnectionsAfterEachRequest(t *testing.T) {
	for _, c := range []struct {
		age   string // CONN_MAX_AGE
		after string
	}{{"0", "closed"}, {"60", "open"}} {
		s := serve(t, counted(t, "COUNTED_AGE="+c.age)...)
		for range 3 {
			if doc := s.facts("/ask"); doc["open"] != true {
				t.Errorf("in the view the connection is closed: %v", doc)
			}
		}
		s.says("request 3 finished, its connection is " + c.after)
		doc := s.facts("/show")
		if doc["started"] != 4.0 || doc["finished"] != 3.0 || doc["open"] != (c.after == "open") {
			t.Errorf("CONN_MAX_AGE %s: %v", c.age, doc)
		}
	}
}

// Fault: clients leave in the middle of an endless answer, and answers fail before and within.
func TestDjangoReturnsItsConnectionsWhenARequestEndsBadly(t *testing.T) {
	for _, threads := range []string{"1", "2"} {
		s := serve(t, append(counted(t), "--threads", threads)...)
		for n := 1; n <= 3; n++ {
			c := dialTo(t, s.addr)
			if _, err := io.WriteString(c, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(c, make([]byte, 5000)); err != nil {
				t.Fatal(err)
			}
			c.Close()
			s.says(fmt.Sprintf("request %d finished, its connection is closed", n))
		}
		res := s.must(&load.Request{Target: "/broken", Want: []int{500}})
		if !strings.Contains(string(res.Body), "Server Error (500)") || strings.Contains(string(res.Body), "on purpose") {
			t.Errorf("the page is not Django's: %.300q", res.Body)
		}
		s.says("request 4 finished, its connection is closed", "ValueError: on purpose", "counted.py", "in broken\n")
		if end := brokenStream(t, s); strings.HasSuffix(end, "0\r\n\r\n") {
			t.Errorf("a stream that fails ends as a whole one: %q", end)
		}
		s.says("request 5 finished, its connection is closed", "ValueError: in the middle of a stream", "in pieces\n")
		if n := s.count(becomes("gone")); n != 0 {
			t.Errorf("%d workers went", n)
		}
	}
}

// brokenStream reads an answer that fails when its client has seen it begin; it returns the last bytes.
func brokenStream(t *testing.T, s *server) string {
	t.Helper()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	c := dialTo(t, s.addr)
	defer c.Close()
	if _, err := fmt.Fprintf(c, "GET /broken-stream?pipe=%s HTTP/1.1\r\nHost: x\r\n\r\n", pipe); err != nil {
		t.Fatal(err)
	}
	begin := make([]byte, 5000)
	if _, err := io.ReadFull(c, begin); err != nil || !strings.HasPrefix(string(begin), "HTTP/1.1 200 OK") {
		t.Fatalf("%v: %.300q", err, begin)
	}
	if err := os.WriteFile(pipe, nil, 0); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(c) // it may end with a reset
	return string(rest[max(0, len(rest)-20):])
}

// A connection that is shared by two processes mixes their answers, or corrupts the database.
func TestConnectionsOfTheImportAreNotInheritedByWorkers(t *testing.T) {
	s := serve(t, append(counted(t, "COUNTED_AT_IMPORT=1"), "--processes", "2", "--max-requests", "2", "--max-requests-delta", "0")...)
	s.says("at import the connection is open")
	pids := map[any]bool{}
	for begin := time.Now(); len(pids) < 4 && time.Since(begin) < patience; {
		doc := s.facts("/show")
		if doc["started"] == 1.0 && (doc["open"] != false || len(doc["files"].([]any)) != 0) {
			t.Errorf("a worker begins with a connection: %v", doc)
		}
		pids[doc["pid"]] = true
	}
	if len(pids) < 4 {
		t.Errorf("only %d workers were asked", len(pids))
	}
	if text := s.log.String(); strings.Contains(text, "lazy-apps") {
		t.Error("a warning about lazy-apps, though nothing is left open")
	}
}
