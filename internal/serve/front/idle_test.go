package front

import (
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"fender/internal/exchange"
)

// heap is what is held of the heap.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // pools keep what they have for one round
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestIdle_ConnectionsHoldNoBuffer(t *testing.T) {
	const connections, most = 300, 6 << 10 // with the client's end, which is in this process too
	s := serve(t, Options{}, func(j *job) { j.text("x") })
	idle := make([]net.Conn, connections)
	before := heap()
	answer := make([]byte, 1024)
	for i := range idle {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		idle[i] = c
		if _, err := io.WriteString(c, get("/")); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(answer); err != nil || n < len("HTTP/1.1 200") || string(answer[9:12]) != "200" {
			t.Fatalf("%q, %v", answer[:n], err)
		}
		s.entry()
	}
	s.door.running.Wait()
	s.door.mu.Lock()
	clear(s.door.jobs) // they are the test's
	s.door.mu.Unlock()
	if each := (heap() - before) / connections; each > most {
		t.Errorf("%d bytes of heap for each idle connection, at most %d are expected", each, most)
	}
	if q := s.Quiet(); q.Connections != connections {
		t.Errorf("%d connections", q.Connections)
	}
	runtime.KeepAlive(idle)
}

// The buffers for large bodies are for those that come, not for those that are waited for.
func TestWaiting_ForABodyHoldsNoLargeBuffer(t *testing.T) {
	const connections, most = 100, 24 << 10 // with the inbox
	for _, w := range []struct{ name, raw, answer string }{
		{"an upload that pauses", post(1<<20, "Expect: 100-continue\r\n"), "HTTP/1.1 100"},
		{"a lingering close", post(4<<20, ""), "HTTP/1.1 413"},
	} {
		t.Run(w.name, func(t *testing.T) {
			s := serve(t, Options{LimitPost: 1 << 20}, func(*job) {})
			before := heap()
			for range connections {
				c, err := net.Dial("tcp", s.addr)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				got := make([]byte, len(w.answer))
				if _, err := io.WriteString(c, w.raw); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(c, got); err != nil || string(got) != w.answer {
					t.Fatalf("%q, %v", got, err)
				}
				if _, err := io.WriteString(c, "some of it"); err != nil {
					t.Fatal(err)
				}
			}
			if each := (heap() - before) / connections; each > most {
				t.Errorf("%d bytes of heap for each connection, at most %d are expected", each, most)
			}
		})
	}
}

// Heads above the first size of an inbox count against the memory budget like bodies do.
func TestHead_ThatIsLargeWaitsWithinTheMemoryBudget(t *testing.T) {
	s := serve(t, Options{Memory: exchange.NewBudget(100 << 10)}, func(j *job) { j.text("x") })
	large := func(path string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 60<<10)
	}
	alone := s.dial()
	alone.send(large("/") + "\r\n\r\n")
	if got := alone.receive("GET"); got.code != 200 {
		t.Errorf("alone: %d", got.code)
	}
	s.entry()
	waiting := map[string]*client{"/1": s.dial(), "/2": s.dial()} // they do not come to their end
	for path, c := range waiting {
		c.send(large(path))
	}
	e := s.entry() // one of them finds no room
	if e.Status != 503 || e.Cause != "spool-full" || waiting[e.Target] == nil {
		t.Fatalf("logged %+v", e)
	}
	if got := waiting[e.Target].receive("GET"); got.code != 503 || got.Header.Get(CauseHeader) != "spool-full" || !got.Close {
		t.Errorf("%d %v", got.code, got.Header)
	}
	delete(waiting, e.Target)
	if got := s.dial().get("/small"); got.code != 200 {
		t.Errorf("a small one beside them: %d", got.code)
	}
	for _, c := range waiting {
		c.send("\r\n\r\n")
		if got := c.receive("GET"); got.code != 200 {
			t.Errorf("the other large one: %d", got.code)
		}
	}
}
