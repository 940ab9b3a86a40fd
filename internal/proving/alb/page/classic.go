package page

import "strconv"

// classicReasons are the reason phrases of a Classic Load Balancer where they are known.
var classicReasons = map[int]string{
	400: "BAD_REQUEST",
	405: "METHOD_NOT_ALLOWED",
	408: "REQUEST_TIMEOUT",
	502: "BAD_GATEWAY",
	503: "Service Unavailable: Back-end server is at capacity",
	504: "GATEWAY_TIMEOUT",
}

// classic appends what a Classic Load Balancer answers: a head and nothing else.
func (p *Page) classic(b []byte) []byte {
	if p.Bare {
		return b
	}
	reason, ok := classicReasons[p.Status]
	if !ok {
		reason = Reason(p.Status)
	}
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(p.Status), 10)
	b = append(b, ' ')
	b = append(b, reason...)
	b = append(b, "\r\nContent-Length: 0\r\nConnection: "...)
	if p.KeepAlive {
		b = append(b, "keep-alive"...)
	} else {
		b = append(b, "Close"...)
	}
	return append(b, "\r\n\r\n"...)
}
