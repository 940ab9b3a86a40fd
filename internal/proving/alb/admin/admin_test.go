package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/group"
	"fender/internal/proving/alb/metric"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// options is a balancer with two groups, of which web has one target.
func options() Options {
	c := config.New("shop")
	for _, name := range []string{"web", "api"} {
		g := config.NewTargetGroup(name)
		g.Port = 8000
		c.TargetGroups = append(c.TargetGroups, g)
	}
	c.TargetGroups[0].Targets = []config.Target{{ID: "10.0.0.1"}}
	c.Listeners = []config.Listener{{Protocol: config.HTTP, DefaultAction: config.Action{Forward: &config.Forward{Groups: []config.WeightedGroup{{TargetGroup: "web"}, {TargetGroup: "api"}}}}}}
	c.Complete()
	o := Options{LoadBalancer: c.ARN(), Metrics: metric.New(), Logs: map[string]func() int64{"access": func() int64 { return 7 }}}
	for _, g := range c.TargetGroups {
		o.Groups = append(o.Groups, group.New(g, group.Options{Metrics: o.Metrics}))
	}
	return o
}

func ask(o Options, method, url, body string, header ...string) (int, string) {
	r := httptest.NewRequest(method, "http://127.0.0.1:9901"+url, strings.NewReader(body))
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	w := httptest.NewRecorder()
	Handler(o).ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func get(t *testing.T, o Options, url string) string {
	t.Helper()
	code, body := ask(o, "GET", url, "")
	if code != http.StatusOK {
		t.Fatalf("%s: %d %s", url, code, body)
	}
	return body
}

const draining = `{
  "TargetHealthDescriptions": [
    {
      "Target": {
        "Id": "10.0.0.1",
        "Port": 8000
      },
      "HealthCheckPort": "8000",
      "TargetHealth": {
        "State": "draining",
        "Reason": "Target.DeregistrationInProgress",
        "Description": "Target deregistration is in progress"
      }
    },
    {
      "Target": {
        "Id": "10.0.0.2",
        "Port": 81
      },
      "HealthCheckPort": "81",
      "TargetHealth": {
        "State": "initial",
        "Reason": "Elb.RegistrationInProgress",
        "Description": "Target registration is in progress"
      }
    }
  ]
}
`

func TestHandler_RegistersDeregistersAndDescribesInTheShapesOfTheSDK(t *testing.T) {
	o := options()
	arn := o.Groups[0].Config().ARN
	for _, c := range []struct{ url, body string }{
		{"/register", `{"TargetGroupArn": "` + arn + `", "Targets": [{"Id": "10.0.0.2", "Port": 81, "AvailabilityZone": "all"}, {"Id": "10.0.0.1"}]}`},
		{"/deregister", `{"TargetGroupArn": "web", "Targets": [{"Id": "10.0.0.1", "Port": 8000}, {"Id": "unknown"}]}`},
	} {
		if code, body := ask(o, "POST", c.url, c.body); code != http.StatusOK || body != "{}\n" {
			t.Fatalf("%s: %d %s", c.url, code, body)
		}
	}
	if diff := cmp.Diff(draining, get(t, o, "/describe?TargetGroupArn="+arn)); diff != "" {
		t.Error(diff)
	}
	if got := get(t, o, "/describe?TargetGroupArn=web&Id=10.0.0.9&Port=1"); !strings.Contains(got, `"State": "unused"`) || !strings.Contains(got, "Target.NotRegistered") {
		t.Error(got)
	}
	if got := get(t, o, "/describe?TargetGroupArn=web&Id=10.0.0.1&Id=10.0.0.2&Port=8000&Port=81&Include=AnomalyDetection"); strings.Count(got, `"State"`) != 2 ||
		strings.Count(got, `"AnomalyDetection": {`) != 2 || !strings.Contains(got, `"Result": "normal"`) || !strings.Contains(got, `"MitigationInEffect": "no"`) {
		t.Error(got)
	}
	var all overview
	if err := json.Unmarshal([]byte(get(t, o, "/describe")), &all); err != nil || all.Version != 1 || len(all.TargetGroups) != 2 ||
		all.TargetGroups[0].TargetGroupArn != arn || len(all.TargetGroups[0].TargetHealthDescriptions) != 2 || all.TargetGroups[1].TargetHealthDescriptions == nil {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestHandler_BadInputGetsASentence(t *testing.T) {
	o := options()
	target := `"Targets": [{"Id": "a", "Port": 1}]`
	for _, c := range []struct {
		method, url, body string
		code              int
		says              string
	}{
		{"POST", "/register", ``, 400, "is not JSON such as"},
		{"POST", "/register", `{"TargetGroupArn": "web", "Target": []}`, 400, "unknown field"},
		{"POST", "/register", `{` + target + `}`, 400, "TargetGroupArn is missing"},
		{"POST", "/register", `{"TargetGroupArn": "wep", ` + target + `}`, 400, `there is no such target group as \"wep\"; there are: web, api`},
		{"POST", "/register", `{"TargetGroupArn": "web"}`, 400, "no Targets are given"},
		{"POST", "/register", `{"TargetGroupArn": "web", ` + target + `} {}`, 400, "more than one"},
		{"POST", "/register", `{"TargetGroupArn": "web", "Targets": [{"Port": 1}]}`, 400, "Id is missing"},
		{"POST", "/register", `{"TargetGroupArn": "web", "Targets": [{"Id": "a b", "Port": 1}]}`, 400, "neither an IP address nor a host name"},
		{"POST", "/register", `{"TargetGroupArn": "web", "Targets": [{"Id": "a", "Port": 70000}]}`, 400, "70000 is not a port"},
		{"POST", "/register", `{"TargetGroupArn": "web", "Targets": [{"Id": "a", "Port": "x"}]}`, 400, "is not JSON such as"},
		{"POST", "/deregister", `{"TargetGroupArn": "web", "Targets": [{"Id": "a", "Port": -1}]}`, 400, "-1 is not a port"},
		{"POST", "/register", `{"TargetGroupArn": "` + strings.Repeat("x", 2<<20), 400, "too large"},
		{"GET", "/describe?TargetGroupArn=x", "", 400, "TargetGroupNotFound"},
		{"GET", "/describe?TargetGroupArn=web&Id=a&Port=x", "", 400, "is not a port"},
		{"GET", "/describe?TargetGroupArn=web&Id=a&Port=0", "", 400, "is not a port"},
		{"GET", "/describe?TargetGroupArn=web&Id=a&Id=b&Port=1", "", 400, "give one Port for each Id"},
		{"GET", "/describe?TargetGroup=web", "", 400, "there is no parameter"},
		{"GET", "/describe?Id=a", "", 400, "TargetGroupArn is missing"},
		{"GET", "/describe?TargetGroupArn=web&Include=Everything", "", 400, "neither AnomalyDetection nor All"},
		{"GET", "/describe?%zz", "", 400, "ValidationError"},
		{"POST", "/register", tooMany(), 400, "TooManyTargets"},
		{"GET", "/register", "", 405, "register and deregister take POST"},
		{"POST", "/metrics", "", 405, "read with GET"},
		{"GET", "/", "", 404, "there are GET /describe"},
	} {
		code, body := ask(o, c.method, c.url, c.body)
		var f failure
		if err := json.Unmarshal([]byte(body), &f); err != nil || code != c.code || !strings.Contains(body, c.says) || f.Error.Code == "" || f.Error.Message == "" {
			t.Errorf("%s %s %.80s: %d %s", c.method, c.url, c.body, code, body)
		}
	}
	if n := len(o.Groups[0].Describe()); n != 1 {
		t.Errorf("%d targets are registered", n)
	}
}

// tooMany registers one target more than a group may have.
func tooMany() string {
	in := targetsInput{TargetGroupArn: "web"}
	for i := range config.MaxTargets {
		in.Targets = append(in.Targets, targetDescription{ID: "10.0.0.2", Port: i + 1})
	}
	text, _ := json.Marshal(in) // cannot fail
	return string(text)
}

func TestHandler_WebPagesAreKeptOut(t *testing.T) {
	o := options()
	body := `{"TargetGroupArn": "web", "Targets": [{"Id": "10.0.0.1"}]}`
	for _, header := range []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Host: evil.example", "Content-Type: text/plain"} {
		code, answer := ask(o, "POST", "/deregister", body, header)
		if code != http.StatusForbidden && code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", header, code, answer)
		}
		if strings.HasPrefix(header, "Host") && !strings.Contains(answer, "ask for 127.0.0.1") {
			t.Errorf("%s: it does not say what to do: %s", header, answer)
		}
	}
	if d := o.Groups[0].Describe()[0]; d.State == group.Draining {
		t.Error("a target was deregistered")
	}
	for _, header := range []string{"Host: localhost:1", "Host: [::1]:1", "Host: 127.0.0.1", "Sec-Fetch-Site: none", "Content-Type: application/json",
		"Content-Type: application/x-amz-json-1.1", "Content-Type: application/x-www-form-urlencoded"} {
		if code, answer := ask(o, "POST", "/register", body, header); code != http.StatusOK {
			t.Errorf("%s: %d %s", header, code, answer)
		}
	}
}

func TestHandler_MetricsByCloudWatchsNames(t *testing.T) {
	o := options()
	o.Groups[0].Metrics().Add(metric.RequestCount, 3)
	var got struct {
		V               int `json:"v"`
		Counts          map[string]int64
		TargetGroups    map[string]struct{ Counts map[string]int64 }
		DroppedLogLines map[string]int64
	}
	if err := json.Unmarshal([]byte(get(t, o, "/metrics")), &got); err != nil {
		t.Fatal(err)
	}
	if got.V != 1 || got.Counts["RequestCount"] != 3 || got.TargetGroups["web"].Counts["RequestCount"] != 3 || got.DroppedLogLines["access"] != 7 {
		t.Errorf("%+v", got)
	}
	if n, ok := got.Counts["HTTPCode_ELB_502_Count"]; !ok || n != 0 {
		t.Error("a zero is missing")
	}
}

func TestListen_LoopbackOnly(t *testing.T) {
	for _, good := range []string{"127.0.0.1:0", ":0", "localhost:0", "127.0.0.2:0"} {
		l, err := Listen(good)
		if err != nil {
			t.Errorf("%s: %v", good, err)
			continue
		}
		l.Close()
	}
	for _, bad := range []string{"0.0.0.0:0", "[::]:0", "example.com:80", "x", "10.0.0.1:0"} {
		if l, err := Listen(bad); err == nil {
			l.Close()
			t.Errorf("%s is bound", bad)
		}
	}
}

func TestServe_EndsWithItsContextAlthoughClientsStay(t *testing.T) {
	l, err := Listen(":0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, options()) }()
	client := &http.Client{Transport: &http.Transport{}}
	r, err := client.Get("http://" + l.Addr().String() + "/describe")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r.Body); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("%d %s, %v", r.StatusCode, text, err)
	}
	r.Body.Close()

	// One that has begun a request and does not end it: it is cut.
	slow, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	const head = "POST /register HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
	if _, err := slow.Write([]byte(head)); err != nil {
		t.Fatal(err)
	}
	// The server asks for the body: the request is being worked on.
	if _, err := slow.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	client.CloseIdleConnections()
}

// TestServe_LeavesNoConnectionWhenItsListenerIsClosed: whichever of the two ends comes first.
func TestServe_LeavesNoConnectionWhenItsListenerIsClosed(t *testing.T) {
	l, err := Listen(":0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- Serve(t.Context(), l, options()) }()
	idle, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if _, err := idle.Write([]byte("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(idle), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("it ended with %v", err)
	}
	_ = idle.SetReadDeadline(time.Now().Add(10 * time.Second)) // for a failure only
	if _, err := idle.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection is still there: %v", err)
	}
}
