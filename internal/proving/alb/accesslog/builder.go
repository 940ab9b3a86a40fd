package accesslog

import (
	"net/netip"
	"strconv"
	"time"
)

// What a time is cut to. All are written with six digits.
const (
	micros = time.Microsecond
	millis = time.Millisecond
)

// builder appends fields, each with a space behind it.
type builder struct{ line []byte }

// end puts the line's end in the place of the last space.
func (b *builder) end() []byte {
	b.line[len(b.line)-1] = '\n'
	return b.line
}

// plain is a field without quotes: no space may stand in it.
func (b *builder) plain(s string) {
	if s == "" {
		s = "-"
	}
	b.escaped(s, ' ')
	b.line = append(b.line, ' ')
}

func (b *builder) quoted(s string) {
	if s == "" {
		s = "-"
	}
	b.line = append(b.line, '"')
	b.escaped(s, '"')
	b.line = append(b.line, '"', ' ')
}

// escaped writes quotes, backslashes, control characters and what is not ASCII as \xHH, as nginx does.
func (b *builder) escaped(s string, also byte) {
	const digits = "0123456789ABCDEF"
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' && c != also {
			continue
		}
		b.line = append(b.line, s[from:i]...)
		b.line = append(b.line, '\\', 'x', digits[c>>4], digits[c&15])
		from = i + 1
	}
	b.line = append(b.line, s[from:]...)
}

func (b *builder) time(t time.Time, unit time.Duration) {
	if t.IsZero() {
		b.plain("")
		return
	}
	b.line = t.UTC().Truncate(unit).AppendFormat(b.line, "2006-01-02T15:04:05.000000Z")
	b.line = append(b.line, ' ')
}

// seconds is a time in milliseconds, cut as nginx does; negative is -1.
func (b *builder) seconds(d time.Duration) {
	if d < 0 {
		b.line = append(b.line, "-1 "...)
		return
	}
	ms := d.Milliseconds()
	b.line = strconv.AppendInt(b.line, ms/1000, 10)
	b.line = append(b.line, '.', byte('0'+ms/100%10), byte('0'+ms/10%10), byte('0'+ms%10), ' ')
}

func (b *builder) number(n int64) {
	b.line = strconv.AppendInt(b.line, n, 10)
	b.line = append(b.line, ' ')
}

func (b *builder) status(code int) { b.plain(statusText(code)) }

func statusText(code int) string {
	if code == 0 {
		return ""
	}
	return strconv.Itoa(code)
}

func (b *builder) address(a netip.AddrPort) {
	if !a.IsValid() {
		b.plain("")
		return
	}
	b.line = netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).AppendTo(b.line)
	b.line = append(b.line, ' ')
}
