package front

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/loop"
)

// Bounds of a lingering close: without input for lingerPause, and after lingerTime in any case, the
// connection is closed, unread bytes or not. There is no bound of bytes: many clients look for an answer
// only when they have sent all of a large body.
const (
	lingerPause = 5 * time.Second
	lingerTime  = 30 * time.Second
)

// linger shuts the sending side down and discards what comes until the client closes as well. To close
// at once would answer bytes that are still on their way with a reset, and the reset can overtake the
// answer in the client's receive buffer: a balancer makes a 502 of that.
func (c *conn) linger() bool {
	if unix.Shutdown(c.fd, unix.SHUT_WR) != nil {
		return c.end() // the client is gone
	}
	c.freeInbox()
	c.phase = lingering
	c.until = c.front.clock.Add(lingerTime)
	c.pace = newPace(lingerPause, 0, c.front.clock)
	return true
}

// discard reads what comes. The rest of what is there is for the next turn: a client that sends without end
// must not keep the loop to itself.
func (c *conn) discard() bool {
	f := c.front
	empty := false
	for left := loop.PerTurn; left > 0; {
		n, err := c.read(f.discard[:])
		if empty = errors.Is(err, errAgain); empty {
			break
		}
		if err != nil || !f.clock.Before(c.until) {
			return c.end()
		}
		left -= n
		c.pace.last = f.clock
	}
	until := c.pace.until()
	if until.After(c.until) {
		until = c.until
	}
	if f.aborting && empty || !f.clock.Before(until) {
		return c.end()
	}
	c.wait(unix.EPOLLIN, until)
	return false
}
