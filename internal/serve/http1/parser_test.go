package http1

import (
	"bytes"
	"strings"
	"testing"
)

// parse runs a whole head through a fresh parser.
func parse(raw string) (*Parser, Verdict) {
	p := new(Parser)
	p.Reset(LimitsFor(0))
	return p, p.Parse([]byte(raw))
}

func TestParser_ReadsAHeadAndLeavesWhatFollows(t *testing.T) {
	raw := "POST /a/b%20c?x=1?y HTTP/1.1\r\nHost: example.org:8000\r\nX-Empty:\r\nCookie:  a=b \t\r\nContent-Length: 5\r\n\r\nhello"
	p, v := parse(raw)
	if v != Complete {
		t.Fatalf("verdict %v", v)
	}
	h := &p.Head
	for _, c := range []struct {
		what string
		span Span
		want string
	}{
		{"method", h.Method, "POST"},
		{"target", h.Target, "/a/b%20c?x=1?y"},
		{"path", h.Path, "/a/b%20c"},
		{"query", h.Query, "x=1?y"},
		{"first value", h.Fields[0].Value, "example.org:8000"},
		{"empty value", h.Fields[1].Value, ""},
		{"trimmed value", h.Fields[2].Value, "a=b"},
		{"name", h.Fields[2].Name, "Cookie"},
	} {
		if got := c.span.Of(raw); got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
	}
	if h.Length != 5 || h.Chunked || !h.KeepAlive || h.Minor != 1 || !h.HasBody() {
		t.Errorf("digest: %+v", *h)
	}
	if rest := raw[p.Size():]; rest != "hello" {
		t.Errorf("what follows: %q", rest)
	}
}

func TestParser_GivesEachFaultItsVerdict(t *testing.T) {
	host := "Host: a\r\n"
	get := "GET / HTTP/1.1\r\n" + host
	long := strings.Repeat("a", 33<<10)
	for _, c := range []struct {
		name, raw string
		want      Verdict
	}{
		{"a plain request", get + "\r\n", Complete},
		{"an empty line before it", "\r\n" + get + "\r\n", Complete},
		{"three empty lines before it", "\r\n\r\n\r\n" + get + "\r\n", BadStartLine},
		{"not finished", get, More},
		{"LF ends the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", BareLF},
		{"LF ends a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", BareLF},
		{"LF ends the head", get + "\n", BareLF},
		{"CR in a value", get + "X: a\rb\r\n\r\n", BareCR},
		{"CR in a name", get + "X\rY: a\r\n\r\n", BareCR},
		{"CR in the target", "GET /\r HTTP/1.1\r\n" + host + "\r\n", BareCR},
		{"CR CR LF", get + "X: a\r\r\n\r\n", BareCR},
		{"NUL in a value", get + "X: a\x00b\r\n\r\n", ControlByte},
		{"DEL in a value", get + "X: a\x7fb\r\n\r\n", ControlByte},
		{"NUL in a name", get + "X\x00: a\r\n\r\n", ControlByte},
		{"NUL in the target", "GET /\x00 HTTP/1.1\r\n" + host + "\r\n", BadTarget},
		{"tab in the target", "GET /\t HTTP/1.1\r\n" + host + "\r\n", BadTarget},
		{"no method", " / HTTP/1.1\r\n" + host + "\r\n", BadMethod},
		{"a method that is no token", "G(T / HTTP/1.1\r\n" + host + "\r\n", BadMethod},
		{"a method without end", strings.Repeat("G", 40) + " / HTTP/1.1\r\n" + host + "\r\n", BadMethod},
		{"TLS on a plain port", "\x16\x03\x01\x02\x00", BadMethod},
		{"a line that never ends", strings.Repeat("G", 40<<10), BadMethod},
		{"two spaces before the target", "GET  / HTTP/1.1\r\n" + host + "\r\n", BadTarget},
		{"two spaces behind the target", "GET /  HTTP/1.1\r\n" + host + "\r\n", BadTarget},
		{"a space in the target", "GET /a b HTTP/1.1\r\n" + host + "\r\n", BadTarget},
		{"a space behind the version", "GET / HTTP/1.1 \r\n" + host + "\r\n", BadTarget},
		{"no version", "GET /\r\n\r\n", OldVersion},
		{"one word", "GET\r\n\r\n", BadStartLine},
		{"lower-case version", "GET / http/1.1\r\n" + host + "\r\n", BadVersion},
		{"version with more digits", "GET / HTTP/1.10\r\n" + host + "\r\n", BadVersion},
		{"version 2", "GET / HTTP/2.0\r\n" + host + "\r\n", UnsupportedVersion},
		{"the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", UnsupportedVersion},
		{"version 0.9", "GET / HTTP/0.9\r\n" + host + "\r\n", UnsupportedVersion},
		{"version 1.9 counts as 1.1", "GET / HTTP/1.9\r\n" + host + "\r\n", Complete},
		{"CONNECT", "CONNECT a:443 HTTP/1.1\r\n" + host + "\r\n", UnsupportedConnect},
		{"a target without slash", "GET a HTTP/1.1\r\n" + host + "\r\n", BadTarget},
		{"asterisk with GET", "GET * HTTP/1.1\r\n" + host + "\r\n", BadTarget},
		{"asterisk with OPTIONS", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", Complete},
		{"another scheme", "GET ftp://a/ HTTP/1.1\r\n" + host + "\r\n", BadTarget},
		{"absolute form without host", "GET http:///a HTTP/1.1\r\n" + host + "\r\n", BadHost},
		{"absolute form with a user", "GET http://u@a/ HTTP/1.1\r\n" + host + "\r\n", BadHost},
		{"absolute form", "GET HTTP://b:80?q HTTP/1.1\r\n" + host + "\r\n", Complete},
		{"absolute form and no Host field", "GET http://b/ HTTP/1.1\r\n\r\n", MissingHost},
		{"no Host", "GET / HTTP/1.1\r\n\r\n", MissingHost},
		{"no Host in 1.0", "GET / HTTP/1.0\r\n\r\n", Complete},
		{"two Hosts", get + "host: a\r\n\r\n", RepeatedHost},
		{"two Hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", RepeatedHost},
		{"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", Complete},
		{"a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", BadHost},
		{"a Host with a user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", BadHost},
		{"a Host with two hosts", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", BadHost},
		{"an IPv6 Host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", Complete},
		{"a folded field", get + "X: a\r\n b\r\n\r\n", FoldedField},
		{"a folded first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", FoldedField},
		{"a tab folds too", get + "\tX: a\r\n\r\n", FoldedField},
		{"space before the colon", get + "X : a\r\n\r\n", SpaceBeforeColon},
		{"a space in a name", get + "X Y: a\r\n\r\n", BadName},
		{"a colon only", get + ": a\r\n\r\n", EmptyName},
		{"no colon", get + "X\r\n\r\n", MissingColon},
		{"a name that is no token", get + "X@Y: a\r\n\r\n", BadName},
		{"a name beyond ASCII", get + "X\xe9: a\r\n\r\n", BadName},
		{"a value beyond ASCII", get + "X: \xe9\r\n\r\n", Complete},
		{"length with a sign", get + "Content-Length: +5\r\n\r\n", BadLength},
		{"negative length", get + "Content-Length: -5\r\n\r\n", BadLength},
		{"hexadecimal length", get + "Content-Length: 0x5\r\n\r\n", BadLength},
		{"length with a space", get + "Content-Length: 5 5\r\n\r\n", BadLength},
		{"a list of lengths", get + "Content-Length: 5, 5\r\n\r\n", BadLength},
		{"an empty length", get + "Content-Length:\r\n\r\n", BadLength},
		{"a length that overflows", get + "Content-Length: 99999999999999999999\r\n\r\n", BadLength},
		{"two lengths", get + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", RepeatedLength},
		{"two equal lengths", get + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", RepeatedLength},
		{"length and coding", get + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", LengthAndCoding},
		{"coding and length", get + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", LengthAndCoding},
		{"chunked", get + "Transfer-Encoding: \tCHUNKED \r\n\r\n", Complete},
		{"gzip, chunked", get + "Transfer-Encoding: gzip, chunked\r\n\r\n", UnknownCoding},
		{"identity", get + "Transfer-Encoding: identity\r\n\r\n", UnknownCoding},
		{"xchunked", get + "Transfer-Encoding: xchunked\r\n\r\n", UnknownCoding},
		{"chunked twice", get + "Transfer-Encoding: chunked, chunked\r\n\r\n", BadCoding},
		{"chunked not last", get + "Transfer-Encoding: chunked, gzip\r\n\r\n", BadCoding},
		{"an empty coding", get + "Transfer-Encoding:\r\n\r\n", BadCoding},
		{"chunked and nothing", get + "Transfer-Encoding: chunked,\r\n\r\n", BadCoding},
		{"quoted chunked", get + "Transfer-Encoding: \"chunked\"\r\n\r\n", BadCoding},
		{"chunked with a vertical tab", get + "Transfer-Encoding: \x0bchunked\r\n\r\n", ControlByte},
		{"two codings", get + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", RepeatedCoding},
		{"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", CodingInOldVersion},
		{"coding behind a space", get + "Transfer-Encoding : chunked\r\n\r\n", SpaceBeforeColon},
		{"a long target", "GET /" + long + " HTTP/1.1\r\n", StartLineTooLong},
		{"a long target without end", "GET /" + long, StartLineTooLong},
		{"a long field", get + "X: " + long + long + "\r\n\r\n", FieldTooLong},
		{"a long field without end", get + "X: " + long + long, FieldTooLong},
		{"a field of 60 KiB", get + "X: " + long + long[:27<<10] + "\r\n\r\n", Complete},
		{"long fields", get + strings.Repeat("X: "+long[:20<<10]+"\r\n", 4), FieldsTooLong},
		{"256 fields", "GET / HTTP/1.1\r\n" + host + strings.Repeat("X: y\r\n", 255) + "\r\n", Complete},
		{"257 fields", "GET / HTTP/1.1\r\n" + host + strings.Repeat("X: y\r\n", 256) + "\r\n", TooManyFields},
	} {
		if _, got := parse(c.raw); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestParser_TakesAllThatTheBalancerPasses(t *testing.T) {
	line := "GET /" + strings.Repeat("a", 16<<10-15) + " HTTP/1.1\r\n"
	field := "X-Field: " + strings.Repeat("b", 16<<10-11) + "\r\n"
	raw := line + "Host: a\r\nX-Forwarded-For: 10.0.0.1\r\nX-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678\r\n" + strings.Repeat(field, 4) + "\r\n"
	p, v := parse(raw)
	if v != Complete || p.Size() != len(raw) {
		t.Fatalf("verdict %v at %d of %d", v, p.Size(), len(raw))
	}
	if most := LimitsFor(0).Size(); len(raw) > most {
		t.Errorf("Size says %d, the head has %d", most, len(raw))
	}
}

func TestParser_DropsNamesThatCollideInTheEnviron(t *testing.T) {
	raw := "GET / HTTP/1.1\r\nHost: a\r\nX_Forwarded_Proto: https\r\nProxy: b\r\nContent_Length: 9\r\nTransfer_Encoding: chunked\r\nX-Kept: c\r\n\r\n"
	p, v := parse(raw)
	if v != Complete || p.Head.Dropped != 4 || p.Head.HasBody() {
		t.Fatalf("verdict %v, dropped %d, body %v", v, p.Head.Dropped, p.Head.HasBody())
	}
	if len(p.Head.Fields) != 2 || p.Head.Fields[1].Name.Of(raw) != "X-Kept" {
		t.Errorf("fields %v", p.Head.Fields)
	}
}

func TestParser_KnowsWhetherTheConnectionGoesOn(t *testing.T) {
	for _, c := range []struct {
		raw  string
		want bool
	}{
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE ,keep-alive\r\n\r\n", false},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n", false},
		{"GET / HTTP/1.0\r\n\r\n", false},
		{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
		{"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
	} {
		if p, v := parse(c.raw); v != Complete || p.Head.KeepAlive != c.want {
			t.Errorf("%q: %v, keep-alive %v", c.raw, v, p.Head.KeepAlive)
		}
	}
}

func TestParser_TellsAnAbsoluteFormApart(t *testing.T) {
	raw := "GET https://b.example:80?q#f HTTP/1.1\r\nHost: a\r\n\r\n"
	p, v := parse(raw)
	h := &p.Head
	if v != Complete || h.Form != AbsoluteForm || h.Authority.Of(raw) != "b.example:80" || !h.Path.Empty() || h.Query.Of(raw) != "q#f" {
		t.Errorf("%v %+v", v, *h)
	}
}

func TestParser_IsIdleUntilTheFirstByte(t *testing.T) {
	p := new(Parser)
	p.Reset(LimitsFor(0))
	for _, c := range []struct {
		raw  string
		want bool
	}{{"", false}, {"\r\n", false}, {"\r\nG", true}} {
		p.Parse([]byte(c.raw))
		if got := p.Started([]byte(c.raw)); got != c.want {
			t.Errorf("%q: started %v", c.raw, got)
		}
	}
}

func TestParser_AllocatesNothingPerRequest(t *testing.T) {
	raw := []byte("GET /hello HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\nAccept: */*\r\n\r\n")
	p := new(Parser)
	limits := LimitsFor(0)
	if n := testing.AllocsPerRun(100, func() {
		p.Reset(limits)
		if p.Parse(raw) != Complete {
			t.Fatal("not complete")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLimits_FollowALargerBufferSize(t *testing.T) {
	l := LimitsFor(256 << 10)
	raw := []byte("GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 100<<10) + "\r\n\r\n")
	p := new(Parser)
	p.Reset(l)
	if v := p.Parse(raw); v != Complete {
		t.Errorf("verdict %v", v)
	}
}

// FuzzParser checks what must hold for any bytes: no panic, the same verdict and the same end however
// the bytes arrive, spans within the head, and nothing in a value that could split it.
func FuzzParser(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /a?b HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
		"\r\nPOST http://h/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET / HTTP/1.1\nHost: a\n\n",
		"OPTIONS * HTTP/1.1\r\nHost: \r\nX_Y: z\r\nExpect: 100-continue\r\n\r\n",
	} {
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, raw []byte, step uint8) {
		whole := new(Parser)
		whole.Reset(LimitsFor(0))
		v := whole.Parse(raw)
		pieces := new(Parser)
		pieces.Reset(LimitsFor(0))
		w := More
		for n := 0; n <= len(raw) && w == More; n += int(step)%7 + 1 {
			w = pieces.Parse(raw[:n])
		}
		if w == More {
			w = pieces.Parse(raw)
		}
		// A byte that can never begin a request is refused before its line ends, so only refusals of
		// the request line may differ in name.
		if v != w && !(v.Refused() && w.Refused()) {
			t.Fatalf("whole: %v, in pieces: %v", v, w)
		}
		if v != Complete {
			return
		}
		if whole.Size() != pieces.Size() || whole.Size() > len(raw) {
			t.Fatalf("sizes %d and %d of %d", whole.Size(), pieces.Size(), len(raw))
		}
		head := raw[:whole.Size()]
		if !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
			t.Fatalf("the head ends with %q", head)
		}
		h := &whole.Head
		if h.Chunked && h.HasLength {
			t.Fatal("both a length and a coding")
		}
		for _, s := range []Span{h.Method, h.Target, h.Path, h.Query, h.Authority} {
			_ = s.In(head)
		}
		for _, field := range h.Fields {
			if bytes.ContainsAny(field.Value.In(head), "\r\n\x00") || !SafeName(string(field.Name.In(head))) {
				t.Fatalf("field %q: %q", field.Name.In(head), field.Value.In(head))
			}
		}
	})
}
