package alb

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"fender/internal/proving/alb/message"
	"fender/internal/proving/alb/page"
)

// h2Head is about how many bytes HPACK makes of the head of a short answer, frame included.
const h2Head = 70

// begin implements sink.
func (s *stream) begin(ex *exchange, r *message.Response, _ bool) (raw bool) {
	h := s.w.Header()
	h["Date"], h["Content-Type"] = nil, nil // as the target says, and nothing else
	names := listed(r.Fields)
	for i := range r.Fields {
		f := &r.Fields[i]
		if hopByHop(f.Known) || f.Known == message.Trailer || names != nil && among(f.Name, names) {
			continue
		}
		name := http.CanonicalHeaderKey(string(f.Name))
		h[name] = append(h[name], string(f.Value))
	}
	for _, cookie := range ex.stickyCookies(r) {
		h.Add("Set-Cookie", cookie)
	}
	if r.Length >= 0 && r.Status != 204 {
		h.Set("Content-Length", strconv.FormatInt(r.Length, 10))
	}
	s.start(r.Status)
	return false
}

func (s *stream) start(status int) {
	if s.goAway {
		s.w.Header().Set("Connection", "close") // net/http makes a GOAWAY of it
	}
	s.bytes.Store(h2Head)
	s.w.WriteHeader(status)
}

// send implements sink.
func (s *stream) send(p []byte, last bool) error {
	// The client has the idle timeout to take it; net/http resets the stream then. Behind the last bytes the
	// deadline stays for what net/http has still in its hands.
	_ = s.control.SetWriteDeadline(time.Now().Add(s.ex.bal.lb.IdleTimeout))
	n, err := s.w.Write(p)
	s.bytes.Add(int64(n))
	if errors.Is(err, http.ErrBodyNotAllowed) {
		err = nil
	}
	if err == nil && !last {
		err = s.control.Flush()
		_ = s.control.SetWriteDeadline(time.Time{})
	}
	return err
}

// page implements sink.
func (s *stream) page(p *page.Page) error {
	body, kind := p.Content()
	h := s.w.Header()
	h.Set("Server", "awselb/2.0")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if h["Content-Type"] = nil; kind != "" {
		h["Content-Type"] = []string{kind}
	}
	if p.Location != "" {
		h.Set("Location", p.Location)
	}
	s.start(p.Status)
	if p.Head {
		return nil
	}
	return s.send(body, true)
}

// cut implements sink.
func (s *stream) cut() { s.aborted = true }

// close implements sink.
func (s *stream) close() {}

// poke implements sink.
func (s *stream) poke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.returned {
		_ = s.control.SetReadDeadline(past)
	}
}

// sent implements sink.
func (s *stream) sent() int64 { return s.bytes.Load() }
