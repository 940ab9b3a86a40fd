package accesslog

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// Format is the form of a line.
type Format string

// The formats: the values of the option access-log-format.
const (
	Text Format = "text"
	JSON Format = "json"
)

// timeFormat is UTC, always with microseconds, so that lines sort as text.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// maxField bounds what one text of a client takes of a line, in bytes before escaping. The front
// refuses longer targets long before; this keeps a line bounded whoever calls.
const maxField = 64 << 10

// AppendText appends the entry as a line for people, newline included:
//
//	TIME CLIENT "METHOD TARGET PROTO" STATUS SENT TOTALs key=value ...
//
// Bytes that are not printable ASCII, quotes and backslashes are shown as \xHH.
func AppendText(b []byte, e *Entry, r Rules) []byte {
	b = e.Time.UTC().AppendFormat(b, timeFormat)
	b = append(b, ' ')
	b = appendWord(b, e.Client)
	b = append(b, ` "`...)
	b = appendEscaped(b, e.Method)
	b = append(b, ' ')
	b = appendMasked(b, e.Target, r)
	b = append(b, ' ')
	b = appendEscaped(b, e.Proto)
	b = append(b, `" `...)
	b = strconv.AppendInt(b, int64(e.Status), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, e.Sent, 10)
	b = append(b, ' ')
	b = appendSeconds(b, e.Total)
	b = append(b, 's')
	if e.Cause != "" {
		b = append(b, " cause="...)
		b = appendWord(b, e.Cause)
	}
	b = append(b, " queue_s="...)
	b = appendSeconds(b, e.Queue)
	b = append(b, " worker_s="...)
	b = appendSeconds(b, e.Work)
	b = appendNumber(b, " received=", e.Received)
	b = appendNumber(b, " worker=", int64(e.Worker))
	b = append(b, " spawn="...)
	b = strconv.AppendUint(b, e.Spawn, 10)
	b = appendNumber(b, " pid=", int64(e.PID))
	b = appendNumber(b, " generation=", int64(e.Generation))
	b = appendNumber(b, " attempts=", int64(e.Attempts))
	b = append(b, " request_id="...)
	b = strconv.AppendUint(b, e.RequestID, 10)
	if e.TraceID != "" {
		b = append(b, ` trace_id="`...)
		b = append(appendEscaped(b, e.TraceID), '"')
	}
	b = append(b, ` host="`...)
	b = appendEscaped(b, e.Host)
	b = append(b, `" user_agent="`...)
	b = appendEscaped(b, e.UserAgent)
	b = append(b, `" referer="`...)
	b = append(appendMasked(b, e.Referer, r), '"')
	for _, v := range e.Vars {
		b = append(b, " var."...)
		b = appendWord(b, v.Name)
		b = append(b, `="`...)
		b = append(appendEscaped(b, v.Value), '"')
	}
	return append(b, '\n')
}

// AppendJSON appends the entry as a JSON object on a line, newline included. Every key is always there.
// Bytes that are not UTF-8 become the four characters \xHH.
func AppendJSON(b []byte, e *Entry, r Rules) []byte {
	b = append(b, `{"time":"`...)
	b = e.Time.UTC().AppendFormat(b, timeFormat)
	b = append(b, `","request_id":`...)
	b = strconv.AppendUint(b, e.RequestID, 10)
	b = appendString(b, `,"trace_id":"`, e.TraceID, false)
	b = appendString(b, `,"client":"`, e.Client, false)
	b = appendString(b, `,"method":"`, e.Method, false)
	target, masked := r.masked(e.Target)
	b = appendString(b, `,"target":"`, target, masked)
	b = appendString(b, `,"proto":"`, e.Proto, false)
	b = appendNumber(b, `,"status":`, int64(e.Status))
	b = appendString(b, `,"cause":"`, e.Cause, false)
	b = appendNumber(b, `,"received":`, e.Received)
	b = appendNumber(b, `,"sent":`, e.Sent)
	b = appendSeconds(append(b, `,"queue_s":`...), e.Queue)
	b = appendSeconds(append(b, `,"worker_s":`...), e.Work)
	b = appendSeconds(append(b, `,"total_s":`...), e.Total)
	b = appendNumber(b, `,"worker":`, int64(e.Worker))
	b = append(b, `,"spawn":`...)
	b = strconv.AppendUint(b, e.Spawn, 10)
	b = appendNumber(b, `,"pid":`, int64(e.PID))
	b = appendNumber(b, `,"generation":`, int64(e.Generation))
	b = appendNumber(b, `,"attempts":`, int64(e.Attempts))
	b = appendString(b, `,"host":"`, e.Host, false)
	b = appendString(b, `,"user_agent":"`, e.UserAgent, false)
	referer, masked := r.masked(e.Referer)
	b = appendString(b, `,"referer":"`, referer, masked)
	for i, v := range e.Vars {
		open := `,"`
		if i == 0 {
			open = `,"vars":{"`
		}
		b = appendString(b, open, v.Name, false)
		b = appendString(b, `:"`, v.Value, false)
	}
	if len(e.Vars) > 0 {
		b = append(b, '}')
	}
	return append(b, '}', '\n')
}

func appendNumber(b []byte, key string, n int64) []byte {
	return strconv.AppendInt(append(b, key...), n, 10)
}

// appendSeconds appends d in seconds with microseconds. Time that ran backwards is none.
func appendSeconds(b []byte, d time.Duration) []byte {
	us := max(d.Microseconds(), 0)
	b = strconv.AppendInt(b, us/1e6, 10)
	b = append(b, '.')
	frac := us % 1e6
	for unit := int64(1e5); unit > 0; unit /= 10 {
		b = append(b, '0'+byte(frac/unit%10))
	}
	return b
}

// appendWord appends s as a word that stands alone: "-" when it is empty, spaces escaped.
func appendWord(b []byte, s string) []byte {
	if s == "" {
		return append(b, '-')
	}
	return appendBytes(b, s, ' ')
}

func appendMasked(b []byte, s string, r Rules) []byte {
	s, masked := r.masked(s)
	b = appendEscaped(b, s)
	if masked {
		b = append(b, mask...)
	}
	return b
}

// appendEscaped appends s for a place between quotes.
func appendEscaped(b []byte, s string) []byte { return appendBytes(b, s, '"') }

// appendBytes appends s with every byte that is not plain, or is also, as \xHH.
func appendBytes(b []byte, s string, also byte) []byte {
	s = s[:min(len(s), maxField)]
	start := 0
	for i := range len(s) {
		if c := s[i]; !plain(c) || c == also {
			b = append(b, s[start:i]...)
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
			start = i + 1
		}
	}
	return append(b, s[start:]...)
}

// plain reports whether c may stand as it is, in either format.
func plain(c byte) bool { return c >= ' ' && c < 0x7f && c != '"' && c != '\\' }

// appendString appends key, which ends with a quote, the JSON form of s, and the closing quote.
func appendString(b []byte, key, s string, masked bool) []byte {
	b = append(b, key...)
	if len(s) > maxField {
		s = s[:maxField]
	}
	start := 0 // of what stands as it is
	for i := 0; i < len(s); {
		c := s[i]
		if plain(c) {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case r == utf8.RuneError && n == 1:
			b = append(b, '\\', '\\', 'x', hex[c>>4], hex[c&15])
		case r < 0xa0 || r == '\u2028' || r == '\u2029': // controls, and ends of line to some readers
			b = append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			b = append(b, s[i:i+n]...)
		}
		i += n
		start = i
	}
	b = append(b, s[start:]...)
	if masked {
		b = append(b, mask...)
	}
	return append(b, '"')
}

const hex = "0123456789ABCDEF"
