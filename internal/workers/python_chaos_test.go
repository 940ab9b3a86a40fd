package workers

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
	"fender/internal/observe/event"
)

// Everything at once: while clients ask, workers and templates are killed from outside, or stand still
// for a while, requests crash their workers, code is read anew, the number of workers changes, workers
// leave after some requests, and clients hang up. Each request gets one last word (the recorder sees to that), and the one that
// the rules allow; in the end nothing is held. Service time: none to some milliseconds. A disaster
// follows each fourth answer.
func TestPython_KeepsItsPromisesInChaos(t *testing.T) {
	const workers, clients, each, perDisaster = 3, 8, 60, 4
	h := openPython(t, site(t, 1), func(o *Options) {
		o.Pool.Processes, o.Pool.MaxRequests, o.Pool.MaxRequestsDelta = workers, 25, 5
	})
	before := h.rest(workers)
	c := &chaos{house: h, rng: rand.New(rand.NewPCG(3, 4)), did: map[string]int{}}
	var all sync.WaitGroup
	for n := range clients {
		all.Go(func() {
			for i := range each {
				c.askOne(n*each + i)
				c.answered(perDisaster)
			}
		})
	}
	all.Wait()
	h.post(c.goOn)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.reloads {
		if err := <-r; err != nil && !errors.Is(err, ErrReloadRefused) {
			t.Errorf("reload: %v", err)
		}
	}
	h.post(func(now time.Duration) { h.pool.Scale(now, workers-h.pool.Status(now).Processes) })
	h.rest(workers).grown(t, before)
	t.Logf("%v", c.did)
	for _, what := range []string{"kill", "template", "reload", "scale", "cancel", "crash", "exit", "stop"} {
		if c.did[what] == 0 {
			t.Errorf("no %s: %v", what, c.did)
		}
	}
}

// chaos asks and destroys.
type chaos struct {
	*house
	mu      sync.Mutex
	rng     *rand.Rand
	count   int
	did     map[string]int
	stopped *member // the loop's, like alarm
	alarm   *alarm
	reloads []<-chan error
}

// askOne asks one of several things and judges the answer.
func (c *chaos) askOne(i int) {
	const unsafe, parts = exchange.CauseWorkerCrash, 8000
	word := strconv.Itoa(i)
	post := exchange.Body{Bytes: []byte(word), Size: int64(len(word))}
	switch i % 10 {
	case 0, 1, 2:
		c.judge(c.get("GET", "/sleep?0.003", exchange.Body{}), "slept", "", false)
	case 3:
		c.judge(c.get("POST", "/sleep?0.003", post), "slept", unsafe, false)
	case 4, 5:
		c.judge(c.get("POST", "/echo", post), word, unsafe, false)
	case 6:
		c.judge(c.get("GET", "/big?20000", exchange.Body{}), strings.Repeat("0123456789", 20000), "", false)
	case 7:
		var want strings.Builder
		for n := range parts {
			want.WriteString("part " + strconv.Itoa(n) + ",")
		}
		c.judge(c.get("GET", "/stream?"+strconv.Itoa(parts), exchange.Body{}), want.String(), "", true)
	case 8: // its client hangs up
		a := c.get("GET", "/sleep?0.003", exchange.Body{})
		c.Cancel(a.id)
		if a.wait(); a.word == "cut" || a.word == "fail" && a.cause != exchange.CauseClientGone {
			c.t.Errorf("request %d: %s %s", a.id, a.word, a.cause)
		}
		c.note("cancel")
	case 9: // it crashes its worker
		path, what := "/kill?10", "crash"
		if i%20 == 9 {
			path, what = "/exit?3", "exit"
		}
		a := c.get("GET", path, exchange.Body{}).wait()
		if a.word != "fail" || a.cause != exchange.CausePoison {
			c.t.Errorf("request %d: %s %s, expected poison", a.id, a.word, a.cause)
		}
		c.note(what)
	}
}

// judge waits for an answer: whole, or failed with the one cause that is allowed, or, where it leaves
// before it is whole, cut.
func (c *chaos) judge(a *answer, body string, allowed exchange.Cause, streams bool) {
	got := ""
	if a.wait(); a.head != nil {
		got = a.body.String()
	}
	switch {
	case a.word == "end" && a.head.Status == 200 && got == body:
	case a.word == "fail" && a.cause == allowed:
		c.note(string(allowed))
	case a.word == "cut" && a.cause == exchange.CauseAnswerCut && streams && strings.HasPrefix(body, got):
		c.note("cut")
	default:
		c.t.Errorf("request %d: %s %s with %d bytes, expected %d (%+v)", a.id, a.word, a.cause, len(got), len(body), a.facts)
	}
}

func (c *chaos) note(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.did[what]++
}

// answered lets a disaster follow each so many answers.
func (c *chaos) answered(each int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count++; c.count%each != 0 {
		return
	}
	n := c.rng.IntN(100)
	var what string
	switch roll := c.rng.IntN(12); {
	case roll < 5:
		what = "kill"
		c.killOne(n)
	case roll < 7:
		what = "template"
		c.post(func(time.Duration) {
			for t := range c.processes {
				if t.proc != nil {
					_ = t.proc.Signal(unix.SIGKILL)
					return
				}
			}
		})
	case roll < 9:
		what = "reload"
		c.reloads = append(c.reloads, c.Reload(event.ReasonReload))
	case roll < 10:
		what = "scale"
		c.Scale(1 - 2*(n%2))
	default:
		what = "stop"
		c.post(func(now time.Duration) { c.stopOne(now, n) })
	}
	c.did[what]++
}

// stillFor is how long a worker stands still: long enough that what it has read is withdrawn.
const stillFor = 300 * time.Millisecond

// stopOne has a worker stand still for a while.
func (c *chaos) stopOne(now time.Duration, n int) {
	c.goOn(0)
	var alive []*member
	for _, m := range c.members {
		if m.ready && !m.dead {
			alive = append(alive, m)
		}
	}
	if len(alive) > 0 {
		c.stopped = alive[n%len(alive)]
		_ = c.stopped.proc.Signal(unix.SIGSTOP)
		c.alarm = c.alarms.set(now+stillFor, c.goOn)
	}
}

// goOn lets it go on.
func (c *chaos) goOn(time.Duration) {
	if c.stopped != nil && !c.stopped.buried {
		_ = c.stopped.proc.Signal(unix.SIGCONT)
	}
	c.alarms.clear(c.alarm)
	c.stopped, c.alarm = nil, nil
}
