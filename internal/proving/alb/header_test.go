package alb

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/metric"
)

// targetGets is the head that reaches the target, without what the balancer adds to every request.
func targetGets(t *testing.T, request string, settings ...setting) (head string, port int) {
	t.Helper()
	s := start(t, target(t, echo), settings...)
	w := s.dial()
	w.say(request)
	_, head = w.answer()
	return head, s.bal.listeners[0].port
}

func TestForwardedFor_HasThreeModes(t *testing.T) {
	for _, c := range []struct {
		mode  config.XFFMode
		port  bool
		given string
		want  string
	}{
		{config.XFFAppend, false, "", "127.0.0.1"},
		{config.XFFAppend, false, "1.2.3.4", "1.2.3.4, 127.0.0.1"},
		{config.XFFAppend, true, "1.2.3.4", "1.2.3.4, 127.0.0.1:"},
		{config.XFFPreserve, true, "1.2.3.4", "1.2.3.4"},
		{config.XFFPreserve, false, "", ""},
		{config.XFFRemove, true, "1.2.3.4", ""},
	} {
		request := "GET / HTTP/1.1\r\nHost: a\r\n"
		if c.given != "" {
			request += "X-Forwarded-For: " + c.given + "\r\n"
		}
		head, _ := targetGets(t, request+"\r\n", func(_ *Options, cfg *config.Config) {
			cfg.LoadBalancer.XFF, cfg.LoadBalancer.XFFClientPort = c.mode, c.port
		})
		got := header(head, "x-forwarded-for")
		if strings.HasSuffix(c.want, ":") {
			got = got[:min(len(got), len(c.want))]
		}
		if got != c.want {
			t.Errorf("%s, port %v, given %q: %q, want %q", c.mode, c.port, c.given, got, c.want)
		}
	}
}

func TestHost_FollowsTheListener(t *testing.T) {
	for _, c := range []struct {
		host string
		port int
		want string
	}{
		{"Example.COM", 80, "example.com"},
		{"example.com:8080", 443, "example.com"},
		{"example.com", 8080, "example.com:8080"},
		{"example.com:1", 8080, "example.com:1"},
		{"[::1]", 8080, "[::1]:8080"},
		{"[::1]:5", 80, "[::1]"},
	} {
		if got := string(appendHost(nil, []byte(c.host), c.port)); got != c.want {
			t.Errorf("%q at port %d: %q, want %q", c.host, c.port, got, c.want)
		}
	}
	head, port := targetGets(t, "GET http://Other.com/x HTTP/1.1\r\nHost: a\r\n\r\n")
	if want := fmt.Sprintf("other.com:%d", port); header(head, "host") != want || !strings.HasPrefix(head, "GET /x HTTP/1.1\r\n") {
		t.Errorf("got:\n%s", head)
	}
	head, _ = targetGets(t, "GET / HTTP/1.1\r\nHost: Keep.Me:1\r\nHost: second\r\n\r\n", func(_ *Options, c *config.Config) { c.LoadBalancer.PreserveHostHeader = true })
	if !strings.Contains(head, "\r\nHost: Keep.Me:1\r\nHost: second\r\n") {
		t.Errorf("got:\n%s", head)
	}
}

func TestHeaders_ThatGoNoFurther(t *testing.T) {
	head, port := targetGets(t, "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: 5\r\nX-Hop: 1\r\nTE: trailers\r\n"+
		"Upgrade: h2c\r\nProxy-Connection: a\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\nX_Under: score\r\n folded\r\n\r\n")
	for _, name := range []string{"connection", "keep-alive", "x-hop", "te", "upgrade", "proxy-connection"} {
		if v := header(head, name); v != "" {
			t.Errorf("%s: %s goes on", name, v)
		}
	}
	if header(head, "x-forwarded-proto") != "http" || header(head, "x-forwarded-port") != fmt.Sprint(port) || header(head, "x_under") != "score" || !strings.Contains(head, "\r\n folded:\r\n") {
		t.Errorf("got:\n%s", head)
	}
	head, _ = targetGets(t, "GET / HTTP/1.1\r\nHost: a\r\nX_Under: score\r\nX-Good: 1\r\n\r\n", func(_ *Options, c *config.Config) { c.LoadBalancer.DropInvalidHeaderFields = true })
	if header(head, "x_under") != "" || header(head, "x-good") != "1" {
		t.Errorf("got:\n%s", head)
	}
}

func TestInvalidNames_AreCountedWhereATargetIsAsked(t *testing.T) {
	for _, c := range []struct {
		drop               bool
		fields             string
		forwarded, dropped int64
	}{
		{false, "X_Under: score\r\nAnd_One: more\r\n", 1, 0},
		{true, "X_Under: score\r\n", 0, 1},
		{false, "X-Fine: 1\r\n", 0, 0},
	} {
		s := start(t, target(t, hello), func(_ *Options, cfg *config.Config) { cfg.LoadBalancer.DropInvalidHeaderFields = c.drop })
		w := s.dial()
		w.say("GET / HTTP/1.1\r\nHost: a\r\n" + c.fields + "\r\n")
		w.answer()
		forwarded, dropped := s.bal.metrics.Value(metric.ForwardedInvalidHeaderRequestCount), s.bal.metrics.Value(metric.DroppedInvalidHeaderRequestCount)
		if forwarded != c.forwarded || dropped != c.dropped {
			t.Errorf("%q, drop %v: forwarded %d, dropped %d", c.fields, c.drop, forwarded, dropped)
		}
	}
}

func TestTrace_KeepsTheRootAndReplacesSelf(t *testing.T) {
	now := time.Unix(0x67891233, 0)
	id := `1-67891233-[0-9a-f]{24}`
	for _, c := range []struct {
		given string
		size  int
		want  string
	}{
		{"", 0, "Root=" + id},
		{"nonsense", 0, "Root=" + id},
		{"Root=1-2-3", 0, "Self=" + id + ";Root=1-2-3"},
		{"Self=1-9-9;Root=1-2-3;CalledFrom=app", 0, "Self=" + id + ";Root=1-2-3;CalledFrom=app"},
		{"Root=1-2-3", 8 << 10, "Root=" + id},
	} {
		if got := string(appendTrace(nil, []byte(c.given), c.size, now)); !regexp.MustCompile("^" + c.want + "$").MatchString(got) {
			t.Errorf("%q: %q", c.given, got)
		}
	}
}

func TestRules_RedirectFixAndStick(t *testing.T) {
	s := start(t, target(t, hello), func(_ *Options, c *config.Config) {
		c.TargetGroups[0].Stickiness.Enabled = true
		c.Listeners[0].Rules = []config.Rule{
			{Priority: 5, Conditions: []config.Condition{{Field: config.PathPattern, Values: []string{"/old*"}}}, Action: config.Action{Redirect: &config.Redirect{Status: 301, Protocol: "HTTPS", Host: "#{host}", Port: "443", Path: "/#{path}", Query: "#{query}"}}},
			{Priority: 6, Conditions: []config.Condition{{Field: config.PathPattern, Values: []string{"/down"}}}, Action: config.Action{Fixed: &config.FixedResponse{Status: 503, ContentType: "text/plain", Body: "maintenance"}}},
		}
	})
	w := s.dial()
	w.say("GET /old?a=b HTTP/1.1\r\nHost: example.com\r\n\r\n")
	head, _ := w.answer()
	if status(head) != 301 || header(head, "location") != "https://example.com:443/old?a=b" {
		t.Errorf("got:\n%s", head)
	}
	if e := s.entry(); e.Actions != "redirect" || e.RedirectURL != "https://example.com:443/old?a=b" || e.Priority != "5" || e.TargetGroup != "" {
		t.Errorf("logged %+v", e)
	}
	w.say("GET /down HTTP/1.1\r\nHost: example.com\r\n\r\n")
	head, body := w.answer()
	if status(head) != 503 || body != "maintenance" || header(head, "content-type") != "text/plain" {
		t.Errorf("got:\n%s%s", head, body)
	}
	if e := s.entry(); e.Actions != "fixed-response" || e.Status != 503 || signs(e) != "- - -" || e.TargetGroup != "" {
		t.Errorf("logged %+v", e)
	}
	if n := s.bal.metrics.Value(metric.RuleEvaluations); n != 1+2 {
		t.Errorf("%d rules were evaluated", n)
	}
	w.say(get)
	head, body = w.answer()
	if n := s.bal.metrics.Value(metric.RuleEvaluations); n != 1+2+2 {
		t.Errorf("%d rules were evaluated with the default action", n)
	}
	if body != "hello" || !strings.Contains(head, "\r\nSet-Cookie: AWSALB=") || !strings.Contains(head, "\r\nSet-Cookie: AWSALBCORS=") {
		t.Errorf("got:\n%s%s", head, body)
	}
}
