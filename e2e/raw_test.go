//go:build linux

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"fender/e2e/load"
)

// dialTo opens a connection to an address of the server: HOST:PORT, or a unix socket's path.
func dialTo(t *testing.T, address string) net.Conn {
	t.Helper()
	network := "tcp"
	if strings.HasPrefix(address, "/") || strings.HasPrefix(address, "@") {
		network = "unix"
	}
	c, err := net.DialTimeout(network, address, patience)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// askRaw sends the bytes on a connection of its own and reads one answer.
func askRaw(t *testing.T, address, text string) *load.Response {
	t.Helper()
	c := dialTo(t, address)
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	res, err := load.ReadResponse(bufio.NewReader(c), strings.HasPrefix(text, "HEAD "))
	if err != nil {
		t.Fatalf("%.200q: %v", text, err)
	}
	return res
}

func (s *server) raw(text string) *load.Response {
	s.t.Helper()
	return askRaw(s.t, s.addr, text)
}

// facts is the JSON object that a test's application has answered.
func facts(t *testing.T, res *load.Response) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(res.Body, &doc); err != nil {
		t.Fatalf("status %d, %.500q: %v", res.Status, res.Body, err)
	}
	return doc
}

func (s *server) facts(target string) map[string]any {
	s.t.Helper()
	return facts(s.t, s.must(&load.Request{Target: target}))
}

// chunked is a body in chunks of n bytes.
func chunked(body []byte, n int) string {
	var b bytes.Buffer
	for len(body) > 0 {
		piece := body[:min(n, len(body))]
		body = body[len(piece):]
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(piece), piece)
	}
	b.WriteString("0\r\n\r\n")
	return b.String()
}

// printed waits until all that fender has printed before its end has been read.
func (s *server) printed() {
	s.t.Helper()
	select {
	case <-s.silent:
	case <-time.After(patience):
		s.t.Fatal("somebody keeps fender's standard output open")
	}
}

// says waits until fender or the application has printed the words.
func (s *server) says(words ...string) {
	s.t.Helper()
	if missing := s.log.wait(patience, words...); missing != "" {
		s.t.Fatalf("nobody has printed %q", missing)
	}
}
