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
	late    atomic.Bool   // it has ended, and that is not known yet (FinDelay)
	woken   chan struct{}
	grace   bool
}

func newBackend(p *pool, conn net.Conn) *backend {
	b := &backend{pool: p, conn: conn, buf: make([]byte, backendBuffer), start: make(chan struct{}), woken: make(chan struct{}, 1), severed: make(chan struct{})}
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

// wrote is called when the head of a request has been written.
func (b *backend) wrote() {
	if b.late.Load() {
		select {
		case b.woken <- struct{}{}:
		default:
		}
	}
}

// sever ends the connection; its goroutine sees it.
func (b *backend) sever() {
	b.once.Do(func() {
		_ = b.conn.Close()
		close(b.severed)
	})
}

func (b *backend) isSevered() bool {
	select {
	case <-b.severed:
		return true
	default:
		return false
	}
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

// idleEnd is called when an idle connection has ended (or has said something, which ends it as well).
// It returns the exchange that it got nevertheless.
func (b *backend) idleEnd() *exchange {
	p, delay := b.pool, b.pool.service.bal.o.FinDelay
	p.mu.Lock()
	if ex := b.ex.Load(); ex != nil {
		p.mu.Unlock()
		return ex
	}
	if delay <= 0 || b.isSevered() {
		b.dead = true
		p.withdraw(b)
		p.mu.Unlock()
		return nil
	}
	b.late.Store(true)
	p.mu.Unlock()
	timer := time.NewTimer(delay)
	defer timer.Stop()
wait:
	for {
		select {
		case <-timer.C:
			break wait
		case <-b.severed:
			break wait
		case <-b.woken: // perhaps for the request before, whose answer was faster than its sender
			if ex := b.ex.Load(); ex != nil {
				return ex
			}
		}
	}
	p.mu.Lock()
	b.dead = true
	p.withdraw(b)
	ex := b.ex.Load()
	p.mu.Unlock()
	return ex
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
		if b.idleFor() {
			return errIdle
		}
	}
}

// idleFor is called when the read deadline has passed: deadlines are only moved then. It says whether
// nothing went over the connection for the idle timeout.
func (b *backend) idleFor() bool {
	idle := b.idleTimeout()
	rest := idle - time.Duration(b.pool.service.bal.clock()-b.active.Load())
	if rest <= 0 {
		ex := b.ex.Load()
		if ex == nil || ex.is(sentAll) || b.grace {
			return true
		}
		// The client sends slowly or not at all, or the target does not read. The first is said by
		// the client's side, at this same moment.
		b.grace = true
		rest = idle / 8
	} else {
		b.grace = false
	}
	_ = b.conn.SetReadDeadline(time.Now().Add(rest))
	return false
}
