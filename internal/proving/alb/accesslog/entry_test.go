package accesslog

import (
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var compareEntries = cmp.Options{
	cmpopts.IgnoreFields(Entry{}, "Fields", "More"),
	cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
}

// documented is the first example of AWS's page.
func documented() *Entry {
	at := func(s string) time.Time {
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			panic(err)
		}
		return t
	}
	return &Entry{
		Type: "http", Time: at("2018-07-02T22:23:00.186641Z"), ELB: "app/my-loadbalancer/50dc6c495c0c9188",
		Client: netip.MustParseAddrPort("192.168.131.39:2817"), Target: "10.0.0.1:80",
		RequestTime: 0, TargetTime: time.Millisecond, ResponseTime: 0, Status: 200, TargetStatus: 200, Received: 34, Sent: 366,
		RequestLine: "GET http://www.example.com:80/ HTTP/1.1", UserAgent: "curl/7.46.0",
		TargetGroup: "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067",
		TraceID:     "Root=1-58337262-36d228ad5d99923122bbe354", Priority: "0", Created: at("2018-07-02T22:22:48.364000Z"),
		Actions: "forward", TargetList: "10.0.0.1:80", TargetStatusList: "200", ConnTraceID: "TID_1234abcd5678ef90",
	}
}

func TestAppend_WritesTheDocumentedLine(t *testing.T) {
	want := `http 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 ` +
		`"GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 ` +
		`"Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2018-07-02T22:22:48.364000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1234abcd5678ef90 "-" "-" "-" 10.0.0.4` + "\n"
	e := documented()
	e.Node = "10.0.0.4"
	e.TargetList, e.TargetStatusList = "", "" // they follow from 5 and 10
	e.Created = e.Created.Add(999 * time.Microsecond)
	e.TargetTime += 999 * time.Microsecond
	if diff := cmp.Diff(want, string(e.Append(nil))); diff != "" {
		t.Error(diff)
	}
}

func TestAppend_WhatIsMissingIsADashAndWhatWasNotDoneIsMinusOne(t *testing.T) {
	e := Entry{RequestTime: NotDone, TargetTime: -time.Hour, ResponseTime: NotDone}
	want := `- - - - - -1 -1 -1 - - 0 0 "- - -" "-" - - - "-" "-" "-" - - "-" "-" "-" "-" "-" "-" "-" - "-" "-" "-" -` + "\n"
	if diff := cmp.Diff(want, string(e.Append(nil))); diff != "" {
		t.Error(diff)
	}
}

func TestAppend_AMappedAddressIsTheAddress(t *testing.T) {
	e := documented()
	e.Client = netip.MustParseAddrPort("[::ffff:192.0.2.1]:80")
	if line := string(e.Append(nil)); !strings.Contains(line, " 192.0.2.1:80 ") {
		t.Error(line)
	}
	e.Client = netip.MustParseAddrPort("[2001:db8::1]:80")
	if line := string(e.Append(nil)); !strings.Contains(line, " [2001:db8::1]:80 ") {
		t.Error(line)
	}
}

func TestAppend_EscapesAndCutsWhatClientsSend(t *testing.T) {
	e := documented()
	e.RequestLine = "GET http://a:80/?bar=\" \\\r\n\x00é HTTP/1.1"
	e.UserAgent = strings.Repeat("u", 9000)
	e.ELB = "a b\n"
	line := string(e.Append(nil))
	for _, want := range []string{`"GET http://a:80/?bar=\x22 \x5C\x0D\x0A\x00\xC3\xA9 HTTP/1.1"`, ` a\x20b\x0A `, ` "` + strings.Repeat("u", 8192) + `" `} {
		if !strings.Contains(line, want) {
			t.Errorf("no %.60s in %.300s", want, line)
		}
	}
	if strings.Count(line, "\n") != 1 {
		t.Errorf("more than one line: %q", line)
	}
}

// TestParse_ReadsWhatAppendWrites: for every entry, in 34 fields, none forged by another.
func TestParse_ReadsWhatAppendWrites(t *testing.T) {
	fields := regexp.MustCompile(`"[^"]*"|[^ \n]+`)
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string {
			s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z"\\x2 \-\n]{0,9}`)).Draw(t, name)
			if s == "-" || s == noRequestLine {
				return ""
			}
			return s
		}
		length := func(name string) time.Duration {
			return rapid.Custom(func(t *rapid.T) time.Duration {
				if rapid.Bool().Draw(t, "none") {
					return NotDone
				}
				return time.Duration(rapid.Int64Range(0, 1e10).Draw(t, "ms")) * time.Millisecond
			}).Draw(t, name)
		}
		when := func(name string, unit time.Duration) time.Time {
			return time.Unix(0, 0).UTC().Add(time.Duration(rapid.Int64Range(1, 1e9).Draw(t, name)) * unit)
		}
		var ip netip.Addr
		if rapid.Bool().Draw(t, "v6") {
			ip = netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "ip"))).Unmap()
		} else {
			ip = netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "ip")))
		}
		e := Entry{
			Type: "http", Time: when("time", time.Microsecond), ELB: text("elb"),
			Client: netip.AddrPortFrom(ip, rapid.Uint16().Draw(t, "port")), Target: text("target"),
			RequestTime: length("6"), TargetTime: length("7"), ResponseTime: length("8"),
			Status: rapid.IntRange(0, 999).Draw(t, "9"), TargetStatus: rapid.IntRange(0, 999).Draw(t, "10"),
			Received: rapid.Int64().Draw(t, "11"), Sent: rapid.Int64().Draw(t, "12"),
			RequestLine: text("13"), UserAgent: text("14"), Cipher: text("15"), TLSProtocol: text("16"), TargetGroup: text("17"),
			TraceID: text("18"), Domain: text("19"), Certificate: text("20"), Priority: text("21"), Created: when("created", time.Millisecond),
			Actions: text("23"), RedirectURL: text("24"), ErrorReason: text("25"), TargetList: text("26"), TargetStatusList: text("27"),
			Classification: text("28"), ClassificationCause: text("29"), ConnTraceID: text("30"), TransformedHost: text("31"),
			TransformedURI: text("32"), TransformStatus: text("33"), Node: text("34"),
		}
		line := string(e.Append(nil))
		if n := len(fields.FindAllString(line, -1)); n != 34 || strings.Count(line, "\n") != 1 {
			t.Fatalf("%d fields: %s", n, line)
		}
		back, err := Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		e.TargetList, e.TargetStatusList = or(e.TargetList, e.Target), or(e.TargetStatusList, statusText(e.TargetStatus))
		if diff := cmp.Diff(e, back, compareEntries); diff != "" {
			t.Fatalf("%s%s", line, diff)
		}
		if back.Fields != 34 || back.More != nil {
			t.Fatalf("%d fields and %q", back.Fields, back.More)
		}
	})
}

// TestParse_RealLines reads lines of AWS's documentation and of load balancers, and writes again what
// was read: only the fields that a line did not have yet are new.
func TestParse_RealLines(t *testing.T) {
	text, err := os.ReadFile("testdata/real.log")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		n++
		e, err := Parse(line)
		if err != nil {
			t.Errorf("%v: %s", err, line)
			continue
		}
		again := string(e.Append(nil))
		kept := strings.TrimSuffix(line, "\n")
		for range e.More {
			kept = kept[:strings.LastIndexByte(kept, ' ')]
		}
		if e.Fields < 27 { // the lists of targets are written although the line is older than they
			again = strings.Replace(again, `"`+e.Target+`" "`, "", 1)
			kept = strings.TrimSuffix(again, "\n")
		}
		if !strings.HasPrefix(again, kept) {
			t.Errorf("read and written again:\n%s%s", line, again)
		}
	}
	if n < 12 {
		t.Errorf("only %d lines", n)
	}
	if e, err := Parse(strings.TrimSuffix(strings.Split(string(text), "\n")[1], "\n")); err != nil {
		t.Error(err)
	} else if diff := cmp.Diff(*documented(), e, compareEntries); diff != "" {
		t.Error(diff)
	}
}

func TestParse_IsTolerantOfAgeAndOtherEscapes(t *testing.T) {
	line := strings.TrimSuffix(string(documented().Append(nil)), "\n")
	e, err := Parse(strings.Replace(line, "curl/7.46.0", `a \"b\" \\ \x5c \x22 \q \x\`+"\x10", 1) + ` "-" "new one"`)
	if err != nil {
		t.Fatal(err)
	}
	if want := `a "b" \ \ " \q \x\` + "\x10"; e.UserAgent != want {
		t.Errorf("user agent is %q, want %q", e.UserAgent, want)
	}
	if e.Fields != 36 || !cmp.Equal(e.More, []string{"-", "new one"}) {
		t.Errorf("%d fields, %q", e.Fields, e.More)
	}
	for client, want := range map[string]string{
		"[2001:db8::1]:443": "[2001:db8::1]:443", "2001:db8::1:443": "[2001:db8::1]:443", "10.0.0.x:80": "invalid AddrPort", "-": "invalid AddrPort",
	} {
		e, err := Parse(strings.Replace(line, "192.168.131.39:2817", client, 1))
		if err != nil || e.Client.String() != want {
			t.Errorf("%s: %v, %v", client, e.Client, err)
		}
	}
}

func TestParse_RefusesWhatIsNoAccessLog(t *testing.T) {
	line := string(documented().Append(nil))
	for _, bad := range []string{
		"", "\n", "http", strings.Join(strings.Fields(line)[:24], " "), strings.Replace(line, `"forward"`, `"forward`, 1) + `"`,
		strings.Replace(line, "0.001", "x", 1), strings.Replace(line, "0.001", "NaN", 1), strings.Replace(line, "0.001", "1e300", 1),
		strings.Replace(line, " 200 ", " 2000 ", 1), strings.Replace(line, " 366 ", " 3.66 ", 1),
		strings.Replace(line, "2018-07-02T22:23", "2018-07-02 22:23", 1), line + strings.Repeat(" -", 1000),
	} {
		if e, err := Parse(bad); err == nil {
			t.Errorf("%.200q is read as %+v", bad, e)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(string(documented().Append(nil)))
	f.Fuzz(func(t *testing.T, line string) {
		e, err := Parse(line)
		if err != nil {
			return
		}
		again, err := Parse(string(e.Append(nil)))
		if err != nil {
			t.Fatalf("what was written of %q is not read: %v", line, err)
		}
		if again.UserAgent != e.UserAgent && len(e.UserAgent) <= maxUserAgent && e.UserAgent != "-" {
			t.Errorf("%q became %q", e.UserAgent, again.UserAgent)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	e := documented()
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		line = e.Append(line[:0])
	}
}
