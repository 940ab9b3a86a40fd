// Package message reads HTTP/1 messages the way an Application Load Balancer does: forgiving with
// requests (what is odd is classified by package desync, not refused here), strict with responses (what
// is malformed is a 502). It owns the limits, the framing of bodies and the verdicts on both. It is
// pure: bytes in, values out; it keeps slices of the caller's buffer and copies nothing.
package message

// The hard limits of the Application Load Balancer.
const (
	MaxRequestLine  = 16 << 10
	MaxField        = 16 << 10 // one header line of a request
	MaxRequestHead  = 64 << 10 // all header lines of a request
	MaxResponseHead = 32 << 10 // all header lines of a response
)

// Field is one header line. Name and Value are parts of the head's buffer; the value is without the
// space around it. A line without a colon has NoColon set and stands whole in Name.
type Field struct {
	Name, Value []byte
	Known       Known
	NoColon     bool
}

// Known is a header that the balancer looks at.
type Known uint8

// The headers that the balancer looks at.
const (
	Other Known = iota
	Host
	Connection
	ContentLength
	TransferEncoding
	Expect
	Upgrade
	UserAgent
	Cookie
	KeepAlive
	TE
	Trailer
	ProxyConnection
	ForwardedFor
	ForwardedProto
	ForwardedPort
	TraceID
)

// known finds a name among those that the balancer looks at.
func known(name []byte) Known {
	switch len(name) {
	case 2:
		if EqualFold(name, "te") {
			return TE
		}
	case 4:
		if EqualFold(name, "host") {
			return Host
		}
	case 6:
		switch {
		case EqualFold(name, "cookie"):
			return Cookie
		case EqualFold(name, "expect"):
			return Expect
		}
	case 7:
		switch {
		case EqualFold(name, "upgrade"):
			return Upgrade
		case EqualFold(name, "trailer"):
			return Trailer
		}
	case 10:
		switch {
		case EqualFold(name, "connection"):
			return Connection
		case EqualFold(name, "user-agent"):
			return UserAgent
		case EqualFold(name, "keep-alive"):
			return KeepAlive
		}
	case 14:
		if EqualFold(name, "content-length") {
			return ContentLength
		}
	case 15:
		switch {
		case EqualFold(name, "x-amzn-trace-id"):
			return TraceID
		case EqualFold(name, "x-forwarded-for"):
			return ForwardedFor
		}
	case 16:
		switch {
		case EqualFold(name, "proxy-connection"):
			return ProxyConnection
		case EqualFold(name, "x-forwarded-port"):
			return ForwardedPort
		}
	case 17:
		switch {
		case EqualFold(name, "transfer-encoding"):
			return TransferEncoding
		case EqualFold(name, "x-forwarded-proto"):
			return ForwardedProto
		}
	}
	return Other
}
