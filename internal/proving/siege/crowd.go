package siege

import "sync"

// crowd is the users of the closed model: as many as the phase wants.
type crowd struct {
	run *run
	wg  sync.WaitGroup

	mu     sync.Mutex
	want   int
	change chan struct{} // closed when want changes
	state  map[int]presence
}

// presence is where a user is. One that is not there has left and may come back.
type presence uint8

const (
	present presence = iota + 1
	over             // had all its repetitions
)

func newCrowd(r *run) *crowd {
	return &crowd{run: r, change: make(chan struct{}), state: map[int]presence{}}
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
		if c.state[i] == 0 {
			c.enter(i)
		}
	}
}

// enter lets a user in; the lock is held.
func (c *crowd) enter(i int) {
	u := c.run.newUser(i, c.want)
	c.state[i] = present
	c.run.counts.users.up()
	c.wg.Go(func() { c.leave(i, u.live()) })
}

// leave lets a user out. When it is wanted again by now, it comes back as another.
func (c *crowd) leave(i int, finished bool) {
	c.run.counts.users.down()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.state, i)
	switch {
	case finished:
		c.state[i] = over
	case i < c.want && c.run.soft.Err() == nil:
		c.enter(i)
	}
}

// look says whether user i is wanted, and gives what is closed when that may change.
func (c *crowd) look(i int) (wanted bool, change <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return i < c.want, c.change
}
