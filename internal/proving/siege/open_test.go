package siege

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fender/internal/proving/latency"

	"pgregory.net/rapid"
)

func TestSchedule_IsEvenOrRandomAtTheSameRate(t *testing.T) {
	even := schedule{rate: 300}
	for n := range 1000 {
		if got, want := even.next(), time.Duration(n)*time.Second/300; got < want-1 || got > want+1 {
			t.Fatalf("arrival %d at %v, want %v", n, got, want)
		}
	}
	random := schedule{rate: 1000, rand: newRand(1)}
	last, n, gaps := time.Duration(0), 0, map[time.Duration]bool{}
	for at := random.next(); at < 10*time.Second; at = random.next() {
		if at < last {
			t.Fatalf("%v comes after %v", at, last)
		}
		gaps[at-last] = true
		last = at
		n++
	}
	if n < 9000 || n > 11000 || len(gaps) < n/2 {
		t.Errorf("%d arrivals in 10 s, %d different gaps", n, len(gaps))
	}
}

// A target that stands still until a known number of requests has been due: the closed model asks it
// once in that time, the open model shows every request that would have come.
func TestRun_OpenModelShowsAStallThatTheClosedOneOmits(t *testing.T) {
	t.Parallel()
	const stall = 400 * time.Millisecond
	newServer := func() *server {
		var mu sync.Mutex
		var asked int
		var until time.Time
		return serve(t, func(_ int, c *net.TCPConn) {
			for {
				if _, ok := hear(c, 0); !ok {
					return
				}
				mu.Lock()
				if asked++; asked == 50 {
					until = time.Now().Add(stall)
				}
				d := time.Until(until)
				mu.Unlock()
				// The target is one process that stands still: nobody is answered before it goes on.
				if d > 0 {
					timer := time.NewTimer(d)
					<-timer.C
				}
				fmt.Fprint(c, hello)
			}
		})
	}
	run := func(o Options) *latency.Histogram {
		r, err := Run(context.Background(), o)
		if err != nil || r.Failed > 0 {
			t.Fatalf("%v, %+v", err, r)
		}
		h, err := latency.Read(r.Latency)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	closed := run(Options{Requests: resolved(t, newServer().addr), Phases: []Phase{{Users: 1}}, Reps: 300})
	open := run(Options{Requests: resolved(t, newServer().addr), Phases: []Phase{{Rate: 200, Open: true, For: 1500 * time.Millisecond}}})
	one := run(Options{Requests: resolved(t, newServer().addr), Phases: []Phase{{Rate: 200, Open: true, For: 1500 * time.Millisecond}}, Connections: 1})
	// 80 requests were due in the stall, and half of them had to wait for more than half of it, whatever
	// the machine does besides. The closed model's one user met it once.
	if n := closed.Above(stall / 2); n < 1 || n > 20 {
		t.Errorf("the closed model saw %d slow requests, want 1", n)
	}
	for name, h := range map[string]*latency.Histogram{"open": open, "open with one connection": one} {
		if n := h.Above(stall / 2); h.Count() != 300 || n < 39 {
			t.Errorf("%s: %d of %d requests were slow, want 40 or more of 300", name, n, h.Count())
		}
	}
}

func TestRun_OpenModelCountsWhatHadToWait(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var begun atomic.Int64
	s := serve(t, func(_ int, c *net.TCPConn) {
		for {
			if _, ok := hear(c, 0); !ok {
				return
			}
			begun.Add(1)
			<-release
			fmt.Fprint(c, hello)
		}
	})
	r, err := Run(context.Background(), Options{
		Requests: resolved(t, s.addr), Phases: []Phase{{Rate: 100, Open: true, For: time.Second}}, Connections: 50, Timeout: 10 * time.Second,
		Tick: func(Progress) { // after a second
			select {
			case <-release:
			default:
				close(release)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	// Fifty were under way, the others waited until all were answered at once.
	if r.Requests != 100 || r.OK != 100 || r.Open.Late < 45 || r.Open.Late > 50 || r.Connections.Opened != 50 || begun.Load() != 100 {
		t.Errorf("%d requests, %d ok, %+v, %d connections", r.Requests, r.OK, r.Open, r.Connections.Opened)
	}
}

func TestCrew_WhatComesInABacklogIsLateToo(t *testing.T) {
	t.Parallel()
	o := Options{Requests: resolved(t, answering(t, hello).addr), Phases: []Phase{{Rate: 1, Open: true, For: time.Hour}}, Connections: 9}
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		behind         bool
		overdue        time.Duration
		late, unsent   int64
		lagging, stays bool
	}{
		{behind: false, overdue: time.Second, lagging: true}, // the generator itself stood still
		{behind: true, overdue: time.Second, late: 1, stays: true},
		{behind: true, overdue: o.Timeout + time.Second, late: 1, unsent: 1, stays: true},
		{behind: true, overdue: -time.Minute},
	} {
		r := &run{opts: &o, registry: newRegistry(), counts: &counters{}, hard: t.Context()}
		r.dialer = &dialer{timeout: time.Second, open: r.registry, counts: r.counts}
		r.tally = newTally(time.Now(), 1, r.counts)
		r.crew = newCrew(r)
		behind := c.behind
		if !r.crew.admit(t.Context(), time.Now().Add(-c.overdue), &behind) {
			t.Fatal("the run was ended")
		}
		r.crew.dismiss()
		n, lag := r.tally.total(), time.Duration(r.crew.lag.ns.Load())
		if r.counts.late.Load() != c.late || n.requests != 1 || n.kinds[Unsent] != c.unsent || lag >= time.Second != c.lagging || behind != c.stays {
			t.Errorf("%+v: %d late, %+v, lag %v, behind %v", c, r.counts.late.Load(), n, lag, behind)
		}
	}
}

func TestRun_OpenModelSaysWhatWasLeftWhenItIsStopped(t *testing.T) {
	t.Parallel()
	s := serve(t, func(_ int, c *net.TCPConn) {
		hear(c, 0)
		hear(c, 0) // never an answer
	})
	ctx, stop := context.WithCancel(t.Context())
	r, err := Run(ctx, Options{
		Requests: resolved(t, s.addr), Phases: []Phase{{Rate: 100, Open: true, For: time.Hour}}, Connections: 1, Grace: time.Millisecond,
		Tick: func(Progress) { stop() }, // after a second, when a hundred were due
	})
	if err != nil || !r.Interrupted || r.Requests != 0 || r.Left < 100 || r.Open.Late != r.Left-1 {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestRun_OpenModelGivesUpWhatCouldNotBeSent(t *testing.T) {
	t.Parallel()
	s := serve(t, func(_ int, c *net.TCPConn) {
		hear(c, 0)
		hear(c, 0) // never an answer
	})
	r, err := Run(context.Background(), Options{
		Requests: resolved(t, s.addr), Phases: []Phase{{Rate: 50, Open: true, For: time.Second}}, Connections: 1, Timeout: 200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	// Every arrival is accounted for: it timed out, or it could not even be sent.
	if r.Requests != 50 || r.Failures["timeout"]+r.Failures["unsent"] != 50 || r.Failures["unsent"] == 0 {
		t.Errorf("%d requests, %v", r.Requests, r.Failures)
	}
}

func TestRun_PhasesFollowEachOther(t *testing.T) {
	t.Parallel()
	s := answering(t, hello)
	phases, err := ParsePhases("4u/1s,0u/1s,50r/1s,2u/1s")
	if err != nil {
		t.Fatal(err)
	}
	ticks := 0
	r, err := Run(context.Background(), Options{
		Requests: resolved(t, s.addr), Phases: phases, Delay: 10 * time.Millisecond,
		Tick: func(p Progress) { ticks++ },
	})
	if err != nil || r.Failed > 0 {
		t.Fatalf("%v %+v", err, r.Examples)
	}
	sum := int64(0)
	for _, s := range r.Seconds {
		sum += s.Requests
	}
	if sum != r.Requests || len(r.Seconds) < 4 || ticks < 3 || !r.Seconds[1].Time.Equal(r.Started.Add(time.Second)) {
		t.Errorf("%d requests in the series, %d in all; %d seconds; %d ticks", sum, r.Requests, len(r.Seconds), ticks)
	}
	if r.Seconds[0].Users != 4 || r.Connections.Opened < 4+1+2 {
		t.Errorf("%+v, %d connections", r.Seconds[0], r.Connections.Opened)
	}
}

func TestParsePhases_ReadsWhatItPrints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "phases")
		text := ""
		var want []Phase
		for i := range n {
			p := Phase{For: time.Duration(rapid.Int64Range(1, int64(24*time.Hour)).Draw(t, "time"))}
			if rapid.Bool().Draw(t, "open") {
				p.Open, p.Rate = true, float64(rapid.IntRange(1, 1_000_000_000).Draw(t, "rate"))/1000
			} else {
				p.Users = rapid.IntRange(0, MostUsers).Draw(t, "users")
			}
			if i > 0 {
				text += ","
			}
			text += p.String()
			want = append(want, p)
		}
		got, err := ParsePhases(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%s: %+v, want %+v", text, got[i], want[i])
			}
		}
	})
}

func TestParsePhases_WhatIsAcceptedIsWithinBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`([0-9]{0,8}[ur]?(/[0-9.]{0,5}(s|m|h|ms)?)?,?){0,4}`).Draw(t, "text")
		phases, err := ParsePhases(text)
		if err != nil {
			return
		}
		total := time.Duration(0)
		for _, p := range phases {
			total += p.For
			if p.For <= 0 || p.Users < 0 || p.Users > MostUsers || p.Open != (p.Rate > 0) || p.Rate > MostRate || p.Open && p.Users > 0 {
				t.Fatalf("%q gives %+v", text, p)
			}
		}
		if total > LongestTime {
			t.Fatalf("%q takes %v", text, total)
		}
	})
}

func TestParsePhases_SaysWhatIsWrong(t *testing.T) {
	for _, text := range []string{"", "50u", "50/20s", "u/20s", "-1u/20s", "1.5u/20s", "50u/0s", "50u/x", "50u/20s,", "0r/1s", "NaNr/1s", "Infr/1s", "50u/200h", "50x/1s", "1u/1s/1s"} {
		if p, err := ParsePhases(text); err == nil {
			t.Errorf("%q is read as %v", text, p)
		}
	}
	for text, want := range map[string]float64{"500/s": 500, "30/m": 0.5, "500": 500, "0.5/s": 0.5, "3600/h": 1} {
		if got, err := ParseRate(text); err != nil || got != want {
			t.Errorf("rate %q: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "0", "-1/s", "1/d", "1e9/s", "NaN"} {
		if got, err := ParseRate(text); err == nil {
			t.Errorf("rate %q is read as %v", text, got)
		}
	}
}
