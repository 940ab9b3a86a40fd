package alb

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"time"

	"fender/internal/proving/alb/message"
)

// largeHeaders is the size above which a client's trace id is replaced instead of extended.
const largeHeaders = 7 << 10

// appendTrace appends the request's X-Amzn-Trace-Id: the client's with a Self field, or a new Root.
func appendTrace(b, given []byte, headers int, now time.Time) []byte {
	if len(given) == 0 {
		return appendTraceID(append(b, "Root="...), now)
	}
	root := false
	fields := bytes.Split(given, []byte{';'})
	for _, f := range fields {
		root = root || bytes.HasPrefix(message.Trim(f), []byte("Root="))
	}
	if !root || headers > largeHeaders {
		return appendTraceID(append(b, "Root="...), now)
	}
	b = appendTraceID(append(b, "Self="...), now)
	for _, f := range fields {
		if f = message.Trim(f); len(f) > 0 && !bytes.HasPrefix(f, []byte("Self=")) {
			b = append(b, ';')
			b = append(b, f...)
		}
	}
	return b
}

// appendTraceID appends 1-<8 hex digits of the time>-<24 at random>.
func appendTraceID(b []byte, now time.Time) []byte {
	b = append(b, "1-"...)
	b = appendHex(b, uint64(now.Unix()), 8)
	b = append(b, '-')
	b = appendHex(b, rand.Uint64(), 16)
	return appendHex(b, rand.Uint64(), 8)
}

func appendHex(b []byte, v uint64, digits int) []byte {
	for shift := (digits - 1) * 4; shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[v>>shift&15])
	}
	return b
}

// connTrace is the id that joins the lines of the two logs.
func connTrace() string {
	var raw [16]byte
	for i := range raw {
		raw[i] = byte(rand.Uint32())
	}
	return "TID_" + hex.EncodeToString(raw[:])
}
