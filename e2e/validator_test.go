//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fender/e2e/load"
)

// multipart is a form with a field and a file.
var multipart = strings.ReplaceAll(`--b0undary
Content-Disposition: form-data; name="note"

a note
--b0undary
Content-Disposition: form-data; name="file"; filename="caf\u00e9.bin"
Content-Type: application/octet-stream

`, "\n", "\r\n") + strings.Repeat("file ", 30_000) + "\r\n--b0undary--\r\n"

// csrf is what Django wants to see before it lets a POST through.
var csrf = []string{"Cookie: csrftoken=abcdefghijklmnopqrstuvwxyzABCDEF", "X-CSRFToken: abcdefghijklmnopqrstuvwxyzABCDEF"}

// everyURL are requests to every address of the example site that does not end its worker.
func everyURL() []*load.Request {
	var all []*load.Request
	for _, target := range []string{
		"/", "/hello", "/page", "/slow?seconds=0.01", "/slow?min=x", "/pid", "/cookies", "/echo?id=seen", "/echo",
		"/echo/ids", "/echo/reset", "/stream?chunks=5", "/stream?chunks=3&size=70000", "/file", "/file?sha256=1",
		"/big?mb=1", "/big?mb=1&sha256=1", "/upload", "/leak?mb=1", "/no-such-page",
		"/raise", "/raise?when=after", "/raise?when=close",
	} {
		all = append(all,
			&load.Request{Method: "GET", Target: target},
			&load.Request{Method: "HEAD", Target: target},
			&load.Request{Method: "POST", Target: target, Header: csrf, Body: []byte("a body of " + target)},
			&load.Request{Method: "POST", Target: target, Body: []byte(multipart),
				Header: append([]string{"Content-Type: multipart/form-data; boundary=b0undary"}, csrf...)},
		)
	}
	return append(all,
		&load.Request{Method: "OPTIONS", Target: "/hello"},
		&load.Request{Method: "POST", Target: "/echo", Body: []byte{}},
		&load.Request{Method: "POST", Target: "/echo?id=large", Body: bytes.Repeat([]byte("0123456789"), 300_000)},
	)
}

// constant is an answer without what differs from one moment or process to another.
func constant(q *load.Request, res *load.Response) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", res.Status)
	for _, name := range slices.Sorted(maps.Keys(res.Header)) {
		if name != "date" && (q.Target != "/pid" || name != "content-length") {
			fmt.Fprintf(&b, "%s: %q\n", name, res.Header[name])
		}
	}
	if q.Target != "/pid" {
		b.Write(res.Body)
	}
	return b.String()
}

// wsgiref.validate around the site asserts what PEP 3333 wants of a server and of an application.
func TestTheStandardValidatorFindsNoFaultAtAnyURLOfTheSite(t *testing.T) {
	dir := t.TempDir()
	source := "from wsgiref.validate import validator\nfrom mysite.wsgi import application\napplication = validator(application)\n"
	if err := os.WriteFile(filepath.Join(dir, "validated.py"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	files := "EXAMPLE_VAR=" + dir
	plain := serve(t, append(site(t), "--env", files)...)
	want, good := answers(t, plain)
	if good < 50 {
		t.Errorf("only %d answers were good", good)
	}
	for _, threads := range []string{"1", "2"} {
		s := serve(t, append(site(t), "--env", files, "--pythonpath", dir, "--module", "validated", "--threads", threads)...)
		got, _ := answers(t, s)
		for i, q := range everyURL() {
			if got[i] != want[i] {
				t.Errorf("%s %s (%d bytes): %.600s\nwith the validator: %.600s", q.Method, q.Target, len(q.Body), want[i], got[i])
			}
		}
		for _, word := range []string{"AssertionError", "WSGIWarning", "garbage collected without being closed"} {
			if strings.Contains(s.log.String(), word) {
				t.Errorf("%s is in the log", word)
			}
		}
		s.says("wsgiref/validate.py") // in the traceback of /raise: it is there
	}
}

// answers sends all requests on one connection, which has to last.
func answers(t *testing.T, s *server) (told []string, good int) {
	t.Helper()
	c := &load.Conn{Addr: s.addr}
	defer c.Close()
	for _, q := range everyURL() {
		res, kind, err := c.Do(q)
		if kind != load.OK && kind != load.Status {
			t.Fatalf("%s %s: %s: %v", q.Method, q.Target, kind, err)
		}
		if kind == load.OK {
			good++
		}
		told = append(told, constant(q, res))
	}
	if c.Opened != 1 {
		t.Errorf("%d connections for requests that were all answered", c.Opened)
	}
	return told, good
}
