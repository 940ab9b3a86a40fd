package siege

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestRun_StopsWhenItIsToldAndCountsWhatEnded(t *testing.T) {
	t.Parallel()
	for name, abort := range map[string]bool{"after the grace": false, "at once": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			aborted := make(chan struct{})
			var mu sync.Mutex
			stuck := 0
			s := serve(t, func(_ int, c *net.TCPConn) {
				for i := 0; ; i++ {
					if _, ok := hear(c, 0); !ok {
						return
					}
					if i == 3 { // four users, each has been answered three times
						mu.Lock()
						if stuck++; stuck == 4 {
							stop()
							if abort {
								close(aborted)
							}
						}
						mu.Unlock()
						hear(c, 0)
						return
					}
					fmt.Fprint(c, hello)
				}
			})
			o := Options{Requests: resolved(t, s.addr), Phases: []Phase{{Users: 4, For: time.Hour}}, Grace: time.Millisecond, Abort: aborted}
			if abort {
				o.Grace = time.Hour
			}
			r, err := Run(ctx, o)
			if err != nil || !r.Interrupted || r.OK != 12 || r.Failed != 0 || r.Left != 4 {
				t.Errorf("%v, %+v", err, r)
			}
		})
	}
}

func TestRun_AnAnswerUnderWayIsWaitedForInTheGrace(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	s := serve(t, func(_ int, c *net.TCPConn) {
		hear(c, 0)
		stop()
		fmt.Fprint(c, hello)
		hear(c, 0)
	})
	r, err := Run(ctx, Options{Requests: resolved(t, s.addr), Phases: []Phase{{Users: 1, For: time.Hour}}, Grace: time.Hour})
	if err != nil || r.OK != 1 || r.Requests != 1 {
		t.Errorf("%v, %+v", err, r)
	}
}

// echo is an HTTP server of net/http, which knows 100-continue and large bodies.
func echo(t *testing.T, handle http.HandlerFunc) string {
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestRun_SendsBodiesAsTheTargetWantsThem(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789abcdef", 1<<20) // 16 MiB: both directions stand still unless both go on
	addr := echo(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/early" {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		rc := http.NewResponseController(w)
		_ = rc.EnableFullDuplex()
		_, _ = io.Copy(w, r.Body)
	})
	post := func(path, body string) *Request {
		q := resolved(t, "http://"+addr+path+" POST x")[0]
		q.Body = []byte(body)
		return q
	}
	digest, err := ParseSHA256(sum(big))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Options)
		body   int64
		status string
	}{
		"large": {func(o *Options) { o.Requests = []*Request{post("/", big)}; o.Expect.SHA256 = digest }, 2 << 24, "200"},
		"asked for": {func(o *Options) {
			o.Requests = []*Request{post("/", "abc")}
			o.Headers.Lines = []string{"Expect: 100-continue"}
		}, 6, "200"},
		"not asked for": {func(o *Options) {
			o.Requests = []*Request{post("/early", "abc")}
			o.Headers.Lines = []string{"Expect: 100-continue"}
			o.Expect.Statuses = []int{413}
		}, 0, "413"},
		"answered early": {func(o *Options) {
			o.Requests = []*Request{post("/early", big)}
			o.Expect.Statuses = []int{413}
		}, 0, "413"},
	} {
		t.Run(name, func(t *testing.T) {
			r := once(t, addr, 2, c.change)
			if name == "answered early" { // a reset may overtake the answer: it is called by its name then
				for kind := range r.Failures {
					if !slices.Contains([]string{"reset-before", "reset-after", "truncated", "closed-before"}, kind) {
						t.Errorf("%v", r.Failures)
					}
				}
				return
			}
			if r.OK != 2 || r.BodyBytes != c.body || r.Statuses[c.status] != 2 {
				t.Errorf("%d ok, %d bytes, %v\n%+v", r.OK, r.BodyBytes, r.Statuses, r.Examples)
			}
		})
	}
}

func TestRun_SendsTheBodyWhenNobodySaysContinue(t *testing.T) {
	t.Parallel()
	s := serve(t, func(_ int, c *net.TCPConn) {
		if text, ok := hear(c, 3); ok && strings.HasSuffix(text, "\r\n\r\nabc") {
			fmt.Fprint(c, hello)
		}
		hear(c, 0)
	})
	r := once(t, s.addr, 1, func(o *Options) {
		o.Requests = resolved(t, "http://"+s.addr+" POST abc")
		o.Headers.Lines = []string{"Expect: 100-continue"}
	})
	if r.OK != 1 {
		t.Errorf("%+v", r)
	}
}

func TestRun_SpeaksTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }))
	defer s.Close()
	for _, url := range []string{s.URL, strings.Replace(s.URL, "127.0.0.1", "0.0.0.0", 1)} {
		r := once(t, s.Listener.Addr().String(), 3, func(o *Options) { o.Requests = resolved(t, url) })
		if r.OK != 3 || r.BodyBytes != 3*int64(len("HTTP/1.1")) || r.Connections.Opened != 1 {
			t.Errorf("%s: %+v", url, r)
		}
	}
}

func TestRun_HeadHasNoBody(t *testing.T) {
	t.Parallel()
	s := answering(t, "HTTP/1.1 200 OK\r\nX-Body-Sha256: "+sum("hello")+"\r\nContent-Length: 5\r\n\r\n")
	r := once(t, s.addr, 3, func(o *Options) {
		o.Requests = resolved(t, "http://"+s.addr+" HEAD")
		o.Expect.Header, o.Expect.SHA256 = true, make([]byte, 32) // there is none to be compared
	})
	if r.OK != 3 || r.BodyBytes != 0 || r.Connections.Opened != 1 {
		t.Errorf("%+v", r)
	}
}

func TestRun_UsersGoThroughTheListAsInSiege(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	asked := map[string]int{}
	addr := echo(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked[r.URL.Path]++
	})
	list := []string{addr + "/a", addr + "/b", addr + "/c", addr + "/d"}
	for _, c := range []struct {
		name   string
		change func(*Options)
		want   map[string]int
	}{
		{"each begins elsewhere", func(o *Options) { o.Phases[0].Users, o.Reps = 2, 3 }, map[string]int{"/a": 2, "/b": 1, "/c": 2, "/d": 1}},
		{"once", func(o *Options) { o.Phases[0].Users, o.Reps, o.Once = 3, 0, true }, map[string]int{"/a": 3, "/b": 3, "/c": 3, "/d": 3}},
		{"one connection each", func(o *Options) { o.Phases[0].Users, o.Reps, o.Headers.Close = 1, 4, true }, map[string]int{"/a": 1, "/b": 1, "/c": 1, "/d": 1}},
	} {
		clear(asked)
		r := once(t, addr, 1, func(o *Options) { o.Requests = resolved(t, list...); c.change(o) })
		if !maps.Equal(asked, c.want) || r.Failed > 0 {
			t.Errorf("%s: %v, want %v", c.name, asked, c.want)
		}
		if c.name == "one connection each" && r.Connections.Opened != 4 {
			t.Errorf("%d connections", r.Connections.Opened)
		}
	}
	clear(asked)
	once(t, addr, 0, func(o *Options) { // the open model: whatever connection it is
		o.Requests, o.Phases = resolved(t, list...), []Phase{{Rate: 400, Open: true, For: 200 * time.Millisecond}}
	})
	if want := (map[string]int{"/a": 20, "/b": 20, "/c": 20, "/d": 20}); !maps.Equal(asked, want) {
		t.Errorf("open: %v, want %v", asked, want)
	}
	clear(asked)
	once(t, addr, 200, func(o *Options) { o.Requests = resolved(t, list...); o.Random = true })
	if len(asked) != 4 || maps.Equal(asked, map[string]int{"/a": 50, "/b": 50, "/c": 50, "/d": 50}) {
		t.Errorf("random: %v", asked)
	}
}

func TestRun_TellsEveryTransaction(t *testing.T) {
	t.Parallel()
	s := answering(t, "HTTP/1.1 503 Service Unavailable\r\nX-Fender-Cause: queue-full\r\nContent-Length: 2\r\n\r\nno")
	var mu sync.Mutex
	var got []Transaction
	r := once(t, s.addr, 7, func(o *Options) {
		o.Each = func(x Transaction) { mu.Lock(); got = append(got, x); mu.Unlock() }
	})
	if len(got) != 7 || got[0].Kind != Status5xx || got[0].Status != 503 || got[0].Body != 2 || got[0].Why != "status 503" {
		t.Errorf("%+v", got)
	}
	if len(r.Examples) != examplesOfAKind || r.Examples[0].Cause != "queue-full" || r.Examples[4].Reused != 4 {
		t.Errorf("%+v", r.Examples)
	}
}

func TestRun_TooFewDescriptorsAreSaidBefore(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Max >= MostUsers+ownDescriptors {
		t.Skipf("the hard limit of open files is %d", limit.Max)
	}
	_, err := Run(t.Context(), Options{Requests: resolved(t, "127.0.0.1:1"), Phases: []Phase{{Users: MostUsers}}, Reps: 1})
	var de *DescriptorsError
	if !errors.As(err, &de) || !strings.Contains(err.Error(), "ulimit -n") {
		t.Errorf("%v", err)
	}
}

func TestRun_RefusesWhatHasNoEnd(t *testing.T) {
	q := resolved(t, "127.0.0.1:1")
	for _, o := range []Options{
		{}, {Requests: q}, {Phases: []Phase{{Users: 1, For: 1}}},
		{Requests: q, Phases: []Phase{{Users: 1}}},
		{Requests: q, Phases: []Phase{{Rate: 1, Open: true}}},
		{Requests: q, Phases: []Phase{{Users: 1, For: 1}, {Users: 1, For: 1}}, Reps: 1},
		{Requests: []*Request{{URL: "x"}}, Phases: []Phase{{Users: 1, For: 1}}},
	} {
		if r, err := Run(t.Context(), o); err == nil {
			t.Errorf("%+v ran: %+v", o, r)
		}
	}
}

func TestConn_AllocatesNothingForAnAnswer(t *testing.T) {
	s := frugal(t, "HTTP/1.1 200 OK\r\nX-Body-Sha256: "+sum("hello")+"\r\nContent-Length: 5\r\n\r\nhello")
	o := Options{Requests: resolved(t, s.addr), Phases: []Phase{{Users: 1}}, Reps: 1, Expect: Expect{Header: true}}
	o.withDefaults()
	if err := o.validate(); err != nil {
		t.Fatal(err)
	}
	r := &run{opts: &o, registry: newRegistry(), counts: &counters{}, hard: t.Context()}
	r.dialer = &dialer{timeout: time.Second, open: r.registry, counts: r.counts}
	r.tally = newTally(time.Now().Add(time.Hour), 1, r.counts) // it stays in its first second
	u := r.newUser(0, 1)
	defer u.conn.drop()
	u.turn(u.next(), time.Now())
	if n := testing.AllocsPerRun(200, func() { u.turn(u.next(), time.Now()) }); n > 0 || u.out.kind != OK {
		t.Errorf("%v allocations a request, %v", n, u.out.err)
	}
}
