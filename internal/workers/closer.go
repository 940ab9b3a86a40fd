package workers

import (
	"io"
	"sync"

	"golang.org/x/sys/unix"
)

// closer closes what workers have sent and nobody wants, in a goroutine of its own: the last close of
// an unlinked file frees its blocks on the disk, one of a file on a network asks another machine, and
// one of a socket may linger.
type closer struct {
	helpers *sync.WaitGroup

	mu      sync.Mutex
	waiting []io.Closer
	running bool
}

// descriptor is one that came from a worker.
type descriptor int

// Close gives it back.
func (d descriptor) Close() error { return unix.Close(int(d)) }

// close never waits.
func (c *closer) close(x io.Closer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, x)
	if !c.running {
		c.running = true
		c.helpers.Go(c.run)
	}
}

// run ends when nothing waits.
func (c *closer) run() {
	for {
		c.mu.Lock()
		list := c.waiting
		c.waiting = nil
		c.running = len(list) > 0
		c.mu.Unlock()
		if len(list) == 0 {
			return
		}
		for _, x := range list {
			_ = x.Close()
		}
	}
}
