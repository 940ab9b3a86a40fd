package alb

import (
	"net/netip"
	"strconv"
	"time"

	"fender/internal/proving/alb/accesslog"
	"fender/internal/proving/alb/desync"
	"fender/internal/proving/alb/message"
	"fender/internal/proving/alb/metric"
)

// peer is what the logs say about a client's connection.
type peer struct {
	addr        netip.AddrPort
	ip          []byte // addr's, as X-Forwarded-For has it
	port        []byte
	local       string
	cipher      string // of TLS; cipher and the rest are empty without
	tlsProtocol string
	domain      string
	certificate string
	trace       string // TID_...
}

// logEntry is what the access log wants to know about a request besides what the exchange holds. The
// texts of the client lie in one piece of memory that is used again.
type logEntry struct {
	on          bool
	peer        *peer
	kind        string
	text        []byte
	line, agent int // where the text of each ends
	target      string
	group       string
	priority    string
	actions     string
	redirect    string
	reason      string
}

func (e *logEntry) reset() {
	*e = logEntry{on: e.on, peer: e.peer, text: e.text[:0]}
}

// longestAgent is how much of a User-Agent the log keeps.
const longestAgent = 8 << 10

// request takes in what the client asked for.
func (e *logEntry) request(scheme string, port int, host []byte, r *message.Request) {
	if len(r.Method) > 0 && len(r.Target) > 0 {
		b := append(e.text, r.Method...)
		b = append(b, ' ')
		b = append(b, scheme...)
		b = append(b, "://"...)
		if len(host) == 0 {
			b = append(b, e.peer.local...)
		} else {
			b = append(b, withoutPort(host)...)
		}
		b = append(b, ':')
		b = strconv.AppendInt(b, int64(port), 10)
		_, path := splitTarget(r.Target)
		b = append(b, path...)
		b = append(b, ' ')
		if len(r.Version) == 0 {
			b = append(b, "HTTP/0.9"...)
		} else {
			b = append(b, r.Version...)
		}
		e.text = b
	}
	e.line = len(e.text)
	e.text = append(e.text, r.UserAgent[:min(len(r.UserAgent), longestAgent)]...)
	e.agent = len(e.text)
}

// log counts the exchange and writes its line.
func (ex *exchange) log() {
	e := &ex.entry
	ex.count()
	if !e.on || ex.bal.accessLog == nil {
		return
	}
	text := string(e.text)
	v := ex.verdict
	ex.bal.accessLog.Put(&accesslog.Entry{
		Type: e.kind, Time: ex.responded, ELB: ex.bal.resource, Client: e.peer.addr, Target: e.target,
		RequestTime: ex.times[0], TargetTime: ex.times[1], ResponseTime: ex.times[2],
		Status: ex.status, TargetStatus: ex.targetStatus,
		Received: ex.received.Load(), Sent: ex.sink.sent(),
		RequestLine: text[:e.line], UserAgent: text[e.line:e.agent], TraceID: text[e.agent:],
		Cipher: e.peer.cipher, TLSProtocol: e.peer.tlsProtocol, Domain: e.peer.domain, Certificate: e.peer.certificate,
		TargetGroup: e.group, Priority: e.priority, Created: ex.created, Actions: e.actions,
		RedirectURL: e.redirect, ErrorReason: e.reason,
		Classification: word(v.Class.String()), ClassificationCause: word(v.Reason),
		ConnTraceID: e.peer.trace, Node: ex.bal.node,
	})
}

// word is s, or nothing where the classification says "-".
func word(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// count adds the exchange to the counters.
func (ex *exchange) count() {
	m := ex.bal.metrics
	if ex.service != nil {
		m = ex.service.metrics
	}
	if m == nil {
		return
	}
	if ex.choice.Target != nil {
		m.Add(metric.RequestCount, 1)
	}
	switch {
	case ex.status == 0:
	case ex.targetStatus != 0:
		m.Status(ex.targetStatus, true)
		if ex.times[1] >= 0 {
			m.Observe(metric.TargetResponseTime, ex.times[1].Seconds())
		}
	case ex.entry.actions == "fixed-response":
		m.Add(metric.HTTPFixedResponseCount, 1)
	case ex.entry.actions == "redirect" && ex.status == 507:
		m.Add(metric.HTTPRedirectURLLimitExceededCount, 1)
		m.Status(ex.status, false)
	case ex.entry.actions == "redirect" && ex.status < 400:
		m.Add(metric.HTTPRedirectCount, 1)
		m.Status(ex.status, false)
	default:
		m.Status(ex.status, false)
	}
	if ex.verdict.Class != desync.Compliant {
		m.Add(metric.DesyncMitigationModeNonCompliantRequestCount, 1)
	}
	if ex.outcome.ConnectFailed {
		m.Add(metric.TargetConnectionErrorCount, 1)
	}
	m.Add(metric.ProcessedBytes, ex.received.Load()+ex.sink.sent())
}

// logConnection writes the line of a client's connection.
func (b *Balancer) logConnection(l *listener, p *peer, at time.Time, handshake time.Duration, exchangeName string) {
	if b.connLog == nil {
		return
	}
	b.connLog.Put(&accesslog.Connection{
		Time: at, Client: p.addr, ListenerPort: l.port, TLSProtocol: p.tlsProtocol, Cipher: p.cipher,
		Handshake: handshake, ConnTraceID: p.trace, KeyExchange: exchangeName, ELB: b.resource, Node: b.node,
	})
}
