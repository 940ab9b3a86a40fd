package front

import "time"

// Bounds of a lingering close: without input for lingerPause, after lingerTime in any case, and after
// lingerBytes of a client that does not listen, the connection is closed, unread bytes or not.
const (
	lingerPause = 5 * time.Second
	lingerTime  = 30 * time.Second
	lingerBytes = 64 << 20
)

// linger shuts the sending side down and discards what comes until the client closes as well. To close
// at once would answer bytes that are still on their way with a reset, and the reset can overtake the
// answer in the client's receive buffer: a balancer makes a 502 of that.
func (c *conn) linger() {
	if c.stream.closeWrite() != nil {
		return // the client is gone
	}
	buf := spoolBuffers.Get().(*[64 << 10]byte)
	defer spoolBuffers.Put(buf)
	end := time.Now().Add(lingerTime)
	for left := lingerBytes; left > 0; {
		until := time.Now().Add(lingerPause)
		if until.After(end) {
			until = end
		}
		c.direct = buf[:]
		n, err := c.stream.read(until, c.front.isAborting)
		c.direct = nil
		if err != nil {
			return
		}
		left -= n
	}
}
