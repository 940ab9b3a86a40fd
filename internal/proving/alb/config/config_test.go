package config

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const smallest = `
Listeners:
  - {Protocol: HTTP, Port: 80, DefaultActions: [{Type: forward, TargetGroupName: web}]}
TargetGroups:
  - {Name: web, Protocol: HTTP, Targets: [{Id: 10.0.0.1, Port: 8000}]}
`

func TestRead_GivesTheDefaultsOfAWS(t *testing.T) {
	c, err := Read("alb.yaml", []byte(smallest))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(LoadBalancer{
		IdleTimeout: 60 * time.Second, ClientKeepAlive: 3600 * time.Second,
		Desync: "defensive", XFF: "append", HTTP2: true,
	}, c.LoadBalancer); diff != "" {
		t.Error(diff)
	}
	g := c.TargetGroups[0]
	want := TargetGroup{
		Name: "web", Protocol: "HTTP", ProtocolVersion: "HTTP1", Targets: []Target{{"10.0.0.1", 8000}}, InUse: true,
		ARN: "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/" + id("targetgroup/web"),
		HealthCheck: HealthCheck{
			Enabled: true, Protocol: "HTTP", Path: "/", Interval: 30 * time.Second, Timeout: 5 * time.Second,
			Healthy: 5, Unhealthy: 2, Matcher: Matcher{[]codes{{200, 200}}},
		},
		DeregistrationDelay: 300 * time.Second, Algorithm: "round_robin", WeightsEvery: 5 * time.Second,
		Stickiness:  Stickiness{Type: "lb_cookie", LBDuration: 86400 * time.Second, AppDuration: 86400 * time.Second},
		DNSFailover: Minimum{Count: 1}, UnhealthyRouting: Minimum{Count: 1},
	}
	if diff := cmp.Diff(want, g, cmp.AllowUnexported(Matcher{}, codes{})); diff != "" {
		t.Error(diff)
	}
	if c.Listeners[0].HostPort() != "127.0.0.1:80" {
		t.Errorf("listens on %s", c.Listeners[0].HostPort())
	}
}

func TestRead_TheExample(t *testing.T) {
	text, err := os.ReadFile("../../../../examples/alb/alb.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read("alb.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	web, api := c.TargetGroups[0], c.TargetGroups[1]
	if web.Targets[0].HostPort() != "127.0.0.1:8000" || web.HealthCheck.Matcher.String() != "200-299" ||
		!web.Stickiness.Enabled || web.UnhealthyRouting != (Minimum{Count: 1}) {
		t.Errorf("web is %+v", web)
	}
	if api.Algorithm != WeightedRandom || !api.AnomalyMitigation {
		t.Errorf("api is %+v", api)
	}
	want := []Action{
		{Forward: &Forward{Groups: []WeightedGroup{{"api", 90}, {"web", 10}}, Sticky: true, StickyTime: time.Hour}},
		{Redirect: &Redirect{301, "#{protocol}", "www.example.com", "#{port}", "/moved/#{path}", "#{query}"}},
		{Fixed: &FixedResponse{403, "text/plain", "not here"}},
		{Fixed: &FixedResponse{410, "text/plain", ""}},
	}
	var got []Action
	for _, r := range c.Listeners[0].Rules {
		got = append(got, r.Action)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c.LoadBalancer.AccessLogs != (LogDelivery{false, "build/alb-logs", "shop"}) {
		t.Errorf("access logs are %+v", c.LoadBalancer.AccessLogs)
	}
}

// TestRead_SaysWhatIsWrongAndWhere reads the golden folder: a file, a line of dashes, the problems.
func TestRead_SaysWhatIsWrongAndWhere(t *testing.T) {
	files, err := os.ReadDir("testdata/wrong")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases: ", err)
	}
	for _, f := range files {
		t.Run(f.Name(), func(t *testing.T) {
			text, err := os.ReadFile("testdata/wrong/" + f.Name())
			if err != nil {
				t.Fatal(err)
			}
			input, want, _ := strings.Cut(string(text), "----\n")
			_, err = Read("alb.yaml", []byte(input))
			got := fmt.Sprintln(err)
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile("testdata/wrong/"+f.Name(), []byte(input+"----\n"+got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAttributes_HaveTheRangesOfAWS tries the ends of each range and what is just outside of it.
func TestAttributes_HaveTheRangesOfAWS(t *testing.T) {
	for _, c := range []struct {
		group     bool
		name      string
		good, bad []string
	}{
		{false, "idle_timeout.timeout_seconds", []string{"1", "4000"}, []string{"0", "4001", "-1", "1.5", "x", "99999999999999999999"}},
		{false, "client_keep_alive.seconds", []string{"60", "604800"}, []string{"59", "604801"}},
		{false, "routing.http.desync_mitigation_mode", []string{"monitor", "defensive", "strictest"}, []string{"strict", ""}},
		{false, "routing.http.xff_header_processing.mode", []string{"append", "preserve", "remove"}, []string{"Append"}},
		{false, "routing.http2.enabled", []string{"true", "false", "True"}, []string{"on", "1"}},
		{false, "waf.fail_open.enabled", []string{"false"}, []string{"true"}},
		{false, "zonal_shift.config.enabled", []string{"false"}, []string{"true"}},
		{true, "deregistration_delay.timeout_seconds", []string{"0", "3600"}, []string{"3601", "-1"}},
		{true, "slow_start.duration_seconds", []string{"0", "30", "900"}, []string{"1", "29", "901"}},
		{true, "load_balancing.algorithm.type", []string{"round_robin", "least_outstanding_requests", "weighted_random"}, []string{"random"}},
		{true, "load_balancing.algorithm.anomaly_mitigation", []string{"off"}, []string{"true", "on"}}, // on needs weighted_random
		{true, "stickiness.lb_cookie.duration_seconds", []string{"1", "604800"}, []string{"0", "604801"}},
		{true, "stickiness.app_cookie.duration_seconds", []string{"1", "604800"}, []string{"0", "604801"}},
		{true, "stickiness.type", []string{"lb_cookie", "app_cookie"}, []string{"source_ip"}},
		{true, "target_group_health.dns_failover.minimum_healthy_targets.count", []string{"1", "off", "7"}, []string{"0", "-1", "1001"}},
		{true, "target_group_health.dns_failover.minimum_healthy_targets.percentage", []string{"off", "1", "100"}, []string{"0", "101"}},
		{true, "load_balancing.cross_zone.enabled", []string{"true", "use_load_balancer_configuration"}, []string{"false"}},
	} {
		try := func(value string) error {
			attribute := fmt.Sprintf("Attributes: {%s: %q}", c.name, value)
			text := "LoadBalancer: {" + attribute + "}\n" + smallest
			if c.group {
				text = strings.Replace(smallest, "Name: web,", "Name: web, "+attribute+",", 1)
			}
			_, err := Read("alb.yaml", []byte(text))
			return err
		}
		for _, v := range c.good {
			if err := try(v); err != nil {
				t.Errorf("%s: %s is refused: %v", c.name, v, err)
			}
		}
		for _, v := range c.bad {
			if err := try(v); err == nil || !strings.Contains(err.Error(), c.name) {
				t.Errorf("%s: %s gives %v", c.name, v, err)
			}
		}
	}
}

func TestHealthCheck_HasTheRangesOfAWS(t *testing.T) {
	for _, c := range []struct {
		key       string
		good, bad []string
	}{
		{"HealthCheckIntervalSeconds", []string{"5", "300"}, []string{"4", "301"}},
		{"HealthCheckTimeoutSeconds", []string{"2", "30"}, []string{"1", "121", "31"}}, // the interval is 30
		{"HealthyThresholdCount", []string{"2", "10"}, []string{"1", "11"}},
		{"UnhealthyThresholdCount", []string{"2", "10"}, []string{"1", "11"}},
		{"HealthCheckPath", []string{"/", `"/a?b=c"`}, []string{"a", "", `"/a b"`, "/" + strings.Repeat("x", 1024)}},
		{"HealthCheckPort", []string{"traffic-port", "1", "65535"}, []string{"0", "65536", "traffic"}},
		{"HealthCheckEnabled", []string{"true", "false"}, []string{"2"}},
		{"Matcher", []string{"{HttpCode: 200}", "{HttpCode: '200-499'}", "{HttpCode: '200,301-302'}"},
			[]string{"{HttpCode: 199}", "{HttpCode: 500}", "{HttpCode: 300-200}", "{HttpCode: '+200'}", "{HttpCode: ''}", "200"}},
		{"ProtocolVersion", []string{"HTTP1"}, []string{"GRPC", "HTTP2", "HTTP/1"}}, // HTTP2: the listener is not HTTPS
		{"TargetType", []string{"ip"}, []string{"lambda", "instance", "alb", "i"}},
	} {
		try := func(v string) error {
			_, err := Read("alb.yaml", []byte(strings.Replace(smallest, "Name: web,", "Name: web, "+c.key+": "+v+",", 1)))
			return err
		}
		for _, v := range c.good {
			if err := try(v); err != nil {
				t.Errorf("%s: %s is refused: %v", c.key, v, err)
			}
		}
		for _, v := range c.bad {
			if err := try(v); err == nil {
				t.Errorf("%s: %s is taken", c.key, v)
			}
		}
	}
}

func TestMatcher_ReadsWhatItWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m Matcher
		for range rapid.IntRange(1, 4).Draw(t, "ranges") {
			from := rapid.IntRange(200, 499).Draw(t, "from")
			m.ranges = append(m.ranges, codes{from, rapid.IntRange(from, 499).Draw(t, "to")})
		}
		back, err := ParseMatcher(m.String())
		if err != nil || !cmp.Equal(m, back, cmp.AllowUnexported(Matcher{}, codes{})) {
			t.Fatalf("%v is read as %v, %v", m, back, err)
		}
		n := rapid.IntRange(100, 599).Draw(t, "code")
		want := false
		for _, r := range m.ranges {
			want = want || n >= r.from && n <= r.to
		}
		if m.Matches(n) != want {
			t.Fatalf("%v matches %d: %v", m, n, !want)
		}
	})
}

func TestHasten_DividesAllTimesAndTheRangesEnd(t *testing.T) {
	c, err := Read("alb.yaml", []byte(smallest))
	if err != nil {
		t.Fatal(err)
	}
	c.Hasten(100)
	g := c.TargetGroups[0]
	got := []time.Duration{
		c.LoadBalancer.IdleTimeout, c.LoadBalancer.ClientKeepAlive, g.DeregistrationDelay,
		g.HealthCheck.Interval, g.HealthCheck.Timeout, g.WeightsEvery, c.Listeners[0].DefaultAction.Forward.StickyTime,
	}
	want := []time.Duration{600 * time.Millisecond, 36 * time.Second, 3 * time.Second, 300 * time.Millisecond, 50 * time.Millisecond, 50 * time.Millisecond, 36 * time.Second}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	c.Hasten(1e-12)
	if c.LoadBalancer.IdleTimeout < time.Hour || c.TargetGroups[0].HealthCheck.Interval < time.Hour {
		t.Errorf("slowed down: idle timeout %v, interval %v", c.LoadBalancer.IdleTimeout, c.TargetGroups[0].HealthCheck.Interval)
	}
	c.Hasten(1e30)
	if c.TargetGroups[0].HealthCheck.Interval != time.Millisecond || c.TargetGroups[0].SlowStart != 0 {
		t.Errorf("%+v", c.TargetGroups[0])
	}
}

func TestRead_BoundsWhatItReadsAndSays(t *testing.T) {
	for _, c := range []struct{ name, text, first, last string }{
		{"a long file", strings.Repeat("#", maxFile+1), "alb.yaml: the file is longer than 1048576 bytes", "alb.yaml: the file is longer than 1048576 bytes"},
		{"many problems", strings.Repeat("a: 1\nb: 1\n", 2) + manyKeys(100), `alb.yaml:1: there is no key "a"`, "and 52 more"},
		{"a long value", "LoadBalancer: {Name: " + strings.Repeat("n", 10000) + "}", `alb.yaml:1: LoadBalancer.Name: "nnnn`, `alb.yaml:1: Listeners: there is none, so nothing would be served`},
		{"a deep file", "a: " + strings.Repeat("[", 20000), "alb.yaml: no YAML: exceeded max depth of 10000", "alb.yaml: no YAML: exceeded max depth of 10000"},
		{"a bomb", "a: &a [x, x]\nb: &b [*a, *a]\nListeners: &c [*b, *b]\n", `alb.yaml:1: there is no key "a"`, "alb.yaml:3: Listeners[1]: anchors and aliases are not read here; write the value out"},
	} {
		_, err := Read("alb.yaml", []byte(c.text))
		lines := strings.Split(fmt.Sprint(err), "\n")
		if !strings.HasPrefix(lines[0], c.first) || lines[len(lines)-1] != c.last || len(lines) > mostProblems+1 || len(lines[0]) > 500 {
			t.Errorf("%s: %d lines, %.600s ... %s", c.name, len(lines), lines[0], lines[len(lines)-1])
		}
	}
}

func manyKeys(n int) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, "key%d: 1\n", i)
	}
	return all.String()
}

func TestReadFile_ReadsNoMoreThanAFileMayHave(t *testing.T) {
	if _, err := ReadFile("/dev/zero"); err == nil || !strings.Contains(err.Error(), "/dev/zero: the file is longer than") {
		t.Error(err)
	}
	if _, err := ReadFile("testdata"); err == nil || !strings.Contains(err.Error(), "testdata: is a directory") {
		t.Error(err)
	}
	if c, err := ReadFile("../../../../examples/alb/alb.yaml"); err != nil || c.Name != "shop" {
		t.Errorf("%v, %v", c, err)
	}
}

func TestSetAttribute_LooksAtTheValueAlsoWithoutTargetGroups(t *testing.T) {
	c := New("shop")
	if err := c.SetAttribute("stickiness.enabled", "maybe"); err == nil {
		t.Error("maybe is taken")
	}
	if err := c.SetAttribute("stickiness.enabled", "true"); err != nil {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(smallest)
	example, _ := os.ReadFile("../../../../examples/alb/alb.yaml")
	f.Add(string(example))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Read("alb.yaml", []byte(text))
		if err == nil && c.Validate() != nil {
			t.Error("read what is not valid")
		}
		if (c == nil) == (err == nil) {
			t.Errorf("%v and %v", c, err)
		}
	})
}
