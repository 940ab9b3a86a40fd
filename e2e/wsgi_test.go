//go:build linux

package e2e

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"fender/e2e/load"
)

// testdata serves a module of e2e/testdata.
func testdata(module string) []string {
	return []string{
		"--chdir", filepath.Join(root, "e2e", "testdata"), "--module", module, "--python", python,
		"--env", "PYTHONDONTWRITEBYTECODE=1",
	}
}

func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d,", i)
	}
	return b.String()
}

// Each answer is read from one connection that has to stay in step.
func TestAnswersOfEveryShapeArriveWhole(t *testing.T) {
	s := serve(t, testdata("answers")...)
	c := &load.Conn{Addr: s.addr}
	defer c.Close()
	for _, x := range []struct {
		path   string
		status int
		body   string
		header string // name: value, in lower case
		closed string
	}{
		{"write", 200, "written, twice, and returned", "", "write"},
		{"write_only", 200, "written", "content-length: 7", ""},
		{"replaced", 503, "an honest error", "x-second: 2", ""},
		{"twice", 500, "Internal Server Error", "", ""},
		{"many", 200, numbers(100_000), "", ""},
		{"many_in_a_list", 200, numbers(100_000), "content-length: 588890", ""},
		{"empty", 200, "", "", ""},
		{"empty_generator", 200, "", "", ""},
		{"only_empty_strings", 200, "", "", ""},
		{"late_start", 201, "late", "x-late: yes", ""},
		{"length_reached", 200, "four", "content-length: 4", "length_reached"},
		{"no_content", 204, "", "", "no_content"},
		{"not_modified", 304, "", `etag: "1"`, "not_modified"},
		{"streamed", 200, "one two", "transfer-encoding: chunked", "streamed"},
		{"bytes_io", 200, strings.Repeat("in memory ", 20_000), "", ""},
		{"pipe", 200, "through a pipe", "", ""},
	} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			if method == "POST" && len(x.body) > 100_000 {
				continue
			}
			q := &load.Request{Method: method, Target: "/" + x.path, Want: []int{x.status}}
			if method == "POST" {
				q.Body = []byte("not read by anybody")
			}
			res, kind, err := c.Do(q)
			if kind != load.OK {
				t.Fatalf("%s %s: %s: %v", method, x.path, kind, err)
			}
			want := x.body
			if method == "HEAD" {
				want = ""
			}
			if string(res.Body) != want {
				t.Errorf("%s %s: %d bytes, %.100q", method, x.path, len(res.Body), res.Body)
			}
			name, value, _ := strings.Cut(x.header, ": ")
			if x.header != "" && res.Get(name) != value && (method != "HEAD" || name != "transfer-encoding") {
				t.Errorf("%s %s: %s is %q", method, x.path, name, res.Get(name))
			}
			if x.status == 503 && res.Get("x-first") != "" {
				t.Errorf("%s %s: the replaced head came too", method, x.path)
			}
			after, kind, err := c.Do(&load.Request{Target: "/closings"})
			if kind != load.OK || string(after.Body) != x.closed {
				t.Errorf("%s %s: closed %q: %s: %v", method, x.path, after.Body, kind, err)
			}
		}
	}
	if c.Opened != 1 {
		t.Errorf("%d connections", c.Opened)
	}
	s.says("start_response was called a second time without exc_info")
}

// A client must be able to see that what it got is not all.
func TestAnErrorBehindTheFirstBytesCutsTheAnswer(t *testing.T) {
	s := serve(t, testdata("answers")...)
	res, kind, err := s.one(&load.Request{Target: "/too_late"})
	if kind != load.Truncated || !strings.HasPrefix(string(res.Body), "begun x") || strings.Contains(string(res.Body), "never") {
		t.Errorf("%s: %v", kind, err)
	}
	s.says("ValueError: noticed too late", "in too_late")
	s.must(&load.Request{Target: "/hello"})
	if n := s.count(becomes("gone")); n != 0 {
		t.Errorf("%d workers went", n)
	}
}

func TestAWrappedFileIsSentFromWhereItStands(t *testing.T) {
	s := serve(t, testdata("answers")...)
	c := &load.Conn{Addr: s.addr}
	defer c.Close()
	for _, query := range []string{"offset=0", "offset=1", "offset=4999900", "offset=1234567", "offset=1234567&length=70000", "offset=0&length=5"} {
		sum, kind, err := c.Do(&load.Request{Target: "/file?" + query + "&sum=1"})
		if kind != load.OK {
			t.Fatalf("%s: %v", kind, err)
		}
		for _, method := range []string{"GET", "HEAD"} {
			_, _, _ = c.Do(&load.Request{Target: "/closings"})
			res, kind, err := c.Do(&load.Request{Method: method, Target: "/file?" + query})
			if kind != load.OK {
				t.Fatalf("%s %s: %s: %v", method, query, kind, err)
			}
			digest := sha256.Sum256(res.Body)
			if got := hex.EncodeToString(digest[:]); method == "GET" && got != string(sum.Body) {
				t.Errorf("%s: %d bytes with another digest", query, len(res.Body))
			}
			if method == "HEAD" && len(res.Body) != 0 {
				t.Errorf("HEAD %s: %d bytes", query, len(res.Body))
			}
			if after, _, err := c.Do(&load.Request{Target: "/closings"}); err != nil || string(after.Body) != "file" {
				t.Errorf("%s %s: closed %q: %v", method, query, after.Body, err)
			}
		}
	}
}

func TestDjangosFileResponseArrivesAsItIs(t *testing.T) {
	s := serve(t, append(site(t), "--env", "EXAMPLE_VAR="+t.TempDir())...)
	want := s.facts("/file?sha256=1")
	res := s.must(&load.Request{Target: "/file"})
	sum := sha256.Sum256(res.Body)
	if float64(len(res.Body)) != want["size"] || hex.EncodeToString(sum[:]) != want["sha256"] || res.Get("content-length") != "5000000" {
		t.Errorf("%d bytes, %x, of %v; Content-Length %q", len(res.Body), sum, want, res.Get("content-length"))
	}
}

func TestWSGIErrorsGoToStandardErrorAtOnce(t *testing.T) {
	s := serve(t, testdata("answers")...)
	s.must(&load.Request{Target: "/errors"})
	s.says("said in wsgi.errors\nand in lines\nof two\n")
}

func TestTheConfigurationIsToldInTheEnviron(t *testing.T) {
	for _, c := range []struct {
		args                    []string
		multithread, multiprocs bool
	}{
		{[]string{"--processes", "1", "--threads", "1"}, false, false},
		{[]string{"--processes", "1", "--threads", "3"}, true, false},
		{[]string{"--processes", "2"}, false, true},
		{[]string{"--processes", "2", "--cheaper", "1", "--threads", "2"}, true, true},
	} {
		s := serve(t, append(testdata("environ"), c.args...)...)
		env := s.facts("/")
		if env["wsgi.multithread"] != c.multithread || env["wsgi.multiprocess"] != c.multiprocs || env["wsgi.run_once"] != false {
			t.Errorf("%v: multithread %v, multiprocess %v, run_once %v", c.args,
				env["wsgi.multithread"], env["wsgi.multiprocess"], env["wsgi.run_once"])
		}
	}
}

// The client waits with the body until it is asked for it.
func TestExpect100IsAnsweredBeforeTheBody(t *testing.T) {
	s := serve(t, append(testdata("input"), "--limit-post", "100000")...)
	for _, framing := range []string{"Content-Length: 11", "Transfer-Encoding: chunked"} {
		c := dialTo(t, s.addr)
		defer c.Close()
		fmt.Fprintf(c, "POST /?do=read() HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n%s\r\n\r\n", framing)
		r := bufio.NewReader(c)
		for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
			if line, err := r.ReadString('\n'); err != nil || line != want {
				t.Fatalf("%s: %q instead of %q: %v", framing, line, want, err)
			}
		}
		body := "hello again"
		if strings.HasPrefix(framing, "T") {
			body = chunked([]byte(body), 3)
		}
		if _, err := io.WriteString(c, body); err != nil {
			t.Fatal(err)
		}
		res, err := load.ReadResponse(r, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := facts(t, res)["result"]; fmt.Sprint(got) != "[hello again]" {
			t.Errorf("%s: %v", framing, got)
		}
	}
	// A body that is not wanted is refused before it is sent.
	c := dialTo(t, s.addr)
	defer c.Close()
	fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100001\r\n\r\n")
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 413 ") {
		t.Errorf("%q: %v", line, err)
	}
}
