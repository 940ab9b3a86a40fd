package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// leave is how long a request may take to end when the balancer ends.
const leave = time.Second

// Listen binds an address: loopback only, since whoever reaches it may take targets away. Without a
// host, as in :9901, it is 127.0.0.1.
func Listen(address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("admin address %q: %w", address, err)
	}
	switch host {
	case "", "localhost":
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("admin address %q: only loopback addresses such as 127.0.0.1 are allowed, since there is no password", address)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("admin address: %w", err)
	}
	return l, nil
}

// Serve answers until ctx ends or the listener is closed, and returns when all its goroutines have.
func Serve(ctx context.Context, l net.Listener, o Options) error {
	var conns sync.WaitGroup
	s := &http.Server{
		Handler: Handler(o), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				conns.Add(1)
			case http.StateClosed:
				conns.Done()
			}
		},
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	var err error
	select {
	case err = <-ended:
		ended <- http.ErrServerClosed
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), leave)
	defer cancel()
	if s.Shutdown(late) != nil {
		_ = s.Close() // who is still there is cut
	}
	if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
		err = e
	}
	conns.Wait()
	if ctx.Err() != nil && errors.Is(err, net.ErrClosed) {
		return nil // whoever ends it closes the listener as well
	}
	return err
}
