package http1

import "bytes"

// maxMethod is the length of the longest method that is taken.
const maxMethod = 32

// startLine parses "METHOD SP target SP HTTP/1.x".
func (p *Parser) startLine(buf []byte, at Span) Verdict {
	line := at.In(buf)
	if len(line) > p.limits.StartLine {
		return p.longStartLine(line)
	}
	first := bytes.IndexByte(line, ' ')
	if first < 0 {
		if all(line, isToken) {
			return BadStartLine
		}
		return BadMethod
	}
	if first == 0 || first > maxMethod || !all(line[:first], isToken) {
		return BadMethod
	}
	rest := line[first+1:]
	second := bytes.IndexByte(rest, ' ')
	if second < 0 {
		if v := checkTarget(rest); v != More {
			return v
		}
		return OldVersion
	}
	target, version := rest[:second], rest[second+1:]
	if v := checkTarget(target); v != More {
		return v
	}
	if bytes.IndexByte(version, ' ') >= 0 {
		return BadTarget // whoever takes the first space and whoever takes the last see two targets
	}
	minor, v := parseVersion(version)
	if v != More {
		return v
	}
	h := &p.Head
	h.Minor = minor
	start := at.Start + uint32(first) + 1
	h.Method = Span{at.Start, at.Start + uint32(first)}
	h.Target = Span{start, start + uint32(second)}
	if v := p.targetForm(line[:first], target); v != More {
		return v
	}
	p.place = inFields
	return More
}

func checkTarget(target []byte) Verdict {
	if len(target) == 0 {
		return BadTarget
	}
	if !all(target, isTarget) {
		for _, c := range target {
			if c == '\r' {
				return BareCR
			}
		}
		return BadTarget
	}
	return More
}

// parseVersion returns the minor version, at most 1: RFC 9110 section 2.5 has a recipient treat a
// higher minor version as the highest that it knows.
func parseVersion(b []byte) (int, Verdict) {
	if len(b) != len("HTTP/1.1") || string(b[:5]) != "HTTP/" || b[6] != '.' ||
		b[5] < '0' || b[5] > '9' || b[7] < '0' || b[7] > '9' {
		return 0, BadVersion
	}
	if b[5] != '1' {
		return 0, UnsupportedVersion
	}
	return int(min(b[7]-'0', 1)), More
}

// targetForm finds the parts of the target, RFC 9112 section 3.2.
func (p *Parser) targetForm(method, target []byte) Verdict {
	h := &p.Head
	start := h.Target.Start
	switch {
	case string(method) == "CONNECT":
		return UnsupportedConnect
	case target[0] == '/':
		h.Form = OriginForm
	case len(target) == 1 && target[0] == '*':
		if string(method) != "OPTIONS" {
			return BadTarget
		}
		h.Form = AsteriskForm
	default:
		skip := absolutePrefix(target)
		if skip == 0 {
			return BadTarget
		}
		host := target[skip:]
		if i := bytes.IndexAny(host, "/?#"); i >= 0 {
			host = host[:i]
		}
		if len(host) == 0 || !all(host, isHost) { // '@' is no host byte: user names are refused
			return BadHost
		}
		h.Form = AbsoluteForm
		h.Authority = Span{start + uint32(skip), start + uint32(skip+len(host))}
		start = h.Authority.End
	}
	h.Path = Span{start, h.Target.End}
	h.Query = Span{h.Target.End, h.Target.End}
	if i := bytes.IndexByte(target[start-h.Target.Start:], '?'); i >= 0 {
		h.Path.End = start + uint32(i)
		h.Query.Start = h.Path.End + 1
	}
	return More
}

// absolutePrefix is the length of the scheme of an absolute form with its "://", or 0.
func absolutePrefix(target []byte) int {
	for _, scheme := range [...]string{"http://", "https://"} {
		if len(target) > len(scheme) && EqualFold(target[:len(scheme)], scheme) {
			return len(scheme)
		}
	}
	return 0
}
