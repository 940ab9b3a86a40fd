package front

import (
	"strings"
	"testing"

	"fender/internal/loop"
)

// A client that sends without end to a connection that is over must not have the loop to itself: in one turn
// the loop takes no more of it than of anybody else.
func TestLinger_LeavesTheLoopToOthers(t *testing.T) {
	const flood = 64 << 20
	s := serve(t, Options{LimitPost: 1}, mirror(t))
	c := s.dial()
	c.send(post(flood, ""))
	if got := c.receive("POST"); got.code != 413 {
		t.Fatalf("status %d", got.code)
	}
	s.entry()
	s.Drain() // from now on changes are told
	before := s.loop.Lag().Turns
	c.send(strings.Repeat("x", flood))
	c.Close()
	for s.Quiet().Connections > 0 {
		wait(t, "the end of the connection", s.Changed())
	}
	if turns := s.loop.Lag().Turns - before; turns < flood/loop.PerTurn {
		t.Errorf("%d bytes were discarded in %d turns of the loop, of at most %d each", flood, turns, loop.PerTurn)
	}
}
