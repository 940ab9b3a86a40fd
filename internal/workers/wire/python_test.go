package wire_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"fender/internal/exchange"
	"fender/internal/workers/wire"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// python is a real CPython that reads and writes marshal data for a test.
type python struct {
	in  io.Writer
	out io.Reader
}

// startPython starts Debian's Python, or the one that FENDER_TEST_PYTHON names. Without one the
// test is skipped, but in CI it fails.
func startPython(t *testing.T) *python {
	t.Helper()
	path := os.Getenv("FENDER_TEST_PYTHON")
	if path == "" {
		path = "/usr/bin/python3"
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v: the marshal format is not tested against a real Python", err)
		}
		t.Skipf("%v: the marshal format is not tested against a real Python (FENDER_TEST_PYTHON names one)", err)
	}
	cmd := exec.Command(path, "-S", "-E", "testdata/python.py")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil && !t.Failed() {
			t.Errorf("python: %v", err)
		}
	})
	return &python{in: in, out: out}
}

type fataler interface{ Fatalf(string, ...any) }

func (p *python) ask(t fataler, kind byte, data []byte) []byte {
	message := binary.LittleEndian.AppendUint32(nil, uint32(len(data)+1))
	message = append(append(message, kind), data...)
	if _, err := p.in.Write(message); err != nil {
		t.Fatalf("python: %v", err)
	}
	var size [4]byte
	if _, err := io.ReadFull(p.out, size[:]); err != nil {
		t.Fatalf("python did not accept the value: %v", err)
	}
	reply := make([]byte, binary.LittleEndian.Uint32(size[:]))
	if _, err := io.ReadFull(p.out, reply); err != nil {
		t.Fatalf("python: %v", err)
	}
	return reply
}

// points is a latin-1 string as the code points that Python shall see.
func points(s string) []int {
	p := make([]int, len(s))
	for i := range len(s) {
		p[i] = int(s[i])
	}
	return p
}

func pointsKey(p []int) string { return fmt.Sprint(p) }

// latin1 draws strings of every byte, of lengths around the bounds of the short form.
func latin1() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		n := rapid.SampledFrom([]int{0, 1, 2, 7, 8, 9, 40, 254, 255, 256, 300, 5000}).Draw(t, "length")
		most := rapid.SampledFrom([]byte{0x7F, 0x7F, 0xFF}).Draw(t, "greatest byte")
		b := make([]byte, n)
		seed := rapid.Uint64().Draw(t, "seed")
		for i := range b {
			seed = seed*6364136223846793005 + 1442695040888963407
			b[i] = byte(seed>>33) % (most/2 + 1) * 2
			if seed>>62 != 0 {
				b[i] |= 1
			}
		}
		return string(b)
	})
}

func TestEnviron_IsTheDictThatPythonLoads(t *testing.T) {
	py := startPython(t)
	names := []string{"REQUEST_METHOD", "wsgi.url_scheme", "HTTP_HOST", "HTTP_X_AMZN_TRACE_ID", "CONTENT_TYPE"}
	rapid.Check(t, func(t *rapid.T) {
		environ := wire.NewEnviron(nil)
		want := map[string][]int{}
		for range rapid.IntRange(0, 30).Draw(t, "variables") {
			value := latin1().Draw(t, "value")
			var name string
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				name = rapid.SampledFrom(names).Draw(t, "name")
				environ.Set(name, value)
			case 1:
				name = latin1().Draw(t, "name")
				environ.Set(name, value)
			default:
				header := rapid.OneOf(latin1(), rapid.StringMatching(`[!-~]{1,30}`),
					rapid.SampledFrom([]string{"Host", "host", "CONTENT-type", "Content-Length", "X-Amzn-Trace-Id"})).Draw(t, "header")
				name = wire.HeaderVar(header)
				environ.SetHeader(header, value)
			}
			want[pointsKey(points(name))] = points(value)
		}
		var loaded [][2][]int
		if err := json.Unmarshal(py.ask(t, 'L', environ.Bytes()), &loaded); err != nil {
			t.Fatalf("%v", err)
		}
		got := map[string][]int{}
		for _, kv := range loaded {
			got[pointsKey(kv[0])] = kv[1]
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("python's dict is another one (-want +got):\n%s", d)
		}
	})
}

func TestParseHead_ReadsWhatPythonDumps(t *testing.T) {
	py := startPython(t)
	rapid.Check(t, func(t *rapid.T) {
		value := func(label string) string { // latin-1 bytes
			b := []byte(latin1().Draw(t, label))
			for i, c := range b {
				if c < ' ' && c != '\t' || c == 0x7F {
					b[i] = '.'
				}
			}
			return string(b)
		}
		want := exchange.Head{Length: -1, Fields: []exchange.Field{}}
		want.Status = rapid.IntRange(200, 599).Draw(t, "status")
		want.Reason = strings.Trim(value("reason"), " \t")
		question := []any{points(fmt.Sprint(want.Status, " ", want.Reason)), [][2][]int{}}
		fields := [][2][]int{}
		for range rapid.IntRange(0, 20).Draw(t, "fields") {
			f := exchange.Field{
				Name:  rapid.StringMatching("X[!#$%&'*+.^_`|~0-9A-Za-z-]{0,20}").Draw(t, "name"),
				Value: value("value"),
			}
			want.Fields = append(want.Fields, f)
			fields = append(fields, [2][]int{points(f.Name), points(f.Value)})
		}
		if rapid.Bool().Draw(t, "length") {
			want.Length = rapid.Int64Min(0).Draw(t, "content length")
			f := exchange.Field{Name: "content-Length", Value: fmt.Sprint(want.Length)}
			want.Fields = append(want.Fields, f)
			fields = append(fields, [2][]int{points(f.Name), points(f.Value)})
		}
		question[1] = fields
		data, err := json.Marshal(question)
		if err != nil {
			t.Fatalf("%v", err)
		}
		got, err := wire.ParseHead(py.ask(t, 'H', data), []exchange.Field{})
		if err != nil {
			t.Fatalf("%v", err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("head (-want +got):\n%s", d)
		}
	})
	// Above latin-1, lone surrogates too: the application's mistake.
	for _, r := range []int{0x100, 0x20AC, 0xD800, 0xDFFF, 0xFFFD, 0x1F600, 0x10FFFF} {
		data, _ := json.Marshal([]any{points("200 OK"), [][2][]int{{points("X-Name"), {'a', r}}}})
		_, err := wire.ParseHead(py.ask(t, 'H', data), []exchange.Field{})
		if err == nil || err.Error() != `bad answer: header "X-Name" has a value with a character above U+00FF` {
			t.Errorf("U+%04X: %v", r, err)
		}
	}
}

func TestVector_ComesBackAsThisPythonEncodesIt(t *testing.T) {
	py := startPython(t)
	if err := wire.CheckVector(py.ask(t, 'V', wire.Vector())); err != nil {
		t.Error(err)
	}
}

func TestDecodeHello_ReadsWhatPythonDumps(t *testing.T) {
	py := startPython(t)
	head := py.ask(t, 'C', []byte(`{"v": 1, "pid": 4711, "python": "3.14.0rc1+", "vector": {"bytes": "007bff"},
		"threads": 4, "free_threaded": true, "later": "on\u00e9 \ud83d\ude00", "other": null}`))
	got, err := wire.DecodeHello(head)
	want := wire.Hello{PID: 4711, Python: "3.14.0rc1+", Vector: []byte{0, '{', 0xFF}, Threads: 4, FreeThreaded: true}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v %s", err, d)
	}
}

func TestDecodeCall_ReadsWhatPythonDumps(t *testing.T) {
	py := startPython(t)
	head := py.ask(t, 'C', []byte(`["cache_set", ["k\u00e9\ud800", {"bytes": "00ff"}, -2147483648, null, true, false]]`))
	got, err := wire.DecodeCall(head)
	if err != nil {
		t.Fatal(err)
	}
	want := "cache_set [\"ké\uFFFD\" b\"\\x00\\xff\" -2147483648 None True False]"
	if s := fmt.Sprint(got.Name, " ", got.Args); s != want {
		t.Errorf("%s, want %s", s, want)
	}
}

func TestDecodeFailed_ReadsWhatPythonDumps(t *testing.T) {
	py := startPython(t)
	got, err := wire.DecodeFailed(py.ask(t, 'C', []byte(`[22, "ImportError: n\u00e9"]`)))
	if want := (wire.Failed{Code: 22, Text: "ImportError: né"}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestReturnsAndCommands_AreWhatPythonLoads(t *testing.T) {
	py := startPython(t)
	for want, frame := range map[string][]byte{
		`(True, None)`:                wire.AppendReturn(nil, 1, 1, true, wire.None()),
		`(True, 'caf\xe9 \u20ac')`:    wire.AppendReturn(nil, 1, 1, true, wire.Text("café €")),
		`(True, b'\x00\xff')`:         wire.AppendReturn(nil, 1, 1, true, wire.Bytes([]byte{0, 0xFF})),
		`(True, -7)`:                  wire.AppendReturn(nil, 1, 1, true, wire.Int(-7)),
		`(True, False)`:               wire.AppendReturn(nil, 1, 1, true, wire.Bool(false)),
		`(False, 'unknown call')`:     wire.AppendReturn(nil, 1, 1, false, wire.Text("unknown call")),
		`('stacks', ())`:              wire.AppendCommand(nil, 0, 0, "stacks"),
		`('signal', (3, 'a', True))`:  wire.AppendCommand(nil, 0, 0, "signal", wire.Int(3), wire.Text("a"), wire.Bool(true)),
		`(77, 'unknown kind')`:        wire.AppendRefused(nil, 0, 0, wire.Refused{Kind: 77, Why: "unknown kind"}),
		`('frobnicate', 'what else')`: wire.AppendRefused(nil, 0, 0, wire.Refused{Name: "frobnicate", Why: "what else"}),
	} {
		f, err := wire.Decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		got := string(py.ask(t, 'E', f.Head))
		// Python prints what its output's encoding has.
		got = strings.NewReplacer("é", `\xe9`, "€", `\u20ac`).Replace(got)
		if got != want {
			t.Errorf("python has %s, want %s", got, want)
		}
	}
}

// The double of wiretest must say what a real Python says, or the tests that rely on it prove nothing.
func TestWiretest_EncodesAsPythonDoes(t *testing.T) {
	py := startPython(t)
	for name, data := range doubles() {
		if got := py.ask(t, 'V', data); string(got) != string(data) {
			t.Errorf("%s: python writes\n%q, the double\n%q", name, got, data)
		}
	}
}
