package message

import "bytes"

// Request is the head of a request. Its slices are parts of the buffer that was parsed. Reuse it: the
// fields keep their memory.
type Request struct {
	Line                    []byte // as it came, without its end
	Method, Target, Version []byte
	Minor                   int // of HTTP/1: 1 or 0; -1 is HTTP/0.9
	Fields                  []Field

	Host      []byte // the first, nil when there is none
	UserAgent []byte
	TraceID   []byte
	Cookies   int   // how many Cookie headers there are
	Length    int64 // the first Content-Length that is a number, -1 when there is none
	Chunked   bool
	Continue  bool // it expects 100-continue
	Upgrade   []byte
	KeepAlive bool // the client lets the connection live
}

// Parse reads a whole head, the empty line included. The verdict is OK, or what is wrong with it; what
// is merely odd is for package desync.
func (r *Request) Parse(head []byte) Verdict {
	*r = Request{Fields: r.Fields[:0], Length: -1}
	var rest []byte
	r.Line, rest = line(head)
	if len(r.Line) > MaxRequestLine {
		return URITooLong
	}
	if v := r.startLine(); v != OK {
		return v
	}
	if len(rest) > MaxRequestHead {
		return HeadTooLong
	}
	var o options
	verdict := OK
	for len(rest) > 0 {
		var b []byte
		if b, rest = line(rest); len(b) == 0 {
			break
		}
		if len(b) >= MaxField {
			return FieldTooLong
		}
		f := field(b)
		if v := r.digest(&f, &o); v != OK {
			verdict = v
		}
		r.Fields = append(r.Fields, f)
	}
	r.KeepAlive = !o.close && (r.Minor == 1 || r.Minor == 0 && o.keepAlive)
	if !o.upgrade || r.Minor != 1 {
		r.Upgrade = nil
	}
	if r.Chunked {
		r.Length = -1 // RFC 9112 section 6.3
	}
	if verdict == OK && r.Minor == 1 && r.Host == nil {
		return MissingHost
	}
	return verdict
}

// Limits judges the size of a request that somebody else has read, as Parse does.
func (r *Request) Limits() Verdict {
	if len(r.Method)+len(" ")+len(r.Target)+len(" ")+len(r.Version) > MaxRequestLine {
		return URITooLong
	}
	all, verdict := 0, OK
	for i := range r.Fields {
		one := len(r.Fields[i].Name) + len(": ") + len(r.Fields[i].Value)
		if all += one + len("\r\n"); one >= MaxField {
			verdict = FieldTooLong
		}
	}
	if all > MaxRequestHead {
		return HeadTooLong
	}
	return verdict
}

// startLine reads the request line: a method, a target and a version with single spaces between; the
// target itself may contain spaces.
func (r *Request) startLine() Verdict {
	first, last := bytes.IndexByte(r.Line, ' '), bytes.LastIndexByte(bytes.TrimRight(r.Line, " "), ' ')
	if first <= 0 || last < first {
		return Malformed
	}
	r.Method = r.Line[:first]
	if first == last {
		if bytes.HasPrefix(r.Line[last+1:], []byte("HTTP/")) || !EqualFold(r.Method, "get") {
			return Malformed
		}
		r.Target, r.Minor = Trim(r.Line[last+1:]), -1
		if len(r.Target) == 0 {
			return Malformed
		}
		return OK
	}
	r.Target, r.Version = r.Line[first+1:last], r.Line[last+1:]
	if len(Trim(r.Target)) == 0 {
		return Malformed
	}
	v := Trim(r.Version)
	switch {
	case string(v) == "HTTP/1.1":
		r.Minor = 1
	case string(v) == "HTTP/1.0":
		r.Minor = 0
	case len(v) == 8 && bytes.HasPrefix(v, []byte("HTTP/")) && v[6] == '.' && digit(v[5]) && digit(v[7]):
		if v[5] != '1' {
			return BadVersion
		}
		r.Minor = 1 // HTTP/1.2 is spoken as 1.1
	default:
		return Malformed
	}
	return OK
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// digest takes in what a field says about the message.
func (r *Request) digest(f *Field, o *options) Verdict {
	switch f.Known {
	case Host:
		if r.Host == nil {
			r.Host = f.Value[:len(f.Value):len(f.Value)]
			if r.Host == nil {
				r.Host = []byte{}
			}
		}
	case Connection:
		o.read(f.Value)
	case Cookie:
		r.Cookies++
	case UserAgent:
		if r.UserAgent == nil {
			r.UserAgent = f.Value
		}
	case TraceID:
		if r.TraceID == nil {
			r.TraceID = f.Value
		}
	case Upgrade:
		r.Upgrade = f.Value
	case Expect:
		r.Continue = r.Continue || r.Minor == 1 && EqualFold(f.Value, "100-continue")
	case ContentLength:
		n, ok := parseLength(f.Value)
		if !ok {
			return BadLength
		}
		if r.Length < 0 {
			r.Length = n
		}
	case TransferEncoding:
		return r.coding(f.Value)
	}
	return OK
}

// coding takes chunked and identity; anything else is not spoken.
func (r *Request) coding(list []byte) Verdict {
	verdict := OK
	Each(list, func(item []byte) bool {
		switch {
		case EqualFold(item, "chunked"):
			r.Chunked = true
		case !EqualFold(item, "identity"):
			verdict = UnknownCoding
		}
		return true
	})
	return verdict
}
