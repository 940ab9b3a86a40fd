package accesslog

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

const (
	leastFields = 25 // of the lines of 2019, before the lists of targets came
	mostFields  = 1000
	fields      = 34
)

// Parse reads a line of an access log of any age: 25 fields or more, with either kind of escaping. What
// a person may have masked (the client's address) need not be readable; numbers and times must be.
func Parse(line string) (Entry, error) {
	f, err := split(strings.TrimRight(line, "\r\n"))
	if err != nil {
		return Entry{}, err
	}
	if len(f) < leastFields {
		return Entry{}, fmt.Errorf("the line has %d fields; an access log of an Application Load Balancer has %d or more", len(f), leastFields)
	}
	p := parser{}
	e := Entry{
		Type: f[0], Time: p.time("time", f[1]), ELB: text(f[2]), Client: address(f[3]), Target: text(f[4]),
		RequestTime:  p.seconds("request_processing_time", f[5]),
		TargetTime:   p.seconds("target_processing_time", f[6]),
		ResponseTime: p.seconds("response_processing_time", f[7]),
		Status:       p.status("elb_status_code", f[8]), TargetStatus: p.status("target_status_code", f[9]),
		Received: p.number("received_bytes", f[10]), Sent: p.number("sent_bytes", f[11]),
		RequestLine: text(f[12]), UserAgent: text(f[13]), Cipher: text(f[14]), TLSProtocol: text(f[15]),
		TargetGroup: text(f[16]), TraceID: text(f[17]), Domain: text(f[18]), Certificate: text(f[19]), Priority: text(f[20]),
		Created: p.time("request_creation_time", f[21]),
		Actions: text(f[22]), RedirectURL: text(f[23]), ErrorReason: text(f[24]),
		Fields: len(f),
	}
	if e.RequestLine == noRequestLine {
		e.RequestLine = ""
	}
	for i, to := range []*string{
		&e.TargetList, &e.TargetStatusList, &e.Classification, &e.ClassificationCause, &e.ConnTraceID,
		&e.TransformedHost, &e.TransformedURI, &e.TransformStatus, &e.Node,
	} {
		if leastFields+i < len(f) {
			*to = text(f[leastFields+i])
		}
	}
	if len(f) > fields {
		e.More = f[fields:]
	}
	return e, p.err
}

// text is a field's, which is empty when it is "-".
func text(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// address reads host:port at the last colon, with or without brackets.
func address(s string) netip.AddrPort {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return netip.AddrPort{}
	}
	a, err := netip.ParseAddr(strings.Trim(s[:i], "[]"))
	port, err2 := strconv.ParseUint(s[i+1:], 10, 16)
	if err != nil || err2 != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a, uint16(port))
}

// parser keeps the first thing that cannot be read.
type parser struct{ err error }

func (p *parser) fail(name, s string) {
	if p.err == nil {
		p.err = fmt.Errorf("%s: %.80q cannot be read", name, s)
	}
}

func (p *parser) time(name, s string) time.Time {
	if s == "-" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		p.fail(name, s)
	}
	return t.UTC()
}

func (p *parser) seconds(name, s string) time.Duration {
	if s == "-" || s == "-1" {
		return NotDone
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > 1e9 {
		p.fail(name, s)
		return NotDone
	}
	if f < 0 {
		return NotDone
	}
	return time.Duration(math.Round(f*1e6)) * time.Microsecond
}

func (p *parser) status(name, s string) int {
	if s == "-" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 999 {
		p.fail(name, s)
	}
	return n
}

func (p *parser) number(name, s string) int64 {
	if s == "-" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		p.fail(name, s)
	}
	return n
}
