package message

// Bounds of the chunked coding's own bytes.
const (
	maxSizeDigits = 15
	maxChunkLine  = 4 << 10 // a size line with its extensions
	maxTrailer    = 16 << 10
)

type place uint8

const (
	atSize place = iota
	atExtension
	atSizeLF
	atData
	atDataCR
	atDataLF
	atLineStart // of a trailer line, or of the end
	atLine
	atLineLF
	atEndLF
	atEnd
	broken
)

// Chunked follows the chunked coding (RFC 9112 section 7.1) without changing it: lines must end with
// CRLF, so what it has let through is read by everybody in the same way. The zero value is ready.
type Chunked struct {
	place  place
	digits int
	left   uint64
	line   int
}

// Next consumes n bytes of in. They are all part of the body as it travels; data, a part of them, is
// what it carries. It returns after each run of data, so it is called until nothing is left of in.
func (c *Chunked) Next(in []byte) (n int, data []byte) {
	for n < len(in) && c.place < atEnd {
		if c.place == atData {
			run := min(uint64(len(in)-n), c.left)
			data = in[n : n+int(run)]
			if c.left -= run; c.left == 0 {
				c.place = atDataCR
			}
			return n + int(run), data
		}
		c.step(in[n])
		n++
	}
	return n, nil
}

// Done says that the body is complete.
func (c *Chunked) Done() bool { return c.place == atEnd }

// Broken says that the bytes were not the chunked coding.
func (c *Chunked) Broken() bool { return c.place == broken }

// Skip consumes what of in belongs to the body and returns its length.
func (c *Chunked) Skip(in []byte) int {
	total := 0
	for total < len(in) && c.place < atEnd {
		n, _ := c.Next(in[total:])
		total += n
	}
	return total
}

func (c *Chunked) step(b byte) {
	next := broken
	switch c.place {
	case atSize:
		next = c.size(b)
	case atExtension:
		if c.line++; b == '\r' {
			next = atSizeLF
		} else if c.line < maxChunkLine && (b >= ' ' && b != 0x7f || b == '\t') {
			next = atExtension
		}
	case atSizeLF:
		if b == '\n' {
			if next = atData; c.left == 0 {
				next, c.line = atLineStart, 0
			}
		}
	case atDataCR:
		if b == '\r' {
			next = atDataLF
		}
	case atDataLF:
		if b == '\n' {
			next, c.digits, c.left, c.line = atSize, 0, 0, 0
		}
	case atLineStart:
		if next = atLine; b == '\r' {
			next = atEndLF
		} else if !token[b] {
			next = broken
		}
	case atLine:
		if c.line++; b == '\r' {
			next = atLineLF
		} else if c.line < maxTrailer && (b >= ' ' && b != 0x7f || b == '\t') {
			next = atLine
		}
	case atLineLF:
		if b == '\n' {
			next = atLineStart
		}
	case atEndLF:
		if b == '\n' {
			next = atEnd
		}
	}
	c.place = next
}

func (c *Chunked) size(b byte) place {
	var v byte
	switch {
	case b >= '0' && b <= '9':
		v = b - '0'
	case b|0x20 >= 'a' && b|0x20 <= 'f':
		v = b | 0x20 - 'a' + 10
	case c.digits == 0:
		return broken
	case b == '\r':
		return atSizeLF
	case b == ';' || b == ' ' || b == '\t':
		return atExtension
	default:
		return broken
	}
	if c.digits++; c.digits > maxSizeDigits {
		return broken
	}
	c.left = c.left<<4 | uint64(v)
	return atSize
}
