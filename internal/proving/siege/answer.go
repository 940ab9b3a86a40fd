package siege

import (
	"bytes"
	"fmt"
	"strconv"
)

// longestHead bounds the head of an answer.
const longestHead = 64 << 10

// head is what of an answer's head matters here. Its slices are the buffer's.
type head struct {
	status  int
	length  int64 // Content-Length, -1 without
	chunked bool
	close   bool // the connection ends behind the answer
	digest  []byte
	cause   []byte
}

var (
	crlf     = []byte("\r\n")
	headEnd  = []byte("\r\n\r\n")
	protocol = []byte("HTTP/1.")
)

// parseHead reads one head at the beginning of buf and returns how long it is, 0 when more is needed.
// It allocates nothing, but for an error.
func parseHead(buf []byte) (head, int, error) {
	h := head{length: -1}
	if n := min(len(buf), len(protocol)); !bytes.Equal(buf[:n], protocol[:n]) {
		return h, 0, bad("an answer that begins with %q", clip(buf))
	}
	end := bytes.Index(buf, headEnd)
	switch {
	case end < 0 && len(buf) >= longestHead, end > longestHead:
		return h, 0, bad("a head of more than %d bytes", longestHead)
	case end < 0:
		return h, 0, nil
	}
	line, rest, _ := bytes.Cut(buf[:end+2], crlf)
	if err := h.statusLine(line); err != nil {
		return h, 0, err
	}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, crlf)
		if err := h.field(line); err != nil {
			return h, 0, err
		}
	}
	if h.chunked && h.length >= 0 {
		return h, 0, bad("both Content-Length and Transfer-Encoding")
	}
	return h, end + len(headEnd), nil
}

// statusLine reads HTTP/1.1 200 OK.
func (h *head) statusLine(line []byte) error {
	if len(line) < 12 || line[7] != '0' && line[7] != '1' || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return bad("the status line %q", clip(line))
	}
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return bad("the status line %q", clip(line))
		}
		h.status = h.status*10 + int(c-'0')
	}
	if h.status < 100 || h.status > 599 {
		return bad("the status %d", h.status)
	}
	h.close = line[7] == '0'
	return nil
}

// field reads one header field.
func (h *head) field(line []byte) error {
	at := bytes.IndexByte(line, ':')
	if at <= 0 || line[0] <= ' ' || line[at-1] <= ' ' || bytes.IndexByte(line, '\n') >= 0 || bytes.IndexByte(line, 0) >= 0 {
		return bad("the header line %q", clip(line))
	}
	name, value := line[:at], bytes.Trim(line[at+1:], " \t")
	switch {
	case is(name, "content-length"):
		n, ok := number(value)
		if !ok || h.length >= 0 && h.length != n {
			return bad("the Content-Length %q", clip(value))
		}
		h.length = n
	case is(name, "transfer-encoding"):
		if h.chunked || !is(value, "chunked") {
			return bad("the Transfer-Encoding %q", clip(value))
		}
		h.chunked = true
	case is(name, "connection"):
		h.connection(value)
	case is(name, "x-body-sha256"):
		h.digest = value
	case is(name, "x-fender-cause"):
		h.cause = value
	}
	return nil
}

func (h *head) connection(value []byte) {
	for len(value) > 0 {
		var token []byte
		token, value, _ = bytes.Cut(value, []byte(","))
		token = bytes.Trim(token, " \t")
		switch {
		case is(token, "close"):
			h.close = true
			return
		case is(token, "keep-alive"):
			h.close = false
		}
	}
}

// bodiless says that no body follows, whatever the head says.
func (h *head) bodiless(toHead bool) bool {
	return toHead || h.status < 200 || h.status == 204 || h.status == 304
}

// is compares a name with a lower-case one, without regard to case.
func is(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// number reads a decimal number.
func number(s []byte) (int64, bool) {
	if len(s) == 0 || len(s) > 18 {
		return 0, false
	}
	n := int64(0)
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// chunkSize reads a chunk's first line: a hexadecimal number, extensions are ignored.
func chunkSize(line []byte) (int64, bool) {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	digits = bytes.TrimRight(digits, " \t")
	if len(digits) == 0 || len(digits) > 15 {
		return 0, false
	}
	n := int64(0)
	for _, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		n = n<<4 | int64(c)
	}
	return n, true
}

func bad(format string, args ...any) error { return &badAnswerError{fmt.Sprintf(format, args...)} }

// clip shortens what is shown.
func clip(s []byte) []byte {
	if len(s) > 60 {
		return append(s[:57:57], "..."...)
	}
	return s
}

// printable is what a target said, for people: short, and nothing in it moves their cursor.
func printable(s []byte) string {
	quoted := strconv.QuoteToASCII(string(clip(s)))
	return quoted[1 : len(quoted)-1]
}
