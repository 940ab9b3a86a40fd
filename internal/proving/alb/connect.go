package alb

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"fender/internal/proving/alb/metric"
)

// dialing is a connection to a target that is being made.
type dialing struct {
	done   chan struct{} // closed when backend or status is known
	cancel context.CancelFunc

	backend *backend
	status  int // what the client gets when there is no connection
}

// dial begins to connect. notify is called when it is known what came of it.
func (p *pool) dial(notify func()) *dialing {
	bal := p.service.bal
	ctx, cancel := context.WithCancel(bal.life)
	d := &dialing{done: make(chan struct{}), cancel: cancel}
	bal.running.Add(1) // the caller is running, so this is never the first
	go func() {
		defer bal.running.Done()
		defer cancel()
		conn, err := p.open(ctx)
		if err == nil {
			d.backend = newBackend(p, conn)
			if !p.add(d.backend) {
				_ = conn.Close()
				err = net.ErrClosed
			}
		}
		if err != nil {
			bal.connectFailed(p.target.Addr, err)
			d.backend, d.status = nil, 502
			if isTimeout(err) {
				d.status = 504
			}
		}
		close(d.done)
		if notify != nil {
			notify()
		}
		if b := d.backend; b != nil {
			p.service.metrics.Add(metric.NewConnectionCount, 1)
			p.service.metrics.Add(metric.ActiveConnectionCount, 1)
			b.run()
			p.service.metrics.Add(metric.ActiveConnectionCount, -1)
		}
	}()
	return d
}

// open connects, with TLS if the target group wants it.
func (p *pool) open(ctx context.Context) (net.Conn, error) {
	bal := p.service.bal
	limit, cancel := context.WithTimeout(ctx, bal.o.ConnectTimeout)
	defer cancel()
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: false}}
	conn, err := dialer.DialContext(limit, "tcp", p.target.Addr)
	if err != nil || !p.service.tls {
		return conn, err
	}
	limit, cancel = context.WithTimeout(ctx, bal.o.ConnectTimeout)
	defer cancel()
	c := targetTLS
	if p.service.http2 {
		c = targetHTTP2
	}
	secure := tls.Client(conn, c)
	err = secure.HandshakeContext(limit)
	if err == nil && p.service.http2 && secure.ConnectionState().NegotiatedProtocol != "h2" {
		err = errNoHTTP2
	}
	if err != nil {
		_ = conn.Close()
		p.service.metrics.Add(metric.TargetTLSNegotiationErrorCount, 1)
		return nil, err
	}
	return secure, nil
}

// targetTLS checks no certificate: an Application Load Balancer does not either.
var (
	targetTLS   = &tls.Config{InsecureSkipVerify: true}                             //nolint:gosec // as AWS does
	targetHTTP2 = &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}} //nolint:gosec // likewise
)

var errNoHTTP2 = errors.New("the target does not agree on HTTP/2")

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// give hands the new connection its first exchange.
func (d *dialing) give(ex *exchange) *backend {
	b := d.backend
	ex.dispatch = time.Now()
	ex.backend.Store(b)
	b.ex.Store(ex)
	close(b.start)
	return b
}

// abandon lets go of a connection that nobody needs any more.
func (d *dialing) abandon() {
	d.cancel()
	<-d.done
	if b := d.backend; b != nil {
		b.sever()
		close(b.start)
	}
}

// connect gives the exchange a connection to its target: an idle one, or a new one. The client is
// watched meanwhile. The status is the one that it gets when there is no connection; an error means
// that it has left.
func (c *client) connect() (*backend, int, error) {
	ex := &c.ex
	p := ex.service.pool(ex.choice.Target)
	ex.dispatch = time.Now()
	if b := p.take(ex); b != nil {
		c.bal.preopen(p)
		return b, 0, nil
	}
	ex.dispatch = time.Time{}
	d := p.dial(c.poke)
	c.connecting = true
	defer func() { c.connecting = false }()
	for {
		select {
		case <-d.done:
			if d.backend == nil {
				return nil, d.status, nil
			}
			c.bal.preopen(p)
			return d.give(ex), 0, nil
		default:
		}
		switch err := c.fill(); {
		case err == nil, errors.Is(err, errPoked):
		case errors.Is(err, errNoRoom):
			<-d.done
		default:
			d.abandon()
			return nil, 0, err
		}
	}
}

// preopen keeps one connection more open than is in use: the Classic Load Balancer's habit.
func (b *Balancer) preopen(p *pool) {
	if !b.o.Classic {
		return
	}
	p.mu.Lock()
	needed := len(p.idle) == 0 && !p.opening && !p.gone
	p.opening = p.opening || needed
	p.mu.Unlock()
	if !needed {
		return
	}
	var d *dialing
	ready := make(chan struct{})
	d = p.dial(func() {
		<-ready
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.opening = false; d.backend != nil {
			close(d.backend.start)
			if p.idle = append([]*backend{d.backend}, p.idle...); p.gone {
				p.idle = nil
				d.backend.sever()
			}
		}
	})
	close(ready)
}
