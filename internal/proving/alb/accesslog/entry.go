// Package accesslog is the load balancer's logbook: the access log with its 34 fields, the connection
// log and the health-check log, their lines (written and read back), and where lines go: at once to a
// file or a stream, or as gzip files in the layout of S3. It knows nothing of how requests are served.
package accesslog

import (
	"net/netip"
	"time"
)

// NotDone is a time that was not measured: logged as -1.
const NotDone time.Duration = -1

// Entry is one line of the access log, its fields in their order. An empty string is logged as "-".
type Entry struct {
	Type                string         // 1: http, https, h2, grpcs, ws, wss
	Time                time.Time      // 2: the response was generated; a WebSocket was closed
	ELB                 string         // 3: app/<name>/<id>
	Client              netip.AddrPort // 4
	Target              string         // 5: host:port
	RequestTime         time.Duration  // 6: request_processing_time; negative: -1
	TargetTime          time.Duration  // 7: target_processing_time
	ResponseTime        time.Duration  // 8: response_processing_time
	Status              int            // 9: elb_status_code; 0: -
	TargetStatus        int            // 10: target_status_code; 0: -
	Received            int64          // 11
	Sent                int64          // 12
	RequestLine         string         // 13: METHOD protocol://host:port/uri HTTP/version; empty: "- - -"
	UserAgent           string         // 14: cut at 8 KiB
	Cipher              string         // 15
	TLSProtocol         string         // 16
	TargetGroup         string         // 17: its ARN
	TraceID             string         // 18
	Domain              string         // 19: the name that the client asked for in TLS
	Certificate         string         // 20
	Priority            string         // 21: matched_rule_priority
	Created             time.Time      // 22: the request came; in milliseconds
	Actions             string         // 23
	RedirectURL         string         // 24
	ErrorReason         string         // 25
	TargetList          string         // 26; empty: as 5
	TargetStatusList    string         // 27; empty: as 10
	Classification      string         // 28
	ClassificationCause string         // 29: classification_reason
	ConnTraceID         string         // 30
	TransformedHost     string         // 31
	TransformedURI      string         // 32
	TransformStatus     string         // 33
	Node                string         // 34: the IP address of the balancer's node

	More   []string // fields behind the 34th, of a line that was read
	Fields int      // how many fields the line had that was read
}

// Append appends the line with its end.
func (e *Entry) Append(line []byte) []byte {
	l := builder{line}
	l.plain(e.Type)
	l.time(e.Time, micros)
	l.plain(e.ELB)
	l.address(e.Client)
	l.plain(e.Target)
	l.seconds(e.RequestTime)
	l.seconds(e.TargetTime)
	l.seconds(e.ResponseTime)
	l.status(e.Status)
	l.status(e.TargetStatus)
	l.number(e.Received)
	l.number(e.Sent)
	l.quoted(or(e.RequestLine, noRequestLine))
	l.quoted(e.UserAgent[:min(len(e.UserAgent), maxUserAgent)])
	l.plain(e.Cipher)
	l.plain(e.TLSProtocol)
	l.plain(e.TargetGroup)
	l.quoted(e.TraceID)
	l.quoted(e.Domain)
	l.quoted(e.Certificate)
	l.plain(e.Priority)
	l.time(e.Created, millis)
	l.quoted(e.Actions)
	l.quoted(e.RedirectURL)
	l.quoted(e.ErrorReason)
	l.quoted(or(e.TargetList, e.Target))
	l.quoted(or(e.TargetStatusList, statusText(e.TargetStatus)))
	l.quoted(e.Classification)
	l.quoted(e.ClassificationCause)
	l.plain(e.ConnTraceID)
	l.quoted(e.TransformedHost)
	l.quoted(e.TransformedURI)
	l.quoted(e.TransformStatus)
	l.plain(e.Node)
	return l.end()
}

const (
	noRequestLine = "- - -" // nothing could be read; how AWS writes it is not known
	maxUserAgent  = 8 << 10
)

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
