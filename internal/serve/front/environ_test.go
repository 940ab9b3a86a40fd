package front

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
)

// environOf decodes an environ: a marshal dict of strings (ARCHITECTURE.md, "The wire").
func environOf(t testing.TB, b []byte) map[string]string {
	t.Helper()
	env := map[string]string{}
	str := func() string {
		n, head := 0, 2
		switch b[0] {
		case 'z', 'Z':
			n = int(b[1])
		case 'u':
			n, head = int(binary.LittleEndian.Uint32(b[1:])), 5
		default:
			t.Fatalf("code %q in an environ", b[0])
		}
		var latin1 strings.Builder
		for _, r := range string(b[head : head+n]) {
			latin1.WriteByte(byte(r))
		}
		b = b[head+n:]
		return latin1.String()
	}
	if b[0] != '{' {
		t.Fatalf("an environ begins with %q", b[0])
	}
	for b = b[1:]; b[0] != '0'; {
		key := str()
		if _, twice := env[key]; twice {
			t.Errorf("%s stands in the environ twice", key)
		}
		env[key] = str()
	}
	return env
}

// seen sends raw requests on a connection each and returns the environs that the application saw.
func seen(t *testing.T, o Options, raw string) map[string]string {
	t.Helper()
	envs := make(chan map[string]string, 1)
	s := serve(t, o, func(j *job) {
		envs <- environOf(t, j.Environ)
		j.text("")
	})
	c := s.dial()
	c.send(raw)
	env := wait(t, "the environ", envs)
	env["test.port"] = s.addr[strings.LastIndexByte(s.addr, ':')+1:]
	env["test.peer"] = c.LocalAddr().(interface{ AddrPort() netip.AddrPort }).AddrPort().String()
	return env
}

func TestEnviron_IsWhatUWSGIGives(t *testing.T) {
	env := seen(t, Options{ServerName: "web1"}, "POST /a%20b/%C3%A9//%2F?q=%20&r HTTP/1.1\r\n"+
		"Host: example.org\r\nContent-Type: text/x\r\nContent-Length: 3\r\nX-Two: 1\r\nCookie: a=1\r\nx-two: 2\r\nCOOKIE: b=2\r\n"+
		"X-High: \xe9\r\nX_Two: 3\r\nProxy: evil\r\nX-Empty:\r\n\r\nabc")
	for key, want := range map[string]string{
		"REQUEST_METHOD": "POST", "REQUEST_URI": "/a%20b/%C3%A9//%2F?q=%20&r", "PATH_INFO": "/a b/\xc3\xa9///",
		"QUERY_STRING": "q=%20&r", "SERVER_PROTOCOL": "HTTP/1.1", "SCRIPT_NAME": "", "SERVER_NAME": "web1",
		"SERVER_PORT": env["test.port"], "REMOTE_ADDR": "127.0.0.1",
		"REMOTE_PORT": strings.TrimPrefix(env["test.peer"], "127.0.0.1:"), "wsgi.url_scheme": "http",
		"CONTENT_TYPE": "text/x", "CONTENT_LENGTH": "3", "HTTP_HOST": "example.org", "HTTP_X_TWO": "1, 2",
		"HTTP_COOKIE": "a=1; b=2", "HTTP_X_HIGH": "\xe9", "HTTP_X_EMPTY": "",
	} {
		if got, ok := env[key]; !ok || got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	for _, key := range []string{"HTTP_PROXY", "HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_TRANSFER_ENCODING"} {
		if got, ok := env[key]; ok {
			t.Errorf("%s is there: %q", key, got)
		}
	}
}

func TestEnviron_GivesTheRealLengthOfAChunkedBody(t *testing.T) {
	env := seen(t, Options{}, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n")
	if env["CONTENT_LENGTH"] != "6" {
		t.Errorf("CONTENT_LENGTH %q", env["CONTENT_LENGTH"])
	}
	if _, ok := env["HTTP_TRANSFER_ENCODING"]; ok {
		t.Error("HTTP_TRANSFER_ENCODING is there, the body is decoded")
	}
}

func TestEnviron_HasNoLengthWithoutABody(t *testing.T) {
	env := seen(t, Options{}, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if got, ok := env["CONTENT_LENGTH"]; ok {
		t.Errorf("CONTENT_LENGTH %q", got)
	}
}

func TestEnviron_TakesTheHostOfAnAbsoluteForm(t *testing.T) {
	env := seen(t, Options{}, "GET http://b.example:81?q HTTP/1.1\r\nHost: a\r\n\r\n")
	if env["HTTP_HOST"] != "b.example:81" || env["PATH_INFO"] != "/" || env["QUERY_STRING"] != "q" || env["REQUEST_URI"] != "http://b.example:81?q" {
		t.Errorf("host %q, path %q, query %q, uri %q", env["HTTP_HOST"], env["PATH_INFO"], env["QUERY_STRING"], env["REQUEST_URI"])
	}
}

func TestEnviron_BelievesTheSchemeOfTrustedProxiesOnly(t *testing.T) {
	const raw = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: "
	elsewhere := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	for _, c := range []struct {
		name, value string
		proxies     []netip.Prefix
		want        string
	}{
		{"a private peer", "https", nil, "https"},
		{"in capitals", "HTTPS", nil, "https"},
		{"plain", "http", nil, "http"},
		{"nonsense", "gopher", nil, "http"},
		{"twice", "https\r\nX-Forwarded-Proto: http", nil, "http"},
		{"nobody is trusted", "https", []netip.Prefix{}, "http"},
		{"another peer", "https", elsewhere, "http"},
	} {
		env := seen(t, Options{TrustedProxies: c.proxies}, raw+c.value+"\r\n\r\n")
		if env["wsgi.url_scheme"] != c.want {
			t.Errorf("%s: got %q, want %q", c.name, env["wsgi.url_scheme"], c.want)
		}
		if !strings.HasPrefix(env["HTTP_X_FORWARDED_PROTO"], c.value[:4]) {
			t.Errorf("%s: the header itself is %q", c.name, env["HTTP_X_FORWARDED_PROTO"])
		}
	}
}
