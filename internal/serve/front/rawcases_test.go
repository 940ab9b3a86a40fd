package front

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// rawCases are bytes as a hostile or broken client may send them, and what must come of them:
// the statuses that are answered and the requests that the application sees ("METHOD target body").
// A case that leaves the connection open is followed by one more request, "GET /last": where a verdict
// is wrong, that request is read at the wrong place.
var rawCases = []struct {
	name, raw string
	statuses  string
	requests  []string
}{
	{"a plain GET", get("/"), "200 200", seenBy("GET / ")},
	{"a POST", "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "200 200", seenBy("POST /p abc")},
	{"pipelined requests", get("/1") + "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx" + get("/3"), "200 200 200 200",
		seenBy("GET /1 ", "POST /2 x", "GET /3 ")},
	{"a GET with a body", "GET /b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", "200 200", seenBy("GET /b hi")},
	{"a chunked body", chunkedPost + "3;x=y\r\nabc\r\n0\r\nTrailer: t\r\n\r\n", "200 200", seenBy("POST / abc")},
	{"an empty chunked body", chunkedPost + "0\r\n\r\n", "200 200", seenBy("POST / ")},
	{"empty lines between requests", get("/1") + "\r\n", "200 200", seenBy("GET /1 ")},

	{"CL.TE", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", "400", nil},
	{"TE.CL", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n8\r\nSMUGGLED\r\n0\r\n\r\n", "400", nil},
	{"TE.TE, obfuscated by case and space", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-encoding: x\r\n\r\n0\r\n\r\n", "400", nil},
	{"TE with a space before the colon", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "400", nil},
	{"TE behind a fold", "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n", "400", nil},
	{"TE folded", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "400", nil},
	{"TE behind a bare CR", "POST / HTTP/1.1\r\nHost: a\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n", "400", nil},
	{"TE behind a bare LF", "POST / HTTP/1.1\r\nHost: a\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n", "400", nil},
	{"TE with a vertical tab", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", "400", nil},
	{"TE in quotes", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", "400", nil},
	{"TE unknown", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501", nil},
	{"TE identity", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nX: y\r\n\r\n", "501", nil},
	{"TE of chunked twice", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "400", nil},
	{"TE with chunked before another", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "400", nil},
	{"TE with an empty item", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: , chunked\r\n\r\n0\r\n\r\n", "400", nil},
	{"TE with a parameter", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", "400", nil},
	{"TE that only looks like chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chun\u212aed\r\n\r\n0\r\n\r\n", "400", nil},
	{"TE empty", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n", "400", nil},
	{"TE twice, both chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400", nil},
	{"TE between tabs, in capitals", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tCHUNKED\t\r\n\r\n1\r\nx\r\n0\r\n\r\n", "200 200", seenBy("POST / x")},
	{"TE on a GET", "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "200 200", seenBy("GET / x")},
	{"TE beside a length of nothing", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" + get("/smuggled"), "400", nil},
	{"TE in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400", nil},
	{"TE with an underscore is no TE", "POST / HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "200 200", seenBy("POST / 0\r\n\r\n")},
	{"CL with an underscore is no CL", "POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\n\r\n", "200 200", seenBy("POST / ")},

	{"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400", nil},
	{"two equal lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "400", nil},
	{"a list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na", "400", nil},
	{"a length with a sign", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na", "400", nil},
	{"a length below nothing", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\na", "400", nil},
	{"a length of -0", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -0\r\n\r\n", "400", nil},
	{"a length with a space in it", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 1\r\n\r\na", "400", nil},
	{"a length with a point", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1.0\r\n\r\na", "400", nil},
	{"an empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\na", "400", nil},
	{"a length folded away", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n 1\r\n\r\na", "400", nil},
	{"a length with a space before the colon", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 1\r\n\r\na", "400", nil},
	{"a length with zeros before it", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0003\r\n\r\nabc", "200 200", seenBy("POST / abc")},
	{"no length, and a body all the same", "POST /1 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/2"), "200 200 200", seenBy("POST /1 ", "GET /2 ")},
	{"a hexadecimal length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\na", "400", nil},
	{"a length that overflows", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\na", "400", nil},

	{"a chunk size with 0x", chunkedPost + "0x3\r\nabc\r\n0\r\n\r\n", "400", nil},
	{"a chunk size with a sign", chunkedPost + "+3\r\nabc\r\n0\r\n\r\n", "400", nil},
	{"a chunk size with a space", chunkedPost + "3 \r\nabc\r\n0\r\n\r\n", "400", nil},
	{"a chunk size with an underscore", chunkedPost + "1_0\r\nabc\r\n0\r\n\r\n", "400", nil},
	{"a chunk size that wraps around", chunkedPost + "10000000000000003\r\nabc\r\n0\r\n\r\n", "400", nil},
	{"a chunk size that is negative", chunkedPost + "-1\r\nabc\r\n0\r\n\r\n", "400", nil},
	{"a chunk line that ends with LF", chunkedPost + "3\nabc\r\n0\r\n\r\n", "400", nil},
	{"a chunk that ends with LF", chunkedPost + "3\r\nabc\n0\r\n\r\n", "400", nil},
	{"a chunk longer than it says", chunkedPost + "3\r\nabcd\r\n0\r\n\r\n", "400", nil},
	{"a chunk extension with LF", chunkedPost + "3;\n\r\nabc\r\n0\r\n\r\n", "400", nil},
	{"a chunk extension in quotes hides nothing", chunkedPost + "3;a=\"\r\nabc\r\n0\r\n\r\n" + get("/2"), "200 200 200", seenBy("POST / abc", "GET /2 ")},
	{"a chunk extension with a bare CR", chunkedPost + "3;\rx\r\nabc\r\n0\r\n\r\n", "400", nil},
	{"a chunk extension behind a space", chunkedPost + "3 ;x\r\nabc\r\n0\r\n\r\n", "400", nil},
	{"chunk extensions without end", chunkedPost + "3;" + strings.Repeat("x", 5<<10) + "\r\nabc\r\n0\r\n\r\n", "400", nil},
	{"a chunk size with zeros before it", chunkedPost + "0000000000000003\r\nabc\r\n000\r\n\r\n", "200 200", seenBy("POST / abc")},
	{"a chunk size with 17 digits", chunkedPost + "00000000000000003\r\nabc\r\n0\r\n\r\n", "400", nil},
	{"a chunk size of all ones", chunkedPost + "ffffffffffffffff\r\nabc\r\n0\r\n\r\n", "400", nil},
	{"an empty chunk size", chunkedPost + "\r\nabc\r\n0\r\n\r\n", "400", nil},
	{"a chunk without its end", chunkedPost + "3\r\nabc0\r\n\r\n", "400", nil},
	{"a trailer without a colon", chunkedPost + "0\r\nGET / HTTP/1.1\r\n\r\n", "400", nil},
	{"a trailer with a space before the colon", chunkedPost + "0\r\nA : b\r\n\r\n", "400", nil},
	{"a trailer with NUL", chunkedPost + "0\r\nA: \x00\r\n\r\n", "400", nil},
	{"the end of a body with LF", chunkedPost + "0\r\n\n", "400", nil},
	{"a trailer that folds", chunkedPost + "0\r\nA: b\r\n c\r\n\r\n", "400", nil},
	{"trailers without end", chunkedPost + "0\r\n" + strings.Repeat("A: b\r\n", 2000), "431", nil},
	{"a trailer is no header", chunkedPost + "0\r\nContent-Length: 9\r\nHost: b\r\n\r\n", "200 200", seenBy("POST / ")},

	{"NUL in the target", "GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", "400", nil},
	{"NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", "400", nil},
	{"a control character in a name", "GET / HTTP/1.1\r\nHost: a\r\nX\x01: b\r\n\r\n", "400", nil},
	{"an empty name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", "400", nil},
	{"a name with a space in it", "GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n", "400", nil},
	{"a name beyond ASCII", "GET / HTTP/1.1\r\nHost: a\r\nX\xa0: b\r\n\r\n", "400", nil},
	{"a field without a colon", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", "400", nil},
	{"a fold before any field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400", nil},
	{"a fold by a tab", "GET / HTTP/1.1\r\nHost: a\r\n\tX: b\r\n\r\n", "400", nil},
	{"CR CR LF behind a field", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\r\n\r\n", "400", nil},
	{"CR CR LF behind the request line", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "400", nil},
	{"LF alone ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n", "400", nil},
	{"LF before the request", "\n" + get("/"), "400", nil},
	{"CR before the request", "\r" + get("/"), "400", nil},
	{"a space before the request", " " + get("/"), "400", nil},
	{"two empty lines before the request", "\r\n\r\n" + get("/1"), "200 200", seenBy("GET /1 ")},
	{"three empty lines before the request", "\r\n\r\n\r\n" + get("/1"), "400", nil},
	{"two spaces in the request line", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400", nil},
	{"a tab in the request line", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "400", nil},
	{"a space behind the request line", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "400", nil},
	{"a version in small letters", "GET / http/1.1\r\nHost: a\r\n\r\n", "400", nil},
	{"a version with a zero before it", "GET / HTTP/01.1\r\nHost: a\r\n\r\n", "400", nil},
	{"a method that is no token", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "400", nil},
	{"a method that nobody knows", "FROBNICATE / HTTP/1.1\r\nHost: a\r\n\r\n", "200 200", seenBy("FROBNICATE / ")},
	{"a space in the target", "GET /a HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n", "400", nil},
	{"LF line ends", "GET / HTTP/1.1\nHost: a\n\n", "400", nil},
	{"no Host", "GET / HTTP/1.1\r\n\r\n", "400", nil},
	{"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400", nil},
	{"two equal Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400", nil},
	{"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "200 200", seenBy("GET / ")},
	{"a list of Hosts", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "400", nil},
	{"a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400", nil},
	{"a Host with an underscore is no Host", "GET / HTTP/1.1\r\nHost: a\r\nHost_: b\r\n\r\n", "200 200", seenBy("GET / ")},
	{"a Host with a user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "400", nil},
	{"an absolute form", "GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n", "200 200", seenBy("GET http://b/x ")},
	{"an absolute form without Host", "GET http://b/x HTTP/1.1\r\n\r\n", "400", nil},
	{"an absolute form without a host", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", "400", nil},
	{"an absolute form with a user", "GET http://u@b/x HTTP/1.1\r\nHost: a\r\n\r\n", "400", nil},
	{"an absolute form of another scheme", "GET ftp://b/x HTTP/1.1\r\nHost: a\r\n\r\n", "400", nil},
	{"a target without a slash", "GET x HTTP/1.1\r\nHost: a\r\n\r\n", "400", nil},
	{"an asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "200 200", seenBy("OPTIONS * ")},
	{"an asterisk with another method", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400", nil},
	{"an authority form", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", "501", nil},
	{"HTTP/0.9", "GET /\r\n", "400", nil},
	{"HTTP/0.9 with a version", "GET / HTTP/0.9\r\n\r\n", "505", nil},
	{"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505", nil},
	{"the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505", nil},
	{"the HTTP/2 preface behind a request", get("/1") + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "200 505", seenBy("GET /1 ")},
	{"an upgrade that is not taken", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n", "200 200", seenBy("GET / ")},
	{"an expectation that nobody knows", "POST / HTTP/1.1\r\nHost: a\r\nExpect: the-unexpected\r\nContent-Length: 1\r\n\r\nx", "200 200", seenBy("POST / x")},
	{"100-continue without a body", "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", "200 200", seenBy("GET / ")},
	{"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", "200 200", seenBy("GET / ")},
	{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "200", seenBy("GET / ")},
	{"HTTP/1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200 200", seenBy("GET / ")},
	{"HTTP/1.0 with a body", "POST / HTTP/1.0\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n\r\nx", "200 200", seenBy("POST / x")},
	{"TLS on a plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400", nil},
	{"a target of 32 KiB", "GET /" + strings.Repeat("a", 33<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", "414", nil},
	{"a field of 65 KiB", "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 65<<10) + "\r\n\r\n", "431", nil},
	{"fields of 80 KiB", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: "+strings.Repeat("a", 1<<10)+"\r\n", 80) + "\r\n", "431", nil},
	{"1,000 fields", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", 1000) + "\r\n", "431", nil},
	{"256 fields", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", 255) + "\r\n", "200 200", seenBy("GET / ")},
	{"257 fields, those that are dropped included", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X_: y\r\n", 256) + "\r\n", "431", nil},
	{"all that a balancer passes", "GET /" + strings.Repeat("a", 16<<10-16) + " HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: "+strings.Repeat("a", 16<<10-8)+"\r\n", 4) + "\r\n",
		"200 200", seenBy("GET /" + strings.Repeat("a", 16<<10-16) + " ")},
	{"a request behind one that is refused", "GET / HTTP/1.1\r\n\r\n" + get("/smuggled"), "400", nil},
	{"a request in the body of one that is too large", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n" + get("/smuggled"), "413", nil},
	{"a request in chunks that are too large", chunkedPost + "200000\r\n" + strings.Repeat("x", 2<<20) + "\r\n0\r\n\r\n" + get("/smuggled"), "413", nil},
	{"Connection: close in a list", "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Close\r\n\r\n" + get("/smuggled"), "200", seenBy("GET / ")},
	{"Connection: close in a second field", "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n" + get("/smuggled"), "200", seenBy("GET / ")},
	{"Connection names no field that goes away", "POST / HTTP/1.1\r\nHost: a\r\nConnection: Content-Length, Host\r\nContent-Length: 1\r\n\r\nx", "200 200", seenBy("POST / x")},
	{"Connection: close ends it", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + get("/smuggled"), "200", seenBy("GET / ")},
}

const chunkedPost = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" }

func seenBy(requests ...string) []string { return requests }

func TestFront_JudgesRawBytesAsTheTableSays(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	note := mirror(t)
	s := serve(t, Options{LimitPost: 1 << 20}, func(j *job) {
		mu.Lock()
		seen = append(seen, j.Method+" "+environOf(t, j.Environ)["REQUEST_URI"]+" "+j.content(t))
		mu.Unlock()
		note(j)
	})
	for _, c := range rawCases {
		for _, way := range []struct {
			name string
			send func(*client, string)
		}{{"at once", (*client).trySend}, {"in pieces", (*client).trickle}} {
			seen = nil
			conn := s.dial()
			way.send(conn, c.raw)
			conn.trySend("GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			got, end := conn.statuses()
			mu.Lock()
			want := strings.Join(c.requests, "|")
			if strings.HasSuffix(c.statuses, "200 200") {
				want += "|GET /last "
			}
			if got != c.statuses || strings.Join(seen, "|") != want || end != "" {
				t.Errorf("%s, %s: answered %q, want %q; the application saw %q, want %q; end %q",
					c.name, way.name, got, c.statuses, seen, want, end)
			}
			mu.Unlock()
		}
	}
}

// trySend sends what the other side still takes.
func (c *client) trySend(s string) { _, _ = io.WriteString(c, s) }

// trickle sends in pieces of some bytes, so that every state of the parsers is left and entered again.
func (c *client) trickle(s string) {
	for step := max(len(s)/40, 1); len(s) > 0; {
		n := min(step, len(s))
		if _, err := io.WriteString(c, s[:n]); err != nil {
			return
		}
		s = s[n:]
	}
}

// statuses reads all responses to GET or POST requests and says how the connection ended.
func (c *client) statuses() (statuses, end string) {
	all, err := io.ReadAll(c.r)
	if err != nil {
		return "", err.Error()
	}
	var list []string
	for r := bufio.NewReader(bytes.NewReader(all)); ; {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return strings.Join(list, " "), ""
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		list = append(list, resp.Status[:3])
	}
}

// The parser's fuzz test begins with the same bytes, but for the long ones.
func TestRawCases_AreTheSeedsOfTheParsersFuzzTest(t *testing.T) {
	const long = 2 << 10
	var want strings.Builder
	for _, c := range rawCases {
		if len(c.raw) <= long {
			want.WriteString(strconv.Quote(c.raw) + "\n")
		}
	}
	const path = "../http1/testdata/seeds.txt"
	if got, err := os.ReadFile(path); err != nil || string(got) != want.String() {
		t.Errorf("%s is not what it should be (%v):\n%s", path, err, want.String())
	}
}
