package siege

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRequest_ReadsSiegesNotation(t *testing.T) {
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, []byte("from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, method, url, body string }{
		{"http://h", "GET", "http://h/", ""},
		{"h", "GET", "http://h/", ""},
		{"h:81/p", "GET", "http://h:81/p", ""},
		{"HTTPS://h:443/p?q=1&r#frag", "GET", "https://h/p?q=1&r", ""},
		{"http://h?q", "GET", "http://h/?q", ""},
		{"http://h/a b?c=d e", "GET", "http://h/a%20b?c=d%20e", ""},
		{"http://h/ü/%2F//", "GET", "http://h/%C3%BC/%2F//", ""},
		{"http://h/%zz?%&a=%4", "GET", "http://h/%zz?%&a=%4", ""},
		{"http://h//x/../\"y\"", "GET", "http://h//x/../\"y\"", ""},
		{"http://[::1]:81/x", "GET", "http://[::1]:81/x", ""},
		{"http://u:p@h/x", "GET", "http://h/x", ""},
		{"http://h/x POST a=1&b=2", "POST", "http://h/x", "a=1&b=2"},
		{"http://h/x POST  a b  c ", "POST", "http://h/x", "a b  c"},
		{"http://h/x PUT <" + file, "PUT", "http://h/x", "from a file"},
		{"http://h/x DELETE", "DELETE", "http://h/x", ""},
		{"http://h/x HEAD", "HEAD", "http://h/x", ""},
		{"http://h/x post a", "GET", "http://h/x%20post%20a", ""},
	} {
		q, err := ParseRequest(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if q.Method != c.method || q.URL != c.url || string(q.Body) != c.body {
			t.Errorf("%s: %s %s %q", c.text, q.Method, q.URL, q.Body)
		}
	}
	for _, text := range []string{"", "ftp://h/", "http://", "http:///x", "http://h:0/", "http://h:65536/", "a:b:c", "http://h h/", "http://h%zz/", "http://%31/", "http://[::1/", "http://h/ POST </no/such/file", "http://" + strings.Repeat("x", longestURL)} {
		if q, err := ParseRequest(text); err == nil {
			t.Errorf("%.80q is read as %s", text, q.URL)
		} else if len(err.Error()) > 400 {
			t.Errorf("%.80q gives a message of %d bytes", text, len(err.Error()))
		}
	}
}

func TestParseRequest_ShowsNoPasswordInAnError(t *testing.T) {
	_, err := ParseRequest("http://me:secret@h:99999/x@y")
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), `"http://h:99999/x@y"`) {
		t.Error(err)
	}
}

func TestReadURLs_UnderstandsCommentsAndVariables(t *testing.T) {
	const file = `# comment
HOST=h:81
SCHEME = https
BASE="$(SCHEME)://${HOST}"
   # indented

$(BASE)/a
http://$HOST/b POST x=$HOST # kept
http://h/c   # cut
"http://h/d"
http://h/e?x=$ENV&y=\$HOST&z=$
http://h/f?a=b
`
	all, err := ReadURLs(strings.NewReader(file), func(name string) string { return map[string]string{"ENV": "env"}[name] })
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, q := range all {
		got = append(got, q.Method+" "+q.URL+" "+string(q.Body))
	}
	want := []string{
		"GET https://h:81/a ", "POST http://h:81/b x=h:81 # kept", "GET http://h/c ", "GET http://h/d ",
		"GET http://h/e?x=env&y=$HOST&z=$ ", "GET http://h/f?a=b ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for text, why := range map[string]string{
		"":                  "no URL",
		"# x\n\n":           "no URL",
		"\nhttp://$NO/":     "line 2: $NO is set neither",
		"http://$(X/":       "no closing )",
		"A=1\nftp://host/x": "line 2",
	} {
		if _, err := ReadURLs(strings.NewReader(text), func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %q", text, err, why)
		}
	}
}

func FuzzReadURLs(f *testing.F) {
	f.Add("A=b\nhttp://$A/ POST x\n# c\n${A}/$(A)?\\$x")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := ReadURLs(strings.NewReader(text), func(string) string { return "" })
		if err != nil {
			return
		}
		for _, q := range all {
			if err := q.write(Headers{UserAgent: "x", ContentType: "y"}); err != nil {
				t.Fatal(err)
			}
			line, _, _ := strings.Cut(string(q.head), "\r\n")
			if strings.Count(line, " ") != 2 || strings.ContainsAny(line, "\n\t\x00") {
				t.Fatalf("request line %q of %q", line, text)
			}
			if head := string(q.head); strings.Count(head, "\r\n\r\n") != 1 || strings.Contains(strings.ReplaceAll(head, "\r\n", ""), "\n") {
				t.Fatalf("head %q", head)
			}
		}
	})
}

func TestRequest_WritesItsHeaders(t *testing.T) {
	q, err := ParseRequest("http://u:p@h:81/x POST a=1")
	if err != nil {
		t.Fatal(err)
	}
	err = q.write(Headers{
		Lines:     []string{"Host: other", "X-A: 1", "X-A: 2", "cookie: a=b", "Cookie: c=d", "content-type: text/plain"},
		UserAgent: "me", ContentType: "form", Close: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = "POST /x HTTP/1.1\r\nHost: other\r\nAccept: */*\r\nUser-Agent: me\r\nConnection: close\r\n" +
		"Authorization: Basic dTpw\r\ncontent-type: text/plain\r\nContent-Length: 3\r\nX-A: 1\r\nX-A: 2\r\ncookie: a=b\r\nCookie: c=d\r\n\r\na=1"
	if diff := cmp.Diff(want, string(q.whole)); diff != "" {
		t.Error(diff)
	}
	for _, line := range []string{"", "x", ": y", "a b: c", "A: b\r\nC: d", "Content-Length: 3", "transfer-encoding: chunked"} {
		if (&Headers{Lines: []string{line}}).Check() == nil {
			t.Errorf("%q is accepted", line)
		}
	}
	for _, h := range []Headers{{UserAgent: "me\r\nX: y"}, {ContentType: "text\nX: y"}} {
		if h.Check() == nil || q.write(h) == nil {
			t.Errorf("%+v is accepted", h)
		}
	}
}

// names resolves what the test says.
type names map[string][]netip.Addr

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	return n[host], nil
}

func TestResolve_RefusesWhatIsNotThisMachine(t *testing.T) {
	dns := names{
		"local": {netip.MustParseAddr("::ffff:127.0.0.2"), netip.MustParseAddr("::1")},
		"mixed": {netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.7")},
	}
	for text, remote := range map[string]string{
		"http://local/": "", "http://127.1.2.3/": "", "http://[::1]:8000/": "", "http://0.0.0.0:8000/": "",
		"http://mixed/": "mixed (192.0.2.7)", "http://192.0.2.1/": "192.0.2.1", "http://[2001:db8::1]/": "2001:db8::1", "http://[::ffff:10.0.0.1]/": "10.0.0.1",
	} {
		q, err := ParseRequest(text)
		if err != nil {
			t.Fatal(err)
		}
		err = Resolve(t.Context(), dns, []*Request{q}, false)
		var re *RemoteError
		if remote == "" && err != nil || remote != "" && (!errors.As(err, &re) || !strings.Contains(err.Error(), remote)) {
			t.Errorf("%s: %v", text, err)
		}
		if err := Resolve(t.Context(), dns, []*Request{q}, true); err != nil || len(q.addrs) == 0 {
			t.Errorf("%s, allowed: %v", text, err)
		}
	}
	q, _ := ParseRequest("http://unknown/")
	if err := Resolve(t.Context(), dns, []*Request{q}, true); err == nil || !strings.Contains(err.Error(), "the host unknown is not known") {
		t.Errorf("%v", err)
	}
}
