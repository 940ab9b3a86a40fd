package accesslog

import (
	"net/netip"
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

// Append appends the line with its end.
func (c *Connection) Append(line []byte) []byte { panic("not built yet") }

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
func (h *Health) Append(line []byte) []byte { panic("not built yet") }
