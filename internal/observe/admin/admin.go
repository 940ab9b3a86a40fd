// Package admin is the HTTP server for operators: /healthz, /readyz, /status and /metrics, on an
// address of its own, apart from the clients' one.
//
// It owns its listener and connections. It changes nothing: what a person may change goes through
// the control socket. It listens on loopback unless an address is given, since it knows no passwords.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"fender/internal/observe/status"
)

// Bounds. A scraper sends one small request every few seconds.
const (
	headTimeout    = 5 * time.Second
	requestTimeout = 10 * time.Second
	answerTimeout  = 30 * time.Second
	idleTimeout    = 2 * time.Minute // longer than the usual scrape interval
	maxHead        = 16 << 10
	maxConnections = 64
	statusTimeout  = 5 * time.Second // for the one who has the facts
)

// Options say what the server shows. A nil function answers 503, a nil Metrics 404.
type Options struct {
	// Address is the option admin: "host:port", ":port" or "port"; without a host it is loopback.
	Address string
	// Ready says whether the load balancer should send requests here, and why not.
	Ready func() (ok bool, why string)
	// Status gives the document of /status.
	Status func(context.Context) (status.Status, error)
	// Metrics answers /metrics.
	Metrics http.Handler
}

// Server is a running admin server.
type Server struct {
	opts     Options
	listener net.Listener
	http     *http.Server
	done     chan struct{}
}

// Listen binds the address and serves it until Close.
func Listen(o Options) (*Server, error) {
	address, err := Address(o.Address)
	if err != nil {
		return nil, err
	}
	network := "tcp"
	if host, err := netip.ParseAddrPort(address); err == nil && host.Addr().Is4() {
		network = "tcp4" // for package net 0.0.0.0 is all addresses of IPv6 too
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("admin: cannot listen on %s: %w; choose another address with --admin", address, err)
	}
	s := &Server{opts: o, listener: l, done: make(chan struct{})}
	s.http = &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: headTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHead,
		ErrorLog:          silent, // what a client does wrong here is no news
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(limit(l, maxConnections)) // ends with Close
	}()
	return s, nil
}

// Address gives the address that the option admin means: loopback unless it names a host.
func Address(option string) (string, error) {
	host, port := "", option
	if strings.Contains(option, ":") {
		var err error
		if host, port, err = net.SplitHostPort(option); err != nil {
			return "", fmt.Errorf("admin: %q is not an address: write host:port, or a port alone for loopback", option)
		}
	}
	if _, err := net.LookupPort("tcp", port); err != nil || port == "" {
		return "", fmt.Errorf("admin: %q has no valid port: write host:port, or a port alone for loopback", option)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// URL is where the server is reached, with the real port.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Close ends the server and its connections at once.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.done
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /status", s.status)
	if s.opts.Metrics != nil {
		mux.Handle("GET /metrics", s.opts.Metrics)
	}
	return mux
}

func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	text(w, http.StatusOK, "fender\n\n"+
		"/healthz  200 while the master answers\n"+
		"/readyz   200 while requests should come, else 503 and why not\n"+
		"/status   what every worker is doing (JSON)\n"+
		"/metrics  for Prometheus")
}

// healthz answers as long as the master can answer at all.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok") }

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	ok, why := false, "starting"
	if s.opts.Ready != nil {
		ok, why = s.opts.Ready()
	}
	if !ok {
		text(w, http.StatusServiceUnavailable, "not ready: "+why)
		return
	}
	text(w, http.StatusOK, "ready")
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	if s.opts.Status == nil {
		text(w, http.StatusServiceUnavailable, "no status yet")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), statusTimeout)
	defer cancel()
	doc, err := s.opts.Status(ctx)
	if err != nil {
		text(w, http.StatusServiceUnavailable, "no status: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(doc) // the client has gone
}

func text(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = fmt.Fprintln(w, body) // the client has gone
}
