package front

import (
	"strings"
	"unsafe"

	"fender/internal/serve/http1"
	"fender/internal/workers/wire"
)

// The names that every environ has.
var (
	nameRequestMethod  = wire.NameOf("REQUEST_METHOD")
	nameRequestURI     = wire.NameOf("REQUEST_URI")
	namePathInfo       = wire.NameOf("PATH_INFO")
	nameQueryString    = wire.NameOf("QUERY_STRING")
	nameServerProtocol = wire.NameOf("SERVER_PROTOCOL")
	nameScriptName     = wire.NameOf("SCRIPT_NAME")
	nameServerName     = wire.NameOf("SERVER_NAME")
	nameServerPort     = wire.NameOf("SERVER_PORT")
	nameRemoteAddr     = wire.NameOf("REMOTE_ADDR")
	nameRemotePort     = wire.NameOf("REMOTE_PORT")
	nameWSGIURLScheme  = wire.NameOf("wsgi.url_scheme")
	nameContentLength  = wire.NameOf("CONTENT_LENGTH")
)

// environSize is the first size of such a buffer; maxEnviron is the largest that is kept.
const (
	environSize = 4 << 10
	maxEnviron  = 64 << 10
)

// newEnviron is an empty buffer for an environ.
func (f *Front) newEnviron() []byte {
	b, ok := f.environs.take()
	if !ok {
		b = make([]byte, 0, environSize)
	}
	return b[:0]
}

// freeEnviron gives a buffer back.
func (f *Front) freeEnviron(b []byte) {
	if cap(b) <= maxEnviron {
		f.environs.keep(b)
	}
}

// buildEnviron appends the request's CGI environ to dst (PEP 3333, with uWSGI's meanings): PATH_INFO
// decoded as uWSGI does it, REQUEST_URI as received, CONTENT_LENGTH the body's real length.
func (c *conn) buildEnviron(dst []byte, r *reply, h *http1.Head) []byte {
	e := wire.NewEnviron(dst)
	e.SetNamed(nameRequestMethod, r.entry.Method)
	e.SetNamed(nameRequestURI, r.entry.Target)
	e.SetNamed(namePathInfo, pathInfo(h.Path.Of(r.text)))
	e.SetNamed(nameQueryString, h.Query.Of(r.text))
	e.SetNamed(nameServerProtocol, r.entry.Proto)
	e.SetNamed(nameScriptName, "")
	e.SetNamed(nameServerName, c.front.options.ServerName)
	e.SetNamed(nameServerPort, c.socket.port)
	addr, port := c.clientOf(r.text, h)
	e.SetNamed(nameRemoteAddr, addr)
	if port != "" {
		e.SetNamed(nameRemotePort, port)
	}
	e.SetNamed(nameWSGIURLScheme, c.scheme(r, h))
	if h.Chunked || h.HasLength {
		e.SetNumber(nameContentLength, r.body.size)
	}
	if h.Form == http1.AbsoluteForm {
		e.SetHeader("Host", h.Authority.Of(r.text))
	}
	for i, f := range h.Fields {
		switch {
		case f.Known == http1.ContentLength, f.Known == http1.TransferEncoding:
			continue // the body is here, decoded and whole
		case f.Known == http1.Host && h.Form == http1.AbsoluteForm:
			continue
		}
		if value, first := joined(r.text, h.Fields, i); first {
			e.SetHeader(f.Name.Of(r.text), value)
		}
	}
	return e.Bytes()
}

// pathInfo decodes a path. Most have nothing to decode and stay as they are.
func pathInfo(raw string) string {
	if raw != "" && strings.IndexByte(raw, '%') < 0 && strings.IndexByte(raw, '#') < 0 && !strings.Contains(raw, "/.") {
		return raw
	}
	b := http1.AppendPath(make([]byte, 0, len(raw)+1), []byte(raw))
	return unsafe.String(unsafe.SliceData(b), len(b)) // nobody else has b
}

// joined is the value of field i together with those of the same name that follow, and whether field i
// is the first of its name. Lists are joined by comma (RFC 9110 section 5.3), cookies by semicolon
// (RFC 6265 section 5.4; an HTTP/2 client may split them).
func joined(text string, fields []http1.Field, i int) (value string, first bool) {
	name := fields[i].Name.Of(text)
	for _, f := range fields[:i] {
		if sameName(f.Name.Of(text), name) {
			return "", false
		}
	}
	value = fields[i].Value.Of(text)
	separator := ", "
	if fields[i].Known == http1.Cookie {
		separator = "; "
	}
	for _, f := range fields[i+1:] {
		if sameName(f.Name.Of(text), name) {
			value += separator + f.Value.Of(text)
		}
	}
	return value, true
}

// sameName compares two names as CGI does, in any case.
func sameName(a, b string) bool {
	return len(a) == len(b) && (a[0]|0x20) == (b[0]|0x20) && strings.EqualFold(a, b)
}

// scheme is http, or what a trusted proxy says that the client used.
func (c *conn) scheme(r *reply, h *http1.Head) string {
	if !c.trusted {
		return "http"
	}
	scheme := "http"
	seen := false
	for _, f := range h.Fields {
		if f.Known != http1.ForwardedProto {
			continue
		}
		if seen { // two words for one thing: believe neither
			return "http"
		}
		seen = true
		if http1.EqualFold(f.Value.Of(r.text), "https") {
			scheme = "https"
		}
	}
	return scheme
}
