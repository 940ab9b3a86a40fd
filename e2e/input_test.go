//go:build linux

package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// lines are a body of so many bytes in lines of 10.
func lines(n int) string {
	return strings.Repeat("a line...\n", n/10+1)[:n]
}

// wsgi.input gives the same whatever way the body has come: in the message with the request, or, when
// it is larger, in a file; with a length or in chunks.
func TestWSGIInputReadsAsPEP3333Says(t *testing.T) {
	s := serve(t, testdata("input")...)
	const small, large = 25, 300_005
	for _, c := range []struct {
		size int
		do   string
		want []string
	}{
		{0, "read()|read(5)|readline()|readlines()|iterate", []string{"", "", ""}},
		{small, "read()", []string{lines(small)}},
		{small, "read(3)|read(0)|read(-1)|read()|read(9)", []string{"a l", "", lines(small)[3:], "", ""}},
		{small, "read(1000)|read(1)", []string{lines(small), ""}},
		{small, "readline()|readline(3)|readline()|readline()|readline()", []string{"a line...\n", "a l", "ine...\n", "a lin", ""}},
		{small, "readlines()|readlines()", []string{"a line...\n", "a line...\n", "a lin"}},
		{small, "readlines(11)|readlines()", []string{"a line...\n", "a line...\n", "a lin"}},
		{small, "readline()|iterate|read()", []string{"a line...\n", "a line...\n", "a lin", ""}},
		{large, "read(7)|readline()|read(3)", []string{"a line.", "..\n", "a l"}},
		{large, "readline(4)|read(1000000)|read(1)", []string{"a li", lines(large)[4:], ""}},
	} {
		body := lines(c.size)
		target := "/?do=" + url.QueryEscape(c.do)
		for name, text := range map[string]string{
			"length":       fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", target, len(body), body),
			"one chunk":    "POST " + target + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked([]byte(body), 1<<20),
			"small chunks": "POST " + target + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked([]byte(body), 7),
		} {
			doc := facts(t, s.raw(text))
			got := []string{}
			for _, r := range doc["result"].([]any) {
				got = append(got, r.(string))
			}
			if strings.Join(got, "|") != strings.Join(c.want, "|") {
				t.Errorf("%d bytes by %s, %s: %.200q", c.size, name, c.do, got)
			}
			if doc["length"] != fmt.Sprint(len(body)) || doc["coding"] != nil || doc["terminated"] != true {
				t.Errorf("%d bytes by %s: CONTENT_LENGTH %v, HTTP_TRANSFER_ENCODING %v, wsgi.input_terminated %v",
					c.size, name, doc["length"], doc["coding"], doc["terminated"])
			}
		}
	}
}

// Sizes around every bound on the way: a message to the worker, the memory of the front, its buffers.
func TestBodiesOfEverySizeArriveWhole(t *testing.T) {
	s := serve(t, testdata("input")...)
	kinds := map[string]bool{}
	for _, bound := range []int{0, 4 << 10, 64 << 10, 128 << 10, 1 << 20} {
		for _, size := range []int{bound - 300, bound - 1, bound, bound + 1, bound + 300} {
			if size < 0 {
				continue
			}
			body := make([]byte, size)
			pattern(body, int64(size))
			sum := sha256.Sum256(body)
			doc := facts(t, s.raw(fmt.Sprintf("PUT /?do=sum HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, body)))
			if got := fmt.Sprint(doc["result"]); got != "["+hex.EncodeToString(sum[:])+"]" {
				t.Errorf("%d bytes: %v", size, got)
			}
			kinds[fmt.Sprint(doc["kind"])] = true
		}
	}
	if len(kinds) != 2 {
		t.Errorf("bodies came as %v, not in memory and in files", kinds)
	}
}
