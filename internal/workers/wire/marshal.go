package wire

import (
	"encoding/binary"
	"math/bits"
)

// The marshal type codes of the contract (CPython, Python/marshal.c). Version 2 knows no
// references; 'z' and 'Z' are of version 4 and are read by every Python since 3.4.
const (
	codeNull     = '0' // ends a dict
	codeNone     = 'N'
	codeTrue     = 'T'
	codeFalse    = 'F'
	codeInt      = 'i' // 32 bits, little endian, signed
	codeBytes    = 's' // length of 32 bits, bytes
	codeText     = 'u' // length of 32 bits, UTF-8 (lone surrogates pass)
	codeShort    = 'z' // length of 8 bits, ASCII
	codeInterned = 'Z' // the same, interned; only written, and only for names of the fixed table
	codeTuple    = '(' // count of 32 bits, values
	codeList     = '[' // count of 32 bits, values
	codeDict     = '{' // key, value, key, value ... codeNull
)

// codeName is the Python type behind a code, "" for a code that is not in the contract.
func codeName(code byte) string {
	switch code {
	case codeNone:
		return "None"
	case codeTrue, codeFalse:
		return "bool"
	case codeInt:
		return "int"
	case codeBytes:
		return "bytes"
	case codeText, codeShort:
		return "str"
	case codeTuple:
		return "tuple"
	case codeList:
		return "list"
	case codeDict:
		return "dict"
	}
	return ""
}

const maxShort = 255 // longest 'z'

func appendCount(dst []byte, code byte, n int) []byte {
	return binary.LittleEndian.AppendUint32(append(dst, code), uint32(n))
}

func appendInt(dst []byte, n int32) []byte {
	return binary.LittleEndian.AppendUint32(append(dst, codeInt), uint32(n))
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, codeTrue)
	}
	return append(dst, codeFalse)
}

func appendBytes(dst []byte, b string) []byte {
	return append(appendCount(dst, codeBytes, len(b)), b...)
}

// appendUTF8 appends the str whose UTF-8 is s.
func appendUTF8(dst []byte, s string) []byte {
	if highBytes(s) == 0 {
		return appendASCII(dst, s)
	}
	return append(appendCount(dst, codeText, len(s)), s...)
}

func appendASCII(dst []byte, s string) []byte {
	if len(s) <= maxShort {
		return append(append(dst, codeShort, byte(len(s))), s...)
	}
	return append(appendCount(dst, codeText, len(s)), s...)
}

// appendLatin1 appends the str whose code points are the bytes of s, as PEP 3333 wants it.
func appendLatin1(dst []byte, s string) []byte {
	high := highBytes(s)
	if high == 0 {
		return appendASCII(dst, s)
	}
	dst = appendCount(dst, codeText, len(s)+high)
	for i := 0; i < len(s); i++ {
		dst = appendLatin1Byte(dst, s[i])
	}
	return dst
}

func appendLatin1Byte(dst []byte, c byte) []byte {
	if c < 0x80 {
		return append(dst, c)
	}
	return append(dst, 0xC0|c>>6, 0x80|c&0x3F)
}

// highBytes counts the bytes of s that are not ASCII, eight at a time: a cookie may have 4 KiB.
func highBytes(s string) int {
	n := 0
	for len(s) >= 8 {
		word := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		n += bits.OnesCount64(word & 0x8080808080808080)
		s = s[8:]
	}
	for i := 0; i < len(s); i++ {
		n += int(s[i] >> 7)
	}
	return n
}
