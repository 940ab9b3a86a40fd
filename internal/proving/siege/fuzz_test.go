package siege

import (
	"bytes"
	"testing"
)

func FuzzParseHead(f *testing.F) {
	for _, s := range []string{
		hello, "HTTP/1.0 404\r\nConnection: close, x\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\n: x\r\n\r\n", "HTTP/1.1 200 OK\r\nA\r\n\r\n", "HTT", "",
	} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, buf []byte, cut int) {
		before := bytes.Clone(buf)
		h, n, err := parseHead(buf)
		if !bytes.Equal(before, buf) {
			t.Fatal("the buffer was changed")
		}
		switch {
		case err != nil:
			if len(err.Error()) > 500 {
				t.Fatalf("a message of %d bytes", len(err.Error()))
			}
			return
		case n < 0 || n > len(buf) || n > longestHead+len(headEnd):
			t.Fatalf("a head of %d bytes in %d", n, len(buf))
		case n == 0:
			return
		}
		if h.status < 100 || h.status > 599 || h.length < -1 || h.chunked && h.length >= 0 || !bytes.HasSuffix(buf[:n], headEnd) {
			t.Fatalf("%+v of %q", h, buf[:n])
		}
		// Whatever comes before the rest says the same or asks for more.
		if cut >= 0 && cut < n {
			if _, m, err := parseHead(buf[:cut]); m != 0 || err != nil {
				t.Fatalf("%d bytes of %q: %d, %v", cut, buf[:n], m, err)
			}
		}
		for _, line := range bytes.Split(buf, crlf) {
			if size, ok := chunkSize(line); ok && size < 0 {
				t.Fatalf("a chunk of %d bytes: %q", size, line)
			}
		}
	})
}
