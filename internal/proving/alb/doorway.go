package alb

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"fender/internal/proving/alb/message"
)

const (
	maxStreams  = 128    // concurrent ones of an HTTP/2 connection
	maxRequests = 10_000 // of an HTTP/2 connection; then it is told to go away
	// maxHeaders is where net/http refuses a request itself: above the limit for all headers, of which the
	// balancer says that it is broken.
	maxHeaders = 2 * message.MaxRequestHead
)

// doorway gives connections that have agreed on HTTP/2 to net/http's server. To that it is a listener.
type doorway struct {
	lis    *listener
	conns  chan net.Conn
	server *http.Server
	closed chan struct{}
	once   sync.Once
	guests sync.Map // net.Conn -> *guest
}

// guest is an HTTP/2 connection.
type guest struct {
	peer     *peer
	born     time.Time
	requests atomic.Int64
	left     chan struct{}
}

type guestKey struct{}

func newDoorway(l *listener) *doorway {
	d := &doorway{lis: l, conns: make(chan net.Conn), closed: make(chan struct{})}
	d.server = &http.Server{
		Handler:        l,
		TLSConfig:      &tls.Config{NextProtos: []string{"h2"}},
		IdleTimeout:    l.bal.lb.IdleTimeout,
		MaxHeaderBytes: maxHeaders,
		HTTP2:          &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:       log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			g, _ := d.guests.Load(c)
			return context.WithValue(ctx, guestKey{}, g)
		},
		ConnState: func(c net.Conn, s http.ConnState) {
			if s != http.StateClosed && s != http.StateHijacked {
				return
			}
			if g, ok := d.guests.LoadAndDelete(c); ok {
				close(g.(*guest).left)
			}
		},
	}
	return d
}

// run serves until end.
func (d *doorway) run() { _ = d.server.Serve(d) }

// serve gives the connection to the server and returns when it has ended.
func (d *doorway) serve(conn net.Conn, p *peer) {
	g := &guest{peer: p, born: time.Now(), left: make(chan struct{})}
	d.guests.Store(conn, g)
	select {
	case d.conns <- conn:
		<-g.left
	case <-d.closed:
		d.guests.Delete(conn)
		_ = conn.Close()
	}
}

// Accept implements net.Listener.
func (d *doorway) Accept() (net.Conn, error) {
	select {
	case c := <-d.conns:
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (d *doorway) Close() error {
	d.once.Do(func() { close(d.closed) })
	return nil
}

// end closes the connections, too.
func (d *doorway) end() {
	_ = d.server.Close()
	_ = d.Close()
}

// Addr implements net.Listener.
func (d *doorway) Addr() net.Addr { return d.lis.net.Addr() }
