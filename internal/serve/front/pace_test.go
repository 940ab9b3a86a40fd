package front

import (
	"testing"
	"time"
)

func TestPace_GivesUpAStallAndATrickle(t *testing.T) {
	t0 := time.Unix(1000, 0)
	at := func(s float64) time.Time { return t0.Add(time.Duration(s * float64(time.Second))) }
	type step struct {
		at    float64
		bytes int
	}
	for _, c := range []struct {
		name  string
		rate  int
		steps []step
		want  float64
	}{
		{"nothing came", 100, nil, 10},
		{"a byte resets the patience, up to the rate", 100, []step{{5, 1}}, 10.01},
		{"a good rate earns time", 100, []step{{5, 10_000}}, 15},
		{"a rate that is just kept", 100, []step{{5, 100}, {12, 600}}, 17},
		{"no rate is wanted", -1, []step{{5, 1}, {14, 1}}, 24},
	} {
		p := newPace(10*time.Second, c.rate, t0)
		for _, s := range c.steps {
			p.progress(s.bytes, at(s.at))
		}
		if got := p.until().Sub(t0).Seconds(); got != c.want {
			t.Errorf("%s: until %v s, want %v", c.name, got, c.want)
		}
	}
}
