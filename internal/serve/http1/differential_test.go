package http1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// message is what a parser makes of the first message in some bytes.
type message struct {
	outcome outcome
	why     string // of a refusal

	method, target, host string
	minor                int
	keepAlive            bool
	fields               []string // "name: value", names in lower case, sorted by name; what frames the body is left out
	body                 string
	size                 int // of the message, where the next one begins
}

type outcome uint8

const (
	whole outcome = iota
	unfinished
	refused
)

func (o outcome) String() string { return [...]string{"whole", "unfinished", "refused"}[o] }

// ours is the message as this package reads it.
func ours(raw []byte) message {
	var p Parser
	p.Reset(LimitsFor(0))
	v := p.Parse(raw)
	if v != Complete {
		return incomplete(v)
	}
	h := &p.Head
	m := message{
		method: string(h.Method.In(raw)), target: string(h.Target.In(raw)), minor: h.Minor, keepAlive: h.KeepAlive, size: p.Size(),
	}
	for _, f := range h.Fields {
		switch value := string(f.Value.In(raw)); f.Known {
		case Host:
			m.host = value
		case ContentLength, TransferEncoding:
		default:
			m.fields = append(m.fields, field(string(f.Name.In(raw)), value))
		}
	}
	if h.Form == AbsoluteForm {
		m.host = string(h.Authority.In(raw))
	}
	slices.SortStableFunc(m.fields, byName)
	rest := raw[p.Size():]
	if !h.Chunked {
		if int64(len(rest)) < h.Length {
			return message{outcome: unfinished}
		}
		m.body = string(rest[:h.Length])
		m.size += int(h.Length)
		return m
	}
	body, n, v := decode(rest, len(rest)+1)
	if v != Complete {
		return incomplete(v)
	}
	m.body = string(body)
	m.size += n
	return m
}

func incomplete(v Verdict) message {
	if v == More {
		return message{outcome: unfinished}
	}
	return message{outcome: refused, why: v.String()}
}

func field(name, value string) string { return strings.ToLower(name) + ": " + value }

func byName(a, b string) int {
	a, _, _ = strings.Cut(a, ":")
	b, _, _ = strings.Cut(b, ":")
	return strings.Compare(a, b)
}

// theirs is the message as Go's net/http reads it.
func theirs(raw []byte) message {
	in := bytes.NewReader(raw)
	buffered := bufio.NewReader(in)
	r, err := http.ReadRequest(buffered)
	if err != nil {
		return unreadable(err)
	}
	m := message{method: r.Method, target: r.RequestURI, host: r.Host, minor: min(r.ProtoMinor, 1), keepAlive: !r.Close}
	if r.ProtoMajor != 1 {
		return message{outcome: refused, why: "the server refuses " + r.Proto}
	}
	for name, values := range r.Header {
		if name == "Content-Length" {
			continue
		}
		for _, value := range values {
			m.fields = append(m.fields, field(name, value))
		}
	}
	slices.SortStableFunc(m.fields, byName)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return unreadable(err)
	}
	m.body = string(body)
	m.size = len(raw) - in.Len() - buffered.Buffered()
	return m
}

func unreadable(err error) message {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return message{outcome: unfinished}
	}
	return message{outcome: refused, why: err.Error()}
}

// laxer says in what our reading of a message is not at least as strict as theirs, or "". Whoever refuses a
// message is not misled by it; whoever waits for more of it is, if the other one has seen its end.
func laxer(a, b message) string {
	switch {
	case a.outcome == refused, a.outcome == unfinished && b.outcome != whole:
		return ""
	case a.outcome != b.outcome:
		return fmt.Sprintf("ours is %v, theirs %v (%s)", a.outcome, b.outcome, b.why)
	case a.size != b.size:
		return fmt.Sprintf("ours ends at %d, theirs at %d", a.size, b.size)
	case a.body != b.body:
		return fmt.Sprintf("our body is %q, theirs %q", a.body, b.body)
	case a.method != b.method || a.target != b.target || a.minor != b.minor:
		return fmt.Sprintf("ours is %s %s 1.%d, theirs %s %s 1.%d", a.method, a.target, a.minor, b.method, b.target, b.minor)
	case a.host != b.host:
		return fmt.Sprintf("our host is %q, theirs %q", a.host, b.host)
	case a.keepAlive != b.keepAlive:
		return fmt.Sprintf("keep-alive: ours %v, theirs %v", a.keepAlive, b.keepAlive)
	case !slices.Equal(a.fields, b.fields):
		return fmt.Sprintf("our fields are %q, theirs %q", a.fields, b.fields)
	}
	return ""
}

// difference is one in which we are not the stricter one, on purpose. docs/http.md says why.
type difference struct {
	what    string // as it stands in the documentation
	example string
	// without takes it out of the bytes, or out of the readings. ok says that there was something.
	without func(raw []byte, a, b *message) (rest []byte, ok bool)
}

// refusal is a difference in which they refuse, with one of the words in their error.
func refusal(words ...string) func([]byte, *message, *message) ([]byte, bool) {
	return func(raw []byte, a, b *message) ([]byte, bool) {
		ok := b.outcome == refused && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(b.why, w) })
		if ok {
			*b = *a
		}
		return raw, ok
	}
}

const plain = " HTTP/1.1\r\nHost: a\r\n"

var differences = []difference{
	{"one or two empty lines before a request", "\r\nGET /" + plain + "\r\n", func(raw []byte, _, _ *message) ([]byte, bool) {
		rest := bytes.TrimPrefix(bytes.TrimPrefix(raw, []byte("\r\n")), []byte("\r\n"))
		return rest, len(rest) < len(raw)
	}},
	{"a target that is no URL", "GET /%zz" + plain + "\r\n", refusal("parse \"", "invalid URI", "invalid method")},
	{"a field name with `_`, and `Proxy`", "GET /" + plain + "X_Y: z\r\nProxy: p\r\n\r\n", func(raw []byte, _, b *message) ([]byte, bool) {
		n := len(b.fields)
		b.fields = slices.DeleteFunc(b.fields, func(f string) bool {
			name, _, _ := strings.Cut(f, ":")
			return strings.Contains(name, "_") || name == "proxy"
		})
		return raw, len(b.fields) < n
	}},
	{"`Pragma: no-cache` alone", "GET /" + plain + "Pragma: no-cache\r\n\r\n", func(raw []byte, a, b *message) ([]byte, bool) {
		if !slices.Contains(a.fields, "pragma: no-cache") || slices.ContainsFunc(a.fields, func(f string) bool { return strings.HasPrefix(f, "cache-control:") }) {
			return raw, false
		}
		n := len(b.fields)
		b.fields = slices.DeleteFunc(b.fields, func(f string) bool { return f == "cache-control: no-cache" })
		return raw, len(b.fields) < n
	}},
	{"`Trailer` beside a chunked body", chunkedExample("Trailer: X", ""), func(raw []byte, a, b *message) ([]byte, bool) {
		if raw, ok := refusal("bad trailer key")(raw, a, b); ok {
			return raw, ok
		}
		n := len(a.fields)
		a.fields = slices.DeleteFunc(a.fields, func(f string) bool { return strings.HasPrefix(f, "trailer:") })
		return raw, len(a.fields) < n
	}},
	{"chunk extensions of 4 KiB, trailers of 4 to 8 KiB", chunkedExample("X: y", strings.Repeat("A: b\r\n", 1000)), refusal("line too long", "suspiciously long trailer")},
}

// chunkedExample is a chunked message with a field and a trailer.
func chunkedExample(field, trailer string) string {
	return "POST /" + plain + "Transfer-Encoding: chunked\r\n" + field + "\r\n\r\n1\r\nx\r\n0\r\n" + trailer + "\r\n"
}

// explained takes all known differences out, and says what is left.
func explained(raw []byte) (used []string, left string) {
	a, b := ours(raw), theirs(raw)
	for _, d := range differences {
		if laxer(a, b) == "" {
			break
		}
		rest, ok := d.without(raw, &a, &b)
		if !ok {
			continue
		}
		if len(rest) < len(raw) {
			raw = rest
			a, b = ours(raw), theirs(raw)
		}
		used = append(used, d.what)
	}
	return used, laxer(a, b)
}

func TestDifferential_EveryExplainedDifferenceIsOneAndIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "<!-- differences -->")
	table, _, _ = strings.Cut(table, "<!-- /differences -->")
	var documented, known []string
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]+) \|`).FindAllStringSubmatch(table, -1)[1:] {
		documented = append(documented, row[1])
	}
	for _, d := range differences {
		known = append(known, d.what)
		if laxer(ours([]byte(d.example)), theirs([]byte(d.example))) == "" {
			t.Errorf("%s: there is no such difference (any more)", d.what)
		}
		if used, left := explained([]byte(d.example)); left != "" || !slices.Equal(used, []string{d.what}) {
			t.Errorf("%s: explained by %q, left: %s", d.what, used, left)
		}
	}
	if !slices.Equal(documented, known) {
		t.Errorf("docs/http.md has the differences %q, the test %q", documented, known)
	}
}

// seeds are the messages in testdata/seeds.txt: the raw bytes that the front is tested with.
func seeds(t testing.TB) (all [][]byte) {
	text, err := os.ReadFile("testdata/seeds.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		s, err := strconv.Unquote(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, []byte(s))
	}
	return all
}

// FuzzDifferential reads any bytes with our parser and with Go's net/http. Two readings of one message are how
// requests are smuggled: ours must be the same, or stricter, or its difference explained.
func FuzzDifferential(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	for _, d := range differences {
		f.Add([]byte(d.example))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, left := explained(raw); left != "" {
			t.Errorf("%.2000q\n%s", raw, left)
		}
	})
}

// What random messages are made of. The first of each is the usual one.
var (
	someMethods  = []string{"GET", "POST", "OPTIONS", "HEAD", "PRI", "CONNECT", "get", "X", "", "G(T", "M-SEARCH"}
	someTargets  = []string{"/", "/a?b=c", "*", "http://h/x", "HTTP://h:8/x?y", "https://[::1]/", "http://h", "/%zz", "/%41", "//a/b", "/a#f", "a:1", "/\xe9", "/a b", "http://u@h/", "http://h:x/", "/\t", "", "?", "http:///", "http://h?q"}
	someVersions = []string{"HTTP/1.1", "HTTP/1.0", "HTTP/1.9", "HTTP/2.0", "HTTP/0.9", "http/1.1", "HTTP/1.10", "HTTP/1", "HTTP/+1.1", ""}
	someNames    = []string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "Trailer", "Pragma", "Cache-Control", "X", "X_Y", "Proxy", "Cookie", "content-length", "Content-Length ", " X", "X\x00", "", "TE", "Upgrade", "Keep-Alive", "Proxy-Connection", "Authorization", "Te\xcc"}
	someValues   = []string{"a", "3", "0", "chunked", "close", "keep-alive", "close, x", "100-continue", "no-cache", "a:80", "[::1]", "a/b", "+3", "003", "3, 3", "gzip, chunked", "chunked, identity", "identity", "", "\t a \t", "\xe9", "\x00", "a\rb", "X, Content-Length", "x\x0bchunked", "\"close\"", "CLOSE", "999999999999999999999", "Keep-Alive,close"}
	someEnds     = []string{"\r\n", "\n", "\r\r\n", "\r\n ", " \r\n", ""}
	someBodies   = []string{"", "abc", "3\r\nabc\r\n0\r\n\r\n", "0\r\n\r\n", "3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n", "03\r\nabc\r\n00\r\n\r\n", "3 \r\nabc\r\n0\r\n\r\n", "3\nabc\n0\n\n", "3\r\nabc\r\n0\r\nA b\r\n\r\n", "3\r\nabcd\r\n", "0x3\r\nabc\r\n0\r\n\r\n", "fffffffffffffffff\r\n", "3;\"\r\n\"\r\nabc\r\n0\r\n\r\n", "0\r\nX_Y: z\r\nHost: b\r\n\r\n", "0\r\n\n", "\r\n3\r\nabc"}
)

// randomMessage is a message of which little is wrong, mostly.
func randomMessage(r *rand.Rand) []byte {
	odd := 2 + r.IntN(20)
	pick := func(some []string) string {
		if r.IntN(odd) > 0 {
			return some[0]
		}
		return some[r.IntN(len(some))]
	}
	var b []byte
	for range r.IntN(odd) / (odd - 1) {
		b = append(b, pick(someEnds)...)
	}
	b = append(b, pick(someMethods)+" "+pick(someTargets)+" "+pick(someVersions)+pick(someEnds)...)
	if r.IntN(odd) > 0 {
		b = append(b, "Host: "+pick(someValues)+pick(someEnds)...)
	}
	for range r.IntN(4) {
		b = append(b, someNames[r.IntN(len(someNames))]+":"+pick([]string{" ", "", "\t", "\r\n ", "  "})+someValues[r.IntN(len(someValues))]+pick(someEnds)...)
	}
	b = append(b, pick(someEnds)...)
	b = append(b, someBodies[r.IntN(len(someBodies))]...)
	b = append(b, "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"...)
	for range r.IntN(odd) / (odd - 1) {
		at := r.IntN(len(b))
		switch r.IntN(3) {
		case 0:
			b = slices.Delete(b, at, at+1)
		case 1:
			b[at] = byte(r.IntN(256))
		case 2:
			b = slices.Insert(b, at, "\r\n \t:;,\x00\x7f\xff0"[r.IntN(11)])
		}
	}
	return b
}

// TestDifferential_RandomMessages is the same as the fuzz test with messages that a fuzzer is long in finding.
func TestDifferential_RandomMessages(t *testing.T) {
	n := 20_000
	if os.Getenv("FENDER_FULL") != "" {
		n = 20_000_000
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	good := 0
	for range n {
		raw := randomMessage(r)
		if _, left := explained(raw); left != "" {
			t.Fatalf("%q\n%s", raw, left)
		}
		if ours(raw).outcome == whole {
			good++
		}
	}
	if good < n/10 || good > n*9/10 {
		t.Errorf("%d of %d messages were right", good, n)
	}
}
