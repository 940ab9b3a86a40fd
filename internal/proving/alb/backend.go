package alb

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"fender/internal/proving/alb/message"
)

const (
	backendBuffer     = 16 << 10
	fullBackendBuffer = message.MaxResponseHead + 8<<10
)

// backend is a connection to a target. Its goroutine always reads: the response of the exchange that it
// has, which it writes to the client, or, idle, the end of the connection.
type backend struct {
	pool *pool
	conn net.Conn
	ex   atomic.Pointer[exchange] // set when it is taken from the pool
	resp message.Response

	buf  []byte
	r, w int

	active  atomic.Int64  // when bytes last went either way
	spoiled atomic.Bool   // the request was not sent whole: never use it again
	severed chan struct{} // closed when our side has ended it
	once    sync.Once
	start   chan struct{} // closed when a new connection has its first exchange
	dead    bool          // under the pool's lock: the connection has ended
	grace   bool
}

func newBackend(p *pool, conn net.Conn) *backend {
	b := &backend{pool: p, conn: conn, buf: make([]byte, backendBuffer), start: make(chan struct{}), severed: make(chan struct{})}
	b.touch()
	return b
}

func (b *backend) touch() { b.active.Store(b.pool.service.bal.clock()) }

// write sends a part of a request.
func (b *backend) write(p []byte) error {
	b.touch()
	_, err := b.conn.Write(p)
	b.touch()
	return err
}

// sever ends the connection; its goroutine sees it.
func (b *backend) sever() {
	b.once.Do(func() {
		_ = b.conn.Close()
		close(b.severed)
	})
}

// close ends a connection that has no exchange.
func (b *backend) close() { b.sever() }

// run is the connection's goroutine.
func (b *backend) run() {
	defer func() {
		b.pool.forget(b)
		b.sever()
	}()
	<-b.start
	_ = b.conn.SetReadDeadline(time.Now().Add(b.idleTimeout()))
	for {
		err := b.fill()
		if errors.Is(err, errUnused) {
			if b.retire() {
				return
			}
			continue // it was taken at the last moment
		}
		ex := b.ex.Load()
		if ex == nil {
			if ex = b.idleEnd(); ex == nil {
				return
			}
		}
		if !b.respond(ex, err) {
			return
		}
	}
}

// idleEnd is called when an idle connection has ended (or has said something, which ends it as well). The
// balancer learns of that late by FinDelay, if the idle timeout does not come first. idleEnd returns the
// exchange that the connection got nevertheless.
func (b *backend) idleEnd() *exchange {
	if delay := min(b.pool.service.bal.o.FinDelay, b.rest()); delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-b.severed:
		}
	}
	b.pool.mu.Lock()
	defer b.pool.mu.Unlock()
	b.dead = true
	b.pool.withdraw(b)
	return b.ex.Load()
}

// retire takes the connection out of the pool for good, unless it has an exchange.
func (b *backend) retire() bool {
	b.pool.mu.Lock()
	defer b.pool.mu.Unlock()
	if b.ex.Load() != nil {
		return false
	}
	b.dead = true
	b.pool.withdraw(b)
	return true
}

func (b *backend) idleTimeout() time.Duration { return b.pool.service.bal.lb.IdleTimeout }

// fill reads once.
func (b *backend) fill() error {
	if b.r == b.w {
		b.r, b.w = 0, 0
	}
	if b.w == len(b.buf) {
		if b.r > 0 {
			b.w = copy(b.buf, b.buf[b.r:b.w])
			b.r = 0
		} else {
			if len(b.buf) >= fullBackendBuffer {
				return errNoRoom
			}
			b.buf = append(make([]byte, 0, fullBackendBuffer), b.buf...)[:fullBackendBuffer]
		}
	}
	for {
		n, err := b.conn.Read(b.buf[b.w:])
		if n > 0 {
			b.w += n
			b.touch()
			return nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		if err := b.idle(); err != nil {
			return err
		}
	}
}

// errUnused is why an idle connection ends.
var errUnused = errors.New("idle timeout without an exchange")

// rest is how long nothing may still go over the connection.
func (b *backend) rest() time.Duration {
	bal := b.pool.service.bal
	return bal.lb.IdleTimeout - time.Duration(bal.clock()-b.active.Load())
}

// idle is called when the read deadline has passed: deadlines are only moved then. It returns an error when
// nothing went over the connection for the idle timeout.
func (b *backend) idle() error {
	rest := b.rest()
	switch ex := b.ex.Load(); {
	case rest > 0:
		b.grace = false
	case ex == nil:
		return errUnused
	case ex.is(sentAll) || b.grace:
		return errIdle
	default:
		// The client sends slowly or not at all, or the target does not read. The first is said by
		// the client's side, at this same moment.
		b.grace = true
		rest = b.idleTimeout() / 8
	}
	_ = b.conn.SetReadDeadline(time.Now().Add(rest))
	return nil
}
