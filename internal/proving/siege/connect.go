package siege

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"syscall"
	"time"
)

// dialer makes connections and knows all that are open, so that a run can be ended at once.
type dialer struct {
	timeout  time.Duration
	insecure bool
	open     *registry
	counts   *counters
}

// ErrDescriptors says that the process can open no more files: the run says nothing about the target.
var ErrDescriptors = errors.New("too many open files: this process may open no more connections")

// connect opens a connection to the first address that takes it.
func (d *dialer) connect(ctx context.Context, q *Request, deadline time.Time) (net.Conn, Kind, error) {
	limit := time.Now().Add(d.timeout)
	if deadline.Before(limit) {
		limit = deadline
	}
	ctx, cancel := context.WithDeadline(ctx, limit)
	defer cancel()
	var c net.Conn
	var err error
	for _, addr := range q.addrs {
		c, err = (&net.Dialer{KeepAlive: -1}).DialContext(ctx, "tcp", addr.String())
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return nil, Unreachable, ErrDescriptors
	case err != nil:
		kind := connectKind(err)
		if ctx.Err() != nil {
			kind = ConnectTimeout
		}
		return nil, kind, err
	}
	d.counts.opened.Add(1)
	if !d.open.add(c) {
		return nil, OK, errStopped
	}
	if !q.origin.tls {
		return c, OK, nil
	}
	secure := tls.Client(c, &tls.Config{
		ServerName:         q.origin.host,
		NextProtos:         []string{"http/1.1"},
		InsecureSkipVerify: d.insecure || onLoopback(c), // a target on this machine makes its own
	})
	if err := secure.HandshakeContext(ctx); err != nil {
		d.open.drop(c)
		return nil, TLS, err
	}
	return secure, OK, nil
}

func onLoopback(c net.Conn) bool {
	addr, ok := c.RemoteAddr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}
