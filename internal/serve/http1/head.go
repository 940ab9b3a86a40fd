package http1

// Span is a range of the bytes that a head was parsed from. Spans instead of slices let the caller
// grow or copy the buffer, and read the same head from a string.
type Span struct{ Start, End uint32 }

// In is the range of b.
func (s Span) In(b []byte) []byte { return b[s.Start:s.End] }

// Of is the range of text.
func (s Span) Of(text string) string { return text[s.Start:s.End] }

// Empty reports whether nothing is in the range.
func (s Span) Empty() bool { return s.Start == s.End }

// Form is the form of a request target, RFC 9112 section 3.2. The authority form is refused.
type Form uint8

// The forms.
const (
	OriginForm   Form = iota // /path?query
	AbsoluteForm             // http://host/path?query
	AsteriskForm             // * (OPTIONS only)
)

// Known names the header fields that the front looks at itself.
type Known uint8

// The known fields; Other is any name else.
const (
	Other Known = iota
	Host
	Connection
	ContentLength
	TransferEncoding
	Expect
	ContentType
	Cookie
	UserAgent
	Referer
	TraceID        // X-Amzn-Trace-Id
	ForwardedProto // X-Forwarded-Proto
)

// Field is one header field. The value is without the white space around it.
type Field struct {
	Name, Value Span
	Known       Known
}

// Head is a request head, checked. The parser owns it: it is valid until the parser is reset.
type Head struct {
	Method Span
	Target Span // as received
	Path   Span // the target's path, raw; empty when an absolute form has none
	Query  Span // behind the first '?', raw
	// Authority is the host of an absolute form, which replaces Host (RFC 9112 section 3.2.2).
	Authority Span
	Form      Form
	Minor     int // 0 or 1: HTTP/1.0 or HTTP/1.1; a higher minor version counts as 1

	// Fields are in the order of the message, without those that were dropped.
	Fields []Field
	// Dropped counts the fields that were left out because two names would share one environ key,
	// or because of httpoxy: names with '_', and Proxy.
	Dropped int

	// Length is the body's length by Content-Length; 0 without one, -1 when the body is Chunked.
	Length  int64
	Chunked bool
	// HasLength says that there was a Content-Length.
	HasLength bool
	// KeepAlive says that the client wants to go on using the connection.
	KeepAlive bool
	// Continue says that the client waits for 100 Continue before it sends the body.
	Continue bool
}

// HasBody reports whether body bytes follow the head.
func (h *Head) HasBody() bool { return h.Chunked || h.Length > 0 }
