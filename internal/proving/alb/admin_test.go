package alb

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"fender/internal/proving/alb/config"
)

// ask uses the admin address.
func (s *stand) ask(method, path, body string) string {
	s.t.Helper()
	q, err := http.NewRequest(method, s.bal.AdminAddress()+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	q.Close = true
	q.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, got)
	}
	return string(got)
}

func TestAdmin_RegistersDeregistersAndCounts(t *testing.T) {
	admin := func(o *Options, c *config.Config) {
		o.Admin = "127.0.0.1:0"
		c.TargetGroups[0].DeregistrationDelay = time.Hour
	}
	at := target(t, hello)
	s := start(t, "", admin)
	w := s.dial()
	next := func(want int) {
		t.Helper()
		w.say(get)
		if head, _ := w.answer(); status(head) != want {
			t.Errorf("got %d, want %d", status(head), want)
		}
		s.entry()
	}
	next(503)
	_, port, _ := net.SplitHostPort(at)
	targets := fmt.Sprintf(`{"TargetGroupArn": "site", "Targets": [{"Id": "127.0.0.1", "Port": %s}]}`, port)
	s.ask("POST", "/register", targets)
	next(200)
	next(200)
	s.ask("POST", "/deregister", targets)
	next(503)
	counts := s.ask("GET", "/metrics", "")
	for _, want := range []string{`"RequestCount": 2`, `"HTTPCode_ELB_503_Count": 2`, `"HTTPCode_Target_2XX_Count": 2`} {
		if !strings.Contains(counts, want) {
			t.Errorf("no %s in %s", want, counts)
		}
	}
}

func TestPropagationLag_LetsRequestsThrough(t *testing.T) {
	s := start(t, target(t, hello), func(o *Options, c *config.Config) {
		o.PropagationLag = time.Hour
		c.TargetGroups[0].DeregistrationDelay = 2 * time.Hour
	})
	s.bal.groups[0].Deregister(s.bal.cfg.TargetGroups[0].Targets...)
	w := s.dial()
	w.say(get)
	if head, _ := w.answer(); status(head) != 200 {
		t.Errorf("got %d", status(head))
	}
}
