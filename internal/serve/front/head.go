package front

import (
	"fender/internal/exchange"
	"fender/internal/serve/http1"
)

// encode keeps the application's head as it will be sent, but for what is the front's business. r.mu is held.
func (r *reply) encode(h *exchange.Head) {
	r.code, r.length = h.Status, h.Length
	r.fields = http1.AppendStatus(r.fields[:0], h.Status, h.Reason)
	for _, f := range h.Fields {
		switch {
		case http1.Framing(f.Name):
			continue
		case len(f.Name) == len("date") && http1.EqualFold(f.Name, "date"):
			r.dated = true
		case len(f.Name) == len("server") && http1.EqualFold(f.Name, "server"):
			r.served = true
		}
		r.fields = http1.AppendField(r.fields, f.Name, f.Value)
	}
}

// frame decides how the client learns where the answer ends, and whether the connection goes on.
func (c *conn) frame(r *reply) {
	r.status = r.code
	switch {
	case r.isHead || http1.NoBody(r.status):
		r.framing = noBody
	case r.length >= 0:
		r.framing, r.left = byLength, r.length
	case r.minor > 0:
		r.framing = chunked
	default:
		r.framing, r.close = byClose, true
	}
	r.close = r.close || !r.keepAlive || c.front.Draining()
}

// appendHead appends the application's head, with the fields that are the front's own business.
func (c *conn) appendHead(dst []byte, r *reply) []byte {
	dst = append(dst, r.fields...)
	if !r.dated {
		dst = http1.AppendField(dst, "Date", c.front.dates.at(c.front.clock))
	}
	if server := c.front.options.Server; server != "" && !r.served {
		dst = http1.AppendField(dst, "Server", server)
	}
	// A 204 has no length; HEAD and 304 have the one that the application gave (RFC 9110 section 8.6).
	if r.length >= 0 && r.status != 204 {
		dst = http1.AppendLength(dst, r.length)
	}
	if r.framing == chunked {
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	return appendConnection(dst, r)
}

// appendConnection appends the Connection field where one is needed, and the end of the head.
func appendConnection(dst []byte, r *reply) []byte {
	switch {
	case r.close:
		dst = append(dst, "Connection: close\r\n"...)
	case r.minor == 0:
		dst = append(dst, "Connection: keep-alive\r\n"...)
	}
	return append(dst, '\r', '\n')
}
