package front

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// watcher notices clients that leave while their connection is not being read. Each connection is in
// its epoll set once, from its beginning to its end, for EPOLLRDHUP alone and edge-triggered: data
// that arrives wakes nobody and costs nothing. The epoll descriptor itself waits in the runtime's
// poller, so no thread blocks here.
type watcher struct {
	fd    int
	file  *os.File
	raw   syscall.RawConn
	next  atomic.Uint64
	mu    sync.Mutex
	conns map[uint64]*conn
	done  chan struct{}
}

// edge is EPOLLET, which is a negative number on some architectures.
const edge = 1 << 31

// watchBatch is how many events are fetched at once.
const watchBatch = 128

func newWatcher() (*watcher, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("front: epoll: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // else os.File would not wait in the poller
		unix.Close(fd)
		return nil, fmt.Errorf("front: epoll: %w", err)
	}
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("front: epoll: %w", err)
	}
	w := &watcher{fd: fd, file: file, raw: raw, conns: map[uint64]*conn{}, done: make(chan struct{})}
	go w.run()
	return w, nil
}

// add begins to watch c. When its client leaves, c.gone is set and c is woken.
func (w *watcher) add(c *conn) error {
	c.watched = w.next.Add(1)
	w.mu.Lock()
	w.conns[c.watched] = c
	w.mu.Unlock()
	event := unix.EpollEvent{Events: unix.EPOLLRDHUP | edge, Fd: int32(c.watched), Pad: int32(c.watched >> 32)}
	var added error
	err := c.stream.raw.Control(func(fd uintptr) {
		added = unix.EpollCtl(w.fd, unix.EPOLL_CTL_ADD, int(fd), &event)
	})
	return errors.Join(err, added)
}

// forget ends watching c. The kernel drops a closed descriptor from the set by itself.
func (w *watcher) forget(c *conn) {
	w.mu.Lock()
	delete(w.conns, c.watched)
	w.mu.Unlock()
}

// all calls f for every connection.
func (w *watcher) all(f func(*conn)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		f(c)
	}
}

// len is the number of connections.
func (w *watcher) len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.conns)
}

func (w *watcher) close() {
	w.file.Close()
	<-w.done
}

func (w *watcher) run() {
	defer close(w.done)
	var events [watchBatch]unix.EpollEvent
	for {
		n := 0
		err := w.raw.Read(func(fd uintptr) bool {
			var err error
			if n, err = unix.EpollWait(int(fd), events[:], 0); err != nil {
				n = 0
			}
			return n > 0
		})
		if err != nil {
			return // closed
		}
		for _, e := range events[:n] {
			w.hangUp(uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32)
		}
	}
}

func (w *watcher) hangUp(id uint64) {
	w.mu.Lock()
	c := w.conns[id]
	w.mu.Unlock()
	if c != nil {
		c.gone.Store(true)
		c.signal()
	}
}
