package alb

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"fender/internal/proving/alb/message"
	"fender/internal/proving/alb/metric"
	"fender/internal/proving/alb/page"
)

// multiplexed is the HTTP/2 connections to a target: one, and another only when those that there are have no
// place for a request.
type multiplexed struct {
	mu      sync.Mutex
	conns   []*http.ClientConn
	opening *opening // the one that is being made: whoever needs one waits for it
	ended   bool

	transport *http.Transport // of who is opening, of whom there is one at a time
}

// opening is a connection that is being made.
type opening struct {
	done chan struct{} // closed when err is known
	err  error
}

// get is a connection with a place reserved for one request.
func (m *multiplexed) get(ctx context.Context, p *pool) (*http.ClientConn, error) {
	for {
		m.mu.Lock()
		for _, c := range m.conns {
			if c.Reserve() == nil {
				m.mu.Unlock()
				return c, nil
			}
		}
		if m.ended {
			m.mu.Unlock()
			return nil, net.ErrClosed
		}
		o := m.opening
		if o == nil {
			o = &opening{done: make(chan struct{})}
			m.opening = o
			p.service.bal.running.Add(1) // the caller is running, so this is never the first
			go m.run(p, o)
		}
		m.mu.Unlock()
		select {
		case <-o.done:
			if o.err != nil {
				return nil, o.err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

var errNoPlace = errors.New("the target lets no request be sent over its connection")

// run makes a connection and keeps it among the others until it has ended.
func (m *multiplexed) run(p *pool, o *opening) {
	defer p.service.bal.running.Done()
	conn, err := m.dial(p)
	if err == nil && conn.Available() == 0 {
		err = errNoPlace
	}
	m.mu.Lock()
	m.opening = nil
	if err == nil && m.ended {
		err = net.ErrClosed
	}
	if err == nil {
		m.conns = append(m.conns, conn)
		p.service.metrics.Add(metric.NewConnectionCount, 1)
		p.service.metrics.Add(metric.ActiveConnectionCount, 1)
	}
	m.mu.Unlock()
	o.err = err
	close(o.done)
	if err != nil {
		p.service.bal.connectFailed(p.target.Addr, err)
		if conn != nil {
			_ = conn.Close()
		}
		return
	}
	ended := make(chan struct{})
	once := sync.OnceFunc(func() { close(ended) })
	conn.SetStateHook(func(c *http.ClientConn) {
		if c.Err() != nil {
			once()
		}
	})
	<-ended
	m.mu.Lock()
	m.conns = slices.DeleteFunc(m.conns, func(c *http.ClientConn) bool { return c == conn })
	m.mu.Unlock()
	p.service.metrics.Add(metric.ActiveConnectionCount, -1)
}

func (m *multiplexed) dial(p *pool) (*http.ClientConn, error) {
	bal, scheme := p.service.bal, "http"
	if p.service.tls {
		scheme = "https"
	}
	if m.transport == nil {
		m.transport = &http.Transport{
			Protocols: new(http.Protocols), DisableCompression: true, IdleConnTimeout: bal.lb.IdleTimeout,
		}
		open := func(ctx context.Context, _, _ string) (net.Conn, error) { return p.open(ctx) }
		m.transport.DialContext, m.transport.DialTLSContext = open, open
		m.transport.Protocols.SetHTTP2(true)
		m.transport.Protocols.SetUnencryptedHTTP2(true)
	}
	return m.transport.NewClientConn(bal.life, scheme, p.target.Addr)
}

// end closes all connections.
func (m *multiplexed) end() {
	m.mu.Lock()
	m.ended = true
	conns := slices.Clone(m.conns)
	m.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}

// upload is the client's body on its way to the target: as long as it moves the target is not late.
type upload struct {
	*stream
	idle *time.Timer
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.stream.Read(p)
	u.idle.Reset(u.ex.bal.lb.IdleTimeout)
	return n, err
}

// Close implements io.Closer; the body is the server's to close.
func (u *upload) Close() error { return nil }

// roundTrip sends the request to a target that speaks HTTP/2. There, net/http carries the connection;
// it is asked once.
func (s *stream) roundTrip() {
	ex := &s.ex
	p := ex.service.pool(ex.choice.Target)
	conn, err := p.h2.get(s.r.Context(), p)
	if err != nil {
		if s.r.Context().Err() != nil {
			s.left()
			s.local(nil)
			return
		}
		status := 502
		if isTimeout(err) {
			status = 504
		}
		ex.outcome.ConnectFailed = true
		s.local(&page.Page{Status: status})
		return
	}
	ctx, cancel := context.WithCancel(s.r.Context())
	defer cancel()
	idle := time.AfterFunc(ex.bal.lb.IdleTimeout, cancel)
	defer idle.Stop()
	ex.dispatch = time.Now()
	resp, err := conn.RoundTrip(s.outgoing(ctx, &upload{s, idle}))
	first := time.Now()
	if err != nil {
		s.lost(first, ctx)
		return
	}
	defer resp.Body.Close()
	if !ex.settle() {
		s.local(nil)
		return
	}
	ex.times = [3]time.Duration{ex.dispatch.Sub(ex.created), first.Sub(ex.dispatch), time.Since(first)}
	ex.status, ex.targetStatus, ex.outcome.Status, ex.responded = resp.StatusCode, resp.StatusCode, resp.StatusCode, first
	head := incoming(resp)
	ex.sink.begin(ex, head, false)
	buf := make([]byte, bodyBuffer)
	for {
		n, err := resp.Body.Read(buf)
		idle.Stop()        // while the client is written to
		if err == io.EOF { //nolint:errorlint // Read returns it bare
			ex.state.Or(ending)
			_ = s.send(buf[:n], true)
			break
		}
		if err != nil {
			ex.outcome.Broken = s.r.Context().Err() == nil
		} else if err = s.send(buf[:n], false); err == nil {
			idle.Reset(ex.bal.lb.IdleTimeout)
			continue
		}
		s.cut()
		break
	}
	ex.state.Or(answered)
	ex.done(sentAll)
}

// lost answers for a target whose response does not come.
func (s *stream) lost(at time.Time, ctx context.Context) { //nolint:revive // the time is the subject
	ex := &s.ex
	switch {
	case s.r.Context().Err() != nil:
		s.left()
		s.local(nil)
		return
	case ctx.Err() != nil && s.reading.Load():
		s.local(&page.Page{Status: 408})
		return
	case ctx.Err() != nil:
		ex.times = [3]time.Duration{ex.dispatch.Sub(ex.created), notDone, notDone}
		s.local(&page.Page{Status: 504})
		return
	}
	ex.outcome.Broken = true
	ex.times = [3]time.Duration{ex.dispatch.Sub(ex.created), at.Sub(ex.dispatch), notDone}
	s.local(&page.Page{Status: 502})
}

// outgoing is the request as the target gets it.
func (s *stream) outgoing(ctx context.Context, body io.ReadCloser) *http.Request {
	at := *s.r.URL
	if at.Scheme, at.Host = "http", s.ex.choice.Target.Addr; s.ex.service.tls {
		at.Scheme = "https"
	}
	out := (&http.Request{
		Method: s.r.Method, URL: &at, Header: http.Header{}, Body: body, ContentLength: s.r.ContentLength,
	}).WithContext(ctx)
	if s.r.ContentLength == 0 {
		out.Body = nil
	}
	// The head that an HTTP/1.1 target would get, line by line.
	_, head, _ := bytes.Cut(s.ex.appendRequest(nil, &s.req), crlf)
	for line := range bytes.SplitSeq(head, crlf) {
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch f := message.NewField(name, value); {
		case f.Known == message.Host && out.Host == "":
			out.Host = string(value)
		case f.Known != message.Host && len(name) > 0 && !hopByHop(f.Known):
			out.Header.Add(string(name), string(value))
		}
	}
	if out.Header.Get("User-Agent") == "" {
		out.Header["User-Agent"] = nil
	}
	return out
}

var crlf = []byte("\r\n")

// incoming is the head of the target's response.
func incoming(resp *http.Response) *message.Response {
	head := &message.Response{Status: resp.StatusCode, Minor: 2, Length: resp.ContentLength}
	for name, values := range resp.Header {
		for _, v := range values {
			head.Fields = append(head.Fields, message.NewField([]byte(strings.ToLower(name)), []byte(v)))
		}
	}
	return head
}
