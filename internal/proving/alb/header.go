package alb

import (
	"bytes"
	"strconv"

	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/message"
)

// splitTarget takes the host off a target in absolute form. The path of an absolute target without one
// is /.
func splitTarget(target []byte) (host, path []byte) {
	i := bytes.Index(target, []byte("://"))
	if i <= 0 || !message.EqualFold(target[:i], "http") && !message.EqualFold(target[:i], "https") {
		return nil, target
	}
	rest := target[i+3:]
	end := bytes.IndexAny(rest, "/?")
	switch {
	case end < 0:
		return rest, []byte("/")
	case rest[end] == '?':
		return rest[:end], append([]byte("/"), rest[end:]...)
	}
	return rest[:end], rest[end:]
}

func withoutPort(host []byte) []byte {
	i := bytes.LastIndexByte(host, ':')
	if i < 0 || bytes.IndexByte(host[i:], ']') >= 0 {
		return host
	}
	return host[:i]
}

// appendHost appends the Host that the target sees: in lower case, without a port when the listener's is
// 80 or 443, with the listener's when it has none.
func appendHost(b, host []byte, port int) []byte {
	bare := withoutPort(host)
	from := len(b)
	if port == 80 || port == 443 {
		b = append(b, bare...)
	} else {
		b = append(b, host...)
	}
	for i := from; i < len(b); i++ {
		if c := b[i]; c >= 'A' && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	if port != 80 && port != 443 && len(bare) == len(host) {
		b = append(b, ':')
		b = strconv.AppendInt(b, int64(port), 10)
	}
	return b
}

// hopByHop says whether the field is between two neighbours only (RFC 9110 section 7.6.1).
func hopByHop(k message.Known) bool {
	switch k {
	case message.Connection, message.KeepAlive, message.ProxyConnection, message.TE, message.Upgrade, message.Expect,
		message.ContentLength, message.TransferEncoding:
		return true
	}
	return false
}

// validName says whether a name stays with routing.http.drop_invalid_header_fields.enabled.
func validName(name []byte) bool {
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return len(name) > 0
}

// listed are the names that Connection headers list.
func listed(fields []message.Field) (names [][]byte) {
	for i := range fields {
		if fields[i].Known != message.Connection {
			continue
		}
		message.Each(fields[i].Value, func(item []byte) bool {
			if !message.EqualFold(item, "close") && !message.EqualFold(item, "keep-alive") && !message.EqualFold(item, "upgrade") {
				names = append(names, item)
			}
			return true
		})
	}
	return names
}

func among(name []byte, names [][]byte) bool {
	for _, n := range names {
		if bytes.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// appendRequest appends the head as the target gets it.
func (ex *exchange) appendRequest(b []byte, r *message.Request) []byte {
	lb, p := &ex.bal.lb, ex.entry.peer
	absolute, path := splitTarget(r.Target)
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, path...)
	b = append(b, " HTTP/1.1\r\n"...)
	b = ex.appendForwarded(b, r)
	if !lb.PreserveHostHeader || r.Host == nil {
		host := r.Host
		switch {
		case len(absolute) > 0:
			host = absolute
		case r.Host == nil:
			host = ex.bal.dnsName
		}
		b = append(b, "Host: "...)
		b = append(appendHost(b, host, ex.lis.port), "\r\n"...)
	}
	names := listed(r.Fields)
	for i := range r.Fields {
		f := &r.Fields[i]
		switch f.Known {
		case message.Host:
			if !lb.PreserveHostHeader {
				continue
			}
		case message.ForwardedFor:
			if lb.XFF != config.XFFPreserve {
				continue
			}
		case message.ForwardedProto, message.ForwardedPort, message.TraceID:
			continue
		}
		if hopByHop(f.Known) || names != nil && among(f.Name, names) {
			continue
		}
		if lb.DropInvalidHeaderFields && !validName(f.Name) {
			continue
		}
		b = append(b, f.Name...)
		b = append(b, ": "[:colon(f)]...)
		b = append(b, f.Value...)
		b = append(b, "\r\n"...)
	}
	if lb.TLSHeaders && p.cipher != "" {
		b = append(b, "X-Amzn-Tls-Version: "...)
		b = append(b, p.tlsProtocol...)
		b = append(b, "\r\nX-Amzn-Tls-Cipher-Suite: "...)
		b = append(b, p.cipher...)
		b = append(b, "\r\n"...)
	}
	switch {
	case r.Chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case r.Length >= 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, r.Length, 10)
		b = append(b, "\r\n"...)
	}
	if ex.upgrade {
		b = append(b, "Upgrade: "...)
		b = append(b, r.Upgrade...)
		b = append(b, "\r\nConnection: upgrade\r\n"...)
	}
	return append(b, "\r\n"...)
}

// colon is how much of ": " goes behind a name: a line without a colon gets one at its end.
func colon(f *message.Field) int {
	if f.NoColon {
		return 1
	}
	return 2
}
