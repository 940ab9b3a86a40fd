package wire

import (
	"fmt"
	"math"
	"strings"
)

// The test value that a template gets with boot, and whose own encoding each worker says in hello:
// it has every type of the contract, each at its edges. A Python whose marshal is another one is
// found before it sees a request.

// Vector is the test value as the master encodes an environ: with short and interned strings.
func Vector() []byte { return appendVector(nil, false) }

// CheckVector compares what a worker made of Vector, marshal.dumps(marshal.loads(vector), 2), with
// what it must be. The error is for the operator, and is a boot failure.
func CheckVector(vector []byte) error {
	want := appendVector(nil, true)
	for i := range min(len(vector), len(want)) {
		if vector[i] != want[i] {
			return vectorError("byte %d of %d is 0x%02x, not 0x%02x", i, len(want), vector[i], want[i])
		}
	}
	if len(vector) != len(want) {
		return vectorError("it has %d bytes, not %d", len(vector), len(want))
	}
	return nil
}

func vectorError(format string, args ...any) error {
	return fmt.Errorf("this Python encodes values differently from the ones that fender was made for "+
		"(marshal version 2; %s): use a CPython that fender's README lists", fmt.Sprintf(format, args...))
}

// appendVector encodes the test value; plain is how Python does it with version 2, where every str
// is a 'u'.
func appendVector(dst []byte, plain bool) []byte {
	str := func(s string) {
		if plain {
			dst = append(appendCount(dst, codeText, len(s)), s...)
		} else {
			dst = appendUTF8(dst, s)
		}
	}
	dst = append(dst, codeDict)
	if plain {
		str("REQUEST_METHOD")
	} else {
		dst = append(dst, interned["REQUEST_METHOD"]...)
	}
	str("GET")
	for _, s := range []string{
		"", "a", strings.Repeat("k", maxShort), strings.Repeat("l", maxShort+1),
		"\u0080\u00e9\u00ff", "\u0100\u20ac\U0001F600", "\x00\x7f",
	} {
		str(s)
		str(s)
	}
	str("int")
	dst = appendCount(dst, codeTuple, 5)
	for _, n := range []int32{0, 1, -1, math.MaxInt32, math.MinInt32} {
		dst = appendInt(dst, n)
	}
	str("bytes")
	dst = appendCount(dst, codeList, 2)
	dst = appendBytes(appendBytes(dst, ""), "\x00\xff0N")
	str("answer")
	dst = appendCount(dst, codeTuple, 2)
	str("200 OK")
	dst = appendCount(dst, codeList, 1)
	dst = appendCount(dst, codeTuple, 2)
	str("Content-Type")
	str("text/html; charset=utf-8")
	str("empty")
	dst = appendCount(dst, codeTuple, 6)
	dst = append(dst, codeNone, codeTrue, codeFalse)
	dst = appendCount(appendCount(dst, codeTuple, 0), codeList, 0)
	dst = append(dst, codeDict, codeNull)
	return append(dst, codeNull)
}
