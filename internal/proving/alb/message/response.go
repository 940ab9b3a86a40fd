package message

import "bytes"

// Response is the head of a target's response. Its slices are parts of the buffer that was parsed.
// Reuse it: the fields keep their memory.
type Response struct {
	Status    int
	Minor     int // of HTTP/1
	Reason    []byte
	Fields    []Field
	Length    int64 // -1 when there is no Content-Length
	Chunked   bool
	KeepAlive bool // the target lets the connection live
	Upgrade   bool
}

// Parse reads a whole head, the empty line included. Unlike a request's it must be right to the letter.
func (r *Response) Parse(head []byte) Verdict {
	*r = Response{Fields: r.Fields[:0], Length: -1}
	if len(head) > MaxResponseHead {
		return HeadTooLong
	}
	start, rest := line(head)
	if !r.statusLine(start) {
		return Malformed
	}
	var o options
	for len(rest) > 0 {
		var b []byte
		if b, rest = line(rest); len(b) == 0 {
			break
		}
		f := field(b)
		if f.NoColon || !IsToken(f.Name) || !clean(f.Value) {
			return BadField
		}
		if v := r.digest(&f, &o); v != OK {
			return v
		}
		r.Fields = append(r.Fields, f)
	}
	r.KeepAlive = !o.close && (r.Minor >= 1 || o.keepAlive)
	r.Upgrade = o.upgrade
	if r.Chunked {
		r.Length = -1
	}
	return OK
}

func (r *Response) statusLine(b []byte) bool {
	if len(b) < len("HTTP/1.1 200") || !bytes.HasPrefix(b, []byte("HTTP/1.")) || !digit(b[7]) || b[8] != ' ' {
		return false
	}
	if !digit(b[9]) || !digit(b[10]) || !digit(b[11]) || len(b) > 12 && b[12] != ' ' || !clean(b) {
		return false
	}
	r.Minor = int(b[7] - '0')
	r.Status = int(b[9]-'0')*100 + int(b[10]-'0')*10 + int(b[11]-'0')
	if len(b) > 13 {
		r.Reason = b[13:]
	}
	return r.Status >= 100 && r.Status < 600
}

func (r *Response) digest(f *Field, o *options) Verdict {
	switch f.Known {
	case Connection:
		o.read(f.Value)
	case ContentLength:
		n, ok := parseLength(f.Value)
		if !ok || r.Length >= 0 && r.Length != n {
			return BadLength
		}
		r.Length = n
	case TransferEncoding:
		switch {
		case r.Chunked:
			return UnknownCoding
		case EqualFold(f.Value, "chunked"):
			r.Chunked = true
		case !EqualFold(f.Value, "identity"):
			return UnknownCoding
		}
	}
	return OK
}

// Bodyless says whether a response with this status to this method has no body whatever its headers say.
func (r *Response) Bodyless(head bool) bool {
	return head || r.Status < 200 || r.Status == 204 || r.Status == 304
}

// clean says that b has no control bytes but tabs.
func clean(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
