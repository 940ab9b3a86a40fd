package message

import "bytes"

// SkipBlank is the number of line ends before a request, which are ignored (RFC 9112 section 2.2).
func SkipBlank(buf []byte) int {
	n := 0
	for n < len(buf) && (buf[n] == '\r' || buf[n] == '\n') {
		n++
	}
	return n
}

// End is the length of the head in buf, its empty line included, or 0 when it is not complete. Lines
// may end with LF alone. Bytes before scanned were looked at by an earlier call; next is what to pass
// as scanned then.
func End(buf []byte, scanned int) (end, next int) {
	for at := scanned; ; {
		i := bytes.IndexByte(buf[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
		switch {
		case at < len(buf) && buf[at] == '\n':
			return at + 1, 0
		case at+1 < len(buf) && buf[at] == '\r' && buf[at+1] == '\n':
			return at + 2, 0
		}
	}
	// The last line end may be the beginning of the end: look at it again.
	next = max(len(buf)-3, scanned, 0)
	return 0, next
}

// Simple is the length of the request of one line that HTTP/0.9 knows, or 0 when buf begins with no such.
func Simple(buf []byte) int {
	end := bytes.IndexByte(buf, '\n') + 1
	var r Request
	if r.Line, _ = line(buf[:end]); end == 0 || r.startLine() != OK || r.Minor >= 0 {
		return 0
	}
	return end
}

// line cuts the first line off, without its end.
func line(buf []byte) (first, rest []byte) {
	i := bytes.IndexByte(buf, '\n')
	if i < 0 {
		return buf, nil
	}
	first, rest = buf[:i], buf[i+1:]
	if i > 0 && first[i-1] == '\r' {
		first = first[:i-1]
	}
	return first, rest
}

// field reads one header line.
func field(b []byte) Field {
	colon := bytes.IndexByte(b, ':')
	if colon < 0 || b[0] == ' ' || b[0] == '\t' {
		// It gets a colon on its way, so a bare "Content-Length" is one for whoever reads it next.
		return Field{Name: b, Known: known(b), NoColon: true}
	}
	name := b[:colon]
	return Field{Name: name, Value: Trim(b[colon+1:]), Known: known(name)}
}

// NewField is a field that was read by somebody else.
func NewField(name, value []byte) Field {
	return Field{Name: name, Value: Trim(value), Known: known(name)}
}
