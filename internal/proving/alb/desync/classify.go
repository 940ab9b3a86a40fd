package desync

import (
	"bytes"

	"fender/internal/proving/alb/message"
)

// Classify judges a request that message has parsed, whatever its verdict was.
func Classify(r *message.Request) Verdict {
	v := Verdict{Reason: "-"}
	var c bodies
	for i := range r.Fields {
		c.field(&v, &r.Fields[i])
	}
	c.check(&v, r)
	if !message.IsToken(r.Method) {
		v.upgrade(Severe, "BadMethod")
	}
	version(&v, r.Version)
	uri(&v, r.Target)
	return v
}

// bodies is what was found about the length of the body.
type bodies struct {
	codings int // Transfer-Encoding, and what looks like it
	lengths int
	chunked bool // the last coding was chunked
	length  uint64
	known   bool    // length is one
	first   Verdict // what the codings are guilty of
	second  Verdict // and the lengths: they are judged after all codings
}

func (c *bodies) field(v *Verdict, f *message.Field) {
	name, value := f.Name, f.Value
	if f.NoColon {
		name, value, _ = bytes.Cut(name, []byte{':'})
	}
	coding := similar("transfer-encoding", name)
	length := distant
	if coding == distant {
		length = similar("content-length", name)
	}
	tier := max(nameTier(name), valueTier(value))
	v.upgrade(tier, tierReason(tier))
	trimmed := message.Trim(name)
	switch {
	case len(trimmed) == 0:
		v.upgrade(Ambiguous, "EmptyHeader")
		return
	case tier != Severe && (coding == sameLetters || length == sameLetters):
		v.upgrade(Ambiguous, "SuspiciousHeader")
	case coding != identical && length != identical:
		return
	}
	if coding != distant {
		c.coding(value)
	} else {
		c.contentLength(value)
	}
}

// coding takes in a Transfer-Encoding.
func (c *bodies) coding(list []byte) {
	c.codings++
	for again := true; again; {
		var item []byte
		item, list, again = bytes.Cut(list, []byte{','})
		item, _, _ = bytes.Cut(message.Trim(item), []byte{';'})
		item = message.Trim(item)
		switch {
		case message.EqualFold(item, "chunked"):
			if c.chunked {
				c.first.upgrade(Severe, "MultipleTransferEncodingChunked")
			}
			c.chunked = true
		case message.EqualFold(item, "compress"), message.EqualFold(item, "deflate"),
			message.EqualFold(item, "gzip"), message.EqualFold(item, "identity"):
			c.chunked = false
		default:
			c.first.upgrade(Severe, "BadTransferEncoding")
		}
	}
}

// contentLength takes in a Content-Length.
func (c *bodies) contentLength(value []byte) {
	c.lengths++
	n, ok := number(message.Trim(value))
	switch {
	case !ok:
		c.second.upgrade(Severe, "BadContentLength")
	case c.known && n != c.length:
		c.second.upgrade(Severe, "MultipleContentLength")
	case c.known:
		c.second.upgrade(Ambiguous, "DuplicateContentLength")
	default:
		c.length, c.known = n, true
	}
}

// check judges what the headers about the body say together.
func (c *bodies) check(v *Verdict, r *message.Request) {
	if c.codings == 0 && c.lengths == 0 {
		return
	}
	if r.Minor < 1 && c.codings > 0 {
		v.upgrade(Ambiguous, "UndefinedTransferEncodingSemantics")
		return
	}
	if r.Minor < 0 && c.lengths > 0 {
		v.upgrade(Ambiguous, "UndefinedContentLengthSemantics")
		return
	}
	v.upgrade(c.first.Class, c.first.Reason)
	v.upgrade(c.second.Class, c.second.Reason)
	if m := string(r.Method); m == "GET" || m == "HEAD" {
		switch {
		case c.codings > 0:
			v.upgrade(Ambiguous, "UndefinedTransferEncodingSemantics")
		case c.known && c.length == 0:
			v.upgrade(Acceptable, "GetHeadZeroContentLength")
		case c.known:
			v.upgrade(Ambiguous, "UndefinedContentLengthSemantics")
		}
	}
	if c.known && c.codings > 0 {
		v.upgrade(Ambiguous, "BothTeClPresent")
	}
}

func version(v *Verdict, raw []byte) {
	b := message.Trim(raw)
	switch {
	case len(b) == 0 || string(b) == "HTTP/0.9":
		v.upgrade(Acceptable, "NonCompliantVersion")
	case len(b) != len("HTTP/1.1") || !bytes.HasPrefix(b, []byte("HTTP/1.")) || b[7] < '0' || b[7] > '9':
		v.upgrade(Severe, "BadVersion")
	case len(b) != len(raw) || b[7] > '1':
		v.upgrade(Acceptable, "NonCompliantVersion")
	}
}

func uri(v *Verdict, target []byte) {
	for _, c := range target {
		switch {
		case c > ' ' && c != 0x7f:
		case bad(c):
			v.upgrade(Severe, "BadUri")
			return
		case c == ' ':
			v.upgrade(Acceptable, "SpaceInUri")
		default:
			v.upgrade(Ambiguous, "AmbiguousUri")
		}
	}
}
