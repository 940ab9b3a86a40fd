package python

import (
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// interrupt asks for Harakiri in the slot's last request, as the master does at its deadline.
func (w *worker) interrupt(slot int) {
	w.t.Helper()
	atomic.StoreUint64(&w.page[8*(slot+1)+2], uint64(w.seq[slot]))
	w.signal(w.pid, InterruptSignal)
}

// interruptUntilHeard sends the signal again while it was not heard: one that arrives right before a
// system call is heard only after it.
func (w *worker) interruptUntilHeard(slot int) {
	w.t.Helper()
	before, deadline := w.heard(), time.Now().Add(patience)
	for w.heard() == before {
		if time.Now().After(deadline) {
			w.t.Fatal("the main thread hears no interrupt")
		}
		w.interrupt(slot)
		time.Sleep(50 * time.Millisecond) // the page makes no event
	}
}

func (w *worker) signal(tid int, number syscall.Signal) {
	w.t.Helper()
	if err := unix.Tgkill(w.pid, tid, number); err != nil {
		w.t.Fatal(err)
	}
}

func (w *worker) heard() uint64 { return atomic.LoadUint64(&w.page[1]) }

func (w *worker) waitHeard(n uint64) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for w.heard() < n {
		if time.Now().After(deadline) {
			w.t.Fatalf("the main thread has heard %d interrupts, want %d", w.heard(), n)
		}
		time.Sleep(100 * time.Microsecond) // the page makes no event
	}
}

// withdraw has the slot's next request not begun, as the master does with what was read and is not
// begun for too long.
func (w *worker) withdraw(slot int) {
	atomic.StoreUint64(&w.page[8*(slot+1)+4], uint64(w.seq[slot]+1))
}

func TestWithdrawal_WhatIsNotBegunIsRefusedAndNothingElse(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, threads := range []int{1, 2} {
			boot := testBoot("stuck")
			boot.Threads = threads
			w := start(t, python, boot).ready()
			if a := w.get("/quick"); string(a.body) != "quick" {
				t.Fatalf("got %+v", a)
			}
			w.withdraw(0)
			w.send(0, environ("POST", "/append"), nil)
			f := w.read(0)
			if f.kind != kindRefused || f.id != w.nextID || f.sequence != w.seq[0] {
				t.Fatalf("got kind %d for request %d, sequence %d", f.kind, f.id, f.sequence)
			}
			if said := unmarshal(t, f.head).(tuple); said[0] != kindRequest {
				t.Errorf("refused says %v", said)
			}
			if sequence, phase := w.state(0); sequence != uint64(w.seq[0]-1) || phase != 0 {
				t.Errorf("the page says %d, %d", sequence, phase)
			}
			if a := w.get("/show"); string(a.body) != "" {
				t.Errorf("the application was called: %q", a.body)
			}
			if a := w.get("/append"); string(a.body) != "appended" { // the word is of another sequence by now
				t.Errorf("got %+v", a)
			}
			if a := w.get("/show"); string(a.body) != "append" {
				t.Errorf("got %q", a.body)
			}
		}
	})
}

func stuckWorker(t *testing.T, python string, threads int) *worker {
	t.Helper()
	boot := testBoot("stuck")
	boot.Threads = threads
	return start(t, python, boot).ready()
}

func TestHarakiri_IsRaisedInTheGuiltyRequestAndRunsItsFinallyBlocks(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, threads := range []int{1, 3} {
			for _, path := range []string{"loop", "swallows", "in_steps", "in_close", "sleep"} {
				if path == "sleep" && threads > 1 {
					continue // a thread in a system call hears nothing: it is killed after the grace
				}
				t.Run(fmt.Sprintf("%s threads=%d", path, threads), func(t *testing.T) {
					w := stuckWorker(t, python, threads)
					w.send(0, environ("GET", "/"+path), nil)
					switch path {
					case "in_steps":
						if f := w.read(0); string(f.body) != "begun" {
							t.Fatalf("got %q", f.body)
						}
						w.rig.stderr.waitFor(t, "within the step")
					case "in_close":
						if a := w.answer(0); string(a.body) != "closing" {
							t.Fatalf("got %+v", a)
						}
						w.rig.stderr.waitFor(t, "within close")
					default:
						w.rig.stderr.waitFor(t, "entered")
					}
					w.interruptUntilHeard(0)
					log := "finally"
					switch path {
					case "in_steps":
						if f := w.read(0); f.flags&(flagEnd|flagError) != flagEnd|flagError || f.part != 1 {
							t.Errorf("flags %#x, part %d", f.flags, f.part)
						}
					case "in_close":
						log = "finally in close"
						if f := w.read(0); f.kind != kindIdle {
							t.Errorf("kind %d", f.kind)
						}
					case "swallows":
						log = "Harakiri"
						if a := w.answer(0); string(a.body) != "went on" {
							t.Errorf("got %+v", a)
						}
					default:
						if a := w.answer(0); a.status != "500 Internal Server Error" || a.flags&flagError == 0 {
							t.Errorf("got %+v", a)
						}
						w.rig.stderr.waitFor(t, "Harakiri: ")
					}
					w.waitPhase(0, 0)
					if got := string(w.get("/show").body); got != log {
						t.Errorf("the log says %q, want %q", got, log)
					}
				})
			}
		}
	})
}

func TestHarakiri_SparesTheNeighbours(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		w := stuckWorker(t, python, 3)
		g := newGate(t)
		env := environ("GET", "/wait")
		env["QUERY_STRING"] = g.path
		w.send(1, env, nil)
		neighbour := w.nextID
		w.waitPhase(1, 1)
		w.send(0, environ("GET", "/loop"), nil)
		w.waitPhase(0, 1)
		w.interrupt(0)
		if a := w.answer(0); a.flags&flagError == 0 {
			t.Errorf("the guilty one: %+v", a)
		}
		g.step("x")
		w.nextID = neighbour
		if a := w.answer(1); a.status != "200 OK" || string(a.body) != "waited" {
			t.Errorf("the neighbour: %+v", a)
		}
	})
}

func TestHarakiri_OfARequestThatIsOverDoesNothing(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, threads := range []int{1, 2} {
			w := stuckWorker(t, python, threads)
			w.send(0, environ("GET", "/quick"), nil)
			w.answer(0)
			w.waitPhase(0, 0)
			w.interrupt(0) // of the request that is over
			w.waitHeard(1)
			env := environ("GET", "/work")
			env["QUERY_STRING"] = "100000"
			w.send(0, env, nil)
			if a := w.answer(0); a.status != "200 OK" {
				t.Errorf("threads=%d: the next request got %+v", threads, a)
			}
		}
	})
}

func TestHarakiri_IsNotRaisedWhereItIsSwitchedOffButItIsHeard(t *testing.T) {
	for _, threads := range []int{1, 2} {
		boot := testBoot("stuck")
		boot.Threads, boot.Interrupt = threads, false
		w := start(t, systemPython(t), boot).ready()
		g := newGate(t)
		env := environ("GET", "/wait")
		env["QUERY_STRING"] = g.path
		w.send(0, env, nil)
		w.waitPhase(0, 1)
		w.interrupt(0)
		w.waitHeard(1)
		g.step("x")
		if a := w.answer(0); string(a.body) != "waited" {
			t.Errorf("threads=%d: %+v", threads, a)
		}
	}
}

func TestHarakiri_NeverReachesTheNextRequest(t *testing.T) {
	// The interrupt is sent so that it meets the end of the request as often as possible. Whatever
	// request it is aimed at may fail; the one behind it, sent ahead, must not.
	rounds := 300
	if testing.Short() {
		rounds = 50
	}
	eachPython(t, func(t *testing.T, python string) {
		for _, threads := range []int{1, 2} {
			w := stuckWorker(t, python, threads)
			struck, heard := 0, uint64(0)
			for i := range rounds {
				aimed := environ("GET", "/work")
				aimed["QUERY_STRING"] = fmt.Sprint(200 + 400*(i%50))
				next := environ("GET", "/work")
				next["QUERY_STRING"] = "3000"
				w.send(0, aimed, nil)
				id, sequence := w.nextID, w.seq[0]
				w.send(0, next, nil)
				atomic.StoreUint64(&w.page[8+2], uint64(sequence))
				for {
					if s, _ := w.state(0); s >= uint64(sequence) {
						break
					}
				}
				w.signal(w.pid, InterruptSignal)
				heard++
				first := w.read(0)
				for ; first.sequence == sequence; first = w.read(0) {
					if first.id != id {
						t.Fatalf("frame of request %d with sequence %d", first.id, first.sequence)
					}
					if first.flags&flagError != 0 {
						struck++
					}
				}
				answer := answer{}
				w.add(0, &answer, first)
				if answer.status != "200 OK" || string(answer.body) != "4498500" {
					t.Fatalf("threads=%d, round %d: the next request got %+v\n%s", threads, i, answer, w.rig.stderr)
				}
				if threads > 1 {
					w.waitHeard(heard) // with one thread it may be heard with the next message only
				}
				w.waitPhase(0, 0)
			}
			t.Logf("threads=%d: %d of %d interrupts struck", threads, struck, rounds)
			if struck == 0 {
				t.Errorf("threads=%d: no interrupt ever struck: the test shows nothing", threads)
			}
		}
	})
}

func TestStacks_AreDumpedByTheGuiltyThreadAlsoWhileItHoldsTheInterpreterLock(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		for _, threads := range []int{1, 2} {
			for path, says := range map[string]string{"loop": "in loop", "sleep": "in sleep", "holds_lock": "in holds_lock"} {
				w := stuckWorker(t, python, threads)
				slot := threads - 1
				w.send(slot, environ("GET", "/"+path), nil)
				w.rig.stderr.waitFor(t, "entered")
				w.signal(w.tid(slot), StackSignal)
				w.rig.stderr.waitFor(t, says)
				if text := w.rig.stderr.String(); !strings.Contains(text, "most recent call first") || strings.Contains(text, "Harakiri") {
					t.Errorf("%s: printed\n%s", path, text)
				}
				if err := unix.Kill(w.pid, unix.SIGKILL); err != nil { // it would go on for ever
					t.Fatal(err)
				}
			}
		}
	})
}

func TestStacks_DoNotDisturbASleepingSystemCall(t *testing.T) {
	w := stuckWorker(t, systemPython(t), 2)
	g := newGate(t)
	env := environ("GET", "/wait")
	env["QUERY_STRING"] = g.path
	w.send(0, env, nil)
	w.waitPhase(0, 1)
	for range 20 {
		w.signal(w.tid(0), StackSignal)
	}
	w.rig.stderr.waitFor(t, "in wait")
	g.step("x")
	if a := w.answer(0); string(a.body) != "waited" {
		t.Errorf("got %+v", a)
	}
}
