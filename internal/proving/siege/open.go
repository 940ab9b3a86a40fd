package siege

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// crew is the connections of the open model: as many as are needed at a time, the one that was used
// last first, and never more than the bound.
type crew struct {
	run   *run
	wg    sync.WaitGroup
	slots chan struct{} // one for each request under way
	lag   longest       // that the generator itself was behind

	mu    sync.Mutex
	idle  []chan arrival
	made  int
	spare *user // chooses the requests, and counts what is never sent; the lock is held
}

// arrival is a request and the time at which it is to begin.
type arrival struct {
	q    *Request
	at   time.Time
	late bool // it had to wait for a connection
}

// longest is the longest of some times.
type longest struct{ ns atomic.Int64 }

func (l *longest) add(d time.Duration) {
	for n := l.ns.Load(); int64(d) > n && !l.ns.CompareAndSwap(n, int64(d)); n = l.ns.Load() {
	}
}

func newCrew(r *run) *crew {
	c := &crew{run: r, slots: make(chan struct{}, r.opts.Connections)}
	c.spare = r.newUser(0, 1)
	return c
}

// arrive lets the arrivals of a phase in, each at its time, until the phase or the run ends.
func (c *crew) arrive(ctx context.Context, begin time.Time, p Phase, seed uint64) {
	s := schedule{rate: p.Rate}
	if c.run.opts.Poisson {
		s.rand = rand.New(rand.NewPCG(seed, 1))
	}
	behind := false
	alarm := newAlarm()
	defer alarm.close()
	for {
		at := s.next()
		if at >= p.For {
			return
		}
		intended := begin.Add(at)
		if !alarm.sleepUntil(ctx, intended) || !c.admit(ctx, intended, &behind) {
			for now := time.Now(); at < p.For && !begin.Add(at).After(now); at = s.next() {
				c.run.counts.left.Add(1)
				if behind {
					c.run.counts.late.Add(1)
				}
			}
			return
		}
	}
}

// admit gives an arrival to a free connection, or has it wait for one, late. behind says that there is
// a backlog of arrivals for want of connections: what comes in it is late too, though a connection be free
// when its turn comes. It says false when the run was ended meanwhile.
func (c *crew) admit(ctx context.Context, intended time.Time, behind *bool) bool {
	if *behind = *behind && time.Since(intended) > fineSleep; !*behind {
		select {
		case c.slots <- struct{}{}:
			c.hand(intended, false)
			return true
		default:
			*behind = true
		}
	}
	left := time.Until(intended.Add(c.run.opts.Timeout))
	if left <= 0 {
		c.giveUp(intended)
		return true
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case c.slots <- struct{}{}:
		c.hand(intended, true)
	case <-timer.C:
		c.giveUp(intended)
	case <-ctx.Done():
		return false
	}
	return true
}

// errUnsent is what is seen of an arrival that no connection was free for.
var errUnsent = errors.New("not sent: every connection was busy until the timeout had passed")

func (c *crew) giveUp(intended time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run.counts.late.Add(1)
	c.spare.out = outcome{kind: Unsent, err: errUnsent, end: time.Now()}
	c.spare.count(c.spare.next(), intended)
}

// hand gives the next request to the connection that was used last, or to a new one.
func (c *crew) hand(intended time.Time, late bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := arrival{c.spare.next(), intended, late}
	if late {
		c.run.counts.late.Add(1)
	}
	if n := len(c.idle); n > 0 {
		c.idle[n-1] <- a // it has room for one
		c.idle = c.idle[:n-1]
		return
	}
	jobs := make(chan arrival, 1)
	jobs <- a
	u := c.run.newUser(c.made, c.run.opts.Connections)
	c.made++
	c.wg.Go(func() { c.work(u, jobs) })
}

// work makes the requests that a connection is given.
func (c *crew) work(u *user, jobs chan arrival) {
	defer u.conn.drop()
	for a := range jobs {
		if !a.late {
			c.lag.add(time.Since(a.at))
		}
		c.run.counts.users.up()
		u.turn(a.q, a.at)
		c.run.counts.users.down()
		c.mu.Lock()
		c.idle = append(c.idle, jobs)
		c.mu.Unlock()
		<-c.slots
	}
}

// dismiss ends all connections, when no more arrivals come.
func (c *crew) dismiss() {
	for range cap(c.slots) { // all are idle then
		c.slots <- struct{}{}
	}
	c.mu.Lock()
	for _, jobs := range c.idle {
		close(jobs)
	}
	c.mu.Unlock()
	c.wg.Wait()
}
