package alb

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"fender/internal/proving/alb/config"
)

// misbehave is a target that does something else with each request.
func misbehave(seed uint64) func(w *wire, n int) {
	return func(w *wire, n int) {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		for {
			head := w.head()
			if !strings.HasSuffix(head, "\r\n\r\n") {
				return
			}
			path := strings.Fields(head)[1]
			answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(path), path)
			early := r.IntN(8) == 0
			if !early {
				body, whole := w.body(head), header(head, "x-body")
				if !strings.HasPrefix(whole, body) {
					w.t.Errorf("%s came with the body %q, want %q", path, body, whole)
				}
				if body != whole { // the client has left
					return
				}
			}
			switch r.IntN(12) {
			case 0:
				return
			case 1:
				w.reset()
				return
			case 2:
				_, _ = w.Write([]byte(answer[:r.IntN(len(answer))]))
				return
			case 3:
				_, _ = w.Write([]byte("nonsense\r\n\r\n"))
				return
			case 4:
				_, _ = w.Write([]byte(answer))
				return
			case 5:
				_, _ = w.Write([]byte("HTTP/1.1 200 OK\r\n\r\n" + path))
				return
			case 6:
				_, _ = w.Write([]byte(strings.Replace(answer, "\r\n", "\r\nConnection: close\r\n", 1)))
				return
			default:
				if _, err := w.Write([]byte(answer)); err != nil || early {
					return
				}
			}
		}
	}
}

// body reads the body that head announces.
func (w *wire) body(head string) string {
	if header(head, "transfer-encoding") == "" {
		n := 0
		_, _ = fmt.Sscan(header(head, "content-length"), &n)
		return w.bytes(n)
	}
	var b strings.Builder
	for {
		n := 0
		line, err := w.r.ReadString('\n')
		if err != nil {
			return b.String()
		}
		if _, _ = fmt.Sscanf(line, "%x", &n); n == 0 {
			w.bytes(2)
			return b.String()
		}
		b.WriteString(w.bytes(n))
		w.bytes(2)
	}
}

// TestChaos: whatever targets and clients do, every request has one line in the log, no client gets
// another's response, and nothing is left over.
func TestChaos_EveryRequestIsLoggedOnce(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Millisecond} {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		s := start(t, target(t, misbehave(seed)), func(o *Options, c *config.Config) {
			o.FinDelay = delay
			c.LoadBalancer.IdleTimeout = aLongTime
		})
		const clients, requests = 8, 150
		var mu sync.Mutex
		sent := map[string]bool{}
		var running sync.WaitGroup
		for i := range clients {
			running.Go(func() {
				r := rand.New(rand.NewPCG(seed, uint64(1000+i)))
				w := s.dial()
				for k := range requests {
					path := fmt.Sprintf("/%d-%d", i, k)
					mu.Lock()
					sent[path] = true
					mu.Unlock()
					if !oneRequest(w, r, path) {
						_ = w.Close()
						w = s.dial()
					}
				}
				_ = w.Close()
			})
		}
		running.Wait()
		logged := map[string]bool{}
		for range clients * requests {
			e := s.entry()
			_, rest, _ := strings.Cut(e.RequestLine, "://")
			_, path, _ := strings.Cut(rest, "/")
			path, _, _ = strings.Cut("/"+path, " ")
			if logged[path] || !sent[path] {
				t.Fatalf("a second line for %s: %+v", path, e)
			}
			logged[path] = true
		}
		if extra := len(s.log); extra > 0 {
			t.Errorf("%d lines too many", extra)
		}
	}
}

// oneRequest sends a request in one of several ways and says whether the connection goes on.
func oneRequest(w *wire, r *rand.Rand, path string) bool {
	text := ""
	body := strings.Repeat("b", r.IntN(200)+1)
	switch r.IntN(3) {
	case 0:
		text = "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"
	case 1:
		text = fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nX-Body: %s\r\nContent-Length: %d\r\n\r\n%s", path, body, len(body), body)
	case 2:
		text = fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nX-Body: %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", path, body, len(body), body)
	}
	cut := len(text)
	if r.IntN(3) == 0 {
		cut = strings.Index(text, "\r\n\r\n") + 4 // the body later
	}
	if _, err := w.Write([]byte(text[:cut])); err != nil {
		w.t.Errorf("%s: %v", path, err)
		return false
	}
	if r.IntN(10) == 0 {
		return false
	}
	if cut < len(text) {
		if _, err := w.Write([]byte(text[cut:])); err != nil {
			return false
		}
	}
	head, got := w.answer()
	switch {
	case status(head) == 200 && header(head, "content-length") != "" && len(got) < len(path):
		return false // cut
	case status(head) == 200 && strings.HasSuffix(got, "<cut>"):
		return false
	case status(head) == 200 && got != path:
		w.t.Errorf("%s got the response %q", path, got)
	case status(head) != 200 && status(head) != 502:
		w.t.Errorf("%s got:\n%s", path, head)
	}
	return header(head, "connection") == "keep-alive"
}

// TestChaosOverHTTP2: as above; a request that its client gave up may not have come at all.
func TestChaosOverHTTP2_EveryAnswerIsLoggedOnce(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	s := start(t, target(t, misbehave(seed)), https, func(o *Options, c *config.Config) {
		o.FinDelay = time.Millisecond
		c.LoadBalancer.IdleTimeout = aLongTime
	})
	conn := s.h2()
	const clients, requests = 8, 100
	var mu sync.Mutex
	wanted := map[string]bool{}
	var running sync.WaitGroup
	for i := range clients {
		running.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(1000+i)))
			for k := range requests {
				path := fmt.Sprintf("/%d-%d", i, k)
				if answered := oneStream(t, conn, r, path); answered {
					mu.Lock()
					wanted[path] = true
					mu.Unlock()
				}
			}
		})
	}
	running.Wait()
	if len(wanted) < clients*requests/2 {
		t.Errorf("only %d answers", len(wanted))
	}
	seen := map[string]bool{}
	for left := len(wanted); left > 0; {
		e := s.entry()
		_, rest, _ := strings.Cut(e.RequestLine, "://a:")
		_, path, _ := strings.Cut(rest, "/")
		path, _, _ = strings.Cut("/"+path, " ")
		if seen[path] {
			t.Fatalf("a second line for %s: %+v", path, e)
		}
		if seen[path] = true; wanted[path] {
			left--
		}
	}
}

// oneStream sends a request and says whether the head of a response came.
func oneStream(t *testing.T, conn *http.ClientConn, r *rand.Rand, path string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), aLongTime)
	defer cancel()
	method, body := http.MethodGet, ""
	if r.IntN(2) == 0 {
		method, body = http.MethodPost, strings.Repeat("b", r.IntN(200)+1)
	}
	q, err := http.NewRequestWithContext(ctx, method, "https://a"+path, io.NopCloser(strings.NewReader(body)))
	if err != nil {
		t.Error(err)
		return false
	}
	if q.Header.Set("X-Body", body); body == "" {
		q.Body = nil
	} else if r.IntN(2) == 0 {
		q.ContentLength = int64(len(body))
	}
	if r.IntN(10) == 0 {
		time.AfterFunc(time.Duration(r.IntN(1000))*time.Microsecond, cancel)
	}
	resp, err := conn.RoundTrip(q)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if resp.StatusCode == http.StatusOK && err == nil && string(got) != path {
		t.Errorf("%s got the response %q", path, got)
	}
	return true
}
