package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestCapacity_IsTheMedianOfWhatWasAnswered(t *testing.T) {
	c := &capacity{}
	for _, requests := range []int64{900, 1000, 1300} {
		c.add(measured{Requests: requests, Duration: 1e6, Failed: map[string]int64{"timeout": 1}})
	}
	if got := c.rate(); got != 700 {
		t.Errorf("%.1f requests/s are asked for, not 70 %% of 1000", got)
	}
	if c.Requests != 3203 {
		t.Errorf("%d requests", c.Requests)
	}
	if why := c.warning(); why != "" {
		t.Errorf("3 of 3203 are many: %s", why)
	}
	c.add(measured{Requests: 900, Duration: 1e6, Failed: map[string]int64{"refused": 97}})
	if want := "100 of 4200 requests failed while its capacity was measured: 97 refused, 3 timeout"; c.warning() != want {
		t.Errorf("%q", c.warning())
	}
	if why := (&capacity{}).warning(); why != "" {
		t.Errorf("nothing was asked: %s", why)
	}
}

func TestCapacity_IsOfALoadThatTheStackDoesNotKeepUpWith(t *testing.T) {
	const can = 1000
	for _, c := range []struct {
		before []float64
		seen   float64
		want   []float64
	}{
		{seen: 900, want: []float64{1800}},
		{seen: 100, want: []float64{200, 400, 800, 1600}}, // the first load met a busy machine
		{seen: 0, before: []float64{700, 650}, want: []float64{1400}},
	} {
		var offered []float64
		got, err := (&capacity{PerS: c.before}).overloaded(c.seen, func(rate float64) (measured, error) {
			offered = append(offered, rate)
			return measured{Requests: int64(min(rate, can)), Duration: 1e6}, nil
		})
		if err != nil || got.perSecond() != can || !slices.Equal(offered, c.want) {
			t.Errorf("seen %.0f, %v before: %.0f of %v, %v", c.seen, c.before, got.perSecond(), offered, err)
		}
	}
}

func TestSiegeArgs_BoundTheConnectionsForCapacityAndRounds(t *testing.T) {
	r := &running{stack: stack{closes: true}, place: place{address: "127.0.0.1:1", load: workload{Path: "/x"}}}
	got := strings.Join(r.siegeArgs(123.4, 500*time.Millisecond), " ")
	for _, want := range []string{"--rate 123/s --poisson", "--time 0.5S", "--max-connections 256", "--connection close http://127.0.0.1:1/x"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	if r.closes = false; slices.Contains(r.siegeArgs(1, time.Second), "close") {
		t.Error("connections are closed before a stack that keeps them")
	}
}

// An overrun backlog is a second until the kernel asks again, and no answer of the stack.
func TestBacklogs_HoldAllConnectionsOfAnOpenLoop(t *testing.T) {
	backlog := regexp.MustCompile(`(?m)^(?:listen = |\s*listen \$\{ADDRESS\} backlog=)(\d+)`)
	for _, name := range []string{"nginx.conf", "uwsgi.ini", "uwsgi-http.ini"} { // the others' defaults are 1024 and more
		text, err := os.ReadFile(filepath.Join(tree(t).root, "bench", name))
		if err != nil {
			t.Fatal(err)
		}
		found := backlog.FindStringSubmatch(string(text))
		if found == nil {
			t.Errorf("%s says no backlog", name)
			continue
		}
		if n, err := strconv.Atoi(found[1]); err != nil || n < 2*openConnections {
			t.Errorf("%s: a backlog of %s for %d connections", name, found[1], openConnections)
		}
	}
}

func TestReport_TellsCapacityBesideTheRateOfAnOpenLoop(t *testing.T) {
	l := sample()
	l.Open = true
	l.Rounds[0].Asked = 630
	l.Capacity = map[string]*capacity{"fender": {PerS: []float64{900}, Requests: 10, Failures: map[string]int64{"refused": 4}}}
	var out strings.Builder
	l.markdown(&out)
	for _, want := range []string{
		"| stack | capacity requests/s | asked requests/s |", "| fender | 900 (900 to 900) |", "| NGINX + uWSGI | void |",
		"\nfender: 4 of 10 requests failed while its capacity was measured: 4 refused.\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
}
