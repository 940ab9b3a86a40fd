package message

import "bytes"

// EqualFold says whether b is s, whose letters are lower case, in any case. Only ASCII letters fold.
func EqualFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != s[i] {
			return false
		}
	}
	return true
}

// Trim cuts spaces and tabs off both ends.
func Trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// token marks the bytes of a token (RFC 9110 section 5.6.2).
var token = func() (t [256]bool) {
	for c := '0'; c <= '9'; c++ {
		t[c] = true
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-0x20] = true, true
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] = true
	}
	return t
}()

// IsToken says whether b is a token: not empty, and made of its bytes only.
func IsToken(b []byte) bool {
	for _, c := range b {
		if !token[c] {
			return false
		}
	}
	return len(b) > 0
}

// maxLengthDigits keeps a Content-Length within an int64.
const maxLengthDigits = 18

func parseLength(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > maxLengthDigits {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// Each calls f with every item of a comma-separated list that is not empty, until f says false.
func Each(list []byte, f func(item []byte) bool) {
	for again := true; again; {
		var item []byte
		item, list, again = bytes.Cut(list, comma)
		if item = Trim(item); len(item) > 0 && !f(item) {
			return
		}
	}
}

var comma = []byte{','}

// options are what a Connection header says.
type options struct{ close, keepAlive, upgrade bool }

func (o *options) read(value []byte) {
	Each(value, func(item []byte) bool {
		switch {
		case EqualFold(item, "close"):
			o.close = true
		case EqualFold(item, "keep-alive"):
			o.keepAlive = true
		case EqualFold(item, "upgrade"):
			o.upgrade = true
		}
		return true
	})
}
