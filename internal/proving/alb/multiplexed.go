package alb

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"fender/internal/proving/alb/message"
	"fender/internal/proving/alb/page"
)

// multiplexed is the one HTTP/2 connection to a target.
type multiplexed struct {
	mu        sync.Mutex
	transport *http.Transport
	conn      *http.ClientConn
	ended     bool
}

// get is the connection, opened if there is none, with a place reserved for one request.
func (m *multiplexed) get(ctx context.Context, p *pool) (*http.ClientConn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conn != nil && m.conn.Err() == nil && m.conn.Reserve() == nil {
		return m.conn, nil
	}
	if m.ended {
		return nil, net.ErrClosed
	}
	scheme := "http"
	if m.transport == nil {
		m.transport = &http.Transport{
			Protocols: new(http.Protocols), DisableCompression: true,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}, //nolint:gosec // as AWS does
			DialContext:     (&net.Dialer{}).DialContext,
		}
		m.transport.Protocols.SetHTTP2(true)
		m.transport.Protocols.SetUnencryptedHTTP2(true)
	}
	if p.service.tls {
		scheme = "https"
	}
	limit, cancel := context.WithTimeout(ctx, p.service.bal.o.ConnectTimeout)
	defer cancel()
	conn, err := m.transport.NewClientConn(limit, scheme, p.target.Addr)
	if err != nil {
		return nil, err
	}
	if err := conn.Reserve(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	m.conn = conn
	return conn, nil
}

func (m *multiplexed) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
	if m.conn != nil {
		_ = m.conn.Close()
	}
	if m.transport != nil {
		m.transport.CloseIdleConnections()
	}
}

// roundTrip sends the request to a target that speaks HTTP/2. There, net/http carries the connection;
// it is asked once.
func (s *stream) roundTrip() {
	ex := &s.ex
	p := ex.service.pool(ex.choice.Target)
	conn, err := p.h2.get(s.r.Context(), p)
	if err != nil {
		if s.r.Context().Err() != nil {
			s.left()
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
	resp, err := conn.RoundTrip(s.outgoing(ctx))
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
		idle.Reset(ex.bal.lb.IdleTimeout)
		if err == io.EOF { //nolint:errorlint // Read returns it bare
			ex.state.Or(ending)
			_ = s.send(buf[:n], true)
			break
		}
		if err == nil {
			err = s.send(buf[:n], false)
		}
		if err != nil {
			s.cut()
			break
		}
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
		ex.state.Or(answered)
		ex.done(sentAll)
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
func (s *stream) outgoing(ctx context.Context) *http.Request {
	ex, q := &s.ex, &s.req
	scheme := "http"
	if ex.service.tls {
		scheme = "https"
	}
	out := (&http.Request{
		Method: s.r.Method, Header: http.Header{}, Body: s.r.Body, ContentLength: s.r.ContentLength,
		Host: string(appendHost(nil, q.Host, ex.lis.port)),
		URL:  &url.URL{Scheme: scheme, Host: ex.choice.Target.Addr, Opaque: "", Path: s.r.URL.Path, RawPath: s.r.URL.RawPath, RawQuery: s.r.URL.RawQuery},
	}).WithContext(ctx)
	if s.r.ContentLength == 0 {
		out.Body = nil
	}
	// The head that an HTTP/1.1 target would get, field by field.
	var head message.Request
	if head.Parse(ex.appendRequest(nil, q)) == message.OK {
		for _, f := range head.Fields {
			if f.Known != message.Host && !hopByHop(f.Known) {
				out.Header.Add(string(f.Name), string(f.Value))
			}
		}
	}
	if out.Header.Get("User-Agent") == "" {
		out.Header["User-Agent"] = nil
	}
	return out
}

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
