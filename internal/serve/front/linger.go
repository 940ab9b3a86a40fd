package front

import (
	"math"
	"time"
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
func (c *conn) linger() {
	if c.stream.closeWrite() != nil {
		return // the client is gone
	}
	defer c.freeBulk()
	end := time.Now().Add(lingerTime)
	for {
		until := time.Now().Add(lingerPause)
		if until.After(end) {
			until = end
		}
		if _, err := c.readBulk(math.MaxInt64, until); err != nil {
			return
		}
	}
}
