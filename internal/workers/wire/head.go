package wire

import (
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"fender/internal/exchange"
)

// Bounds of an answer's head.
const (
	// MaxFields is the largest number of header fields.
	MaxFields = 1000
	// MaxHead is the largest marshal data of a head, in bytes. Whoever reads a head from a
	// descriptor reads at most one byte more: ParseHead then refuses it.
	MaxHead = 256 << 10
)

// What a byte may stand in (RFC 9110, sections 5.1 and 5.5; reason phrases as values).
const (
	inToken = 1 << iota // field name
	inValue             // field value: VCHAR, SP, HTAB
	inHigh              // not ASCII: obs-text after conversion to latin-1
)

var classes = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= 0x80:
			t[c] = inHigh
		case c == '\t' || c >= ' ' && c < 0x7F:
			t[c] = inValue
		}
	}
	const tokens = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for i := range len(tokens) {
		t[tokens[i]] |= inToken
	}
	return t
}()

// ParseHead reads and checks the head of an answer, (status, [(name, value), ...]). Nothing in the
// Head that it returns can split a response: the status is 200 to 599, names are tokens, values and
// reason have no control characters but HTAB, no hop-by-hop header is there, and Content-Length is
// one number. Strings are latin-1 bytes.
//
// The Head's strings are parts of marshal, which must not change as long as they are used, and its fields
// are written to room, from its beginning. So it allocates nothing when room is large enough and all is
// ASCII.
//
// The error is a *BadAnswer when the application's answer is to blame, a *DecodeError when the data
// is not what a worker sends.
func ParseHead(marshal []byte, room []exchange.Field) (exchange.Head, error) {
	if len(marshal) > MaxHead {
		return exchange.Head{}, bad("", "status and headers are longer than %d bytes", MaxHead)
	}
	c := cursor{what: "answer head", text: unsafe.String(unsafe.SliceData(marshal), len(marshal))}
	c.pair()
	status := c.str()
	n := c.sequence(codeList)
	if c.err != nil {
		return exchange.Head{}, c.blame("")
	}
	if n > MaxFields {
		return exchange.Head{}, bad("", "%d headers, the most is %d", n, MaxFields)
	}
	head := exchange.Head{Length: -1, Fields: room[:0]}
	if err := setStatus(&head, status); err != nil {
		return exchange.Head{}, err
	}
	for range n {
		c.pair()
		name := c.str()
		if c.err != nil {
			return exchange.Head{}, c.blame("")
		}
		value := c.str()
		if c.err != nil {
			return exchange.Head{}, c.blame(name)
		}
		if err := addField(&head, name, value); err != nil {
			return exchange.Head{}, err
		}
	}
	c.end()
	if c.err != nil {
		return exchange.Head{}, c.err
	}
	return head, nil
}

// blame tells an answer of wrong types, which is the application's, from data that no worker makes.
func (c *cursor) blame(field string) error {
	switch {
	case c.err.Fault != FaultShape:
		return c.err
	case field == "":
		return bad("", "status or headers have %s", c.err.Why)
	}
	return bad(field, "has %s", c.err.Why)
}

// setStatus reads "200 OK" or "200".
func setStatus(head *exchange.Head, status string) error {
	code, reason, _ := strings.Cut(status, " ")
	n, err := strconv.ParseUint(code, 10, 16)
	if err != nil || len(code) != 3 {
		return bad("", "status %s is not three digits, a space and a reason", shown(status))
	}
	if n < 200 || n > 599 {
		return bad("", "status %d is not between 200 and 599", n)
	}
	reason, why := fieldText(reason)
	if why != "" {
		return bad("", "status %d has a reason with %s", n, why)
	}
	head.Status, head.Reason = int(n), strings.Trim(reason, " \t")
	return nil
}

func addField(head *exchange.Head, name, value string) error {
	if !token(name) {
		return bad(name, "has a name that is not a token")
	}
	if hopByHop(name) {
		return bad(name, "is hop-by-hop: the connection is not the application's")
	}
	value, why := fieldText(value)
	if why != "" {
		return bad(name, "has a value with %s", why)
	}
	if len(name) == len("Content-Length") && strings.EqualFold(name, "Content-Length") {
		n, err := contentLength(value)
		switch {
		case err != nil:
			return err
		case head.Length == n:
			return nil // said twice: once is enough
		case head.Length >= 0:
			return bad(name, "stands there twice, with %d and %d", head.Length, n)
		}
		head.Length = n
	}
	head.Fields = append(head.Fields, exchange.Field{Name: name, Value: value})
	return nil
}

// contentLength reads 1*DIGIT (RFC 9110, section 8.6).
func contentLength(value string) (int64, error) {
	n, err := strconv.ParseUint(value, 10, 63)
	if err != nil {
		return 0, bad("Content-Length", "has the value %s, which is not a number of bytes", shown(value))
	}
	return int64(n), nil
}

func token(name string) bool {
	for i := 0; i < len(name); i++ {
		if classes[name[i]]&inToken == 0 {
			return false
		}
	}
	return name != ""
}

// hopByHop names the headers that belong to a connection, not to an answer. PEP 3333 forbids them
// to applications; the list is that of wsgiref, with Trailer as RFC 9110 spells it, and the
// Proxy-Connection of old clients.
func hopByHop(name string) bool {
	switch len(name) {
	case len("TE"):
		return strings.EqualFold(name, "TE")
	case len("Upgrade"):
		return strings.EqualFold(name, "Upgrade") || strings.EqualFold(name, "Trailer")
	case len("Trailers"):
		return strings.EqualFold(name, "Trailers")
	case len("Connection"):
		return strings.EqualFold(name, "Connection") || strings.EqualFold(name, "Keep-Alive")
	case len("Proxy-Connection"):
		return strings.EqualFold(name, "Proxy-Connection")
	case len("Transfer-Encoding"):
		return strings.EqualFold(name, "Transfer-Encoding")
	case len("Proxy-Authenticate"):
		return strings.EqualFold(name, "Proxy-Authenticate")
	case len("Proxy-Authorization"):
		return strings.EqualFold(name, "Proxy-Authorization")
	}
	return false
}

// fieldText is a str of the answer as latin-1 bytes, or what is wrong with it.
func fieldText(s string) (latin1, why string) {
	high := false
	for i := 0; i < len(s); i++ {
		switch class := classes[s[i]]; {
		case class == inHigh:
			high = true
		case class&inValue == 0:
			return "", control(s[i])
		}
	}
	if !high {
		return s, ""
	}
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xFF || r == utf8.RuneError {
			// A str that is not UTF-8 has lone surrogates: they are above U+00FF too.
			return "", "a character above U+00FF"
		}
		b = append(b, byte(r))
	}
	return string(b), ""
}

func control(c byte) string {
	switch c {
	case '\r', '\n':
		return "a line break"
	case 0:
		return "a NUL"
	}
	return "the control character " + strconv.QuoteRuneToASCII(rune(c))
}
