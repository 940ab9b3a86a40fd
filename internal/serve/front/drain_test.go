package front

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestPlan_DecidesWhenTheServerLeaves(t *testing.T) {
	t0 := time.Unix(1_000_000, 0)
	at := func(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }
	kubernetes := Plan{Delay: 15 * time.Second, Quiet: 5 * time.Second, Timeout: 25 * time.Second}
	plain := Plan{Quiet: 5 * time.Second, Timeout: 25 * time.Second}
	impatient := Plan{Delay: 60 * time.Second, Quiet: 5 * time.Second, Timeout: 25 * time.Second}
	for _, c := range []struct {
		name string
		plan Plan
		now  int
		q    Quiet
		want Departure
		wait int
	}{
		{"nobody is connected", plain, 0, Quiet{}, Leave, 0},
		{"nobody is connected, but the delay is not over", kubernetes, 4, Quiet{}, Stay, 11},
		{"nobody is connected, and it is", kubernetes, 15, Quiet{}, Leave, 0},
		{"connections are idle", plain, 1, Quiet{Connections: 3, LastRequest: at(-100)}, Stay, 4},
		{"and have been quiet since", plain, 5, Quiet{Connections: 3, LastRequest: at(-100)}, Leave, 0},
		{"no request ever came", plain, 5, Quiet{Connections: 1}, Leave, 0},
		{"a request came meanwhile", plain, 6, Quiet{Connections: 3, LastRequest: at(4)}, Stay, 3},
		{"quiet within the delay counts", kubernetes, 15, Quiet{Connections: 3, LastRequest: at(2)}, Leave, 0},
		{"requests come all the time", plain, 22, Quiet{Connections: 3, LastRequest: at(21)}, Stay, 3},
		{"and the time is over", plain, 25, Quiet{Connections: 3, LastRequest: at(24)}, Leave, 0},
		{"a request is open", plain, 10, Quiet{Connections: 1, Requests: 1, LastRequest: at(1)}, Stay, 15},
		{"a request is open at the end", plain, 25, Quiet{Connections: 1, Requests: 1}, Forced, 0},
		{"long after the end", plain, 1000, Quiet{Requests: 2}, Forced, 0},
		{"the delay is longer than the timeout", impatient, 10, Quiet{}, Stay, 15},
		{"the timeout counts", impatient, 25, Quiet{}, Leave, 0},
		{"a clock that goes back does not matter", plain, 1, Quiet{Connections: 1, LastRequest: at(3)}, Stay, 7},
	} {
		d, wait := c.plan.Decide(t0, at(c.now), c.q)
		if d != c.want || wait != time.Duration(c.wait)*time.Second {
			t.Errorf("%s: %v after %v, want %v after %d s", c.name, d, wait, c.want, c.wait)
		}
	}
}

// TestPlan_NeedsNoMoreThanItsWaits lets a master sleep as long as it is told, in synthetic time.
func TestPlan_NeedsNoMoreThanItsWaits(t *testing.T) {
	for _, c := range []struct {
		name     string
		requests []time.Duration // when they come
		want     time.Duration
	}{
		{"no request", nil, 15 * time.Second},
		{"requests until 12 s", []time.Duration{3 * time.Second, 12 * time.Second}, 17 * time.Second},
		{"requests without end", []time.Duration{9 * time.Second, 13 * time.Second, 17 * time.Second, 21 * time.Second, 24 * time.Second}, 25 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			plan := Plan{Delay: 15 * time.Second, Quiet: 5 * time.Second, Timeout: 25 * time.Second}
			for asked := 0; ; asked++ {
				q := Quiet{Connections: 1}
				for _, r := range c.requests {
					if at := began.Add(r); !at.After(time.Now()) {
						q.LastRequest = at
					}
				}
				d, wait := plan.Decide(began, time.Now(), q)
				if d != Stay {
					if took := time.Since(began); took != c.want {
						t.Errorf("%s: left after %v, want %v", c.name, took, c.want)
					}
					return
				}
				if wait <= 0 || asked > 10 {
					t.Fatalf("%s: told to wait %v, for the %dth time", c.name, wait, asked)
				}
				time.Sleep(wait)
			}
		})
	}
}
