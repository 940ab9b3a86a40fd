package http1

import "bytes"

// fieldLine parses one header field (RFC 9112 section 5) and what it says about the message.
func (p *Parser) fieldLine(buf []byte, at Span) Verdict {
	line := at.In(buf)
	if len(line) > p.limits.FieldLine {
		return FieldTooLong
	}
	if p.line-p.block > p.limits.Block {
		return FieldsTooLong
	}
	if p.count++; p.count > p.limits.Fields {
		return TooManyFields
	}
	colon, underscore, v := fieldName(line)
	if v != More {
		return v
	}
	value, v := fieldValue(line[colon+1:])
	if v != More {
		return v
	}
	f := Field{
		Name:  Span{at.Start, at.Start + uint32(colon)},
		Value: Span{at.Start + uint32(colon) + 1 + value.Start, at.Start + uint32(colon) + 1 + value.End},
	}
	name := line[:colon]
	if underscore || EqualFold(name, "proxy") {
		p.Head.Dropped++
		return More
	}
	f.Known = known(name)
	if f.Known != Other {
		if v := p.digest(f.Known, f.Value.In(buf)); v != More {
			return v
		}
	}
	p.Head.Fields = append(p.Head.Fields, f)
	return More
}

// fieldName finds the colon and checks the name before it.
func fieldName(line []byte) (colon int, underscore bool, v Verdict) {
	for i, c := range line {
		if classes[c]&isToken != 0 {
			underscore = underscore || c == '_'
			continue
		}
		switch {
		case c == ':' && i > 0:
			return i, underscore, More
		case c == ':':
			return 0, false, EmptyName
		case (c == ' ' || c == '\t') && i == 0:
			return 0, false, FoldedField
		case c == ' ' || c == '\t':
			if rest := bytes.TrimLeft(line[i:], " \t"); len(rest) > 0 && rest[0] == ':' {
				return 0, false, SpaceBeforeColon
			}
			return 0, false, BadName
		case c == '\r':
			return 0, false, BareCR
		case c < ' ' || c == 0x7f:
			return 0, false, ControlByte
		}
		return 0, false, BadName
	}
	return 0, false, MissingColon
}

// fieldValue checks the bytes behind the colon and returns the range without the space around it.
func fieldValue(b []byte) (Span, Verdict) {
	for _, c := range b {
		if classes[c]&isField == 0 {
			if c == '\r' {
				return Span{}, BareCR
			}
			return Span{}, ControlByte
		}
	}
	start, end := 0, len(b)
	for start < end && (b[start] == ' ' || b[start] == '\t') {
		start++
	}
	for end > start && (b[end-1] == ' ' || b[end-1] == '\t') {
		end--
	}
	return Span{uint32(start), uint32(end)}, More
}

// known finds a name among those that the front looks at.
func known(name []byte) Known {
	switch len(name) {
	case 4:
		if EqualFold(name, "host") {
			return Host
		}
	case 6:
		if EqualFold(name, "cookie") {
			return Cookie
		}
		if EqualFold(name, "expect") {
			return Expect
		}
	case 7:
		if EqualFold(name, "referer") {
			return Referer
		}
	case 10:
		if EqualFold(name, "connection") {
			return Connection
		}
		if EqualFold(name, "user-agent") {
			return UserAgent
		}
	case 12:
		if EqualFold(name, "content-type") {
			return ContentType
		}
	case 14:
		if EqualFold(name, "content-length") {
			return ContentLength
		}
	case 15:
		if EqualFold(name, "x-amzn-trace-id") {
			return TraceID
		}
	case 17:
		if EqualFold(name, "transfer-encoding") {
			return TransferEncoding
		}
		if EqualFold(name, "x-forwarded-proto") {
			return ForwardedProto
		}
	}
	return Other
}

// digest takes in what a known field says about the message.
func (p *Parser) digest(k Known, value []byte) Verdict {
	h := &p.Head
	switch k {
	case Host:
		if p.hosts++; p.hosts > 1 {
			return RepeatedHost
		}
		// An empty Host is right for a target without authority (RFC 9112 section 3.2).
		if !all(value, isHost) {
			return BadHost
		}
	case ContentLength:
		if p.lengths++; p.lengths > 1 {
			return RepeatedLength
		}
		n, ok := parseLength(value)
		if !ok {
			return BadLength
		}
		h.Length, h.HasLength = n, true
	case TransferEncoding:
		if p.codings++; p.codings > 1 {
			return RepeatedCoding
		}
		if v := parseCoding(value); v != More {
			return v
		}
		h.Chunked = true
	case Connection:
		p.connection(value)
	case Expect:
		// Other expectations may be ignored (RFC 9110 section 10.1.1).
		h.Continue = h.Continue || EqualFold(value, "100-continue")
	}
	return More
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

// parseCoding takes exactly "chunked". A list that names other codings is well formed and not spoken
// here; a list in which chunked is not last, or comes twice, leaves the length of the message open and
// is malformed (RFC 9112 section 6.1).
func parseCoding(b []byte) Verdict {
	if EqualFold(b, "chunked") {
		return More
	}
	chunked := false
	for rest, again := b, true; again; {
		var item []byte
		item, rest, again = bytes.Cut(rest, comma)
		item = bytes.Trim(item, " \t")
		if len(item) == 0 || !all(item, isToken) || chunked {
			return BadCoding
		}
		chunked = EqualFold(item, "chunked")
	}
	return UnknownCoding
}

var comma = []byte{','}

// connection takes in the options of a Connection field.
func (p *Parser) connection(b []byte) {
	for rest, again := b, true; again; {
		var item []byte
		item, rest, again = bytes.Cut(rest, comma)
		item = bytes.Trim(item, " \t")
		switch {
		case EqualFold(item, "close"):
			p.closing = true
		case EqualFold(item, "keep-alive"):
			p.persist = true
		}
	}
}
