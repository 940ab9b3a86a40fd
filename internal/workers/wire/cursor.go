package wire

import (
	"fmt"
)

// cursor reads marshal data value by value, each time as the one type that its place has. There is
// no recursion: how deep a value goes is said by the code that reads it. The first error stays,
// and everything that is read after it is zero.
type cursor struct {
	what string // for the error
	text string // one copy of the data: what is read are parts of it
	off  int
	err  *DecodeError
}

func (c *cursor) fail(fault Fault, format string, args ...any) {
	if c.err == nil {
		c.err = &DecodeError{What: c.what, Fault: fault, Why: fmt.Sprintf(format, args...)}
		c.off = len(c.text)
	}
}

// code reads a type code, 0 after an error.
func (c *cursor) code() byte {
	if c.off >= len(c.text) {
		c.fail(FaultShort, "ends at byte %d, where a value should begin", len(c.text))
		return 0
	}
	code := c.text[c.off]
	c.off++
	return code
}

// peek is the type code that comes next, 0 at the end.
func (c *cursor) peek() byte {
	if c.off >= len(c.text) {
		return 0
	}
	return c.text[c.off]
}

// mismatch fails for a code that should not be here.
func (c *cursor) mismatch(code byte, want string) {
	if c.err != nil {
		return
	}
	if name := codeName(code); name != "" {
		c.fail(FaultShape, "%s, where %s should be", name, want)
		return
	}
	c.fail(FaultCode, "type code 0x%02x at byte %d is not in the contract", code, c.off-1)
}

// take reads n bytes.
func (c *cursor) take(n uint32) string {
	if int64(n) > int64(len(c.text)-c.off) {
		c.fail(FaultShort, "%d bytes at byte %d, %d follow", n, c.off, len(c.text)-c.off)
		return ""
	}
	s := c.text[c.off : c.off+int(n)]
	c.off += int(n)
	return s
}

func (c *cursor) long() uint32 {
	s := c.take(4)
	if len(s) < 4 {
		return 0
	}
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// str reads a str and returns its UTF-8, unchecked but for a short string's ASCII.
func (c *cursor) str() string {
	switch code := c.code(); code {
	case codeText:
		return c.take(c.long())
	case codeShort:
		n := c.take(1)
		if n == "" {
			return ""
		}
		s := c.take(uint32(n[0]))
		if highBytes(s) > 0 {
			c.fail(FaultText, "a short string that is not ASCII, before byte %d", c.off)
			return ""
		}
		return s
	default:
		c.mismatch(code, "a str")
		return ""
	}
}

func (c *cursor) integer() int32 {
	if code := c.code(); code != codeInt {
		c.mismatch(code, "an int")
		return 0
	}
	return int32(c.long())
}

func (c *cursor) boolean() bool {
	code := c.code()
	if code != codeTrue && code != codeFalse {
		c.mismatch(code, "a bool")
	}
	return code == codeTrue
}

func (c *cursor) bytes() string {
	if code := c.code(); code != codeBytes {
		c.mismatch(code, "bytes")
		return ""
	}
	return c.take(c.long())
}

// sequence reads the beginning of a tuple or list and returns its count. The count is what the
// data says: at least as many bytes follow, but nothing else is known of it.
func (c *cursor) sequence(want byte) int {
	if code := c.code(); code != want {
		c.mismatch(code, "a "+codeName(want))
		return 0
	}
	n := c.long()
	if int64(n) > int64(len(c.text)-c.off) {
		c.fail(FaultShort, "%s of %d values at byte %d, %d bytes follow", codeName(want), n, c.off, len(c.text)-c.off)
		return 0
	}
	return int(n)
}

// pair reads the beginning of a tuple that has exactly two values.
func (c *cursor) pair() {
	if got := c.sequence(codeTuple); c.err == nil && got != 2 {
		c.fail(FaultShape, "a tuple of %d, where a tuple of 2 should be", got)
	}
}

// end fails when something follows.
func (c *cursor) end() {
	if c.off < len(c.text) {
		c.fail(FaultTrailing, "%d bytes follow the value", len(c.text)-c.off)
	}
}
