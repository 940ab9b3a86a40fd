// Package loop runs one goroutine, locked to its own thread, that waits for descriptors, for a
// deadline and for letters from other goroutines. It owns the epoll instance and the eventfd behind
// the mailboxes. It decides nothing: what a ready descriptor or a letter means is its owners'. What
// the loop must not do itself, because it may wait for a disk, is done by Helpers.
//
// Descriptors are level-triggered: the owner reads a bounded amount of each per turn and leaves the
// rest, and the kernel reports what was left again by itself. Edge-triggering would need a list of
// our own of what is not drained yet, for nothing gained. The one exception is the eventfd: as an
// edge it never has to be read.
package loop

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// PerTurn is how many bytes an owner may read from one descriptor in one turn, so that a busy
// connection cannot starve the others.
const PerTurn = 256 << 10

// batch is how many ready descriptors are taken from the kernel at once.
const batch = 128

// Handler is told that a descriptor is ready.
type Handler interface {
	// Ready gives the time and the epoll events (unix.EPOLLIN ...). It may add and remove
	// descriptors, also its own.
	Ready(now time.Duration, events uint32)
}

// Owner is whom the loop works for. All its methods are called by the loop's goroutine only. There may
// be more than one; they share the loop and know nothing of each other.
type Owner interface {
	// Turn is called once per turn, after the ready descriptors: the mailbox and the deadlines.
	Turn(now time.Duration)
	// Next is the time of the earliest deadline; false means there is none.
	Next() (time.Duration, bool)
	// Pending reports whether a mailbox holds something, so that the loop must not sleep.
	Pending() bool
}

// Token names a registered descriptor. The zero Token is none.
type Token struct {
	index int32
	birth uint32
}

type source struct {
	fd    int
	birth uint32
	h     Handler
}

// Loop is one epoll instance and its eventfd. Only Wake, Now, Lag and Quit may be used by other
// goroutines than the one in Run.
type Loop struct {
	epfd, evfd int
	sources    []source // index 0 is the eventfd
	free       []int32
	events     [batch]unix.EpollEvent
	noPwait2   bool

	origin time.Time
	asleep atomic.Bool
	quit   atomic.Bool
	lag    lag
}

// New makes the loop's descriptors. Close gives them back.
func New() (*Loop, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making the loop's epoll descriptor: %w", err)
	}
	evfd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(epfd)
		return nil, fmt.Errorf("making the loop's eventfd: %w", err)
	}
	l := &Loop{epfd: epfd, evfd: evfd, origin: time.Now(), sources: make([]source, 1, 64)}
	l.noPwait2 = !hasPwait2(epfd)
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET}
	if err := unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, evfd, &ev); err != nil {
		l.Close()
		return nil, fmt.Errorf("watching the loop's eventfd: %w", err)
	}
	return l, nil
}

// Close gives the loop's descriptors back. Run must have returned.
func (l *Loop) Close() {
	_ = unix.Close(l.evfd)
	_ = unix.Close(l.epfd)
}

// Now is the monotonic time since New.
func (l *Loop) Now() time.Duration { return time.Since(l.origin) }

// Origin is the moment that Now counts from.
func (l *Loop) Origin() time.Time { return l.origin }

// Add watches fd for events. The loop does not own fd: Remove it before it is closed.
func (l *Loop) Add(fd int, events uint32, h Handler) (Token, error) {
	var i int32
	if n := len(l.free); n > 0 {
		i = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		l.sources = append(l.sources, source{})
		i = int32(len(l.sources) - 1)
	}
	s := &l.sources[i]
	s.birth++
	s.fd, s.h = fd, h
	t := Token{index: i, birth: s.birth}
	ev := unix.EpollEvent{Events: events, Fd: t.index, Pad: int32(t.birth)}
	if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		l.drop(t)
		return Token{}, fmt.Errorf("watching descriptor %d: %w", fd, err)
	}
	return t, nil
}

// Change sets the events that a descriptor is watched for; 0 watches for errors and hang-up only.
func (l *Loop) Change(t Token, events uint32) error {
	if !l.holds(t) {
		return errors.New("changing a descriptor that is not watched")
	}
	ev := unix.EpollEvent{Events: events, Fd: t.index, Pad: int32(t.birth)}
	return unix.EpollCtl(l.epfd, unix.EPOLL_CTL_MOD, l.sources[t.index].fd, &ev)
}

// Remove ends the watching of a descriptor. Events of it that were already taken from the kernel
// are not reported any more. The zero Token and one that was removed before are ignored.
func (l *Loop) Remove(t Token) {
	if !l.holds(t) {
		return
	}
	// The kernel forgets a closed description by itself, so an error here changes nothing.
	_ = unix.EpollCtl(l.epfd, unix.EPOLL_CTL_DEL, l.sources[t.index].fd, nil)
	l.drop(t)
}

func (l *Loop) holds(t Token) bool {
	return t.index > 0 && int(t.index) < len(l.sources) &&
		l.sources[t.index].birth == t.birth && l.sources[t.index].h != nil
}

func (l *Loop) drop(t Token) {
	l.sources[t.index].h = nil
	l.sources[t.index].birth++
	l.free = append(l.free, t.index)
}

// Watched is the number of descriptors that are watched now.
func (l *Loop) Watched() int { return len(l.sources) - 1 - len(l.free) }

// Quit makes Run return after the turn it is in.
func (l *Loop) Quit() {
	l.quit.Store(true)
	l.kick()
}

// Wake makes the loop run a turn if it sleeps. A loop that is awake looks at its mailboxes before
// it sleeps anyway, so the one system call is spent only when it is needed.
func (l *Loop) Wake() {
	if l.asleep.CompareAndSwap(true, false) {
		l.kick()
	}
}

var one = [8]byte{0: 1}

func (l *Loop) kick() {
	b := one
	_, _ = unix.Write(l.evfd, b[:])
}

// Run works for the owners until Quit. It locks the calling goroutine to its thread. In each turn the
// owners have theirs in the order given.
func (l *Loop) Run(owners ...Owner) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for !l.quit.Load() {
		n := l.wait(owners)
		start := l.Now()
		for i := range n {
			ev := &l.events[i]
			t := Token{index: ev.Fd, birth: uint32(ev.Pad)}
			if !l.holds(t) {
				continue // the eventfd, or removed by an earlier one of this batch
			}
			l.sources[t.index].h.Ready(l.Now(), ev.Events)
		}
		for _, o := range owners {
			o.Turn(l.Now())
		}
		l.lag.add(l.Now() - start)
	}
}

// wait returns the number of ready descriptors in l.events.
func (l *Loop) wait(owners []Owner) int {
	// What is ready now is taken without telling the scheduler: under load this is the usual case
	// and it saves giving up the processor and asking for it again.
	if n := l.poll(); n > 0 {
		return n
	}
	l.asleep.Store(true)
	defer l.asleep.Store(false)
	// Whoever put a letter before asleep was set did not kick: look once more.
	if l.quit.Load() {
		return 0
	}
	const never = time.Duration(math.MaxInt64)
	first := never
	for _, o := range owners {
		if o.Pending() {
			return 0
		}
		if at, ok := o.Next(); ok {
			first = min(first, at)
		}
	}
	if first == never {
		return l.sleep(-1)
	}
	d := first - l.Now()
	if d <= 0 {
		return 0
	}
	return l.sleep(d)
}
