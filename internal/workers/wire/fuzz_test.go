package wire_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"fender/internal/workers/wire"
	"fender/internal/workers/wire/wiretest"

	"github.com/google/go-cmp/cmp"
)

// Seeds that are more than a few bytes are made here; the smaller ones, and what fuzzing found,
// are in testdata/fuzz.

// typed fails for an error that is neither of the two that decoders return.
func typed(t *testing.T, err error) {
	t.Helper()
	var de *wire.DecodeError
	var bad *wire.BadAnswer
	if !errors.As(err, &de) && !errors.As(err, &bad) {
		t.Fatalf("error of another type: %T %v", err, err)
	}
	if s := err.Error(); strings.ContainsAny(s, "\r\n\x00\x1b") || len(s) > 1000 {
		t.Fatalf("error that does not belong into a log: %q", s)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(wiretest.Answer(5, 1, "200 OK", "body"), 0)
	f.Add(request(nil, 1, 1, []byte("{0"), nil), 1)
	f.Fuzz(func(t *testing.T, message []byte, descriptors int) {
		frame, err := wire.Decode(message)
		if err != nil {
			typed(t, err)
			return
		}
		if again := wire.AppendFrame(nil, frame); !bytes.Equal(again, message) {
			t.Fatalf("decoded and encoded again it is another message:\n%x\n%x", message, again)
		}
		if err := frame.CheckFromWorker(descriptors); err != nil {
			typed(t, err)
			return
		}
		if frame.Kind == wire.KindRequest || frame.Descriptors() != descriptors {
			t.Fatalf("%+v with %d descriptors from a worker", frame, descriptors)
		}
		if frame.Flags.Has(wire.FlagFile) {
			if off, n, err := wire.DecodeFileRange(frame.Body); err != nil {
				typed(t, err)
			} else if off < 0 || n < 0 || off+n < 0 {
				t.Fatalf("file range %d, %d", off, n)
			}
		}
	})
}

func FuzzParseHead(f *testing.F) {
	f.Add(djangoHead())
	f.Add(wiretest.Head("302 Found", field("Location", "/\xe9"), field("Content-Length", "0")))
	f.Fuzz(func(t *testing.T, data []byte) {
		head, err := wire.ParseHead(data, nil)
		if err != nil {
			typed(t, err)
			return
		}
		if head.Status < 200 || head.Status > 599 || head.Length < -1 || len(head.Fields) > wire.MaxFields {
			t.Fatalf("%+v", head)
		}
		for _, s := range append([]string{head.Reason}, flat(head.Fields)...) {
			if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7F }) {
				t.Fatalf("a control character is let through: %q", s)
			}
		}
		// What was accepted is accepted again, and is the same.
		status := string([]byte{byte('0' + head.Status/100), byte('0' + head.Status/10%10), byte('0' + head.Status%10)})
		again, err := wire.ParseHead(wiretest.Head(status+" "+head.Reason, head.Fields...), nil)
		if d := cmp.Diff(head, again); err != nil || d != "" {
			t.Fatalf("%v (-first +again):\n%s", err, d)
		}
	})
}

func flat[F ~struct{ Name, Value string }](fields []F) []string {
	var all []string
	for _, f := range fields {
		g := struct{ Name, Value string }(f)
		all = append(all, g.Name, g.Value)
	}
	return all
}

func FuzzDecodeHello(f *testing.F) {
	f.Add(wiretest.Hello(4711, 4, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		hello, err := wire.DecodeHello(data)
		if err != nil {
			typed(t, err)
			return
		}
		if hello.PID < 1 || hello.Threads < 1 || len(hello.Python) > 64 {
			t.Fatalf("%+v", hello)
		}
		_ = wire.CheckVector(hello.Vector) // must not panic
	})
}

// FuzzDecodeSmall is for the heads with few fields: failed, call, refused.
func FuzzDecodeSmall(f *testing.F) {
	f.Add(wiretest.Failed(22, "no application"))
	f.Add(wiretest.Call("log", "name", "value"))
	f.Add(wire.AppendCommand(nil, 0, 0, "n", wire.None(), wire.Bool(true), wire.Int(-1), wire.Bytes([]byte{0}), wire.Text("é"))[wire.FrameHeadSize:])
	f.Add(wire.AppendRefused(nil, 0, 0, wire.Refused{Kind: 99, Why: "unknown kind"})[wire.FrameHeadSize:])
	f.Fuzz(func(t *testing.T, data []byte) {
		if failed, err := wire.DecodeFailed(data); err != nil {
			typed(t, err)
		} else if failed.Code < 1 || failed.Code > 255 || len(failed.Text) > 4<<10 {
			t.Fatalf("%+v", failed)
		}
		if refused, err := wire.DecodeRefused(data); err != nil {
			typed(t, err)
		} else if refused.Kind != 0 && refused.Name != "" {
			t.Fatalf("%+v", refused)
		}
		call, err := wire.DecodeCall(data)
		if err != nil {
			typed(t, err)
			return
		}
		// A command has a call's form: written again and read again it is the same call.
		again, err := wire.DecodeCall(wire.AppendCommand(nil, 0, 0, call.Name, call.Args...)[wire.FrameHeadSize:])
		if d := cmp.Diff(call, again, cmp.AllowUnexported(wire.Value{})); err != nil || d != "" {
			t.Fatalf("%v (-first +again):\n%s", err, d)
		}
	})
}
