package accesslog

import (
	"net/netip"
	"strconv"
	"time"
)

// Connection is one line of the connection log.
type Connection struct {
	Time         time.Time
	Client       netip.AddrPort
	ListenerPort int
	TLSProtocol  string
	Cipher       string
	Handshake    time.Duration // negative: -
	Verify       string        // Success, or Failed:<code>; empty without TLS
	ConnTraceID  string
	KeyExchange  string
	ELB          string
	Node         string
}

// Append appends the line with its end. What stands about clients' certificates is always "-".
func (c *Connection) Append(line []byte) []byte {
	l := builder{line}
	l.time(c.Time, micros)
	if c.Client.IsValid() {
		l.plain(c.Client.Addr().Unmap().String())
		l.number(int64(c.Client.Port()))
	} else {
		l.plain("")
		l.plain("")
	}
	l.number(int64(c.ListenerPort))
	l.plain(c.TLSProtocol)
	l.plain(c.Cipher)
	if c.Handshake < 0 {
		l.plain("")
	} else {
		l.seconds(c.Handshake)
	}
	l.quoted("") // subject
	l.plain("")  // validity
	l.plain("")  // serial number
	l.plain(c.Verify)
	l.plain(c.ConnTraceID)
	l.plain(c.KeyExchange)
	l.plain(c.ELB)
	l.plain(c.Node)
	return l.end()
}

// Health is one line of the health-check log.
type Health struct {
	Type    string // http, https, h2
	Time    time.Time
	Latency time.Duration
	Target  string
	Group   string // the target group's name
	Pass    bool
	Status  int // 0: -
	Reason  string
	ELB     string
	Node    string
}

// Append appends the line with its end.
func (h *Health) Append(line []byte) []byte {
	l := builder{line}
	l.plain(h.Type)
	l.time(h.Time, micros)
	l.line = strconv.AppendFloat(l.line, h.Latency.Seconds(), 'f', 9, 64)
	l.line = append(l.line, ' ')
	l.plain(h.Target)
	l.plain(h.Group)
	if h.Pass {
		l.plain("PASS")
	} else {
		l.plain("FAIL")
	}
	l.status(h.Status)
	l.plain(h.Reason)
	l.plain(h.ELB)
	l.plain(h.Node)
	return l.end()
}
