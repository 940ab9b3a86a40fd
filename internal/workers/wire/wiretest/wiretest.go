// Package wiretest is the worker's side of the wire, for tests that play a worker without Python:
// it writes what package wire reads, and reads what wire writes. It owns nothing, and nothing but
// tests imports it. It states the contract (ARCHITECTURE.md, "The wire") a second time, on its own,
// so that a mistake in wire is not simply repeated here.
package wiretest

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"

	"fender/internal/exchange"
	"fender/internal/workers/wire"
)

// str is marshal version 2's str.
func str(dst []byte, utf8 string) []byte { return append(count(dst, 'u', len(utf8)), utf8...) }

func count(dst []byte, code byte, n int) []byte {
	return binary.LittleEndian.AppendUint32(append(dst, code), uint32(n))
}

// latin1 is the UTF-8 of a string whose bytes are code points.
func latin1(s string) string {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

// Hello is the head of a hello frame. A nil vector is the right one.
func Hello(pid, threads int, vector []byte) []byte {
	if vector == nil {
		vector = Plain(wire.Vector())
	}
	b := str([]byte{'{'}, "v")
	b = count(b, 'i', 1)
	b = count(str(b, "pid"), 'i', pid)
	b = str(str(b, "python"), "3.11.2")
	b = append(count(str(b, "vector"), 's', len(vector)), vector...)
	b = count(str(b, "threads"), 'i', threads)
	return append(str(b, "free_threaded"), 'F', '0')
}

// Plain is what marshal.dumps(marshal.loads(b), 2) gives: every str of b written as 'u'.
func Plain(b []byte) []byte {
	var out []byte
	for len(b) > 0 {
		n := 1
		switch code := b[0]; code {
		case 'z', 'Z':
			n = 2 + int(b[1])
			out = str(out, string(b[2:n]))
			b = b[n:]
			continue
		case 'u', 's':
			n = 5 + int(binary.LittleEndian.Uint32(b[1:]))
		case 'i', '(', '[':
			n = 5
		}
		out = append(out, b[:n]...)
		b = b[n:]
	}
	return out
}

// Head is the head of an answer's part 0. Status, names and values are latin-1 bytes.
func Head(status string, fields ...exchange.Field) []byte {
	b := str(count(nil, '(', 2), latin1(status))
	b = count(b, '[', len(fields))
	for _, f := range fields {
		b = str(str(count(b, '(', 2), latin1(f.Name)), latin1(f.Value))
	}
	return b
}

// Failed is the head of a failed frame.
func Failed(code int, text string) []byte {
	return str(count(count(nil, '(', 2), 'i', code), text)
}

// Call is the head of a call frame whose arguments are all str.
func Call(name string, args ...string) []byte {
	b := count(str(count(nil, '(', 2), name), '(', len(args))
	for _, a := range args {
		b = str(b, a)
	}
	return b
}

// Answer is a whole answer to a request in one frame.
func Answer(id exchange.ID, seq uint32, status, body string, fields ...exchange.Field) []byte {
	return wire.AppendFrame(nil, wire.Frame{
		Kind: wire.KindAnswer, Flags: wire.FlagHead | wire.FlagEnd, ID: id, Seq: seq,
		Head: Head(status, fields...), Body: []byte(body),
	})
}

// SetState writes a slot's state into a page, as the worker's thread does.
func SetState(page []byte, slot int, seq uint32, phase wire.Phase) {
	atomic.StoreUint64(word(page, 64*(slot+1)), uint64(seq)<<3|uint64(phase))
}

// SetTID writes a slot's thread into a page.
func SetTID(page []byte, slot int, tid int) {
	atomic.StoreUint64(word(page, 64*(slot+1)+8), uint64(tid))
}

// SetHeard writes how many interrupts the main thread has seen.
func SetHeard(page []byte, n uint64) { atomic.StoreUint64(word(page, 8), n) }

// Interrupted is the sequence that the master wants interrupted on a slot.
func Interrupted(page []byte, slot int) uint64 {
	return atomic.LoadUint64(word(page, 64*(slot+1)+16))
}

// Aborted is the sequence of a slot whose client has gone.
func Aborted(page []byte, slot int) uint64 { return atomic.LoadUint64(word(page, 64*(slot+1)+24)) }

// Withdrawn is the sequence of a slot that is not to be begun.
func Withdrawn(page []byte, slot int) uint64 { return atomic.LoadUint64(word(page, 64*(slot+1)+32)) }

// word is one aligned word of a page. Its place in the page is computed, never read: any other
// read of the page would race with the master.
func word(page []byte, off int) *uint64 {
	words := unsafe.Slice((*uint64)(unsafe.Pointer(&page[0])), len(page)/8)
	return &words[off/8]
}
