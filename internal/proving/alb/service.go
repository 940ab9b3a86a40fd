package alb

import (
	"sync"

	"fender/internal/proving/alb/group"
	"fender/internal/proving/alb/metric"
)

// service is a target group as the data path sees it.
type service struct {
	bal     *Balancer
	group   *group.Group
	arn     string
	http2   bool // the targets speak HTTP/2
	tls     bool // and TLS
	sticky  bool
	metrics *metric.Set

	mu    sync.Mutex
	pools map[uint64]*pool
	ended bool
}

// pool is the connections to the target; they are made at the first request.
func (s *service) pool(t *group.Target) *pool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pools[t.Key]
	if p != nil {
		return p
	}
	p = &pool{service: s, target: t, all: map[*backend]struct{}{}, gone: s.ended}
	if s.ended {
		return p
	}
	s.pools[t.Key] = p
	s.bal.running.Add(1) // who asks for a pool is running, so this is never the first
	go func() {
		defer s.bal.running.Done()
		select {
		case <-t.Gone():
		case <-s.bal.ending:
		}
		s.mu.Lock()
		delete(s.pools, t.Key)
		s.mu.Unlock()
		p.end()
	}()
	return p
}

// end closes all connections to all targets.
func (s *service) end() {
	s.mu.Lock()
	s.ended = true
	pools := s.pools
	s.pools = map[uint64]*pool{}
	s.mu.Unlock()
	for _, p := range pools {
		p.end()
	}
}
