package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"fender/internal/observe/status"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func listen(t *testing.T, o Options) *Server {
	t.Helper()
	o.Address = "127.0.0.1:0"
	s, err := Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask sends one request on a connection of its own.
func ask(t *testing.T, method, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestAdmin_AnswersHealthReadinessStatusAndMetrics(t *testing.T) {
	ready, why := false, "draining"
	s := listen(t, Options{
		Ready: func() (bool, string) { return ready, why },
		Status: func(context.Context) (status.Status, error) {
			return status.Status{State: status.Serving, Generation: 3}, nil
		},
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metric 1\n") }),
	})
	for _, c := range []struct {
		method, path string
		code         int
		body         string
	}{
		{"GET", "/", 200, "/readyz"},
		{"GET", "/healthz", 200, "ok"},
		{"HEAD", "/healthz", 200, ""},
		{"GET", "/readyz", 503, "not ready: draining"},
		{"GET", "/metrics", 200, "metric 1"},
		{"POST", "/healthz", 405, ""},
		{"GET", "/nothing", 404, ""},
		{"GET", "/status/x", 404, ""},
	} {
		code, body := ask(t, c.method, s.URL()+c.path)
		if code != c.code || !strings.Contains(body, c.body) {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.path, code, body, c.code, c.body)
		}
	}
	code, body := ask(t, "GET", s.URL()+"/status")
	var doc map[string]any
	if err := json.Unmarshal([]byte(body), &doc); err != nil || code != 200 {
		t.Fatalf("%d %v: %s", code, err, body)
	}
	if doc["v"] != 1.0 || doc["state"] != "serving" || doc["generation"] != 3.0 {
		t.Errorf("status is %v", doc)
	}
	ready = true
	if code, body := ask(t, "GET", s.URL()+"/readyz"); code != 200 || body != "ready\n" {
		t.Errorf("ready: %d %q", code, body)
	}
}

func TestAdmin_WithoutFactsItSaysSo(t *testing.T) {
	s := listen(t, Options{})
	for path, want := range map[string]int{"/readyz": 503, "/status": 503, "/metrics": 404, "/healthz": 200} {
		if code, _ := ask(t, "GET", s.URL()+path); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
	failing := listen(t, Options{Status: func(context.Context) (status.Status, error) {
		return status.Status{}, errors.New("the loop is busy")
	}})
	if code, body := ask(t, "GET", failing.URL()+"/status"); code != 503 || !strings.Contains(body, "the loop is busy") {
		t.Errorf("%d %q", code, body)
	}
}

func TestAddress_IsLoopbackUnlessAHostIsGiven(t *testing.T) {
	for option, want := range map[string]string{
		"9191": "127.0.0.1:9191", ":9191": "127.0.0.1:9191", "0.0.0.0:9191": "0.0.0.0:9191",
		"[::]:9191": "[::]:9191", "[::1]:0": "[::1]:0", "localhost:80": "localhost:80",
	} {
		if got, err := Address(option); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", option, got, err, want)
		}
	}
	for _, option := range []string{"", ":", "1.2.3.4", "::1", "host:", "70000", "host:x y", "a:b:c"} {
		if got, err := Address(option); err == nil {
			t.Errorf("%q was taken as %q", option, got)
		}
	}
}

func TestAdmin_PortInUseIsAnErrorThatSaysWhatToDo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = Listen(Options{Address: l.Addr().String()})
	if err == nil || !strings.Contains(err.Error(), l.Addr().String()) || !strings.Contains(err.Error(), "--admin") {
		t.Errorf("Listen = %v", err)
	}
}

func TestLimit_HoldsBackConnectionsAboveTheBound(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lim := limit(l, 2)
	accepted := make(chan net.Conn)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := lim.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	for range 3 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	first, second := <-accepted, <-accepted
	if n := len(lim.(*limited).room); n != 2 {
		t.Errorf("%d connections are counted, want 2", n)
	}
	select {
	case <-accepted:
		t.Error("a third connection was accepted")
	default:
	}
	first.Close()
	first.Close() // counts once
	third := <-accepted
	second.Close()
	third.Close()
	lim.Close()
	<-ended
}
