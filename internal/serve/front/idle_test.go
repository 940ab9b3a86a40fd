package front

import (
	"io"
	"net"
	"runtime"
	"testing"
)

func TestIdle_ConnectionsHoldNoBuffer(t *testing.T) {
	const connections, most = 300, 6 << 10 // with the client's end, which is in this process too
	s := serve(t, Options{}, func(j *job) { j.text("x") })
	idle := make([]net.Conn, connections)
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // pools keep what they have for one round
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
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
