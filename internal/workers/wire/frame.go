// Package wire is what the master and a worker say to each other: frames, the marshal data in
// them, the environ, the answer's head, and the page that both share. It is pure: bytes in, values
// out. The contract is ARCHITECTURE.md, section "The wire"; the marshal format is CPython's
// (Python/marshal.c), of which only the type codes of the contract are read and written.
//
// It owns no socket, no descriptor and no memory mapping, and no state of a conversation: whether
// an answer is the one that is expected next is its caller's question.
//
// Everything that comes from a worker is hostile until parsed. A decoder returns a *DecodeError
// (the worker broke the protocol) or a *BadAnswer (the application's answer cannot be sent); it
// never panics, and it never allocates by a number that it has only been told.
package wire

import (
	"encoding/binary"
	"fmt"

	"fender/internal/exchange"
)

const (
	// MaxMessage is the longest frame, its frame head included. A longer message needs a large
	// contiguous piece of kernel memory; what does not fit travels in a descriptor.
	MaxMessage = 64 << 10
	// FrameHeadSize is the length of the frame head.
	FrameHeadSize = 24

	version       = 1
	fileRangeSize = 16
)

// Kind says what a frame is.
type Kind uint8

// The kinds of frames.
const (
	KindHello   Kind = 1 // worker to master: it is ready
	KindRequest Kind = 2 // master to worker
	KindAnswer  Kind = 3 // worker to master: a part of an answer
	KindIdle    Kind = 4 // worker to master: a slow close() has returned
	KindCall    Kind = 5 // worker to master: the application asks for something
	KindReturn  Kind = 6 // master to worker: the result of a call
	KindCommand Kind = 7 // master to worker
	KindFailed  Kind = 8 // worker to master: it cannot come up
	KindRefused Kind = 9 // both: a frame that the other side does not know
)

var kindNames = [...]string{
	KindHello: "hello", KindRequest: "request", KindAnswer: "answer", KindIdle: "idle", KindCall: "call",
	KindReturn: "return", KindCommand: "command", KindFailed: "failed", KindRefused: "refused",
}

func (k Kind) known() bool { return k >= KindHello && k <= KindRefused }

// String is the kind's name in the contract.
func (k Kind) String() string {
	if !k.known() {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindNames[k]
}

// Flags are a frame's flags.
type Flags uint16

// The flags.
const (
	FlagHeadInDescriptor Flags = 0x1  // the head is the first descriptor's content, all of it
	FlagBodyInDescriptor Flags = 0x2  // the body is the last descriptor's content
	FlagEnd              Flags = 0x4  // last part of an answer
	FlagFile             Flags = 0x8  // the body is a range of the last descriptor (DecodeFileRange)
	FlagHead             Flags = 0x10 // answer part 0: a head is present
	FlagError            Flags = 0x20 // the application failed: the answer is cut, or is the worker's own 500
	FlagClosing          Flags = 0x40 // answer end: close() is still to be called

	allFlags = FlagHeadInDescriptor | FlagBodyInDescriptor | FlagEnd | FlagFile | FlagHead | FlagError | FlagClosing
)

// Has reports whether all flags of g are set.
func (f Flags) Has(g Flags) bool { return f&g == g }

// Frame is one message. Head and Body of a decoded frame point into the message.
type Frame struct {
	Kind  Kind
	Flags Flags
	ID    exchange.ID // 0 for frames that belong to no request
	Seq   uint32      // the slot's count of requests, from 1
	Part  uint32      // 0, 1, 2 ... of one answer
	Head  []byte      // marshal data
	Body  []byte
}

// Descriptors is the number of descriptors that must come with the frame.
func (f *Frame) Descriptors() int {
	n := 0
	if f.Flags.Has(FlagHeadInDescriptor) {
		n++
	}
	if f.Flags&(FlagBodyInDescriptor|FlagFile) != 0 {
		n++
	}
	return n
}

// Fits reports whether a head and a body of these lengths go into one message.
func Fits(head, body int) bool { return head+body <= MaxMessage-FrameHeadSize }

// AppendFrame appends the message of f to dst. It does not allocate when dst has room. The caller
// has asked Fits.
func AppendFrame(dst []byte, f Frame) []byte {
	dst = appendFrameHead(dst, &f, len(f.Head))
	dst = append(dst, f.Head...)
	return append(dst, f.Body...)
}

// appendFrameHead appends the frame head of f, whose head has so many bytes.
func appendFrameHead(dst []byte, f *Frame, head int) []byte {
	dst = append(dst, byte(f.Kind), version)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(f.Flags))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(head))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(f.ID))
	dst = binary.LittleEndian.AppendUint32(dst, f.Seq)
	return binary.LittleEndian.AppendUint32(dst, f.Part)
}

// Decode reads one message. Its error is a *DecodeError.
//
// The frame is well-formed then, whoever sent it: CheckFromWorker says whether a worker may send it.
func Decode(message []byte) (Frame, error) {
	if len(message) < FrameHeadSize {
		return Frame{}, frameError(FaultShort, "%d bytes, a frame head has %d", len(message), FrameHeadSize)
	}
	if len(message) > MaxMessage {
		return Frame{}, frameError(FaultLong, "%d bytes, the most is %d", len(message), MaxMessage)
	}
	if v := message[1]; v != version {
		return Frame{}, frameError(FaultVersion, "version %d, this is version %d", v, version)
	}
	f := Frame{
		Kind:  Kind(message[0]),
		Flags: Flags(binary.LittleEndian.Uint16(message[2:])),
		ID:    exchange.ID(binary.LittleEndian.Uint64(message[8:])),
		Seq:   binary.LittleEndian.Uint32(message[16:]),
		Part:  binary.LittleEndian.Uint32(message[20:]),
	}
	rest := message[FrameHeadSize:]
	head := binary.LittleEndian.Uint32(message[4:])
	switch {
	case !f.Kind.known():
		return Frame{}, frameError(FaultKind, "%v is unknown", f.Kind)
	case f.Flags&^allFlags != 0:
		return Frame{}, frameError(FaultFlags, "%v with unknown flags 0x%x", f.Kind, uint16(f.Flags&^allFlags))
	case int64(head) > int64(len(rest)):
		return Frame{}, frameError(FaultShort, "%v with a head of %d bytes, %d follow", f.Kind, head, len(rest))
	}
	f.Head, f.Body = rest[:head:head], rest[head:]
	switch {
	case f.Flags.Has(FlagHeadInDescriptor) && head != 0:
		return Frame{}, frameError(FaultFlags, "%v with two heads, one in a descriptor", f.Kind)
	case f.Flags.Has(FlagFile | FlagBodyInDescriptor):
		return Frame{}, frameError(FaultFlags, "%v with two bodies, a file and a descriptor", f.Kind)
	case f.Flags.Has(FlagBodyInDescriptor) && len(f.Body) != 0:
		return Frame{}, frameError(FaultFlags, "%v with two bodies, one in a descriptor", f.Kind)
	case f.Flags.Has(FlagFile) && len(f.Body) != fileRangeSize:
		return Frame{}, frameError(FaultFlags, "%v with a file range of %d bytes, not %d", f.Kind, len(f.Body), fileRangeSize)
	}
	return f, nil
}
