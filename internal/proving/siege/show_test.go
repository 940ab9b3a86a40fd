package siege

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// bounded takes so many bytes and no more.
type bounded struct {
	left int
	seen bytes.Buffer
}

var errFull = errors.New("full")

func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.left -= n
	b.seen.Write(p[:n])
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

func TestShow_PrintsHeadsAndBody(t *testing.T) {
	t.Parallel()
	s := answering(t, "HTTP/1.1 103 Early Hints\r\n\r\n"+hello)
	for body, want := range map[bool]string{true: "\r\n\r\nhello\n", false: "Content-Length: 5\r\n\r\n"} {
		w := &bounded{left: 1 << 20}
		kind, err := Show(t.Context(), w, Options{Requests: resolved(t, s.addr)}, body)
		got := w.seen.String()
		if err != nil || kind != OK || !strings.HasPrefix(got, "GET / HTTP/1.1\r\n") || !strings.Contains(got, "\r\n\r\nHTTP/1.1 103") || !strings.HasSuffix(got, want) {
			t.Errorf("%v %v %q", kind, err, got)
		}
	}
}

// An answer without end is shown as it comes, and none of it is kept.
func TestShow_EndsWhenItCannotBePrintedAnyMore(t *testing.T) {
	t.Parallel()
	s := serve(t, func(_ int, c *net.TCPConn) {
		hear(c, 0)
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\n\r\n")
		part := bytes.Repeat([]byte("x"), 64<<10)
		for {
			if _, err := c.Write(part); err != nil {
				return
			}
		}
	})
	w := &bounded{left: 2 * pageBuffer}
	_, err := Show(t.Context(), w, Options{Requests: resolved(t, s.addr), Timeout: time.Hour}, true)
	if !errors.Is(err, errFull) || w.left != 0 {
		t.Errorf("%v, %d bytes seen", err, w.seen.Len())
	}
}
