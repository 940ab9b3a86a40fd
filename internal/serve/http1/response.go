package http1

import "strconv"

// AppendStatus appends a status line. A response always says HTTP/1.1, to a 1.0 client too (RFC 9110
// section 2.5). An empty reason becomes the registered one.
func AppendStatus(dst []byte, status int, reason string) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	if reason == "" {
		reason = Reason(status)
	}
	dst = append(dst, reason...)
	return append(dst, '\r', '\n')
}

// AppendField appends one header field. Name and value must have been checked.
func AppendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ':', ' ')
	dst = append(dst, value...)
	return append(dst, '\r', '\n')
}

// AppendLength appends a Content-Length field.
func AppendLength(dst []byte, n int64) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, '\r', '\n')
}

// AppendChunkSize appends the line before a chunk of n bytes, n > 0.
func AppendChunkSize(dst []byte, n int64) []byte {
	dst = strconv.AppendInt(dst, n, 16)
	return append(dst, '\r', '\n')
}

// LastChunk ends a chunked body.
const LastChunk = "0\r\n\r\n"

// ContinueLine is the interim response to Expect: 100-continue.
const ContinueLine = "HTTP/1.1 100 Continue\r\n\r\n"

// SafeValue reports whether s may stand in a field value or a reason phrase as it is.
func SafeValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if classes[s[i]]&isField == 0 {
			return false
		}
	}
	return true
}

// SafeName reports whether s may stand as a field name.
func SafeName(s string) bool {
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		if classes[s[i]]&isToken == 0 {
			return false
		}
	}
	return true
}

// Framing says whether a response field is the front's own business: how long the body is and what
// becomes of the connection is known only where both ends are.
func Framing(name string) bool {
	switch len(name) {
	case 2:
		return EqualFold(name, "te")
	case 7:
		return EqualFold(name, "trailer") || EqualFold(name, "upgrade")
	case 10:
		return EqualFold(name, "connection") || EqualFold(name, "keep-alive")
	case 14:
		return EqualFold(name, "content-length")
	case 16:
		return EqualFold(name, "proxy-connection")
	case 17:
		return EqualFold(name, "transfer-encoding")
	}
	return false
}

// NoBody reports whether a response with the status has no body, whatever its fields say (RFC 9112
// section 6.3).
func NoBody(status int) bool { return status < 200 || status == 204 || status == 304 }

// Reason is the registered reason phrase of a status, or "Status".
func Reason(status int) string {
	if s, ok := reasons[status]; ok {
		return s
	}
	return "Status"
}

// reasons is the IANA registry of HTTP status codes.
var reasons = map[int]string{
	100: "Continue", 101: "Switching Protocols", 102: "Processing", 103: "Early Hints",
	200: "OK", 201: "Created", 202: "Accepted", 203: "Non-Authoritative Information", 204: "No Content",
	205: "Reset Content", 206: "Partial Content", 207: "Multi-Status", 208: "Already Reported", 226: "IM Used",
	300: "Multiple Choices", 301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified",
	305: "Use Proxy", 307: "Temporary Redirect", 308: "Permanent Redirect",
	400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
	405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout",
	409: "Conflict", 410: "Gone", 411: "Length Required", 412: "Precondition Failed", 413: "Content Too Large",
	414: "URI Too Long", 415: "Unsupported Media Type", 416: "Range Not Satisfiable", 417: "Expectation Failed",
	421: "Misdirected Request", 422: "Unprocessable Content", 423: "Locked", 424: "Failed Dependency",
	425: "Too Early", 426: "Upgrade Required", 428: "Precondition Required", 429: "Too Many Requests",
	431: "Request Header Fields Too Large", 451: "Unavailable For Legal Reasons",
	500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
	504: "Gateway Timeout", 505: "HTTP Version Not Supported", 506: "Variant Also Negotiates",
	507: "Insufficient Storage", 508: "Loop Detected", 511: "Network Authentication Required",
}
