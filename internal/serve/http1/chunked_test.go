package http1

import (
	"bytes"
	"strings"
	"testing"
)

// decode runs in through a fresh decoder in pieces of step bytes.
func decode(in []byte, step int) (body []byte, used int, v Verdict) {
	var d Chunked
	for used < len(in) && v == More {
		piece := in[used:min(used+step, len(in))]
		for len(piece) > 0 && v == More {
			var data []byte
			var n int
			data, n, v = d.Decode(piece)
			body = append(body, data...)
			used += n
			piece = piece[n:]
		}
	}
	return body, used, v
}

func TestChunked_DecodesAndLeavesWhatFollows(t *testing.T) {
	in := "5;name=\"va lue\"\r\nhello\r\n00A\r\n, chunked!\r\n0\r\nTrailer: dropped\r\n\r\nGET /"
	for step := 1; step < len(in); step++ {
		body, n, v := decode([]byte(in), step)
		if v != Complete || string(body) != "hello, chunked!" || in[n:] != "GET /" {
			t.Fatalf("step %d: %v, %q, rest %q", step, v, body, in[n:])
		}
	}
}

func TestChunked_GivesEachFaultItsVerdict(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     Verdict
	}{
		{"an empty body", "0\r\n\r\n", Complete},
		{"not finished", "5\r\nhel", More},
		{"no size", "\r\nhello", BadChunkSize},
		{"a hexadecimal prefix", "0x5\r\nhello", BadChunkSize},
		{"a sign", "+5\r\nhello", BadChunkSize},
		{"a space before the size", " 5\r\nhello", BadChunkSize},
		{"a space behind the size", "5 \r\nhello", BadChunkSize},
		{"a size that wraps around", "10000000000000005\r\nhello", ChunkTooLong},
		{"a size that is negative when signed", "ffffffffffffffff\r\n", ChunkTooLong},
		{"LF ends the size line", "5\nhello\r\n0\r\n\r\n", BareLF},
		{"CR and no LF behind the size", "5\rhello", BareCR},
		{"NUL in an extension", "5;a\x00\r\nhello", ControlByte},
		{"LF in an extension", "5;a\nhello", BareLF},
		{"data longer than its size", "5\r\nhello!\r\n0\r\n\r\n", BadChunkEnd},
		{"LF ends the data", "5\r\nhello\n0\r\n\r\n", BadChunkEnd},
		{"CR and no LF behind the data", "5\r\nhello\r0", BadChunkEnd},
		{"a long extension", "5;" + strings.Repeat("a", 5000) + "\r\n", ChunkLineTooLong},
		{"many extensions on tiny chunks", strings.Repeat("1;"+strings.Repeat("a", 100)+"\r\nx\r\n", 300), ChunkLineTooLong},
		{"a large chunk earns nothing for them", "4000\r\n" + strings.Repeat("x", 0x4000) + "\r\n" + strings.Repeat("1;"+strings.Repeat("a", 100)+"\r\nx\r\n", 300), ChunkLineTooLong},
		{"many tiny chunks", strings.Repeat("1\r\nx\r\n", 5000) + "0\r\n\r\n", Complete},
		{"LF ends the body", "0\r\n\n", BareLF},
		{"CR CR ends the body", "0\r\n\r\r", BareCR},
		{"a trailer without name", "0\r\n: a\r\n\r\n", BadTrailer},
		{"a folded trailer", "0\r\n a: b\r\n\r\n", BadTrailer},
		{"a trailer without colon", "0\r\na\r\n\r\n", BareCR},
		{"a trailer ended by LF", "0\r\na: b\n\r\n", BareLF},
		{"a long trailer", "0\r\n" + strings.Repeat("a: b\r\n", 2000), TrailerTooLong},
	} {
		if _, _, got := decode([]byte(c.in), len(c.in)); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
		if _, _, got := decode([]byte(c.in), 1); got != c.want {
			t.Errorf("%s, byte by byte: got %v, want %v", c.name, got, c.want)
		}
	}
}

// FuzzChunked checks that any bytes give the same body, end and verdict in any pieces, and that a
// body is never longer than its coding.
func FuzzChunked(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\n\r\n"), uint8(1))
	f.Add([]byte("a;x=y\r\n0123456789\r\n0\r\nA: b\r\n\r\nrest"), uint8(4))
	f.Add([]byte("5\nhello\n0\n\n"), uint8(2))
	f.Fuzz(func(t *testing.T, in []byte, step uint8) {
		body, n, v := decode(in, len(in)+1)
		again, m, w := decode(in, int(step)%9+1)
		if v != w || n != m || !bytes.Equal(body, again) {
			t.Fatalf("whole: %v at %d, %q; in pieces: %v at %d, %q", v, n, body, w, m, again)
		}
		if len(body) > n || n > len(in) {
			t.Fatalf("%d body bytes from %d of %d", len(body), n, len(in))
		}
		if v == More && n != len(in) {
			t.Fatalf("stopped at %d of %d", n, len(in))
		}
	})
}
