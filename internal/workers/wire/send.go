package wire

import (
	"encoding/binary"

	"fender/internal/exchange"
)

// What the master sends, and refused, which both sides send. None of these allocates when dst has
// room.

// AppendRequestHead appends the frame head of a request whose environ (Environ.Bytes), of so many bytes, and
// body both go into the message, behind it: the caller has asked Fits. A request with one of them in a
// descriptor is AppendFrame with FlagHeadInDescriptor or FlagBodyInDescriptor and without that part.
func AppendRequestHead(dst []byte, id exchange.ID, seq uint32, environ int) []byte {
	return appendFrameHead(dst, &Frame{Kind: KindRequest, ID: id, Seq: seq}, environ)
}

// AppendReturn appends the result of a call. ok says that the call was carried out; value is then
// its result, else a text that says why not.
func AppendReturn(dst []byte, id exchange.ID, seq uint32, ok bool, value Value) []byte {
	dst, at := appendOpen(dst, KindReturn, id, seq)
	dst = appendBool(appendCount(dst, codeTuple, 2), ok)
	return closeHead(appendValue(dst, value), at)
}

// AppendCommand appends a command. id and seq are 0 for one that belongs to no request.
func AppendCommand(dst []byte, id exchange.ID, seq uint32, name string, args ...Value) []byte {
	dst, at := appendOpen(dst, KindCommand, id, seq)
	return closeHead(appendNamed(dst, name, args), at)
}

// AppendRefused appends the answer to a frame that this side does not know: r.Kind, or r.Name when
// the kind is 0.
func AppendRefused(dst []byte, id exchange.ID, seq uint32, r Refused) []byte {
	dst, at := appendOpen(dst, KindRefused, id, seq)
	dst = appendCount(dst, codeTuple, 2)
	if r.Kind != 0 {
		dst = appendInt(dst, int32(r.Kind))
	} else {
		dst = appendUTF8(dst, r.Name)
	}
	return closeHead(appendUTF8(dst, r.Why), at)
}

// appendOpen appends a frame head whose head's length is still to come, and says where it stands.
func appendOpen(dst []byte, kind Kind, id exchange.ID, seq uint32) ([]byte, int) {
	at := len(dst)
	return AppendFrame(dst, Frame{Kind: kind, ID: id, Seq: seq}), at
}

func closeHead(dst []byte, at int) []byte {
	binary.LittleEndian.PutUint32(dst[at+4:], uint32(len(dst)-at-FrameHeadSize))
	return dst
}

// appendNamed appends (name, args), the head of a call or command.
func appendNamed(dst []byte, name string, args []Value) []byte {
	dst = appendUTF8(appendCount(dst, codeTuple, 2), name)
	dst = appendCount(dst, codeTuple, len(args))
	for _, v := range args {
		dst = appendValue(dst, v)
	}
	return dst
}
