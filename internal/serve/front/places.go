package front

import "sync"

// places counts the connections and bounds them: clients must not take the descriptors that workers and
// spool files need. Who finds no place waits in the kernel's queue.
type places struct {
	most int            // 0: no bound
	full func(most int) // told when clients must wait

	mu    sync.Mutex
	freed sync.Cond
	taken int
	over  bool // nobody waits any more
}

func newPlaces(most int, full func(int)) *places {
	p := &places{most: most, full: full}
	p.freed.L = &p.mu
	return p
}

// wait waits until there is a place. It reports false when that is over. Each socket waits before it
// accepts, so there may be as many connections above the bound as there are sockets.
func (p *places) wait() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.most > 0 && p.taken >= p.most && !p.over {
		p.full(p.most)
		p.freed.Wait()
	}
	return !p.over
}

func (p *places) take() {
	p.mu.Lock()
	p.taken++
	p.mu.Unlock()
}

func (p *places) give() {
	p.mu.Lock()
	p.taken--
	p.mu.Unlock()
	p.freed.Broadcast()
}

// close ends all waiting.
func (p *places) close() {
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	p.freed.Broadcast()
}
