package alb

import (
	"slices"
	"sync"

	"fender/internal/proving/alb/group"
)

// pool is the connections to one target.
type pool struct {
	service *service
	target  *group.Target

	mu      sync.Mutex
	idle    []*backend // the one used last is at the end, and is used next
	all     map[*backend]struct{}
	opening bool // a connection is being made that nobody waits for
	gone    bool // the target, or the balancer
	h2      multiplexed
}

// take gives the idle connection that was used last to ex, or nil.
func (p *pool) take(ex *exchange) *backend {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle) - 1
	if n < 0 || p.gone {
		return nil
	}
	b := p.idle[n]
	p.idle[n] = nil
	p.idle = p.idle[:n]
	b.touch() // the idle timeout begins anew
	ex.backend.Store(b)
	b.ex.Store(ex)
	return b
}

// put takes a connection back whose exchange is over.
func (p *pool) put(b *backend) {
	p.mu.Lock()
	dead := b.dead || p.gone
	if !dead {
		p.idle = append(p.idle, b)
	}
	p.mu.Unlock()
	if dead {
		b.close()
	}
}

// add enters a new connection. It says no when the target is gone.
func (p *pool) add(b *backend) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		p.all[b] = struct{}{}
	}
	return !p.gone
}

// forget takes a connection out that has ended.
func (p *pool) forget(b *backend) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.dead = true
	p.withdraw(b)
	delete(p.all, b)
}

// withdraw takes b out of the idle ones. The lock is held.
func (p *pool) withdraw(b *backend) {
	if i := slices.Index(p.idle, b); i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
	}
}

// end closes all connections: the target is gone.
func (p *pool) end() {
	p.mu.Lock()
	p.gone = true
	all := make([]*backend, 0, len(p.all))
	for b := range p.all {
		all = append(all, b)
	}
	p.mu.Unlock()
	for _, b := range all {
		b.sever()
	}
	p.h2.end()
}
