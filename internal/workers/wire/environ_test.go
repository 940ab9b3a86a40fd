package wire_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"fender/internal/workers/wire"
)

// albGet is what a browser's GET behind an ALB gives: 21 variables, headers first as net/http has them.
var albGet = struct{ headers, variables [][2]string }{
	headers: [][2]string{
		{"Host", "shop.example.com"},
		{"X-Forwarded-For", "203.0.113.77"},
		{"X-Forwarded-Proto", "https"},
		{"X-Forwarded-Port", "443"},
		{"X-Amzn-Trace-Id", "Root=1-67891233-abcdef012345678912345678"},
		{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"},
		{"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
		{"Accept-Encoding", "gzip, deflate, br"},
		{"Accept-Language", "en-GB,en;q=0.9"},
		{"Cookie", "sessionid=0123456789abcdefghijklmnopqrstuv; csrftoken=" + strings.Repeat("c", 64)},
		{"Cache-Control", "max-age=0"},
	},
	variables: [][2]string{
		{"REQUEST_METHOD", "GET"},
		{"SCRIPT_NAME", ""},
		{"PATH_INFO", "/products/4711/"},
		{"QUERY_STRING", "sort=price&page=2"},
		{"REQUEST_URI", "/products/4711/?sort=price&page=2"},
		{"SERVER_NAME", "ip-10-0-1-17"},
		{"SERVER_PORT", "8000"},
		{"SERVER_PROTOCOL", "HTTP/1.1"},
		{"REMOTE_ADDR", "10.0.3.9"},
		{"wsgi.url_scheme", "https"},
	},
}

func encodeGet(buf []byte) []byte {
	e := wire.NewEnviron(buf)
	for _, v := range albGet.variables {
		e.Set(v[0], v[1])
	}
	for _, h := range albGet.headers {
		e.SetHeader(h[0], h[1])
	}
	return e.Bytes()
}

func TestEnviron_DoesNotAllocateWhenThereIsRoom(t *testing.T) {
	buf := make([]byte, 0, wire.MaxMessage)
	latin, long := strings.Repeat("\xe9", 300), strings.Repeat("x", 300)
	n := testing.AllocsPerRun(100, func() {
		encodeGet(buf)
		e := wire.NewEnviron(buf)
		e.Set("HTTP_X_NOT_IN_THE_TABLE", latin)
		e.SetHeader("X-Not-In-The-Table", long)
		e.SetHeader(long, latin)
		e.SetHeader(latin, long)
		e.Bytes()
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestEnviron_WritesTheFormsOfTheContract(t *testing.T) {
	k255, k256 := strings.Repeat("k", 255), strings.Repeat("k", 256)
	e := wire.NewEnviron([]byte("before"))
	e.Set("REQUEST_METHOD", "GET")      // interned name, short value
	e.Set("CLIENT_CHOSE", "\xe9~")      // never interned; not ASCII: UTF-8 of the code points
	e.Set(k255, k256)                   // the longest short string, and one more
	e.SetHeader("x-host", "")           // made up on the way, empty
	e.SetHeader("content-TYPE", "a")    // no prefix in any spelling, interned only in the known ones
	e.SetHeader("User-Agent", "b")      // interned
	e.SetHeader(k255[:250], "")         // HTTP_ and 250 are 255
	e.SetHeader(k255[:251], "")         // one more
	e.SetHeader("Content-Length", "12") //
	want := "before{" +
		"Z\x0eREQUEST_METHOD" + "z\x03GET" +
		"z\x0cCLIENT_CHOSE" + "u\x03\x00\x00\x00\xc3\xa9~" +
		"z\xff" + k255 + "u\x00\x01\x00\x00" + k256 +
		"z\x0bHTTP_X_HOST" + "z\x00" +
		"z\x0cCONTENT_TYPE" + "z\x01a" +
		"Z\x0fHTTP_USER_AGENT" + "z\x01b" +
		"z\xffHTTP_" + strings.Repeat("K", 250) + "z\x00" +
		"u\x00\x01\x00\x00HTTP_" + strings.Repeat("K", 251) + "z\x00" +
		"Z\x0eCONTENT_LENGTH" + "z\x0212" +
		"0"
	if got := string(e.Bytes()); got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestHeaderVar_IsTheNameOfCGI(t *testing.T) {
	for header, want := range map[string]string{
		"User-Agent":         "HTTP_USER_AGENT",
		"user-agent":         "HTTP_USER_AGENT",
		"uSER-aGENT":         "HTTP_USER_AGENT",
		"X-Request-Id":       "HTTP_X_REQUEST_ID",
		"X-Request-ID":       "HTTP_X_REQUEST_ID",
		"Content-Type":       "CONTENT_TYPE",
		"content-type":       "CONTENT_TYPE",
		"CONTENT-LENGTH":     "CONTENT_LENGTH",
		"Content-Type-More":  "HTTP_CONTENT_TYPE_MORE",
		"X--":                "HTTP_X__",
		"x!#$%&'*+.^`|~9":    "HTTP_X!#$%&'*+.^`|~9",
		"":                   "HTTP_",
		"\xe9":               "HTTP_\xe9",
		"X-Never-Seen-Bytes": "HTTP_X_NEVER_SEEN_BYTES",
	} {
		if got := wire.HeaderVar(header); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
		if got := wire.HeaderVar([]byte(header)); got != want {
			t.Errorf("bytes of %q: %q, want %q", header, got, want)
		}
	}
	name, raw := "X-Amzn-Trace-Id", []byte("x-forwarded-for")
	if n := testing.AllocsPerRun(100, func() { wire.HeaderVar(name); wire.HeaderVar(raw) }); n != 0 {
		t.Errorf("%v allocations for common headers", n)
	}
}

func BenchmarkEnviron_ALBGet(b *testing.B) {
	buf := make([]byte, 0, wire.MaxMessage)
	b.ReportAllocs()
	b.SetBytes(int64(len(encodeGet(buf))))
	for b.Loop() {
		encodeGet(buf)
	}
}

func TestEnviron_SaysTheSameWithNamesThatAreReady(t *testing.T) {
	plain, ready := wire.NewEnviron(nil), wire.NewEnviron(nil)
	for _, variable := range []string{"REQUEST_METHOD", "of.no.table", "H\xe9"} {
		plain.Set(variable, "v\xe9")
		ready.SetNamed(wire.NameOf(variable), "v\xe9")
	}
	for _, n := range []int64{0, 7, 1 << 62, -1 << 63} {
		plain.Set("CONTENT_LENGTH", strconv.FormatInt(n, 10))
		ready.SetNumber(wire.NameOf("CONTENT_LENGTH"), n)
	}
	if want, got := plain.Bytes(), ready.Bytes(); !bytes.Equal(want, got) {
		t.Errorf("%q instead of %q", got, want)
	}
}
