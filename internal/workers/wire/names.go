package wire

import (
	"net/textproto"
	"strings"
)

// The environ's names that go as interned strings, so that Python need not make and hash them
// anew for each request. The table is fixed: interned strings of names that a client chose would
// stay in a worker for ever on some versions of CPython.

// serverNames are the names that are not made of a header.
var serverNames = []string{
	"REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REQUEST_URI", "DOCUMENT_ROOT",
	"SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "SERVER_SOFTWARE", "SERVER_ADDR",
	"REMOTE_ADDR", "REMOTE_PORT", "REMOTE_HOST", "REMOTE_USER", "AUTH_TYPE",
	"REQUEST_SCHEME", "HTTPS", "GATEWAY_INTERFACE", "wsgi.url_scheme", "wsgi.input_terminated",
	"CONTENT_TYPE", "CONTENT_LENGTH",
}

// commonHeaders are headers that browsers, load balancers and API clients send.
var commonHeaders = []string{
	"Host", "Connection", "User-Agent", "Accept", "Accept-Encoding", "Accept-Language",
	"Accept-Charset", "Authorization", "Cache-Control", "Pragma", "Cookie", "Origin", "Referer", "Range",
	"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range",
	"Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Content-Disposition",
	"Transfer-Encoding", "Expect", "Date", "From", "Via", "Warning", "Max-Forwards", "Upgrade", "TE",
	"Trailer", "Keep-Alive", "DNT", "Sec-GPC", "Save-Data", "Device-Memory", "Priority", "Purpose",
	"Upgrade-Insecure-Requests", "Access-Control-Request-Method", "Access-Control-Request-Headers",
	"Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-User", "Sec-Purpose",
	"Sec-CH-UA", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform", "Sec-WebSocket-Key",
	"Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions",
	"Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port",
	"X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-Ssl", "X-Real-IP", "X-Client-IP",
	"X-Amzn-Trace-Id", "X-Amz-Cf-Id", "X-Amzn-Oidc-Data", "X-Amzn-Oidc-Identity",
	"X-Amzn-Oidc-Accesstoken", "X-Amzn-Mtls-Clientcert", "CloudFront-Viewer-Country",
	"CF-Connecting-IP", "CF-IPCountry", "CF-Ray", "CF-Visitor", "CDN-Loop", "True-Client-IP",
	"X-Request-ID", "X-Correlation-ID", "Traceparent", "Tracestate", "Baggage", "X-B3-TraceId",
	"X-B3-SpanId", "X-B3-Sampled", "X-Requested-With", "X-CSRFToken", "X-CSRF-Token", "X-XSRF-Token",
	"X-HTTP-Method-Override", "X-API-Key", "X-Api-Version", "Idempotency-Key", "Last-Event-ID",
	"HX-Request", "HX-Target", "HX-Trigger", "HX-Current-URL", "HX-Boosted", "SOAPAction",
	"X-Sendfile-Type", "X-Accel-Mapping", "X-Original-URL", "X-Scheme", "X-Wap-Profile",
}

// name is one entry of the table.
type name struct {
	variable string // in the environ
	key      string // the same as marshal data
}

var (
	// interned finds an environ name's marshal data.
	interned = map[string]string{}
	// headers finds a common header's environ name, by the spellings in use: the table's own, that
	// of net/http, and the lower case of HTTP/2.
	headers = map[string]name{}
)

func init() {
	for _, n := range serverNames {
		intern(n)
	}
	for _, h := range commonHeaders {
		entry := intern(string(appendVariable(nil, h)))
		headers[h] = entry
		headers[textproto.CanonicalMIMEHeaderKey(h)] = entry
		headers[strings.ToLower(h)] = entry
	}
}

func intern(variable string) name {
	key := string(append([]byte{codeInterned, byte(len(variable))}, variable...))
	interned[variable] = key
	return name{variable: variable, key: key}
}

// HeaderVar is the environ name of a header: User-Agent gives HTTP_USER_AGENT, Content-Type and
// Content-Length give CONTENT_TYPE and CONTENT_LENGTH. For common headers in a common spelling it
// does not allocate; it remembers nothing that a client sent.
//
// The caller refuses names that contain '_' (X_A and X-A would share one environ name) and Proxy
// (HTTP_PROXY means something else to many libraries).
func HeaderVar[T string | []byte](header T) string {
	if n, ok := headers[string(header)]; ok {
		return n.variable
	}
	return string(appendVariable(nil, string(header)))
}

const headerPrefix = "HTTP_"

// appendVariable appends a header's environ name.
func appendVariable(dst []byte, header string) []byte {
	if !bare(header) {
		dst = append(dst, headerPrefix...)
	}
	for i := 0; i < len(header); i++ {
		dst = append(dst, variableByte(header[i]))
	}
	return dst
}

// bare reports whether a header's environ name has no prefix: CGI gives these two a name of their own.
func bare(header string) bool {
	return strings.EqualFold(header, "Content-Type") || strings.EqualFold(header, "Content-Length")
}

func variableByte(c byte) byte {
	switch {
	case c == '-':
		return '_'
	case 'a' <= c && c <= 'z':
		return c - 'a' + 'A'
	}
	return c
}
