package front

import "fender/internal/serve/http1"

// frame decides how the client learns where the answer ends, and whether the connection goes on.
func (c *conn) frame(r *reply) {
	r.status = r.head.Status
	switch {
	case r.isHead || http1.NoBody(r.status):
		r.framing = noBody
	case r.head.Length >= 0:
		r.framing, r.left = byLength, r.head.Length
	case r.minor > 0:
		r.framing = chunked
	default:
		r.framing, r.close = byClose, true
	}
	r.close = r.close || !r.keepAlive || c.front.Draining()
}

// appendHead appends the application's head, with the fields that are the front's own business.
func (c *conn) appendHead(dst []byte, r *reply) []byte {
	h := &r.head
	dst = http1.AppendStatus(dst, h.Status, h.Reason)
	dated, served := false, c.front.options.Server == ""
	for _, f := range h.Fields {
		switch {
		case http1.Framing(f.Name):
			continue
		case len(f.Name) == len("date") && http1.EqualFold(f.Name, "date"):
			dated = true
		case len(f.Name) == len("server") && http1.EqualFold(f.Name, "server"):
			served = true
		}
		dst = http1.AppendField(dst, f.Name, f.Value)
	}
	if !dated {
		dst = http1.AppendField(dst, "Date", c.front.dates.at(c.front.clock))
	}
	if !served {
		dst = http1.AppendField(dst, "Server", c.front.options.Server)
	}
	// A 204 has no length; HEAD and 304 have the one that the application gave (RFC 9110 section 8.6).
	if h.Length >= 0 && h.Status != 204 {
		dst = http1.AppendLength(dst, h.Length)
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
