package alb

import (
	"strings"
	"sync/atomic"
	"testing"

	"fender/internal/proving/alb/config"
)

func classic(o *Options, _ *config.Config) { o.Classic = true }

func TestClassic_AnswersInItsOwnWay(t *testing.T) {
	for _, c := range []struct {
		name    string
		serve   func(*wire, int)
		request string
		set     setting
		want    string
	}{
		{"FIN before the response", func(w *wire, _ int) { w.head() }, get, classic, "HTTP/1.1 504 GATEWAY_TIMEOUT\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"},
		{"no HTTP", func(w *wire, _ int) { w.head(); w.say("hello\r\n\r\n") }, get, classic, "HTTP/1.1 502 BAD_GATEWAY\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"},
		{"no instance", nil, get, classic, "HTTP/1.1 503 Service Unavailable: Back-end server is at capacity\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"},
		{"no request", hello, "nonsense\r\n\r\n", classic, "HTTP/1.1 400 BAD_REQUEST\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := ""
			if c.serve != nil {
				at = target(t, c.serve)
			}
			s := start(t, at, c.set)
			w := s.dial()
			w.say(c.request)
			if got := w.head(); got != c.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestClassic_KeepsOneMoreConnectionOpenThanItNeeds(t *testing.T) {
	spare := make(chan struct{}, 10)
	var asked atomic.Int32
	s := start(t, target(t, func(w *wire, n int) {
		if n > 0 {
			spare <- struct{}{}
		}
		for strings.HasSuffix(w.head(), "\r\n\r\n") {
			asked.Add(1)
			w.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	}), classic)
	w := s.dial()
	w.say(get)
	w.answer()
	<-spare // opened although nobody asked for it
	if asked.Load() != 1 {
		t.Errorf("%d requests", asked.Load())
	}
}

func TestClassic_SendsNoTraceID(t *testing.T) {
	head, _ := targetGets(t, get, classic)
	if header(head, "x-amzn-trace-id") != "" || header(head, "x-forwarded-for") != "127.0.0.1" {
		t.Errorf("got:\n%s", head)
	}
}

func TestUnhealthyTargets_StillGetRequestsButNotInClassic(t *testing.T) {
	checked := func(_ *Options, c *config.Config) { c.TargetGroups[0].HealthCheck.Enabled = true }
	for _, c := range []struct {
		set  setting
		want int
	}{
		{func(*Options, *config.Config) {}, 502},
		{classic, 503},
	} {
		s := start(t, refuses(t), checked, c.set)
		w := s.dial()
		w.say(get)
		if head, _ := w.answer(); status(head) != c.want {
			t.Errorf("got %d, want %d", status(head), c.want)
		}
	}
}
