package siege

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Nothing is sent twice, nothing is lost and nothing is called by another name: the target, which knows
// what it did with every request, has the same numbers.
func TestRun_CountsWhatTheTargetCounted(t *testing.T) {
	t.Parallel()
	deeds := []struct {
		kind   Kind
		answer string
		end    func(*net.TCPConn) // nil: the connection is kept
	}{
		{OK, hello, nil},
		{Status5xx, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", nil},
		{OK, hello, nil},
		{ResetBefore, "", reset},
		{ClosedBefore, "", func(c *net.TCPConn) { c.Close() }},
		{WrongBody, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello", nil},
		{OK, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", func(c *net.TCPConn) { c.Close() }},
		{Truncated, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", func(c *net.TCPConn) { c.Close() }},
		{ResetAfter, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", reset},
		{BadAnswer, "HTTP/1.1 abc OK\r\n\r\n", nil},
	}
	digest, err := ParseSHA256(sum("hello"))
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"closed": {Phases: []Phase{{Users: 8}}, Reps: 50},
		"open":   {Phases: []Phase{{Rate: 1000, Open: true, For: 400 * time.Millisecond}}},
	} {
		var mu sync.Mutex
		n, did := 0, map[string]int64{}
		s := serve(t, func(_ int, c *net.TCPConn) {
			for {
				if _, ok := hear(c, 0); !ok {
					return
				}
				mu.Lock()
				deed := deeds[n%len(deeds)]
				n++
				did[deed.kind.String()]++
				mu.Unlock()
				fmt.Fprint(c, deed.answer)
				if deed.end != nil {
					deed.end(c)
					return
				}
			}
		})
		// A wrong status has a wrong body too: it is the status that is told.
		o.Requests, o.Expect.SHA256 = resolved(t, s.addr), digest
		r, err := Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		saw := map[string]int64{"ok": r.OK}
		for kind, n := range r.Failures {
			saw[kind] = n
		}
		mu.Lock()
		if diff := cmp.Diff(did, saw); diff != "" || r.Requests != 400 || n != 400 {
			t.Errorf("%s: the target had %d requests, siege %d\n%s\n%+v", name, n, r.Requests, diff, r.Examples)
		}
		mu.Unlock()
		// The status of an answer that was not whole is not counted as well.
		if diff := cmp.Diff(map[string]int64{"200": 160, "503": 40}, r.Statuses); diff != "" {
			t.Errorf("%s: statuses %s", name, diff)
		}
	}
}

// What a request took is never less than what the target took for it, and begins where it should have
// begun.
func TestRun_NoLatencyIsShorterThanTheTargetsOwnTime(t *testing.T) {
	t.Parallel()
	const delay = 20 * time.Millisecond
	s := serve(t, func(_ int, c *net.TCPConn) {
		for {
			if _, ok := hear(c, 0); !ok {
				return
			}
			timer := time.NewTimer(delay) // it works
			<-timer.C
			fmt.Fprint(c, hello)
		}
	})
	for name, c := range map[string]struct {
		o    Options
		long time.Duration // the longest took this at least
	}{
		"closed": {Options{Phases: []Phase{{Users: 5}}, Reps: 4}, delay},
		"open":   {Options{Phases: []Phase{{Rate: 100, Open: true, For: 200 * time.Millisecond}}}, delay},
		// Twenty are due in 20 ms and have one connection: the last one is answered after 20 delays.
		"open, one connection": {Options{Phases: []Phase{{Rate: 1000, Open: true, For: delay}}, Connections: 1}, 19 * delay},
	} {
		c.o.Requests = resolved(t, s.addr)
		r, err := Run(context.Background(), c.o)
		if err != nil || r.OK != 20 {
			t.Fatalf("%s: %v, %+v", name, err, r)
		}
		if r.Latency.Min < delay.Seconds() || r.Latency.Max < c.long.Seconds() {
			t.Errorf("%s: %v to %v seconds", name, r.Latency.Min, r.Latency.Max)
		}
	}
}
