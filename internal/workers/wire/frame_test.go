package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"fender/internal/exchange"
	"fender/internal/workers/wire"
	"fender/internal/workers/wire/wiretest"

	"github.com/google/go-cmp/cmp"
)

// The bytes of ARCHITECTURE.md's table, by hand.
func TestAppendFrame_HasTheLayoutOfTheContract(t *testing.T) {
	got := wire.AppendFrame([]byte("before"), wire.Frame{
		Kind: wire.KindAnswer, Flags: wire.FlagHead | wire.FlagEnd | wire.FlagClosing,
		ID: 0x0102030405060708, Seq: 0x11121314, Part: 0x21222324, Head: []byte("head!"), Body: []byte("body"),
	})
	want := "before" +
		"\x03\x01\x54\x00" + // kind, version, flags
		"\x05\x00\x00\x00" + // head length
		"\x08\x07\x06\x05\x04\x03\x02\x01" + // id
		"\x14\x13\x12\x11" + // sequence
		"\x24\x23\x22\x21" + // part
		"head!body"
	if string(got) != want {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestDecode_GivesBackWhatWasAppended(t *testing.T) {
	for _, f := range []wire.Frame{
		{Kind: wire.KindRequest, ID: 7, Seq: 9, Head: []byte("{0"), Body: []byte("body")},
		{Kind: wire.KindRequest, ID: 1<<64 - 1, Seq: 1<<32 - 1, Part: 1<<32 - 1, Head: []byte{}, Body: []byte{}},
		{Kind: wire.KindIdle, Seq: 1, Head: []byte{}, Body: []byte{}},
		{Kind: wire.KindAnswer, Flags: wire.FlagFile, Head: []byte{}, Body: make([]byte, 16)},
		{Kind: wire.KindAnswer, Head: []byte("h"), Body: make([]byte, wire.MaxMessage-wire.FrameHeadSize-1)},
	} {
		got, err := wire.Decode(wire.AppendFrame(nil, f))
		if err != nil {
			t.Errorf("%v: %v", f.Kind, err)
		} else if d := cmp.Diff(f, got); d != "" {
			t.Errorf("%v (-want +got):\n%s", f.Kind, d)
		}
	}
}

func TestDecode_DoesNotLetTheHeadGrowIntoTheBody(t *testing.T) {
	f, err := wire.Decode(request(nil, 1, 1, []byte("head"), []byte("body")))
	if err != nil {
		t.Fatal(err)
	}
	if _ = append(f.Head, "XXXX"...); string(f.Body) != "body" {
		t.Errorf("appending to the head changed the body: %q", f.Body)
	}
}

func TestFits_IsExact(t *testing.T) {
	room := wire.MaxMessage - wire.FrameHeadSize
	if !wire.Fits(room-10, 10) || wire.Fits(room-10, 11) {
		t.Error("Fits is off by some")
	}
	if n := len(request(nil, 1, 1, make([]byte, room-10), make([]byte, 10))); n != wire.MaxMessage {
		t.Errorf("a message of %d bytes", n)
	}
}

// message is a well-formed answer, changed.
func message(change func([]byte) []byte) []byte {
	return change(wiretest.Answer(5, 1, "200 OK", "body"))
}

func flags(f wire.Flags) func([]byte) []byte {
	return func(b []byte) []byte {
		binary.LittleEndian.PutUint16(b[2:], uint16(f))
		return b
	}
}

func set(at int, value byte) func([]byte) []byte {
	return func(b []byte) []byte { b[at] = value; return b }
}

func TestDecode_RefusesWhatIsNotAFrame(t *testing.T) {
	for name, c := range map[string]struct {
		message []byte
		fault   wire.Fault
	}{
		"nothing":           {nil, wire.FaultShort},
		"less than a head":  {message(func(b []byte) []byte { return b[:23] }), wire.FaultShort},
		"too long":          {message(func(b []byte) []byte { return append(b, make([]byte, wire.MaxMessage)...) }), wire.FaultLong},
		"version 0":         {message(set(1, 0)), wire.FaultVersion},
		"version 2":         {message(set(1, 2)), wire.FaultVersion},
		"kind 0":            {message(set(0, 0)), wire.FaultKind},
		"kind 10":           {message(set(0, 10)), wire.FaultKind},
		"unknown flag":      {message(flags(0x80)), wire.FaultFlags},
		"unknown high flag": {message(flags(0x8000)), wire.FaultFlags},
		"head beyond end":   {message(set(4, 250)), wire.FaultShort},
		"head beyond 2 GiB": {message(set(7, 0xFF)), wire.FaultShort},
		"two heads":         {message(flags(wire.FlagHead | wire.FlagHeadInDescriptor)), wire.FaultFlags},
		"two bodies":        {message(flags(wire.FlagBodyInDescriptor)), wire.FaultFlags},
		"file and body":     {message(flags(wire.FlagBodyInDescriptor | wire.FlagFile)), wire.FaultFlags},
		"short file range":  {message(flags(wire.FlagFile)), wire.FaultFlags},
	} {
		_, err := wire.Decode(c.message)
		wantFault(t, name, err, "frame", c.fault)
	}
}

func wantFault(t *testing.T, name string, err error, what string, fault wire.Fault) {
	t.Helper()
	var de *wire.DecodeError
	if !errors.As(err, &de) {
		t.Errorf("%s: error %v, want a DecodeError", name, err)
	} else if de.What != what || de.Fault != fault {
		t.Errorf("%s: %s (%v), want %v", name, de, de.Fault, fault)
	} else if !strings.HasPrefix(de.Error(), "wire: "+what+": ") || len(de.Why) < 5 {
		t.Errorf("%s: it says only %q", name, de.Error())
	}
}

func TestCheckFromWorker_KnowsWhatAWorkerMaySend(t *testing.T) {
	head, body := []byte("h"), []byte("b")
	const all = wire.FlagHead | wire.FlagEnd | wire.FlagClosing
	for name, c := range map[string]struct {
		frame       wire.Frame
		descriptors int
		fault       wire.Fault // 0: it may
	}{
		"hello":                    {wire.Frame{Kind: wire.KindHello, Head: head}, 0, 0},
		"failed":                   {wire.Frame{Kind: wire.KindFailed, Head: head}, 0, 0},
		"idle":                     {wire.Frame{Kind: wire.KindIdle, Seq: 1}, 0, 0},
		"idle with id":             {wire.Frame{Kind: wire.KindIdle, ID: 9, Seq: 1}, 0, 0},
		"call":                     {wire.Frame{Kind: wire.KindCall, ID: 1, Seq: 1, Head: head}, 0, 0},
		"call outside a request":   {wire.Frame{Kind: wire.KindCall, Head: head}, 0, 0},
		"large call":               {wire.Frame{Kind: wire.KindCall, Flags: wire.FlagHeadInDescriptor}, 1, 0},
		"refused":                  {wire.Frame{Kind: wire.KindRefused, Head: head}, 0, 0},
		"whole answer":             {wire.Frame{Kind: wire.KindAnswer, Flags: all, ID: 1, Seq: 1, Head: head, Body: body}, 0, 0},
		"own 500":                  {wire.Frame{Kind: wire.KindAnswer, Flags: wire.FlagHead | wire.FlagError, ID: 1, Seq: 1, Head: head}, 0, 0},
		"cut answer":               {wire.Frame{Kind: wire.KindAnswer, Flags: wire.FlagEnd | wire.FlagError, ID: 1, Seq: 1, Part: 3}, 0, 0},
		"middle of an answer":      {wire.Frame{Kind: wire.KindAnswer, ID: 1, Seq: 1, Part: 1, Body: body}, 0, 0},
		"large head":               {wire.Frame{Kind: wire.KindAnswer, Flags: wire.FlagHead | wire.FlagHeadInDescriptor, ID: 1, Seq: 1}, 1, 0},
		"file":                     {wire.Frame{Kind: wire.KindAnswer, Flags: wire.FlagFile, ID: 1, Seq: 1, Part: 1, Body: make([]byte, 16)}, 1, 0},
		"large head and file":      {wire.Frame{Kind: wire.KindAnswer, Flags: wire.FlagHead | wire.FlagHeadInDescriptor | wire.FlagFile, ID: 1, Seq: 1, Body: make([]byte, 16)}, 2, 0},
		"large body":               {wire.Frame{Kind: wire.KindAnswer, Flags: wire.FlagBodyInDescriptor, ID: 1, Seq: 1, Part: 1}, 1, 0},
		"request":                  {wire.Frame{Kind: wire.KindRequest, ID: 1, Seq: 1, Head: head}, 0, wire.FaultKind},
		"return":                   {wire.Frame{Kind: wire.KindReturn, ID: 1, Seq: 1, Head: head}, 0, wire.FaultKind},
		"command":                  {wire.Frame{Kind: wire.KindCommand, Head: head}, 0, wire.FaultKind},
		"hello for a request":      {wire.Frame{Kind: wire.KindHello, ID: 1, Head: head}, 0, wire.FaultFlags},
		"hello without head":       {wire.Frame{Kind: wire.KindHello}, 0, wire.FaultFlags},
		"hello with body":          {wire.Frame{Kind: wire.KindHello, Head: head, Body: body}, 0, wire.FaultFlags},
		"hello with flags":         {wire.Frame{Kind: wire.KindHello, Flags: wire.FlagEnd, Head: head}, 0, wire.FaultFlags},
		"hello with a part":        {wire.Frame{Kind: wire.KindHello, Part: 1, Head: head}, 0, wire.FaultFlags},
		"hello with a descriptor":  {wire.Frame{Kind: wire.KindHello, Head: head}, 1, wire.FaultFlags},
		"idle with head":           {wire.Frame{Kind: wire.KindIdle, Seq: 1, Head: head}, 0, wire.FaultFlags},
		"idle without sequence":    {wire.Frame{Kind: wire.KindIdle}, 0, wire.FaultFlags},
		"answer without id":        {wire.Frame{Kind: wire.KindAnswer, Flags: all, Seq: 1, Head: head}, 0, wire.FaultFlags},
		"answer without sequence":  {wire.Frame{Kind: wire.KindAnswer, Flags: all, ID: 1, Head: head}, 0, wire.FaultFlags},
		"part 0 without the flag":  {wire.Frame{Kind: wire.KindAnswer, Flags: wire.FlagEnd, ID: 1, Seq: 1, Head: head}, 0, wire.FaultFlags},
		"part 0 without the head":  {wire.Frame{Kind: wire.KindAnswer, Flags: all, ID: 1, Seq: 1}, 0, wire.FaultFlags},
		"part 1 with the flag":     {wire.Frame{Kind: wire.KindAnswer, Flags: all, ID: 1, Seq: 1, Part: 1}, 0, wire.FaultFlags},
		"part 1 with a head":       {wire.Frame{Kind: wire.KindAnswer, ID: 1, Seq: 1, Part: 1, Head: head}, 0, wire.FaultFlags},
		"error in the middle":      {wire.Frame{Kind: wire.KindAnswer, Flags: wire.FlagError, ID: 1, Seq: 1, Part: 1}, 0, wire.FaultFlags},
		"closing in the middle":    {wire.Frame{Kind: wire.KindAnswer, Flags: wire.FlagClosing, ID: 1, Seq: 1, Part: 1}, 0, wire.FaultFlags},
		"file without descriptor":  {wire.Frame{Kind: wire.KindAnswer, Flags: wire.FlagFile, ID: 1, Seq: 1, Part: 1, Body: make([]byte, 16)}, 0, wire.FaultFlags},
		"file with two":            {wire.Frame{Kind: wire.KindAnswer, Flags: wire.FlagFile, ID: 1, Seq: 1, Part: 1, Body: make([]byte, 16)}, 2, wire.FaultFlags},
		"answer with a descriptor": {wire.Frame{Kind: wire.KindAnswer, ID: 1, Seq: 1, Part: 1, Body: body}, 1, wire.FaultFlags},
	} {
		f, err := wire.Decode(wire.AppendFrame(nil, c.frame))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		err = f.CheckFromWorker(c.descriptors)
		if c.fault == 0 {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		wantFault(t, name, err, "frame", c.fault)
	}
}

func TestDecodeFileRange_RefusesWhatNoFileHas(t *testing.T) {
	rangeOf := func(off, n uint64) []byte {
		return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, off), n)
	}
	if off, n, err := wire.DecodeFileRange(rangeOf(3, 1<<40)); off != 3 || n != 1<<40 || err != nil {
		t.Errorf("%d, %d, %v", off, n, err)
	}
	if _, n, err := wire.DecodeFileRange(rangeOf(1, 1<<63-2)); n != 1<<63-2 || err != nil {
		t.Errorf("the end of the largest file: %d, %v", n, err)
	}
	for name, b := range map[string][]byte{
		"offset": rangeOf(1<<63, 0), "length": rangeOf(0, 1<<63), "sum": rangeOf(1, 1<<63-1), "sum beyond 64 bits": rangeOf(1<<62, 1<<64-1),
	} {
		_, _, err := wire.DecodeFileRange(b)
		wantFault(t, name, err, "frame", wire.FaultValue)
	}
	_, _, err := wire.DecodeFileRange(make([]byte, 15))
	wantFault(t, "15 bytes", err, "frame", wire.FaultShort)
}

func TestKindsAndFaults_HaveWords(t *testing.T) {
	if s := wire.KindAnswer.String() + " " + wire.Kind(0).String() + " " + wire.Kind(77).String(); s != "answer kind 0 kind 77" {
		t.Error(s)
	}
	seen := map[string]bool{}
	for f := wire.FaultShort; f <= wire.FaultValue; f++ {
		if s := f.String(); s == "" || seen[s] {
			t.Errorf("fault %d is called %q", f, s)
		} else {
			seen[s] = true
		}
	}
	if s := wire.Fault(0).String() + wire.Fault(99).String(); s != "fault 0fault 99" {
		t.Error(s)
	}
}

func TestSending_DoesNotAllocateWhenThereIsRoom(t *testing.T) {
	buf := make([]byte, 0, wire.MaxMessage)
	environ, body := bytes.Repeat([]byte("e"), 2000), bytes.Repeat([]byte("b"), 3000)
	text := wire.Text("café")
	for name, send := range map[string]func() []byte{
		"request": func() []byte { return request(buf, 1, 2, environ, body) },
		"return":  func() []byte { return wire.AppendReturn(buf, 1, 2, true, text) },
		"command": func() []byte { return wire.AppendCommand(buf, 1, 2, "signal", wire.Int(3), text) },
		"refused": func() []byte { return wire.AppendRefused(buf, 1, 2, wire.Refused{Name: "x", Why: "unknown call"}) },
	} {
		if n := testing.AllocsPerRun(100, func() { send() }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	msg := request(nil, exchange.ID(1), 2, environ, body)
	if n := testing.AllocsPerRun(100, func() { _, _ = wire.Decode(msg) }); n != 0 {
		t.Errorf("Decode: %v allocations", n)
	}
}

// request is a whole request as the master sends it.
func request(dst []byte, id exchange.ID, seq uint32, environ, body []byte) []byte {
	dst = wire.AppendRequestHead(dst, id, seq, len(environ))
	return append(append(dst, environ...), body...)
}
