//go:build linux

package e2e

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fender/e2e/load"
)

// targets are the requests in the access log so far, in its text form.
func (s *server) targets() (found []string) {
	for _, m := range regexp.MustCompile(`"[A-Z]+ (\S+) HTTP/1\.1" [0-9]{3} `).FindAllStringSubmatch(s.log.String(), -1) {
		found = append(found, m[1])
	}
	return found
}

func TestTheAccessLogHasTheRequestsThatTheOptionsPick(t *testing.T) {
	ask := []struct {
		target string
		status int
	}{{"/a?0", 200}, {"/missing", 404}, {"/error", 503}, {"/raise", 500}, {"/slow?0.15&secret=1", 200}, {"/healthz", 200}, {"/b", 200}}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"/a?0", "/missing", "/error", "/raise", "/slow?0.15&secret=1", "/b"}},
		{[]string{"--log-mask-query"}, []string{"/a?...", "/missing", "/error", "/raise", "/slow?...", "/b"}},
		{[]string{"--disable-logging"}, nil},
		{[]string{"--disable-logging", "--log-4xx"}, []string{"/missing"}},
		{[]string{"-L", "--log-5xx"}, []string{"/error", "/raise"}},
		{[]string{"-L", "--log-slow", "100"}, []string{"/slow?0.15&secret=1"}},
		{[]string{"-L", "--log-4xx", "--log-5xx", "--log-slow=100ms"}, []string{"/missing", "/error", "/raise", "/slow?0.15&secret=1"}},
	} {
		s := launch(t, append(append(testdata("slow"), "--http-socket", "127.0.0.1:0"), c.args...)...)
		s.ready()
		conn := &load.Conn{Addr: s.addr}
		for _, q := range ask {
			if _, kind, err := conn.Do(&load.Request{Target: q.target, Want: []int{q.status}}); kind != load.OK {
				t.Fatalf("%s: %v", q.target, err)
			}
		}
		conn.Close()
		s.signal(15)
		s.exit()
		s.printed()
		if got := s.targets(); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, not %q", c.args, got, c.want)
		}
		if s := s.log.String(); len(c.want) > 1 && strings.HasSuffix(c.want[0], "?...") && strings.Contains(s, "secret") {
			t.Error("a query string is in the log")
		}
	}
}

func TestTheJSONLogHasEveryKeyAndTheTimesOfQueueAndWorker(t *testing.T) {
	s := launch(t, append(testdata("slow"), "--http-socket", "127.0.0.1:0", "--access-log-format", "json", "--control", control(t))...)
	s.ready()
	trace := "Root=1-67891233-abcdef012345678912345678;Parent=x"
	first := s.later(&load.Request{Target: "/first?0.4"})
	s.busySlots(1)
	s.must(&load.Request{Method: "POST", Target: "/second?0.1", Body: []byte("12345"), Header: []string{"X-Amzn-Trace-Id: " + trace}})
	<-first
	s.must(&load.Request{Target: "/refused", Header: []string{"User-Agent: a \"quoted\" agent", "Referer: http://x/\xff"}})
	s.raw("GET /bad HTTP/1.1\r\n\r\n")
	s.says(`"target":"/refused"`, `"target":"/bad"`)
	lines := map[string]map[string]any{}
	for line := range strings.Lines(s.log.String()) {
		if !strings.HasPrefix(line, `{"time"`) {
			continue
		}
		var doc map[string]any
		if err := json.Unmarshal([]byte(line), &doc); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		lines[strings.SplitN(doc["target"].(string), "?", 2)[0]] = doc
		keys := []string{}
		for _, m := range regexp.MustCompile(`[{,]"([a-z_]+)":`).FindAllStringSubmatch(line, -1) {
			keys = append(keys, m[1])
		}
		if want := strings.Fields("time request_id trace_id client method target proto status cause received sent queue_s worker_s total_s " +
			"worker spawn pid generation attempts host user_agent referer"); !slices.Equal(keys, want) {
			t.Errorf("keys %q", keys)
		}
	}
	second := lines["/second"]
	for key, want := range map[string]any{
		"trace_id": trace, "client": "127.0.0.1", "method": "POST", "target": "/second?0.1", "proto": "HTTP/1.1", "status": 200.0, "cause": "",
		"received": 5.0, "worker": 1.0, "spawn": 1.0, "pid": float64(s.pids()[0]), "generation": 1.0, "attempts": 1.0, "host": s.addr,
	} {
		if second[key] != want {
			t.Errorf("%s is %v, not %v", key, second[key], want)
		}
	}
	queue, work, total := second["queue_s"].(float64), second["worker_s"].(float64), second["total_s"].(float64)
	if queue < 0.05 || work < 0.1 || total < queue+work-0.001 {
		t.Errorf("it waited %v s, worked for %v s, in all %v s", queue, work, total)
	}
	if r := lines["/refused"]; r["user_agent"] != `a "quoted" agent` || r["referer"] != `http://x/\xFF` {
		t.Errorf("agent %q, referer %q", r["user_agent"], r["referer"])
	}
	if r := lines["/bad"]; r["status"] != 400.0 || r["cause"] != "bad-request" || r["worker"] != 0.0 || r["attempts"] != 0.0 {
		t.Errorf("a refused request: %v", r)
	}
}

func TestTheAccessLogHasTheApplicationsOwnVariables(t *testing.T) {
	s := launch(t, append(app(t, `
def application(environ, start_response):
    call = environ["fender.call"]
    call("logvar", "customer", "4711 \u00e4\n")
    try:
        call("logvar", "no name", "x")
        why = "taken"
    except RuntimeError as error:
        why = str(error)
    start_response("200 OK", [("Content-Length", str(len(why)))])
    return [why.encode()]
`), "--http-socket", "127.0.0.1:0")...)
	s.ready()
	if body := string(s.must(&load.Request{Target: "/"}).Body); !strings.Contains(body, "letters, digits") {
		t.Errorf("the second call: %q", body)
	}
	s.says(` referer="" var.customer="4711 \xC3\xA4\x0A"` + "\n")
}
