package siege

import "sync"

// crowd is the users of the closed model: as many as the phase wants.
type crowd struct {
	run *run
	wg  sync.WaitGroup

	mu      sync.Mutex
	want    int
	change  chan struct{} // closed when want changes
	present map[int]bool
}

func newCrowd(r *run) *crowd {
	return &crowd{run: r, change: make(chan struct{}), present: map[int]bool{}}
}

// resize makes the crowd as large as the phase wants it. Those who are too many leave after the
// request that they are making.
func (c *crowd) resize(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.want = n
	c.run.want.Store(int64(n))
	close(c.change)
	c.change = make(chan struct{})
	for i := range n {
		if !c.present[i] {
			c.enter(i)
		}
	}
}

// enter lets a user in; the lock is held.
func (c *crowd) enter(i int) {
	u := c.run.newUser(i, c.want)
	c.present[i] = true
	c.run.counts.users.up()
	c.wg.Go(func() { c.leave(i, u.live()) })
}

// leave lets a user out. When it is wanted again by now, it comes back as
// another, but when it has had its repetitions.
func (c *crowd) leave(i int, finished bool) {
	c.run.counts.users.down()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.present, i)
	if !finished && i < c.want && c.run.soft.Err() == nil {
		c.enter(i)
	}
}

// look says whether user i is wanted, and gives what is closed when that may change.
func (c *crowd) look(i int) (wanted bool, change <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return i < c.want, c.change
}
