//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fender/e2e/load"
	"fender/e2e/slowdisk"
)

// Files that the application gives, and bodies on their way to the spool, on a disk that hangs: more of them
// than there are slots. Everybody else is served, and they are when the disk is back.
func TestADiskThatHangsHoldsOnlyThoseWhoNeedIt(t *testing.T) {
	const files, bodies, size = 10, 3, 150_000
	d := slowdisk.New(t)
	s := serve(t, append(app(t, `
import os
def application(environ, start_response):
    if environ["PATH_INFO"] == "/file":
        file = open(environ["QUERY_STRING"], "rb")
        start_response("200 OK", [("Content-Length", str(os.fstat(file.fileno()).st_size))])
        return environ["wsgi.file_wrapper"](file)
    body = b"%d" % len(environ["wsgi.input"].read())
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
`), "--processes", "2", "--threads", "2", "--body-spool", d.Dir)...)
	content := bytes.Repeat([]byte("0123456789"), size/10)
	for i := range files {
		if err := os.WriteFile(filepath.Join(d.Dir, fmt.Sprint(i)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.Shut()
	t.Cleanup(d.Open)
	var waiting []<-chan outcome
	for i := range files {
		waiting = append(waiting, s.later(&load.Request{Target: "/file?" + filepath.Join(d.Dir, fmt.Sprint(i)), Check: func(r *load.Response) error {
			if !bytes.Equal(r.Body, content) {
				return fmt.Errorf("%d bytes came, or others", len(r.Body))
			}
			return nil
		}}))
	}
	for range bodies {
		waiting = append(waiting, s.later(&load.Request{Method: "POST", Target: "/", Body: content, Check: func(r *load.Response) error {
			if string(r.Body) != fmt.Sprint(size) {
				return fmt.Errorf("answered %q", r.Body)
			}
			return nil
		}}))
	}
	d.Hangs(files + bodies)
	for range 5 {
		conn := &load.Conn{Addr: s.addr}
		for range 20 {
			for _, q := range []*load.Request{{Target: "/"}, {Method: "POST", Target: "/", Body: []byte(strings.Repeat("x", 100))}, {Target: "/healthz"}} {
				if _, kind, err := conn.Do(q); kind != load.OK {
					t.Errorf("beside them: %v", err)
				}
			}
		}
		conn.Close()
	}
	d.Open()
	for _, w := range waiting {
		if o := <-w; o.kind != load.OK {
			t.Errorf("when the disk is back: %v", o.err)
		}
	}
}
