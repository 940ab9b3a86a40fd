//go:build linux

package e2e

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fender/e2e/load"
)

// environs are requests, what the application must find in its environ (nil: nothing of that name), and
// where uWSGI's http-socket gives something else.
var environs = []struct {
	name, raw string
	want      map[string]any
	uwsgi     string // the names that differ, in their order
}{
	{"a plain path", "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n", map[string]any{
		"REQUEST_METHOD": "GET", "PATH_INFO": "/a", "QUERY_STRING": "b=c", "REQUEST_URI": "/a?b=c", "SCRIPT_NAME": "",
		"SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "x", "wsgi.url_scheme": "http",
		"CONTENT_LENGTH": nil, "CONTENT_TYPE": nil, "the body": "", "SERVER_NAME": hostname(),
	}, ""},
	{"repeated slashes", "GET //a//b/ HTTP/1.1\r\nHost: x\r\n\r\n", map[string]any{"PATH_INFO": "//a//b/", "REQUEST_URI": "//a//b/"}, ""},
	{"an escaped slash", "GET /a%2Fb%2fc HTTP/1.1\r\nHost: x\r\n\r\n", map[string]any{"PATH_INFO": "/a/b/c", "REQUEST_URI": "/a%2Fb%2fc"}, ""},
	{"an escaped NUL", "GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n", map[string]any{"PATH_INFO": "/a\x00b", "REQUEST_URI": "/a%00b"}, ""},
	{"raw bytes above ASCII", "GET /caf\xc3\xa9?q=\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", map[string]any{
		"PATH_INFO": "/caf\u00c3\u00a9", "QUERY_STRING": "q=\u00c3\u00a9", "REQUEST_URI": "/caf\u00c3\u00a9?q=\u00c3\u00a9",
	}, ""},
	{"a byte that is no UTF-8", "GET /%E4\xe4 HTTP/1.1\r\nHost: x\r\n\r\n", map[string]any{"PATH_INFO": "/\u00e4\u00e4", "REQUEST_URI": "/%E4\u00e4"}, ""},
	// uWSGI makes a NUL of it.
	{"an escape that is none", "GET /a%ZZb?q=%ZZ HTTP/1.1\r\nHost: x\r\n\r\n", map[string]any{"PATH_INFO": "/a%ZZb", "QUERY_STRING": "q=%ZZ"}, "PATH_INFO"},
	// uWSGI drops it.
	{"an escape cut short", "GET /a%4 HTTP/1.1\r\nHost: x\r\n\r\n", map[string]any{"PATH_INFO": "/a%4"}, "PATH_INFO"},
	{"two per cent signs", "GET /a%%b HTTP/1.1\r\nHost: x\r\n\r\n", map[string]any{"PATH_INFO": "/a%b"}, ""},
	{"dots", "GET /a/./b/../c HTTP/1.1\r\nHost: x\r\n\r\n", map[string]any{"PATH_INFO": "/a/c", "REQUEST_URI": "/a/./b/../c"}, ""},
	{"escaped dots", "GET /a/%2e%2e/c HTTP/1.1\r\nHost: x\r\n\r\n", map[string]any{"PATH_INFO": "/a/../c"}, ""},
	{"a fragment", "GET /a#b?c HTTP/1.1\r\nHost: x\r\n\r\n", map[string]any{"PATH_INFO": "/a", "QUERY_STRING": "c"}, ""},
	{"other signs", "GET /a+b;c=d?x+y;z?q HTTP/1.1\r\nHost: x\r\n\r\n", map[string]any{"PATH_INFO": "/a+b;c=d", "QUERY_STRING": "x+y;z?q"}, ""},
	{"an empty query", "GET /a? HTTP/1.1\r\nHost: x\r\n\r\n", map[string]any{"PATH_INFO": "/a", "QUERY_STRING": "", "REQUEST_URI": "/a?"}, ""},
	// uWSGI joins cookies by a comma, which no application can take apart again.
	{"repeated fields", "GET / HTTP/1.1\r\nHost: x\r\nX-Two: 1\r\nCookie: a=1\r\nx-two: 2\r\nCookie: b=2\r\n\r\n", map[string]any{
		"HTTP_X_TWO": "1, 2", "HTTP_COOKIE": "a=1; b=2",
	}, "HTTP_COOKIE"},
	// uWSGI lets them through: X_Forwarded_For forges X-Forwarded-For, and Proxy sets HTTP_PROXY.
	{"names that collide", "GET / HTTP/1.1\r\nHost: x\r\nX_Under: 1\r\nX-Under: 2\r\nX_Only: 3\r\nProxy: evil\r\n\r\n", map[string]any{
		"HTTP_X_UNDER": "2", "HTTP_X_ONLY": nil, "HTTP_PROXY": nil,
	}, "HTTP_PROXY HTTP_X_ONLY HTTP_X_UNDER"},
	{"the scheme of a trusted peer", "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\n\r\n", map[string]any{
		"wsgi.url_scheme": "https", "HTTP_X_FORWARDED_PROTO": "https",
	}, ""},
	// uWSGI takes any word for a scheme.
	{"a scheme that is none", "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: gopher\r\n\r\n", map[string]any{"wsgi.url_scheme": "http"}, "wsgi.url_scheme"},
	// uWSGI believes this one too. A balancer sends X-Forwarded-Proto.
	{"another word for the scheme", "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Ssl: on\r\n\r\n", map[string]any{"wsgi.url_scheme": "http"}, "wsgi.url_scheme"},
	{"whom the proxy speaks for", "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\nAuthorization: Basic eDp5\r\n\r\n", map[string]any{
		"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1", "HTTP_AUTHORIZATION": "Basic eDp5",
	}, ""},
	{"a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/x\r\nContent-Length: 3\r\n\r\nabc", map[string]any{
		"CONTENT_LENGTH": "3", "CONTENT_TYPE": "text/x", "HTTP_CONTENT_LENGTH": nil, "HTTP_CONTENT_TYPE": nil, "the body": "abc",
	}, ""},
	{"an empty body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", map[string]any{"CONTENT_LENGTH": "0", "the body": ""}, ""},
	// uWSGI does not decode it: the application finds no body.
	{"a body in chunks", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nX-Trailer: t\r\n\r\n", map[string]any{
		"CONTENT_LENGTH": "3", "HTTP_TRANSFER_ENCODING": nil, "HTTP_X_TRAILER": nil, "the body": "abc", "wsgi.input_terminated": true,
	}, "CONTENT_LENGTH HTTP_TRANSFER_ENCODING the body"},
	{"HTTP/1.0 without a host", "GET /a HTTP/1.0\r\n\r\n", map[string]any{"SERVER_PROTOCOL": "HTTP/1.0", "HTTP_HOST": nil}, ""},
	// RFC 9112 section 3.2.2; uWSGI takes the whole target for a path.
	{"an absolute target", "GET http://other.example/a?b HTTP/1.1\r\nHost: x\r\n\r\n", map[string]any{
		"HTTP_HOST": "other.example", "PATH_INFO": "/a", "QUERY_STRING": "b", "REQUEST_URI": "http://other.example/a?b",
	}, "HTTP_HOST PATH_INFO"},
	{"the server itself", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", map[string]any{"PATH_INFO": "*", "REQUEST_URI": "*"}, ""},
	// RFC 9110 section 5.5: white space around a value is no part of it.
	{"values", "GET / HTTP/1.1\r\nHost: x\r\nX-High: caf\xe9\r\nX-Empty:\r\nX-Space:   a  b \t \r\n\r\n", map[string]any{
		"HTTP_X_HIGH": "caf\u00e9", "HTTP_X_EMPTY": "", "HTTP_X_SPACE": "a  b",
	}, "HTTP_X_SPACE"},
	{"an unknown method", "BREW / HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n\r\n", map[string]any{"REQUEST_METHOD": "BREW", "HTTP_RANGE": "bytes=0-1"}, ""},
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// own are the names that depend on the server or the connection.
func own(name string) bool {
	return strings.HasPrefix(name, "fender.") || slices.Contains(
		[]string{"REMOTE_PORT", "SERVER_PORT", "SERVER_SOFTWARE", "wsgi.input_terminated"}, name)
}

// With uWSGI beside it (make bench installs one) the whole environs are compared.
func TestTheEnvironIsWhatUWSGIGivesButForWhatIsListed(t *testing.T) {
	s := serve(t, testdata("environ")...)
	// uWSGI takes this for a Content-Length, and waits.
	if env := facts(t, s.raw("GET / HTTP/1.1\r\nHost: x\r\nCONTENT_LENGTH: 9\r\n\r\n")); env["CONTENT_LENGTH"] != nil {
		t.Errorf("CONTENT_LENGTH %v of a field of that name", env["CONTENT_LENGTH"])
	}
	other := uwsgi(t)
	for _, c := range environs {
		env := facts(t, s.raw(c.raw))
		for name, want := range c.want {
			if got := env[name]; got != want {
				t.Errorf("%s: %s is %q, not %q", c.name, name, got, want)
			}
		}
		if env["SERVER_PORT"] != s.addr[strings.LastIndexByte(s.addr, ':')+1:] || fmt.Sprint(env["REMOTE_PORT"]) < "1" {
			t.Errorf("%s: SERVER_PORT %v, REMOTE_PORT %v", c.name, env["SERVER_PORT"], env["REMOTE_PORT"])
		}
		if other == "" {
			continue
		}
		there := facts(t, askRaw(t, other, c.raw))
		var differ []string
		both := maps.Clone(env)
		maps.Copy(both, there)
		for _, name := range slices.Sorted(maps.Keys(both)) {
			if env[name] != there[name] && !own(name) {
				differ = append(differ, name)
			}
		}
		if got := strings.Join(differ, " "); got != c.uwsgi {
			t.Errorf("%s: not as in uWSGI are %q, listed are %q\nfender: %v\nuWSGI:  %v", c.name, got, c.uwsgi, env, there)
		}
	}
}

var bound = regexp.MustCompile(`bound to TCP address (\S+)`)

// uwsgi starts a uWSGI with the same application and returns its address; "" where there is none.
func uwsgi(t *testing.T) string {
	t.Helper()
	program := filepath.Join(root, ".venv-bench", "bin", "uwsgi")
	if _, err := os.Stat(program); err != nil {
		t.Log("not compared with a uWSGI: make bench installs one")
		return ""
	}
	// Applications are loaded after the socket is bound; what is asked before waits in its backlog.
	cmd := exec.Command(program, "--http-socket", "127.0.0.1:0", "--buffer-size", "65535", "--need-app", "--disable-logging",
		"--wsgi-file", filepath.Join(root, "e2e", "testdata", "environ.py"))
	cmd.Env = append(cleanEnviron(), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	said := bufio.NewScanner(out)
	for said.Scan() {
		if m := bound.FindStringSubmatch(said.Text()); m != nil {
			go func() {
				for said.Scan() {
				}
			}()
			return m[1]
		}
	}
	t.Fatal("uWSGI does not come up")
	return ""
}

func TestTheSchemeIsBelievedOfTrustedProxiesOnly(t *testing.T) {
	const forwarded = "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n"
	for _, c := range []struct {
		args         []string
		scheme, addr string
	}{
		{nil, "https", "127.0.0.1"},
		{[]string{"--trusted-proxies", "192.0.2.0/24"}, "http", "127.0.0.1"},
		{[]string{"--trusted-proxies="}, "http", "127.0.0.1"},
		{[]string{"--trusted-proxies", "192.0.2.0/24,127.0.0.1/32", "--real-ip"}, "https", "192.0.2.7"},
		{[]string{"--trusted-proxies", "192.0.2.0/24", "--real-ip"}, "http", "127.0.0.1"},
	} {
		env := facts(t, serve(t, append(testdata("environ"), c.args...)...).raw(forwarded))
		if env["wsgi.url_scheme"] != c.scheme || env["REMOTE_ADDR"] != c.addr {
			t.Errorf("%q: scheme %v, address %v", c.args, env["wsgi.url_scheme"], env["REMOTE_ADDR"])
		}
	}
}

// An AWS balancer passes 16 KiB of request line and 64 KiB of header fields.
func TestVeryLongHeadsPassOrAreRefusedWithTheirCause(t *testing.T) {
	s := serve(t, testdata("environ")...)
	c := &load.Conn{Addr: s.addr}
	defer c.Close()
	for _, x := range []struct {
		path, field int // lengths
		status      int
		cause       string
	}{
		{16 << 10, 10, 200, ""},
		{31 << 10, 10, 200, ""},
		{40 << 10, 10, 414, "uri-too-long"},
		{1 << 20, 10, 414, "uri-too-long"},
		{10, 60 << 10, 200, ""},
		{16 << 10, 60 << 10, 200, ""},
		{10, 80 << 10, 431, "header-too-large"},
		{10, 1 << 20, 431, "header-too-large"},
	} {
		path, value := "/"+strings.Repeat("u", x.path-1), strings.Repeat("v", x.field)
		res, kind, err := c.Do(&load.Request{Target: path + "?q", Header: []string{"Cookie: " + value}, Want: []int{x.status}})
		if kind != load.OK {
			t.Errorf("a path of %d and a field of %d: %s: %v", x.path, x.field, kind, err)
			continue
		}
		if got := res.Get("x-fender-cause"); got != x.cause {
			t.Errorf("a path of %d and a field of %d: cause %q", x.path, x.field, got)
		}
		if x.status == 200 {
			if env := facts(t, res); env["PATH_INFO"] != path || env["REQUEST_URI"] != path+"?q" || env["HTTP_COOKIE"] != value {
				t.Errorf("a path of %d and a field of %d came changed", x.path, x.field)
			}
		}
	}
}
