package workers

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
	"fender/internal/observe/event"
	"fender/internal/workers/wire"
)

// Workers are killed from outside again and again while requests run. Service time: none to a few
// hundred microseconds; a kill follows each 40th answer.
func TestWorkshop_LosesNoRequestToKilledWorkers(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) { o.Pool.Processes, o.Pool.Threads = 3, 2 })
	const total, clients, each = 3000, 12, 40
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(1, 2))
	answered, kills, crashed, taken := 0, 0, 0, 0
	pids := map[int]bool{}
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for i := range total / clients {
				method := "GET"
				if (c+i)%2 == 0 {
					method = "POST"
				}
				body := strconv.Itoa(c*total + i)
				steps := []step{begin, {Do: "answer", Status: "200 OK", Body: body}}
				if i%5 == 0 { // a stream of two parts
					steps = []step{begin, {Do: "part", Status: "200 OK", Flags: wire.FlagHead, Body: body}, {Do: "phase"},
						{Do: "part", Part: 1, Flags: wire.FlagEnd}}
				}
				a := h.ask(method, steps...).wait()
				mu.Lock()
				switch {
				case a.word == "end" && a.body.String() == body:
				case method == "POST" && a.word == "fail" && a.cause == exchange.CauseWorkerCrash && a.facts.Attempts == 1:
					crashed++
				case a.word == "cut" && a.cause == exchange.CauseAnswerCut && i%5 == 0 && strings.HasPrefix(body, a.body.String()):
				default:
					t.Errorf("%s: %s %s with %q, expected %q (%+v)", method, a.word, a.cause, a.body.String(), body, a.facts)
				}
				if a.facts.PID != 0 {
					pids[a.facts.PID] = true
				}
				if answered++; answered%each == 0 && a.facts.PID != 0 {
					kills++
					h.killOne(rng.IntN(100))
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for len(h.events) > 0 {
		if e := <-h.events; e.Kind == event.TakenBack {
			taken++
		}
	}
	t.Logf("%d kills of %d workers; %d unsafe requests failed, %d were moved unread", kills, len(pids), crashed, taken)
	if kills < total/each/2 || taken == 0 {
		t.Errorf("%d kills, %d taken back: nothing was tried", kills, taken)
	}
}

// killOne sends SIGKILL to one of the living workers, through its pidfd and as if from outside.
func (h *house) killOne(n int) {
	h.post(func(time.Duration) {
		var alive []*member
		for _, m := range h.members {
			if m.ready && !m.dead {
				alive = append(alive, m)
			}
		}
		if len(alive) > 0 {
			_ = alive[n%len(alive)].proc.Signal(unix.SIGKILL)
		}
	})
}

func TestWorkshop_DoesNotSendForEverWhatCannotBeSent(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) { o.Pool.QueueTimeout = 300 * time.Millisecond })
	h.ask("GET", begin, ok).ended("ok")
	h.post(func(time.Duration) {
		_ = unix.SetsockoptInt(h.members[1].sockets.End(0), unix.SOL_SOCKET, unix.SO_SNDBUF, 1)
	})
	body := exchange.Body{Bytes: make([]byte, 50<<10), Size: 50 << 10}
	h.askWith("POST", body, begin, ok).refused("fail", exchange.CauseQueueTimeout)
	h.warning("cannot be sent")
	h.ask("GET", begin, ok).ended("ok")
}

func TestWorkshop_ForgetsAPausedSlotWhoseWorkerDies(t *testing.T) {
	h := open(t, nil)
	a := h.askLimited(100<<10, flood(60, 48<<10)...)
	a.waitFull()
	e := h.worker("ready")
	kill(t, e.PID)
	a.refused("cut", exchange.CauseAnswerCut)
	h.Resume(a.id) // too late, and harmless
	h.Resume(999)
	h.Cancel(999)
	h.ask("GET", begin, ok).ended("ok")
}
