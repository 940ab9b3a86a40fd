package options

import (
	"strings"
	"testing"
	"time"
)

func TestParseBool_IsUwsgis(t *testing.T) {
	for text, want := range map[string][2]bool{ // value, known
		"": {true, true}, "true": {true, true}, "TRUE": {true, true}, "1": {true, true}, "on": {true, true}, "yes": {true, true},
		"false": {false, true}, "False": {false, true}, "off": {false, true}, "NO": {false, true}, "0": {false, true},
		"true ; comment": {true, true}, "false ; comment": {true, false}, "0 ": {true, false}, "00": {true, false}, "maybe": {true, false}, "2": {true, false},
	} {
		if value, known := parseBool(text); value != want[0] || known != want[1] {
			t.Errorf("%q: %v, known %v; want %v", text, value, known, want)
		}
	}
}

func TestParseInt_TakesLeadingDigits(t *testing.T) {
	for text, want := range map[string]struct {
		n    int64
		rest string
	}{"4": {4, ""}, " 4": {4, ""}, "+4": {4, ""}, "004": {4, ""}, "2 ; comment": {2, " ; comment"}, "4.5": {4, ".5"}, "9223372036854775807": {1<<63 - 1, ""}} {
		if n, rest, err := parseInt(text); err != nil || n != want.n || rest != want.rest {
			t.Errorf("%q: %d %q %v, want %v", text, n, rest, err, want)
		}
	}
	for _, text := range []string{"", "true", "-1", "- 1", "9223372036854775808", "+", ";4"} {
		if n, _, err := parseInt(text); err == nil {
			t.Errorf("%q: %d, want an error", text, n)
		}
	}
}

func TestParseSize_KnowsUnits(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "4096": 4096, "64k": 64 << 10, "64K": 64 << 10, "64kb": 64 << 10, "1KiB": 1 << 10, "10m": 10 << 20, "2g ; two": 2 << 30, "1t": 1 << 40, "7b": 7} {
		if n, rest, err := parseSize(text, 1); err != nil || n != want || !comment(rest) {
			t.Errorf("%q: %d %q %v, want %d", text, n, rest, err, want)
		}
	}
	if n, _, err := parseSize("2048", mib); err != nil || n != 2048*mib {
		t.Errorf("megabytes: %d %v", n, err)
	}
	for _, text := range []string{"9223372036854775807k", "99999999t", "k"} {
		if n, _, err := parseSize(text, 1); err == nil {
			t.Errorf("%q: %d, want an error", text, n)
		}
	}
	if _, rest, _ := parseSize("5 parsecs", 1); comment(rest) {
		t.Error("what is no unit is taken for a comment")
	}
}

func TestParseDuration_KnowsUnits(t *testing.T) {
	for text, want := range map[string]time.Duration{"0": 0, "60": time.Minute, "60 ; a minute": time.Minute, "0.5": 500 * time.Millisecond, "500ms": 500 * time.Millisecond, "2s": 2 * time.Second,
		"1m": time.Minute, "1m30s": 90 * time.Second, "1h": time.Hour, "2d": 48 * time.Hour, "1.5s": 1500 * time.Millisecond, "0.0000000001s": 0} {
		if d, rest, err := parseDuration(text, time.Second); err != nil || d != want || !comment(rest) {
			t.Errorf("%q: %v %q %v, want %v", text, d, rest, err, want)
		}
	}
	if d, _, err := parseDuration("1500", time.Millisecond); err != nil || d != 1500*time.Millisecond {
		t.Errorf("milliseconds: %v %v", d, err)
	}
	for _, text := range []string{"", "s", "-1", "99999999999999999999", "4000d", "3660d1s", "9999999999h"} {
		if d, _, err := parseDuration(text, time.Second); err == nil {
			t.Errorf("%q: %v, want an error", text, d)
		}
	}
	for _, text := range []string{"1m30", "60sec", "5."} {
		if _, rest, err := parseDuration(text, time.Second); err != nil || comment(rest) {
			t.Errorf("%q: rest %q, error %v; want a rest that is no comment", text, rest, err)
		}
	}
}

func FuzzValues(f *testing.F) {
	for _, value := range wanted {
		f.Add(value)
	}
	for _, seed := range []string{"", " ", "-1", "1m30s", "2 ; comment", "@x", `\0x`, "[::1]:80", "a:b:c", "10.0.0.0/99", "1e9", "\x00", "99999999999999999999k"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, again := defaults(), defaults()
		for _, o := range Table() {
			if o.target == nil {
				continue
			}
			if o.isList() {
				o.clear(s)
			}
			_, err := o.assign(s, text)
			if err != nil {
				if err.Error() == "" || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s = %q: error %q", o.Name, text, err)
				}
				continue
			}
			printed := o.value(s)
			if o.Kind == Int || o.Kind == Size || o.Kind == Megabytes || o.Kind == Duration {
				if _, err := o.assign(again, printed); err != nil || o.value(again) != printed {
					t.Errorf("%s = %q: printed %q, read again %q, error %v", o.Name, text, printed, o.value(again), err)
				}
			}
			for _, a := range s.HTTP {
				if again, err := parseAddress(a.String()); err != nil || again != a {
					t.Errorf("%s = %q: %v, read again %v, error %v", o.Name, text, a, again, err)
				}
			}
		}
	})
}
