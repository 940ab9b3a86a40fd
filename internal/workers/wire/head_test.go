package wire_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"fender/internal/exchange"
	"fender/internal/workers/wire"
	"fender/internal/workers/wire/wiretest"

	"github.com/google/go-cmp/cmp"
)

func TestParseHead_KeepsOrderAndSpelling(t *testing.T) {
	fields := []exchange.Field{
		field("content-type", "text/html; charset=utf-8"), field("Set-Cookie", "a=1"), field("Set-Cookie", "b=\xe9\xff\x80"),
		field("CONTENT-LENGTH", "0012"), field("X_Under!", ""), field("X-Tab", "a\tb "),
	}
	got, err := wire.ParseHead(wiretest.Head("404 Nicht gefunden \xfc", fields...), nil)
	want := exchange.Head{Status: 404, Reason: "Nicht gefunden \xfc", Fields: fields, Length: 12}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

func TestParseHead_ReadsTheStatus(t *testing.T) {
	for status, want := range map[string]exchange.Head{
		"200 OK":          {Status: 200, Reason: "OK"},
		"200":             {Status: 200},
		"200 ":            {Status: 200},
		"599  Two  words": {Status: 599, Reason: "Two  words"},
	} {
		got, err := wire.ParseHead(wiretest.Head(status), nil)
		if err != nil || got.Status != want.Status || got.Reason != want.Reason || got.Length != -1 {
			t.Errorf("%q: %+v, %v", status, got, err)
		}
	}
	for status, want := range map[string]string{
		"":              `status "" is not three digits, a space and a reason`,
		"OK":            `status "OK" is not three digits, a space and a reason`,
		"20 OK":         `status "20 OK" is not three digits, a space and a reason`,
		"+20 OK":        `status "+20 OK" is not three digits, a space and a reason`,
		" 200 OK":       `status " 200 OK" is not three digits, a space and a reason`,
		"0200 OK":       `status "0200 OK" is not three digits, a space and a reason`,
		"200\tOK":       `status "200\tOK" is not three digits, a space and a reason`,
		"200OK":         `status "200OK" is not three digits, a space and a reason`,
		"\xb2\xb20 OK":  `status "\u00b2\u00b20 OK" is not three digits, a space and a reason`,
		"100 Continue":  `status 100 is not between 200 and 599`,
		"199 x":         `status 199 is not between 200 and 599`,
		"600 x":         `status 600 is not between 200 and 599`,
		"000 x":         `status 0 is not between 200 and 599`,
		"200 O\r\nX: y": `status 200 has a reason with a line break`,
		"200 O\x00":     `status 200 has a reason with a NUL`,
		"200 \x1b[31m":  `status 200 has a reason with the control character '\x1b'`,
	} {
		_, err := wire.ParseHead(wiretest.Head(status), nil)
		wantBad(t, status, err, "", want)
	}
}

func TestParseHead_RefusesHeadersThatCannotBeSent(t *testing.T) {
	ok := field("X-Fine", "1")
	for name, c := range map[string]struct {
		field exchange.Field
		why   string
	}{
		"empty name":        {field("", "x"), `has a name that is not a token`},
		"space in name":     {field("X Y", "x"), `has a name that is not a token`},
		"colon in name":     {field("X:", "x"), `has a name that is not a token`},
		"break in name":     {field("X\r\nY", "x"), `has a name that is not a token`},
		"name beyond ASCII": {field("X\x80", "x"), `has a name that is not a token`},
		"CR":                {field("X-A", "a\rSet-Cookie: b"), `has a value with a line break`},
		"LF":                {field("X-A", "a\n"), `has a value with a line break`},
		"NUL":               {field("X-A", "\x00"), `has a value with a NUL`},
		"escape":            {field("X-A", "\x1b"), `has a value with the control character '\x1b'`},
		"DEL":               {field("X-A", "\x7f"), `has a value with the control character '\x7f'`},
		"empty length":      {field("Content-Length", ""), `has the value "", which is not a number of bytes`},
		"signed length":     {field("Content-Length", "+1"), `has the value "+1", which is not a number of bytes`},
		"negative length":   {field("content-length", "-1"), `has the value "-1", which is not a number of bytes`},
		"spaced length":     {field("Content-Length", " 1"), `has the value " 1", which is not a number of bytes`},
		"list of lengths":   {field("Content-Length", "1,1"), `has the value "1,1", which is not a number of bytes`},
		"hex length":        {field("Content-Length", "0x1"), `has the value "0x1", which is not a number of bytes`},
		"underscores":       {field("Content-Length", "1_0"), `has the value "1_0", which is not a number of bytes`},
		"length too large":  {field("Content-Length", "9223372036854775808"), `has the value "9223372036854775808", which is not a number of bytes`},
		"superscript":       {field("Content-Length", "\xb9"), `has the value "\xb9", which is not a number of bytes`},
	} {
		_, err := wire.ParseHead(wiretest.Head("200 OK", ok, c.field), nil)
		want := strings.ReplaceAll(c.field.Name, "\x80", "\u0080") // UTF-8, as Python sent it
		if strings.Contains(name, "length") || name == "superscript" || name == "underscores" {
			want = "Content-Length"
		}
		wantBad(t, name, err, want, c.why)
	}
	for _, name := range []string{
		"Connection", "keep-alive", "Proxy-Authenticate", "PROXY-AUTHORIZATION", "TE", "te", "Trailer", "Trailers",
		"Transfer-Encoding", "Upgrade", "Proxy-Connection",
	} {
		_, err := wire.ParseHead(wiretest.Head("200 OK", ok, field(name, "x")), nil)
		wantBad(t, name, err, name, "is hop-by-hop: the connection is not the application's")
	}
}

func TestParseHead_KnowsContentLengthSaidTwice(t *testing.T) {
	same := []exchange.Field{field("Content-Length", "7"), field("X", "y"), field("content-length", "7")}
	got, err := wire.ParseHead(wiretest.Head("200 OK", same...), nil)
	if d := cmp.Diff(same[:2], got.Fields); err != nil || d != "" || got.Length != 7 {
		t.Errorf("%v, length %d:\n%s", err, got.Length, d)
	}
	_, err = wire.ParseHead(wiretest.Head("200 OK", field("Content-Length", "7"), field("Content-Length", "8")), nil)
	wantBad(t, "two lengths", err, "Content-Length", "stands there twice, with 7 and 8")
}

func wantBad(t *testing.T, name string, err error, field, why string) {
	t.Helper()
	var bad *wire.BadAnswer
	if !errors.As(err, &bad) {
		t.Errorf("%q: error %v, want a BadAnswer", name, err)
	} else if bad.Field != field || bad.Why != why {
		t.Errorf("%q: header %q %s\nwant %q %s", name, bad.Field, bad.Why, field, why)
	}
}

func TestBadAnswer_NamesTheHeaderAndNeverShowsAValue(t *testing.T) {
	for _, name := range []string{"Set-Cookie", "Authorization", "X-Api-Key"} {
		_, err := wire.ParseHead(wiretest.Head("200 OK", field(name, "sessionid=verysecret\n")), nil)
		want := fmt.Sprintf("bad answer: header %q has a value with a line break", name)
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	_, err := wire.ParseHead(wiretest.Head("200 OK", field("Bad\n\x1b[2J"+strings.Repeat("n", 9999), "verysecret")), nil)
	if s := err.Error(); strings.ContainsAny(s, "\n\x1b") || len(s) > 200 {
		t.Errorf("a hostile name reaches the log: %q", s)
	}
	_, err = wire.ParseHead(wiretest.Head(strings.Repeat("\n", 9999)), nil)
	if s := err.Error(); strings.Contains(s, "\n") || len(s) > 300 {
		t.Errorf("a hostile status reaches the log: %q", s)
	}
}

func TestParseHead_BoundsHeaders(t *testing.T) {
	many := make([]exchange.Field, wire.MaxFields)
	for i := range many {
		many[i] = field("X", "y")
	}
	if got, err := wire.ParseHead(wiretest.Head("200 OK", many...), nil); err != nil || len(got.Fields) != wire.MaxFields {
		t.Errorf("%d fields: %v", wire.MaxFields, err)
	}
	_, err := wire.ParseHead(wiretest.Head("200 OK", append(many, field("X", "y"))...), nil)
	wantBad(t, "one more", err, "", "1001 headers, the most is 1000")

	head := wiretest.Head("200 OK", field("X", strings.Repeat("v", wire.MaxHead)))
	short := wiretest.Head("200 OK", field("X", strings.Repeat("v", 2*wire.MaxHead-len(head))))
	if _, err := wire.ParseHead(short, nil); err != nil || len(short) != wire.MaxHead {
		t.Errorf("a head of %d bytes: %v", len(short), err)
	}
	_, err = wire.ParseHead(append(short, 0), nil)
	wantBad(t, "one byte more", err, "", "status and headers are longer than 262144 bytes")
}

// What an application can cause by wrong types is its bad answer; what no worker makes is a fault.
func TestParseHead_TellsWrongTypesFromWrongData(t *testing.T) {
	tuple := func(n byte, values ...string) []byte {
		return []byte("(" + string([]byte{n, 0, 0, 0}) + strings.Join(values, ""))
	}
	list := func(n byte, values ...string) string {
		return "[" + string([]byte{n, 0, 0, 0}) + strings.Join(values, "")
	}
	pair := func(values ...string) string { return string(tuple(byte(len(values)), values...)) }
	const status, name, value = "z\x06200 OK", "z\x01X", "z\x01y"

	if _, err := wire.ParseHead(tuple(2, status, list(1, pair(name, value))), nil); err != nil {
		t.Fatalf("short strings are of the contract: %v", err)
	}
	for _, c := range []struct {
		field, why string
		data       []byte
	}{
		{"", "status or headers have int, where a str should be", tuple(2, "i\xc8\x00\x00\x00", list(0))},
		{"", "status or headers have bytes, where a str should be", tuple(2, "s\x03\x00\x00\x00200", list(0))},
		{"", "status or headers have tuple, where a list should be", tuple(2, status, pair())},
		{"", "status or headers have dict, where a list should be", tuple(2, status, "{0")},
		{"", "status or headers have a tuple of 3, where a tuple of 2 should be", tuple(3, status, list(0), "N")},
		{"", "status or headers have list, where a tuple should be", tuple(2, status, list(1, list(0)))},
		{"", "status or headers have a tuple of 1, where a tuple of 2 should be", tuple(2, status, list(1, pair(name)))},
		{"", "status or headers have None, where a str should be", tuple(2, status, list(1, pair("N", value)))},
		{"X", "has None, where a str should be", tuple(2, status, list(1, pair(name, "N")))},
		{"X", "has bool, where a str should be", tuple(2, status, list(1, pair(name, "T")))},
	} {
		_, err := wire.ParseHead(c.data, nil)
		wantBad(t, string(c.data), err, c.field, c.why)
	}
	for _, c := range []struct {
		name  string
		fault wire.Fault
		data  []byte
	}{
		{"nothing", wire.FaultShort, nil},
		{"no count", wire.FaultShort, []byte("(\x02\x00")},
		{"no values", wire.FaultShort, tuple(2)},
		{"count beyond the data", wire.FaultShort, tuple(2, status, "[\xff\xff\xff\x7f")},
		{"negative count", wire.FaultShort, tuple(2, status, "[\xff\xff\xff\xff")},
		{"length beyond the data", wire.FaultShort, tuple(2, "u\xff\xff\xff\x7fx", list(0))},
		{"short length beyond the data", wire.FaultShort, tuple(2, "z\xffx", list(0))},
		{"no length", wire.FaultShort, tuple(2, "z")},
		{"missing value", wire.FaultShort, tuple(2, status, list(1, pair(name, value)[:9]))},
		{"something behind", wire.FaultTrailing, tuple(2, status, list(0), "N")},
		{"interned", wire.FaultCode, tuple(2, "Z\x06200 OK", list(0))},
		{"reference flag", wire.FaultCode, tuple(2, "\xfa\x06200 OK", list(0))},
		{"reference", wire.FaultCode, tuple(2, "r\x00\x00\x00\x00", list(0))},
		{"small tuple", wire.FaultCode, []byte(")\x02" + status + list(0))},
		{"code", wire.FaultCode, tuple(2, "c", list(0))},
		{"short string that is not ASCII", wire.FaultText, tuple(2, "z\x06200 \xe9!", list(0))},
	} {
		_, err := wire.ParseHead(c.data, nil)
		wantFault(t, c.name, err, "answer head", c.fault)
	}
}

func TestParseHead_AllocatesNothingWhenThereIsRoom(t *testing.T) {
	data, room := djangoHead(), make([]exchange.Field, 0, 16)
	n := testing.AllocsPerRun(100, func() {
		if _, err := wire.ParseHead(data, room); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func djangoHead() []byte {
	return wiretest.Head("200 OK",
		field("Content-Type", "text/html; charset=utf-8"), field("X-Frame-Options", "DENY"),
		field("Vary", "Cookie, Accept-Language"), field("Content-Length", "13579"), field("Content-Language", "en"),
		field("X-Content-Type-Options", "nosniff"), field("Referrer-Policy", "same-origin"),
		field("Cross-Origin-Opener-Policy", "same-origin"),
		field("Set-Cookie", "csrftoken="+strings.Repeat("c", 64)+"; expires=Mon, 01 Jan 2029 00:00:00 GMT; Path=/; SameSite=Lax"))
}

func BenchmarkParseHead_Django(b *testing.B) {
	data := djangoHead()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.ParseHead(data, nil); err != nil {
			b.Fatal(err)
		}
	}
}
