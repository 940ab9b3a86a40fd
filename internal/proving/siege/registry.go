package siege

import (
	"net"
	"sync"
)

// registry knows the open connections.
type registry struct {
	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

func newRegistry() *registry { return &registry{conns: map[net.Conn]struct{}{}} }

// add takes a connection in. After cut it closes it and says false.
func (r *registry) add(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		c.Close()
		return false
	}
	r.conns[c] = struct{}{}
	return true
}

// drop closes a connection.
func (r *registry) drop(c net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
	c.Close()
}

// cut closes every connection and lets no other come up.
func (r *registry) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for c := range r.conns {
		c.Close()
	}
}

func (r *registry) isCut() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}
