package alb

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fender/internal/proving/alb/message"
	"fender/internal/proving/alb/page"
)

// stream is one request over HTTP/2 and the client's end of its exchange.
type stream struct {
	ex      exchange
	req     message.Request
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	bytes   atomic.Int64
	whole   atomic.Bool // the request has come to its end
	reading atomic.Bool // the client is waited for
	aborted bool        // written by who settled, read when the exchange is over
	goAway  bool

	mu       sync.Mutex
	returned bool // the handler has: control is not to be used any more
}

// ServeHTTP answers a request that came over HTTP/2.
func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g := r.Context().Value(guestKey{}).(*guest)
	s := &stream{w: w, r: r, control: http.NewResponseController(w)}
	if !l.bal.enter(s) {
		panic(http.ErrAbortHandler)
	}
	defer l.bal.leave(s)
	ex := &s.ex
	ex.sink, ex.bal, ex.lis, ex.wake = s, l.bal, l, make(chan struct{}, 1)
	ex.entry.peer, ex.entry.on = g.peer, l.bal.accessLog != nil
	ex.reset(time.Now())
	ex.entry.kind, ex.minor, ex.keep, ex.head = "h2", 2, true, r.Method == http.MethodHead
	s.goAway = g.requests.Add(1) > maxRequests || time.Since(g.born) >= l.bal.lb.ClientKeepAlive
	s.read(r)
	ex.serve(s)
	ex.wait(over)
	s.mu.Lock()
	s.returned = true
	s.mu.Unlock()
	if s.aborted {
		panic(http.ErrAbortHandler)
	}
}

// Close lets the balancer end; the server ends the connection.
func (s *stream) Close() error { return nil }

// special are the names that targets see in mixed case though HTTP/2 clients send lower case.
var special = map[string]string{
	"X-Forwarded-For": "", "X-Forwarded-Proto": "", "X-Forwarded-Port": "", "Host": "", "X-Amzn-Trace-Id": "", "Upgrade": "", "Connection": "",
}

// read makes the request of the head that net/http has read. The order of the headers is lost there.
func (s *stream) read(r *http.Request) {
	ex, q := &s.ex, &s.req
	*q = message.Request{
		Method: []byte(r.Method), Target: []byte(r.RequestURI), Version: []byte("HTTP/2.0"), Minor: 2,
		UserAgent: []byte(r.UserAgent()), Length: r.ContentLength, KeepAlive: true,
	}
	if r.Host != "" { // with net/http it is not among the headers
		q.Host = []byte(r.Host)
		q.Fields = append(q.Fields, message.NewField([]byte("Host"), q.Host))
	}
	if r.ContentLength < 0 {
		q.Chunked = true
	}
	if r.ContentLength == 0 && r.Header.Get("Content-Length") == "" {
		q.Length = -1
	}
	s.whole.Store(r.ContentLength == 0)
	size := len(r.Method) + len(r.RequestURI) + len(r.Host)
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		sent := name
		if _, ok := special[name]; !ok {
			sent = strings.ToLower(name)
		}
		for _, v := range r.Header[name] {
			f := message.NewField([]byte(sent), []byte(v))
			if f.Known == message.Cookie {
				q.Cookies++
			}
			if f.Known == message.TraceID {
				q.TraceID = f.Value
			}
			q.Fields = append(q.Fields, f)
			size += len(sent) + len(v)
		}
	}
	ex.received.Store(int64(size))
	ex.agent = q.UserAgent
	ex.entry.request(ex.lis.scheme, ex.lis.port, q.Host, q)
	ex.entry.text = appendTrace(ex.entry.text, q.TraceID, size, ex.created)
}

// serve has the request answered.
func (ex *exchange) serve(s *stream) {
	status := 0
	switch verdict := s.req.Limits(); {
	case verdict != message.OK:
		status = verdict.Status()
	case s.r.Method == http.MethodTrace, s.r.Method == http.MethodConnect:
		status = 405
	case addresses(&s.req) > maxAddresses:
		status = 463
	}
	p := &page.Page{Status: status}
	if status == 0 {
		p = ex.route(&s.req, s.req.Host)
	}
	switch {
	case p != nil:
		s.local(p)
	case ex.service.http2:
		s.roundTrip()
	default:
		s.forward()
	}
}

// local answers without a target.
func (s *stream) local(p *page.Page) {
	if s.ex.settle() {
		s.ex.answer(p)
	}
	s.ex.state.Or(answered)
	s.ex.done(sentAll)
}

// left ends the exchange because the client has gone.
func (s *stream) left() {
	if s.ex.is(over) {
		return
	}
	status := 460
	if !s.whole.Load() {
		status = 400
	}
	s.ex.left(status)
}

// forward sends the request to a target that speaks HTTP/1.1.
func (s *stream) forward() {
	ex := &s.ex
	head := ex.appendRequest(nil, &s.req)
	pool := ex.service.pool(ex.choice.Target)
	ex.dispatch = time.Now()
	b := pool.take(ex)
	if b == nil {
		ex.dispatch = time.Time{}
		d := pool.dial(nil)
		select {
		case <-d.done:
		case <-s.r.Context().Done():
			d.abandon()
			s.left()
			ex.state.Or(answered)
			ex.done(sentAll)
			return
		}
		if d.backend == nil {
			ex.outcome.ConnectFailed = true
			s.local(&page.Page{Status: d.status})
			return
		}
		b = d.give(ex)
	}
	stop := context.AfterFunc(s.r.Context(), s.left)
	_ = b.write(head)
	s.sendBody(b)
	ex.wait(over)
	stop()
}

// sendBody streams the body, and is done with the request.
func (s *stream) sendBody(b *backend) {
	ex, q := &s.ex, &s.req
	buf := make([]byte, bodyBuffer)
	const room = 18 // for the size of a chunk
	for q.Chunked || q.Length > 0 {
		_ = s.control.SetReadDeadline(time.Now().Add(ex.bal.lb.IdleTimeout))
		if ex.is(answered) {
			b.spoiled.Store(true)
			break
		}
		n, err := s.Read(buf[room : len(buf)-2])
		_ = s.control.SetReadDeadline(time.Time{}) // a slow target is not a silent client
		p := buf[room : room+n]
		if q.Chunked && n > 0 {
			size := append(strconv.AppendInt(buf[:0:room], int64(n), 16), "\r\n"...)
			from := room - len(size)
			copy(buf[from:], size)
			p = append(buf[from:room+n], "\r\n"...)
		}
		if q.Chunked && errors.Is(err, io.EOF) {
			p = append(p, "0\r\n\r\n"...)
		}
		if len(p) > 0 && b.write(p) != nil {
			b.spoiled.Store(true)
			break
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			s.failed(b, err)
			break
		}
	}
	ex.done(sentAll)
}

// Read reads the body of the request, from its client.
func (s *stream) Read(p []byte) (int, error) {
	s.reading.Store(true)
	n, err := s.r.Body.Read(p)
	s.reading.Store(false)
	s.ex.received.Add(int64(n))
	if errors.Is(err, io.EOF) {
		s.whole.Store(true)
	}
	return n, err
}

// failed is called when the client's body did not come to its end.
func (s *stream) failed(b *backend, err error) {
	b.spoiled.Store(true)
	if s.ex.is(answered) {
		return
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		s.left()
	} else if s.ex.settle() {
		s.ex.times = nothingDone
		s.ex.fail(408)
	}
	b.sever()
}
