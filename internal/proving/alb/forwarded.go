package alb

import (
	"bytes"
	"strconv"

	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/message"
)

// appendForwarded appends what the balancer adds about the client.
func (ex *exchange) appendForwarded(b []byte, r *message.Request) []byte {
	lb, p := &ex.bal.lb, ex.entry.peer
	if lb.XFF == config.XFFAppend {
		b = append(b, "X-Forwarded-For: "...)
		for i := range r.Fields {
			if f := &r.Fields[i]; f.Known == message.ForwardedFor && len(f.Value) > 0 {
				b = append(b, f.Value...)
				b = append(b, ", "...)
			}
		}
		b = append(b, p.ip...)
		if lb.XFFClientPort {
			b = append(b, ':')
			b = append(b, p.port...)
		}
		b = append(b, "\r\n"...)
	}
	b = append(b, "X-Forwarded-Proto: "...)
	b = append(b, ex.lis.scheme...)
	b = append(b, "\r\nX-Forwarded-Port: "...)
	b = strconv.AppendInt(b, int64(ex.lis.port), 10)
	b = append(b, "\r\n"...)
	if !ex.bal.o.Classic {
		b = append(b, "X-Amzn-Trace-Id: "...)
		b = append(b, ex.entry.text[ex.entry.agent:]...)
		b = append(b, "\r\n"...)
	}
	return b
}

// addresses counts the addresses of all X-Forwarded-For headers.
func addresses(r *message.Request) int {
	n := 0
	for i := range r.Fields {
		if f := &r.Fields[i]; f.Known == message.ForwardedFor && len(f.Value) > 0 {
			n += bytes.Count(f.Value, []byte{','}) + 1
		}
	}
	return n
}

// maxAddresses is how many addresses X-Forwarded-For may have: above it is 463.
const maxAddresses = 30
