package message

import (
	"fmt"
	"strings"
	"testing"
)

func crlf(lines ...string) []byte { return []byte(strings.Join(append(lines, "", ""), "\r\n")) }

func TestParse_JudgesRequests(t *testing.T) {
	long := strings.Repeat("a", MaxField)
	for _, c := range []struct {
		name string
		head []byte
		want Verdict
	}{
		{"plain", crlf("GET / HTTP/1.1", "Host: a"), OK},
		{"lines that end with LF", []byte("GET / HTTP/1.1\nHost: a\n\n"), OK},
		{"HTTP/0.9", []byte("GET /\r\n\r\n"), OK},
		{"HTTP/1.0 without Host", crlf("GET / HTTP/1.0"), OK},
		{"HTTP/1.1 without Host", crlf("GET / HTTP/1.1"), MissingHost},
		{"HTTP/1.1 with an empty Host", crlf("GET / HTTP/1.1", "Host:"), OK},
		{"HTTP/1.2", crlf("GET / HTTP/1.2", "Host: a"), OK},
		{"HTTP/2 on an HTTP/1 connection", crlf("PRI * HTTP/2.0"), BadVersion},
		{"no target", crlf("GET HTTP/1.1", "Host: a"), Malformed},
		{"a method alone", crlf("GET"), Malformed},
		{"HTTP/0.9 with another method", crlf("PUT /"), Malformed},
		{"no version to speak of", crlf("GET / HTTP/one", "Host: a"), Malformed},
		{"a space in the target", crlf("GET /a b HTTP/1.1", "Host: a"), OK},
		{"Content-Length that is none", crlf("POST / HTTP/1.1", "Host: a", "Content-Length: 1x"), BadLength},
		{"gzip", crlf("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: gzip, chunked"), UnknownCoding},
		{"identity", crlf("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: identity"), OK},
		{"a request line of 16K", crlf("GET /"+strings.Repeat("a", MaxRequestLine-14)+" HTTP/1.1", "Host: a"), OK},
		{"a longer one", crlf("GET /"+strings.Repeat("a", MaxRequestLine-13)+" HTTP/1.1", "Host: a"), URITooLong},
		{"a header line of just below 16K", crlf("GET / HTTP/1.1", "Host: a", "A: "+long[4:]), OK},
		{"a header line of 16K", crlf("GET / HTTP/1.1", "Host: a", "A: "+long[3:]), FieldTooLong},
		{"headers of more than 64K", crlf(append([]string{"GET / HTTP/1.1", "Host: a"}, strings.Split(strings.Repeat("A: "+long[10:]+"|", 4)+"B: "+long[:100], "|")...)...), HeadTooLong},
	} {
		var r Request
		if got := r.Parse(c.head); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestParse_ReadsWhatARequestSays(t *testing.T) {
	var r Request
	if v := r.Parse(crlf("POST /x?y HTTP/1.1", "hOST:  example.com ", "Expect: 100-Continue", "User-Agent: ua", "Cookie: a=b", "Cookie: c=d",
		"Content-Length: 12", "Connection: Upgrade", "Upgrade: websocket", "X-Amzn-Trace-Id: Root=1", " folded", "no colon")); v != OK {
		t.Fatal(v)
	}
	got := fmt.Sprintf("%s %s %d %q %q %q %v %d %v %q %d", r.Method, r.Target, r.Minor, r.Host, r.UserAgent, r.TraceID, r.Continue, r.Length, r.KeepAlive, r.Upgrade, r.Cookies)
	if want := `POST /x?y 1 "example.com" "ua" "Root=1" true 12 true "websocket" 2`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if f := r.Fields[len(r.Fields)-2]; !f.NoColon || string(f.Name) != " folded" {
		t.Errorf("a folded line is %+v", f)
	}
}

func TestParse_PrefersChunkedToContentLength(t *testing.T) {
	var r Request
	if v := r.Parse(crlf("POST / HTTP/1.1", "Host: a", "Content-Length: 3", "Transfer-Encoding: Chunked")); v != OK || !r.Chunked || r.Length != -1 {
		t.Error(v, r.Chunked, r.Length)
	}
}

func TestParse_JudgesResponses(t *testing.T) {
	for _, c := range []struct {
		head []byte
		want Verdict
	}{
		{crlf("HTTP/1.1 200 OK", "Content-Length: 0"), OK},
		{crlf("HTTP/1.1 200"), OK},
		{crlf("HTTP/1.0 200 OK"), OK},
		{crlf("HTTP/2 200 OK"), Malformed},
		{crlf("HTTP/1.1 20 OK"), Malformed},
		{crlf("HTTP/1.1 2000 OK"), Malformed},
		{crlf("HTTP/1.1 999 OK"), Malformed},
		{crlf("<html>"), Malformed},
		{crlf("HTTP/1.1 200 OK", "no colon"), BadField},
		{crlf("HTTP/1.1 200 OK", "a: b", " folded"), BadField},
		{crlf("HTTP/1.1 200 OK", "a b: c"), BadField},
		{crlf("HTTP/1.1 200 OK", "a: b\x00"), BadField},
		{crlf("HTTP/1.1 200 OK", "Content-Length: -1"), BadLength},
		{crlf("HTTP/1.1 200 OK", "Content-Length: 1", "Content-Length: 2"), BadLength},
		{crlf("HTTP/1.1 200 OK", "Content-Length: 1", "Content-Length: 1"), OK},
		{crlf("HTTP/1.1 200 OK", "Transfer-Encoding: gzip"), UnknownCoding},
		{crlf("HTTP/1.1 200 OK", "a: "+strings.Repeat("b", MaxResponseHead)), HeadTooLong},
	} {
		var r Response
		if got := r.Parse(c.head); got != c.want {
			t.Errorf("%.60q: %v, want %v", c.head, got, c.want)
		}
	}
}

func TestChunked_LetsOnlyWhatEverybodyReadsAlikePass(t *testing.T) {
	for _, c := range []struct {
		in, data string
		done     bool
		rest     int
	}{
		{"5\r\nhello\r\n0\r\n\r\nmore", "hello", true, 4},
		{"1;a=b\r\nx\r\n2\r\nyz\r\n0\r\nT: v\r\n\r\n", "xyz", true, 0},
		{"a\r\n0123456789\r\n", "0123456789", false, 0},
		{"5\nhello\r\n0\r\n\r\n", "", false, -1},
		{"5\r\nhellox0\r\n\r\n", "hello", false, -1},
		{"\r\n", "", false, -1},
		{"ffffffffffffffff\r\n", "", false, -1},
		{"0x5\r\nhello\r\n", "", false, -1},
		{"0\r\nbad trailer\x00\r\n\r\n", "", false, -1},
	} {
		for split := 0; split <= len(c.in); split++ {
			var d Chunked
			data, used := "", 0
			for _, part := range []string{c.in[:split], c.in[split:]} {
				for len(part) > 0 && !d.Done() && !d.Broken() {
					n, b := d.Next([]byte(part))
					data, part, used = data+string(b), part[n:], used+n
				}
			}
			if data != c.data || d.Done() != c.done || d.Broken() != (c.rest < 0) || c.rest >= 0 && len(c.in)-used != c.rest {
				t.Errorf("%q split at %d: data %q done %v broken %v rest %d", c.in, split, data, d.Done(), d.Broken(), len(c.in)-used)
			}
		}
	}
}

func TestEnd_FindsTheEndInWhateverPieces(t *testing.T) {
	for _, head := range []string{"GET / HTTP/1.1\r\nA: b\r\n\r\n", "GET / HTTP/1.1\nA: b\n\n", "GET /\r\n\n", "GET /\n\r\n"} {
		for cut := range len(head) {
			end, scanned := End([]byte(head[:cut]), 0)
			if end != 0 {
				t.Errorf("%q ends at %d of %d", head[:cut], end, len(head))
			}
			if end, _ = End([]byte(head+"next"), scanned); end != len(head) {
				t.Errorf("%q after %d: ends at %d, want %d", head, cut, end, len(head))
			}
		}
	}
}

// FuzzMessage: nothing panics, and what is found does not depend on how the bytes are cut.
func FuzzMessage(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"), 5)
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), 50)
	f.Add([]byte("\r\n\n GET\n:\n \n\n"), 1)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		if cut < 0 || cut > len(b) {
			cut = len(b) / 2
		}
		whole, _ := End(b, 0)
		first, scanned := End(b[:cut], 0)
		if first == 0 {
			first, _ = End(b, scanned)
		}
		if first != whole {
			t.Fatalf("ends at %d whole and at %d cut at %d", whole, first, cut)
		}
		if whole > 0 {
			var q Request
			_ = q.Parse(b[:whole])
			var r Response
			if r.Parse(b[:whole]) == OK && (r.Status < 100 || r.Status > 599) {
				t.Fatal(r.Status)
			}
		}
		var one, two Chunked
		n := one.Skip(b)
		m := two.Skip(b[:cut])
		if !two.Done() && !two.Broken() {
			m += two.Skip(b[m:])
		}
		if n != m || one.place != two.place {
			t.Fatalf("chunks: %d whole, %d cut at %d", n, m, cut)
		}
	})
}
