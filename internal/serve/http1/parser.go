package http1

import "bytes"

// Limits bound a request head. All are in bytes but Fields.
type Limits struct {
	StartLine int // the request line, without CRLF
	FieldLine int // one header field, without CRLF
	Block     int // all header fields with their line ends
	Fields    int // number of header fields
}

// The limits for a header block of 64 KiB. An AWS Application Load Balancer passes 16 KiB of request
// line, 16 KiB of one field and 64 KiB of fields, and adds some fields of its own to those.
const (
	defaultBlock = 64 << 10
	added        = 4 << 10
	maxFields    = 256
)

// LimitsFor returns the limits for a header block of size bytes; less than 64 KiB counts as 64 KiB.
// One field may fill it: a cookie that passes uWSGI with a large buffer-size passes here. The request
// line may be half as long.
func LimitsFor(size int) Limits {
	size = max(size, defaultBlock)
	return Limits{StartLine: size / 2, FieldLine: size, Block: size + added, Fields: maxFields}
}

// Size is the number of bytes that a head within the limits can have at most.
func (l Limits) Size() int { return l.StartLine + 2 + l.Block + 2 + maxEmptyLines*2 }

// maxEmptyLines is how many empty lines before a request line are skipped (RFC 9112 section 2.2 asks
// for at least one: old clients send a CRLF behind a POST body).
const maxEmptyLines = 2

type place uint8

const (
	inStartLine place = iota
	inFields
	atEnd
)

// Parser parses one request head after the other. It is incremental: each Parse sees the buffer
// from the beginning of the head and looks only at what is new.
type Parser struct {
	// Head is the head, whole when Parse has returned Complete. After a refusal its Method and
	// Target are set if the request line was right.
	Head Head

	limits  Limits
	place   place
	verdict Verdict
	empty   int // empty lines skipped
	line    int // where the line that is not complete yet begins
	seen    int // bytes that hold no further line end
	block   int // where the header fields begin
	count   int // header fields, dropped ones included
	hosts   int
	lengths int
	codings int
	closing bool
	persist bool
}

// Reset makes the parser ready for the next head.
func (p *Parser) Reset(l Limits) {
	fields := p.Head.Fields[:0]
	*p = Parser{limits: l}
	p.Head.Fields = fields
}

// Started reports whether the parser has seen a byte of a request line: a connection that ends
// before is idle, one that ends after has left a request unfinished.
func (p *Parser) Started(buf []byte) bool { return p.place != inStartLine || len(buf) > p.line }

// HasLine reports whether the request line was parsed.
func (p *Parser) HasLine() bool { return p.place != inStartLine }

// Size is the number of bytes of the head, once Parse has returned Complete.
func (p *Parser) Size() int { return p.line }

// Parse looks at buf, which begins with the head's first byte and may hold more than the head. It
// returns More, Complete or a refusal; after the latter two it returns the same until Reset.
func (p *Parser) Parse(buf []byte) Verdict {
	if p.verdict == More {
		p.verdict = p.parse(buf)
	}
	return p.verdict
}

func (p *Parser) parse(buf []byte) Verdict {
	for {
		i := bytes.IndexByte(buf[p.seen:], '\n')
		if i < 0 {
			p.seen = len(buf)
			return p.unfinished(buf[p.line:])
		}
		end := p.seen + i
		if end == p.line || buf[end-1] != '\r' {
			return BareLF
		}
		line := Span{uint32(p.line), uint32(end - 1)}
		p.line, p.seen = end+1, end+1
		var v Verdict
		switch {
		case p.place == inStartLine && line.Empty():
			if p.empty++; p.empty > maxEmptyLines {
				v = BadStartLine
			}
		case p.place == inStartLine:
			v = p.startLine(buf, line)
			p.block = p.line
		case line.Empty():
			v = p.finish()
		default:
			v = p.fieldLine(buf, line)
		}
		if v != More {
			return v
		}
	}
}

// unfinished judges a line that has no end yet, so that what can never become right is refused now
// and not after a timeout.
func (p *Parser) unfinished(line []byte) Verdict {
	if p.place == inStartLine {
		switch {
		case len(line) == 0 || line[0] == '\r' && len(line) == 1:
			return More
		case classes[line[0]]&isToken == 0: // TLS on a plain port, for one
			return BadMethod
		case len(line) > p.limits.StartLine+1:
			return p.longStartLine(line)
		}
		return More
	}
	if len(line) > p.limits.FieldLine+1 {
		return FieldTooLong
	}
	if p.seen-p.block > p.limits.Block {
		return FieldsTooLong
	}
	return More
}

// longStartLine tells a long target from rubbish.
func (p *Parser) longStartLine(line []byte) Verdict {
	i := bytes.IndexByte(line, ' ')
	if i <= 0 || i > maxMethod || !all(line[:i], isToken) {
		return BadMethod
	}
	return StartLineTooLong
}

// finish judges the head as a whole.
func (p *Parser) finish() Verdict {
	h := &p.Head
	switch {
	case p.hosts == 0 && h.Minor > 0:
		return MissingHost
	case p.codings > 0 && p.lengths > 0:
		return LengthAndCoding
	case p.codings > 0 && h.Minor == 0:
		return CodingInOldVersion
	}
	if h.Chunked {
		h.Length = -1
	}
	h.KeepAlive = !p.closing && (h.Minor > 0 || p.persist)
	h.Continue = h.Continue && h.Minor > 0
	p.place = atEnd
	return Complete
}
