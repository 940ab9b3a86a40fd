package wire

import (
	"strconv"
	"strings"
)

// Value is one argument or result: None, a bool, an int of 32 bits, a str or bytes. The zero Value
// is None.
type Value struct {
	code byte // a marshal type code; 0 and codeNone are None
	n    int32
	text string
}

// None is Python's None.
func None() Value { return Value{code: codeNone} }

// Bool is True or False.
func Bool(b bool) Value {
	if b {
		return Value{code: codeTrue}
	}
	return Value{code: codeFalse}
}

// Int is an int. The contract knows 32 bits.
func Int(n int32) Value { return Value{code: codeInt, n: n} }

// Text is a str. What is not UTF-8 in s becomes U+FFFD.
func Text(s string) Value {
	return Value{code: codeText, text: strings.ToValidUTF8(s, "\uFFFD")}
}

// Bytes is a copy of b as bytes.
func Bytes(b []byte) Value { return Value{code: codeBytes, text: string(b)} }

// IsNone reports whether v is None.
func (v Value) IsNone() bool { return v.code == codeNone || v.code == 0 }

// AsBool is the bool that v is.
func (v Value) AsBool() (value, ok bool) {
	return v.code == codeTrue, v.code == codeTrue || v.code == codeFalse
}

// AsInt is the int that v is.
func (v Value) AsInt() (int32, bool) { return v.n, v.code == codeInt }

// AsText is the str that v is. It is valid UTF-8.
func (v Value) AsText() (string, bool) {
	if v.code != codeText {
		return "", false
	}
	return v.text, true
}

// AsBytes is a copy of the bytes that v is.
func (v Value) AsBytes() ([]byte, bool) {
	if v.code != codeBytes {
		return nil, false
	}
	return []byte(v.text), true
}

// String is v for a log line: long contents are cut.
func (v Value) String() string {
	const most = 64
	text := v.text
	if len(text) > most {
		text = text[:most]
	}
	switch v.code {
	case codeTrue:
		return "True"
	case codeFalse:
		return "False"
	case codeInt:
		return strconv.Itoa(int(v.n))
	case codeText:
		return strconv.Quote(text)
	case codeBytes:
		return "b" + strconv.QuoteToASCII(text)
	}
	return "None"
}

func appendValue(dst []byte, v Value) []byte {
	switch v.code {
	case codeTrue, codeFalse:
		return append(dst, v.code)
	case codeInt:
		return appendInt(dst, v.n)
	case codeText:
		return appendUTF8(dst, v.text)
	case codeBytes:
		return appendBytes(dst, v.text)
	}
	return append(dst, codeNone)
}

// value reads any scalar value.
func (c *cursor) value() Value {
	switch code := c.peek(); code {
	case codeNone, codeTrue, codeFalse:
		c.code()
		return Value{code: code}
	case codeInt:
		return Int(c.integer())
	case codeText, codeShort:
		return Text(c.str())
	case codeBytes:
		return Value{code: codeBytes, text: c.bytes()}
	}
	c.mismatch(c.code(), "None, a bool, an int, a str or bytes")
	return Value{}
}
