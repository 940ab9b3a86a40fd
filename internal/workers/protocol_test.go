package workers

import (
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
	"fender/internal/observe/event"
	"fender/internal/workers/wire"
)

func TestWorkshop_DoomsAWorkerThatBreaksTheProtocol(t *testing.T) {
	whole := wire.FlagHead | wire.FlagEnd
	for name, breach := range map[string]step{
		"an unknown id":                  {Do: "part", Status: "200 OK", Flags: whole, ID: 1},
		"another sequence":               {Do: "part", Status: "200 OK", Flags: whole, Seq: 1},
		"a later part first":             {Do: "part", Flags: wire.FlagEnd, Part: 1},
		"a part without its head":        {Do: "part", Flags: wire.FlagEnd},
		"garbage":                        {Do: "raw", Body: "GET / HTTP/1.1\r\n\r\n"},
		"a frame head of zeros":          {Do: "raw", Body: string(make([]byte, 24))},
		"a message above 64 KiB":         {Do: "long"},
		"an empty message":               {Do: "empty"},
		"its end shut":                   {Do: "shut", Code: unix.SHUT_WR},
		"both directions shut":           {Do: "shut", Code: unix.SHUT_RDWR},
		"an unknown kind":                {Do: "frame", Kind: 77},
		"a kind of the master":           {Do: "frame", Kind: wire.KindRequest},
		"hello again":                    {Do: "frame", Kind: wire.KindHello, Body: "x"},
		"failed after hello":             {Do: "frame", Kind: wire.KindFailed, Body: "x"},
		"a call that does not decode":    {Do: "frame", Kind: wire.KindCall, Body: "x"},
		"refused that does not decode":   {Do: "frame", Kind: wire.KindRefused, Body: "x"},
		"a head that does not decode":    {Do: "frame", Kind: wire.KindAnswer, Flags: whole, Body: "\xff"},
		"an unasked descriptor":          {Do: "part", Status: "200 OK", Flags: whole, Files: 1},
		"200 descriptors":                {Do: "part", Status: "200 OK", Flags: whole, Files: 200},
		"a file without its descriptor":  {Do: "part", Status: "200 OK", Flags: whole | wire.FlagFile, Body: "0123456789abcdef"},
		"a range that is no range":       {Do: "file", Status: "200 OK", Flags: whole | wire.FlagFile, Body: "\xff\xff\xff\xff\xff\xff\xff\xff12345678", Path: "/etc/passwd"},
		"a file range of odd length":     {Do: "file", Status: "200 OK", Flags: whole | wire.FlagFile, Body: "x", Path: "/etc/passwd"},
		"a head from a file on the disk": {Do: "file", Flags: wire.FlagEnd | wire.FlagHeadInDescriptor, Path: "/etc/passwd"},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, nil)
			h.ask("POST", begin, breach, at("still here")).refused("fail", exchange.CauseWorkerCrash)
			if e := h.warning(""); e.Reason != event.ReasonProtocol || e.Text == "" || e.PID == 0 {
				t.Errorf("event %+v", e)
			}
			if e := h.worker(event.StateGone); e.Reason != event.ReasonProtocol {
				t.Errorf("event %+v", e)
			}
			if f := h.ask("POST", begin, step{Do: "answer", Status: "200 OK", Body: "fine"}).ended("fine"); f.Spawn != 2 {
				t.Errorf("facts %+v", f)
			}
		})
	}
}

func TestWorkshop_NeverGivesALateAnswerToTheNextRequest(t *testing.T) {
	h := open(t, nil)
	// It answers, and then once more: the second answer must reach nobody.
	first := h.ask("POST", begin, ok, at("again"), step{Do: "answer", Status: "200 OK", Body: "stolen"})
	first.ended("ok")
	c := h.cue("again")
	second := h.ask("GET", begin, step{Do: "answer", Status: "200 OK", Body: "second"})
	h.settle()
	c.goOn()
	if f := second.ended("second"); f.Spawn != 2 {
		t.Errorf("facts %+v", f)
	}
}

func TestWorkshop_RefusesAWorkerThatDoesNotComeUpProperly(t *testing.T) {
	for what, text := range map[string]string{
		"failed":  "no application",
		"vector":  "encodes values differently",
		"threads": "number of threads",
		"exit":    "exit code 5",
	} {
		t.Run(what, func(t *testing.T) {
			h := open(t, func(_ *Options, b *playbook) { b.Worker = what })
			f := <-h.Fatal()
			if want := map[string]int{"failed": 22}[what]; f.Code != max(want, 1) || !contains(f.Text, text) {
				t.Errorf("fatal %+v, expected %q", f, text)
			}
			if e := h.worker(event.StateGone); e.Reason != event.ReasonBootFailure {
				t.Errorf("event %+v", e)
			}
		})
	}
	for _, what := range []string{"rubbish", "early", "twice"} {
		t.Run(what, func(t *testing.T) {
			h := open(t, func(_ *Options, b *playbook) { b.Worker = what })
			if e := h.warning(""); e.Reason != event.ReasonProtocol {
				t.Errorf("event %+v", e)
			}
			h.worker(event.StateGone)
		})
	}
}

// Whatever a worker writes on its page and its slots, it hurts its own requests only: each gets one
// last word, and others are served.
func TestWorkshop_OutlivesHostileWorkers(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) {
		o.Pool.Processes, o.Pool.Threads, o.Pool.Harakiri = 3, 2, 200*time.Millisecond
		o.Pool.NoInterrupt = true
	})
	before := h.rest(3)
	const clients, each = 6, 30
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for i := range each {
				method := []string{"GET", "POST"}[i%2]
				h.ask(method, begin, step{Do: "hostile", Code: c*each + i}, step{Do: "phase"}, ok).wait()
			}
		})
	}
	all.Wait()
	if s, err := h.Brief(t.Context()); err != nil || s.Totals.Gone < clients*each/4 {
		t.Errorf("%d workers gone, %v: they were not hostile", s.Totals.Gone, err)
	}
	// Those that have lied and live on, too: a reload replaces all.
	if err := <-h.Reload(event.ReasonReload); err != nil {
		t.Error(err)
	}
	for range 10 {
		h.ask("POST", begin, ok).ended("ok")
	}
	h.rest(3).grown(t, before)
}
