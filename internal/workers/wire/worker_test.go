package wire_test

import (
	"strings"
	"testing"

	"fender/internal/workers/wire"
	"fender/internal/workers/wire/wiretest"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeHello_ReadsWhatAWorkerSays(t *testing.T) {
	got, err := wire.DecodeHello(wiretest.Hello(4711, 4, []byte("vector")))
	want := wire.Hello{PID: 4711, Python: "3.11.2", Vector: []byte("vector"), Threads: 4}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

func TestDecodeHello_RefusesWhatIsMissingOrWrong(t *testing.T) {
	good := string(wiretest.Hello(4711, 4, []byte{}))
	replace := func(old, other string) []byte {
		if !strings.Contains(good, old) {
			t.Fatalf("hello has no %q", old)
		}
		return []byte(strings.Replace(good, old, other, 1))
	}
	const one = "i\x01\x00\x00\x00"
	for _, c := range []struct {
		name  string
		data  []byte
		fault wire.Fault
	}{
		{"nothing", nil, wire.FaultShort},
		{"only the beginning", []byte("{"), wire.FaultShort},
		{"no end", []byte(good[:len(good)-1]), wire.FaultShort},
		{"a list", []byte("[\x00\x00\x00\x00"), wire.FaultShape},
		{"empty", []byte("{0"), wire.FaultShape},
		{"something behind", []byte(good + "N"), wire.FaultTrailing},
		{"version 2", replace("v"+one, "vi\x02\x00\x00\x00"), wire.FaultVersion},
		{"a field twice", []byte(good[:len(good)-1] + "z\x01v" + one + "0"), wire.FaultShape},
		{"a field less", replace("u\x01\x00\x00\x00v"+one, ""), wire.FaultShape},
		{"pid 0", replace("i\x67\x12\x00\x00", "i\x00\x00\x00\x00"), wire.FaultValue},
		{"negative threads", replace("i\x04\x00\x00\x00", "i\xff\xff\xff\xff"), wire.FaultValue},
		{"a million threads", replace("i\x04\x00\x00\x00", "i\x00\x00\x10\x00"), wire.FaultValue},
		{"no bool", replace("F0", "N0"), wire.FaultShape},
		{"no bytes", replace("s\x00\x00\x00\x00", "u\x00\x00\x00\x00"), wire.FaultShape},
		{"no str as a name", replace("u\x01\x00\x00\x00v", one), wire.FaultShape},
		{"a container in an unknown field", []byte(good[:len(good)-1] + "z\x01x" + "[\x00\x00\x00\x000"), wire.FaultShape},
		{"too many fields", []byte(good[:len(good)-1] + strings.Repeat("z\x01xN", 100) + "0"), wire.FaultLong},
	} {
		_, err := wire.DecodeHello(c.data)
		wantFault(t, c.name, err, "hello", c.fault)
	}
}

func TestDecodeFailed_CutsTheTextAndRefusesRubbish(t *testing.T) {
	got, err := wire.DecodeFailed(wiretest.Failed(1, strings.Repeat("x", 4095)+"éé"))
	if want := strings.Repeat("x", 4095); err != nil || got.Code != 1 || got.Text != want {
		t.Errorf("%d bytes, %v: want 4095, not half a character", len(got.Text), err)
	}
	if s := (wire.Failed{Code: 22, Text: "no application"}).String(); s != "exit code 22: no application" {
		t.Error(s)
	}
	for name, c := range map[string]struct {
		data  []byte
		fault wire.Fault
	}{
		"code 0":   {wiretest.Failed(0, "x"), wire.FaultValue},
		"code 256": {wiretest.Failed(256, "x"), wire.FaultValue},
		"call":     {wiretest.Call("log"), wire.FaultShape},
		"nothing":  {nil, wire.FaultShort},
		"more":     {append(wiretest.Failed(1, "x"), 'N'), wire.FaultTrailing},
	} {
		_, err := wire.DecodeFailed(c.data)
		wantFault(t, name, err, "failed", c.fault)
	}
}

func TestDecodeCall_IsBounded(t *testing.T) {
	args := make([]string, 16)
	if got, err := wire.DecodeCall(wiretest.Call(strings.Repeat("n", 64), args...)); err != nil || len(got.Args) != 16 {
		t.Errorf("%+v, %v", got, err)
	}
	nested := []byte("(\x02\x00\x00\x00z\x01n(\x01\x00\x00\x00(\x00\x00\x00\x00")
	for name, c := range map[string]struct {
		data  []byte
		fault wire.Fault
	}{
		"17 arguments":       {wiretest.Call("n", append(args, "")...), wire.FaultLong},
		"65 bytes of name":   {wiretest.Call(strings.Repeat("n", 65)), wire.FaultLong},
		"a tuple in a tuple": {nested, wire.FaultShape},
		"name is an int":     {wiretest.Failed(1, "x"), wire.FaultShape},
		"nothing":            {nil, wire.FaultShort},
		"more":               {append(wiretest.Call("n"), 'N'), wire.FaultTrailing},
		"arguments missing":  {[]byte("(\x02\x00\x00\x00z\x01n(\x02\x00\x00\x00N"), wire.FaultShort},
		"half an argument":   {[]byte("(\x02\x00\x00\x00z\x01n(\x02\x00\x00\x00Nz"), wire.FaultShort},
	} {
		_, err := wire.DecodeCall(c.data)
		wantFault(t, name, err, "call", c.fault)
	}
}

func TestDecodeRefused_ReadsAKindOrAName(t *testing.T) {
	for _, want := range []wire.Refused{{Kind: 77, Why: "unknown kind"}, {Name: "frobnicate", Why: "unknown command"}} {
		f, err := wire.Decode(wire.AppendRefused(nil, 3, 4, want))
		if err != nil || f.Kind != wire.KindRefused || f.ID != 3 || f.Seq != 4 {
			t.Fatalf("%+v, %v", f, err)
		}
		if got, err := wire.DecodeRefused(f.Head); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
	for name, c := range map[string]struct {
		data  []byte
		fault wire.Fault
	}{
		"kind 0":      {wiretest.Failed(0, "x"), wire.FaultValue},
		"kind 256":    {wiretest.Failed(256, "x"), wire.FaultValue},
		"no reason":   {wiretest.Call("n"), wire.FaultShape},
		"name of 65":  {wire.AppendRefused(nil, 0, 0, wire.Refused{Name: strings.Repeat("n", 65)})[wire.FrameHeadSize:], wire.FaultLong},
		"kind too":    {append(wiretest.Failed(3, "x"), 'N'), wire.FaultTrailing},
		"not a tuple": {[]byte("N"), wire.FaultShape},
	} {
		_, err := wire.DecodeRefused(c.data)
		wantFault(t, name, err, "refused", c.fault)
	}
}

func TestValue_IsOneTypeOnly(t *testing.T) {
	values := map[string]wire.Value{
		"none": wire.None(), "zero": {}, "true": wire.Bool(true), "false": wire.Bool(false), "int": wire.Int(7),
		"text": wire.Text("t"), "bytes": wire.Bytes([]byte("b")),
	}
	for name, v := range values {
		b, isBool := v.AsBool()
		n, isInt := v.AsInt()
		text, isText := v.AsText()
		raw, isBytes := v.AsBytes()
		if v.IsNone() != (name == "none" || name == "zero") || isBool != (name == "true" || name == "false") ||
			isInt != (name == "int") || isText != (name == "text") || isBytes != (name == "bytes") {
			t.Errorf("%s is of another type", name)
		}
		if b != (name == "true") || (n == 7) != isInt || (text == "t") != isText || (string(raw) == "b") != isBytes {
			t.Errorf("%s has another value: %v", name, v)
		}
	}
	if s, _ := wire.Text("a\xff\xfeb").AsText(); s != "a\uFFFDb" {
		t.Errorf("%q", s)
	}
	for want, v := range map[string]wire.Value{
		"None": {}, "True": wire.Bool(true), "False": wire.Bool(false), "-3": wire.Int(-3), `"é\n"`: wire.Text("é\n"),
		`b"\xff"`: wire.Bytes([]byte{0xFF}), `"` + strings.Repeat("x", 64) + `"`: wire.Text(strings.Repeat("x", 5000)),
	} {
		if got := v.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestCheckVector_FindsEveryDifference(t *testing.T) {
	right := wiretest.Plain(wire.Vector())
	if err := wire.CheckVector(right); err != nil {
		t.Errorf("the right one: %v", err)
	}
	for i := range right {
		wrong := []byte(string(right))
		wrong[i] ^= 1
		if wire.CheckVector(wrong) == nil {
			t.Fatalf("byte %d changed, and accepted", i)
		}
		if wire.CheckVector(right[:i]) == nil {
			t.Fatalf("cut after %d bytes, and accepted", i)
		}
	}
	for _, wrong := range [][]byte{wire.Vector(), append(right, 0)} {
		err := wire.CheckVector(wrong)
		if err == nil || !strings.HasPrefix(err.Error(), "this Python encodes values differently") {
			t.Errorf("%v", err)
		}
	}
}
