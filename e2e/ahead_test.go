//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"fender/e2e/load"
)

// A request that runs for long holds up no other one while there is a free slot: whatever was sent ahead behind
// it, before it was known to be slow, is taken back. The long one runs until the others have their
// answers, so one that stays behind it would never have its own.
func TestALongRequestHoldsUpNobodyWhileASlotIsFree(t *testing.T) {
	const clients, each, rounds = 8, 20, 12
	taken := 0.0
	for _, size := range [][]string{
		{"--processes", "2"},
		{"--processes", "1", "--threads", "2"},
		{"--processes", "2", "--threads", "2", "--max-requests", "100"},
	} {
		pipe := filepath.Join(t.TempDir(), "pipe")
		fifo(t, pipe)
		s := serve(t, append(append(app(t, `
def application(environ, start_response):
    if environ["PATH_INFO"] == "/long":
        open(environ["QUERY_STRING"]).read()
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
`), "--control", control(t)), size...)...)
		for range rounds {
			var fast, all sync.WaitGroup
			all.Add(clients)
			for range clients {
				fast.Go(func() {
					conn := &load.Conn{Addr: s.addr}
					defer conn.Close()
					for i := range each {
						if _, kind, err := conn.Do(&load.Request{Target: "/"}); kind != load.OK {
							t.Errorf("%q: %v", size, err)
						}
						if i == each/4 {
							all.Done()
						}
					}
				})
			}
			all.Wait() // the long one comes into a full house
			long := s.later(&load.Request{Target: "/long?" + pipe})
			fast.Wait()
			end, err := os.OpenFile(pipe, os.O_WRONLY, 0) // waits for the long one
			if err != nil {
				t.Fatal(err)
			}
			end.Close()
			if o := <-long; o.kind != load.OK {
				t.Errorf("%q: the long one: %v", size, o.err)
			}
		}
		taken += s.status()["totals"].(map[string]any)["taken_back"].(float64)
	}
	if taken == 0 {
		t.Error("nothing was ever taken back: the test has shown nothing")
	}
}
