package workers

import (
	"bytes"
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"fender/internal/exchange"
	"fender/internal/workers/wire"

	"github.com/google/go-cmp/cmp"
)

func length(n int) []exchange.Field {
	return []exchange.Field{{Name: "Content-Length", Value: strconv.Itoa(n)}}
}

func TestWorkshop_AnswersARequest(t *testing.T) {
	h := open(t, nil)
	f := h.ask("GET", begin, ok).ended("ok")
	if f.Worker != 1 || f.Spawn != 1 || f.PID == 0 || f.Generation != 1 || f.Attempts != 1 || f.Work <= 0 {
		t.Errorf("facts %+v", f)
	}
}

func TestWorkshop_AnswersManyRequestsOnManySlots(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) { o.Pool.Processes, o.Pool.Threads = 2, 3 })
	h.worker("ready")
	h.worker("ready")
	var all []*answer
	for i := range 500 {
		all = append(all, h.ask("POST", begin, step{Do: "answer", Status: "200 OK", Body: strconv.Itoa(i)}))
	}
	seen := map[uint64]int{}
	for i, a := range all {
		seen[a.ended(strconv.Itoa(i)).Spawn]++
	}
	if len(seen) != 2 {
		t.Errorf("answers by spawn: %v", seen)
	}
}

func TestWorkshop_CarriesBodiesOfEverySize(t *testing.T) {
	h := open(t, nil)
	spool, err := os.Create(filepath.Join(t.TempDir(), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = spool.Close() }()
	spooled := strings.Repeat("s", 40<<10)
	if _, err := spool.WriteString(spooled); err != nil {
		t.Fatal(err)
	}
	inline := strings.Repeat("i", 1000)
	large := strings.Repeat("l", wire.MaxMessage-1000)
	for want, body := range map[string]exchange.Body{
		"":      {},
		inline:  {Bytes: []byte(inline), Size: int64(len(inline))},
		large:   {Bytes: []byte(large), Size: int64(len(large))},
		spooled: {File: spool, Size: int64(len(spooled))},
	} {
		if want == large {
			// What fits into a request does not fit into an answer beside its head.
			h.askWith("POST", body, begin, ok).ended("ok")
			continue
		}
		h.askWith("POST", body, begin, step{Do: "echo"}).ended(want)
		// An environ that does not fit into a message.
		long := step{Do: "tell", Name: strings.Repeat("h", 70<<10)}
		h.askWith("POST", body, begin, long, step{Do: "echo"}).ended(want)
		h.cue(long.Name)
	}
}

func TestWorkshop_HoldsAnAnswerUntilItIsComplete(t *testing.T) {
	h := open(t, nil)
	big := strings.Repeat("x", 60<<10)
	a := h.ask("GET", begin,
		step{Do: "part", Status: "200 OK", Flags: wire.FlagHead, Body: big, Fields: length(2 * len(big))},
		at("half"), step{Do: "phase"}, step{Do: "part", Part: 1, Flags: wire.FlagEnd, Body: big})
	c := h.cue("half")
	h.settle()
	if n := h.opts.Memory.Used(); n != int64(len(big)) {
		t.Errorf("%d bytes are held, not %d", n, len(big))
	}
	select {
	case <-a.begun:
		t.Error("half an answer has left")
	default:
	}
	c.goOn()
	a.ended(big + big)
}

func TestWorkshop_LetsAnAnswerGoEarlyWhenThereIsNoMemoryToHoldIt(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) { o.Memory = exchange.NewBudget(100 << 10) })
	big := strings.Repeat("x", 60<<10)
	a := h.ask("GET", begin,
		step{Do: "part", Status: "200 OK", Flags: wire.FlagHead, Body: big, Fields: length(3 * len(big))},
		step{Do: "part", Part: 1, Body: big},
		at("more"), step{Do: "phase"}, step{Do: "part", Part: 2, Flags: wire.FlagEnd, Body: big})
	<-a.begun
	if n := h.opts.Memory.Used(); n > 100<<10 {
		t.Errorf("%d bytes are held", n)
	}
	h.cue("more").goOn()
	a.ended(big + big + big)
}

func TestWorkshop_FlushesAStreamAsItComes(t *testing.T) {
	h := open(t, nil)
	a := h.ask("GET", begin, step{Do: "part", Status: "200 OK", Flags: wire.FlagHead, Body: "one,"}, at("one"),
		step{Do: "part", Part: 1, Body: "two,"}, at("two"),
		step{Do: "phase"}, step{Do: "part", Part: 2, Flags: wire.FlagEnd, Body: "three"})
	c := h.cue("one")
	<-a.begun // after a quiet time
	c.goOn()
	c = h.cue("two")
	h.settle()
	a.mu.Lock()
	if got := a.body.String(); got != "one,two," {
		t.Errorf("%q has left", got)
	}
	a.mu.Unlock()
	c.goOn()
	a.ended("one,two,three")
}

// flood is many parts without a length.
func flood(parts int, size int) []step {
	steps := []step{begin, {Do: "part", Status: "200 OK", Flags: wire.FlagHead, Body: "h"}}
	for i := range parts {
		steps = append(steps, step{Do: "part", Part: uint32(i + 1), Body: "0123456789abcdef", Repeat: size/16 - 1})
	}
	return append(steps, step{Do: "phase"}, step{Do: "part", Part: uint32(parts + 1), Flags: wire.FlagEnd})
}

func TestWorkshop_StopsReadingWhenTheReceiverIsFull(t *testing.T) {
	h := open(t, nil)
	a := h.askLimited(200<<10, flood(60, 48<<10)...) // 2.8 MiB: far more than the socket holds
	a.waitFull()
	h.settle()
	before := a.size()
	h.settle()
	if now := a.size(); now != before || now > 400<<10 {
		t.Errorf("%d bytes were given to a receiver that was full at 200 KiB, then %d", before, now)
	}
	a.setRoom(nil)
	h.Resume(a.id)
	a.ended("h" + strings.Repeat("0123456789abcdef", 60*(48<<10)/16))
	h.ask("GET", begin, ok).ended("ok") // the slot is read again
}

func TestWorkshop_GoesOnWhenTheClientLeavesAFullAnswer(t *testing.T) {
	h := open(t, nil)
	a := h.askLimited(200<<10, flood(60, 48<<10)...)
	a.waitFull()
	h.Cancel(a.id)
	a.refused("cut", exchange.CauseClientGone)
	h.ask("GET", begin, ok).ended("ok")
}

func TestWorkshop_TellsTheWorkerThatTheClientHasGone(t *testing.T) {
	h := open(t, nil)
	a := h.ask("GET", begin, at("begun"), step{Do: "aborted"}, ok)
	c := h.cue("begun")
	h.Cancel(a.id)
	a.refused("fail", exchange.CauseClientGone)
	h.settle()
	c.goOn() // what it answers is discarded
	h.cue("aborted true")
	h.ask("GET", begin, step{Do: "answer", Status: "200 OK", Body: "next"}).ended("next")
}

func TestWorkshop_DropsAQueuedRequestWhoseClientHasGone(t *testing.T) {
	h := open(t, nil)
	first := h.ask("GET", begin, at("first"), ok)
	c := h.cue("first")
	second, third := h.ask("GET", at("never"), ok), h.ask("GET", at("never"), ok)
	h.Cancel(second.id)
	h.Cancel(third.id)
	second.refused("fail", exchange.CauseClientGone)
	third.refused("fail", exchange.CauseClientGone)
	c.goOn()
	first.ended("ok")
	h.ask("GET", begin, ok).ended("ok") // no cue "never" before it
}

func TestWorkshop_RefusesAnAnswerThatCannotBeSent(t *testing.T) {
	whole := wire.FlagHead | wire.FlagEnd
	fields := func(name, value string) []exchange.Field { return []exchange.Field{{Name: name, Value: value}} }
	var many []exchange.Field
	for range 3000 {
		many = append(many, exchange.Field{Name: "X-A", Value: "1"})
	}
	rng := func(off, n uint64) string {
		b := binary.LittleEndian.AppendUint64(nil, off)
		return string(binary.LittleEndian.AppendUint64(b, n))
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		step step
		text string
	}{
		"a line break in a header":      {step{Do: "answer", Status: "200 OK", Fields: fields("X-Split", "a\r\nb: c")}, "X-Split"},
		"a name that is no token":       {step{Do: "answer", Status: "200 OK", Fields: fields("X Y", "a")}, "token"},
		"a hop-by-hop header":           {step{Do: "answer", Status: "200 OK", Fields: fields("Connection", "close")}, "hop-by-hop"},
		"a status that is none":         {step{Do: "answer", Status: "OK"}, "status"},
		"a length that is no number":    {step{Do: "answer", Status: "200 OK", Fields: fields("Content-Length", "ten")}, "Content-Length"},
		"fewer bytes than announced":    {step{Do: "answer", Status: "200 OK", Body: "abc", Fields: length(4)}, "the body has 3"},
		"thousands of headers":          {step{Do: "part", Status: "200 OK", Flags: whole, Fields: many}, "headers"},
		"a range beyond the file":       {step{Do: "file", Status: "200 OK", Flags: whole | wire.FlagFile, Path: file, Body: rng(8, 3)}, "10 bytes"},
		"a range far beyond the file":   {step{Do: "file", Status: "200 OK", Flags: whole | wire.FlagFile, Path: file, Body: rng(1<<62, 1<<61)}, "10 bytes"},
		"a file that is a device":       {step{Do: "file", Status: "200 OK", Flags: whole | wire.FlagFile, Path: "/dev/null", Body: rng(0, 1)}, "regular file"},
		"a body in a directory's place": {step{Do: "file", Status: "200 OK", Flags: whole | wire.FlagBodyInDescriptor, Path: "/", Body: ""}, "regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, nil)
			h.ask("GET", begin, step{Do: "phase"}, c.step).refused("fail", exchange.CauseBadAnswer)
			e := h.event("request-error", requestError)
			if !contains(e.Text, c.text) || e.Cause != "bad-answer" {
				t.Errorf("event %+v, expected %q", e, c.text)
			}
			// The application is to blame, not the worker: it goes on.
			if f := h.ask("GET", begin, ok).ended("ok"); f.Spawn != 1 {
				t.Errorf("facts %+v", f)
			}
		})
	}
}

func TestWorkshop_CutsAnAnswerThatEndsShortAfterItHadBegunToLeave(t *testing.T) {
	h := open(t, func(o *Options, _ *playbook) { o.Pool.AnswerBuffer = 10 })
	a := h.ask("GET", begin, step{Do: "part", Status: "200 OK", Flags: wire.FlagHead, Body: "0123456789ab", Fields: length(100)},
		step{Do: "phase"}, step{Do: "part", Part: 1, Flags: wire.FlagEnd, Body: "cd"})
	a.refused("cut", exchange.CauseAnswerCut)
	if e := h.event("request-error", requestError); !contains(e.Text, "says 100 bytes, the body has 14") {
		t.Errorf("event %+v", e)
	}
	h.ask("GET", begin, step{Do: "phase"}, step{Do: "part", Status: "200 OK", Flags: wire.FlagHead, Body: "0123456789ab"},
		step{Do: "part", Part: 1, Flags: wire.FlagEnd | wire.FlagError}).refused("cut", exchange.CauseAnswerCut)
}

func TestWorkshop_LeavesOutWhatIsBeyondTheContentLength(t *testing.T) {
	h := open(t, nil)
	h.ask("GET", begin, step{Do: "phase"},
		step{Do: "part", Status: "200 OK", Flags: wire.FlagHead, Body: "123", Fields: length(5)},
		step{Do: "part", Part: 1, Body: "456"},
		step{Do: "part", Part: 2, Body: "789", Flags: wire.FlagEnd}).ended("12345")
	if e := h.warning("more bytes than its Content-Length"); !contains(e.Text, "/play") {
		t.Errorf("event %+v", e)
	}
}

func TestWorkshop_SendsNoBodyWhereHTTPHasNone(t *testing.T) {
	h := open(t, nil)
	h.ask("HEAD", begin, step{Do: "answer", Status: "200 OK", Fields: length(1000)}).ended("")
	h.ask("HEAD", begin, step{Do: "answer", Status: "200 OK", Body: "abc", Fields: length(3)}).ended("")
	for _, status := range []int{204, 304} {
		a := h.ask("GET", begin, step{Do: "answer", Status: strconv.Itoa(status), Body: "abc", Fields: length(1000)}).wait()
		if a.word != "end" || a.head.Status != status || a.body.Len() != 0 {
			t.Errorf("%d: %s, %+v, %q", status, a.word, a.head, a.body.String())
		}
	}
}

func TestWorkshop_SendsTheWorkersOwn500(t *testing.T) {
	h := open(t, nil)
	a := h.ask("GET", begin, step{Do: "answer", Status: "500 Internal Server Error", Body: "sorry", Flags: wire.FlagError}).wait()
	if a.word != "end" || a.head.Status != 500 || a.body.String() != "sorry" {
		t.Errorf("%s, %+v, %q", a.word, a.head, a.body.String())
	}
}

func TestWorkshop_SendsAFile(t *testing.T) {
	h := open(t, nil)
	content := bytes.Repeat([]byte("0123456789"), 100000)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	b := binary.LittleEndian.AppendUint64(nil, 5)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(content)-10))
	h.ask("GET", begin, step{Do: "phase"}, step{
		Do: "file", Status: "200 OK", Flags: wire.FlagHead | wire.FlagEnd | wire.FlagFile, Path: file,
		Body: string(b), Fields: length(len(content) - 10),
	}).ended(string(content[5 : len(content)-5]))
	h.ask("GET", begin, step{Do: "phase"}, step{
		Do: "file", Status: "200 OK", Flags: wire.FlagHead | wire.FlagEnd | wire.FlagBodyInDescriptor, Path: file,
	}).ended(string(content))
	// One whose client has gone is closed.
	h.ask("HEAD", begin, step{Do: "phase"}, step{
		Do: "file", Status: "200 OK", Flags: wire.FlagHead | wire.FlagEnd | wire.FlagBodyInDescriptor, Path: file,
	}).ended("")
}

func TestWorkshop_HoldsFewFilesOfOneAnswer(t *testing.T) {
	h := open(t, nil)
	content := strings.Repeat("0123456789", 10)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	held := func() int {
		n := make(chan int, 1)
		h.post(func(time.Duration) {
			files := 0
			for _, fl := range h.flights {
				for i := range fl.parts {
					if fl.parts[i].file != nil {
						files++
					}
				}
			}
			n <- files
		})
		return <-n
	}
	// What a worker sent before a call is there when the call returns.
	returned := func() {
		if c := <-h.cues; !contains(c.At, "return") {
			t.Errorf("cue %q", c.At)
		}
	}
	a := h.ask("GET", begin, step{Do: "part", Status: "200 OK", Flags: wire.FlagHead, Fields: length(maxFiles + 10)},
		step{Do: "files", Part: 1, Path: file, Repeat: maxFiles}, step{Do: "call", Name: "logvar"}, at("few"),
		step{Do: "files", Part: 1 + maxFiles, Path: file, Repeat: 10}, step{Do: "call", Name: "logvar"}, at("many"),
		step{Do: "phase"}, step{Do: "part", Part: maxFiles + 11, Flags: wire.FlagEnd})
	returned()
	c := h.cue("few")
	if n := held(); n != maxFiles {
		t.Errorf("%d files are held, expected %d", n, maxFiles)
	}
	c.goOn()
	returned()
	c = h.cue("many")
	if n := held(); n != 0 {
		t.Errorf("%d files are held, expected none: they are too many", n)
	}
	c.goOn()
	if a.wait(); a.word != "end" || a.body.Len() != maxFiles+10 {
		t.Errorf("%s, %q", a.word, a.body.String())
	}
}

func TestWorkshop_HoldsSmallPiecesAsOne(t *testing.T) {
	h := open(t, nil)
	const pieces = 20000
	want := strings.Repeat("0123456789", pieces/10)
	a := h.ask("GET", begin, step{Do: "part", Status: "200 OK", Flags: wire.FlagHead, Fields: length(pieces + 2), Body: "<"},
		step{Do: "pieces", Part: 1, Body: "0123456789", Repeat: pieces}, step{Do: "call", Name: "logvar"}, at("sent"),
		step{Do: "phase"}, step{Do: "part", Part: pieces + 1, Flags: wire.FlagEnd, Body: ">"})
	if c := <-h.cues; !contains(c.At, "return") {
		t.Errorf("cue %q", c.At)
	}
	c := h.cue("sent")
	held := make(chan int, 1)
	h.post(func(time.Duration) {
		memory := 0
		for _, fl := range h.flights {
			memory += cap(fl.parts) * int(unsafe.Sizeof(part{}))
			for i := range fl.parts {
				memory += cap(fl.parts[i].bytes)
			}
		}
		held <- memory
	})
	if n := <-held; n > 3*pieces {
		t.Errorf("%d bytes of memory hold %d bytes", n, pieces)
	}
	c.goOn()
	a.ended("<" + want + ">")
}

// What a worker sends may take long to close: the loop leaves that to others.
func TestWorkshop_DoesNotWaitForADescriptorToClose(t *testing.T) {
	h := open(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	// The loop stands until the worker has closed its own: so the last close is ours.
	a := h.ask("GET", begin, at("begun"), step{Do: "phase"}, step{
		Do: "lingering", Status: "200 OK", Code: l.Addr().(*net.TCPAddr).Port,
		Flags: wire.FlagHead | wire.FlagEnd | wire.FlagBodyInDescriptor,
	}, at("closed"))
	begun := h.cue("begun")
	thaw := h.freeze()
	begun.goOn()
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.Close() }) // which ends the lingering
	closed := h.cue("closed")
	thaw()
	a.refused("fail", exchange.CauseBadAnswer)
	closed.goOn()
	h.ask("GET", begin, ok).ended("ok")
}

func TestWorkshop_FreesASlotWhenCloseHasReturned(t *testing.T) {
	h := open(t, nil)
	end := step{Do: "part", Status: "200 OK", Body: "ok", Flags: wire.FlagHead | wire.FlagEnd | wire.FlagClosing}
	h.ask("GET", begin, step{Do: "phase", Phase: wire.PhaseClosing}, end, at("closing"), step{Do: "phase"}, step{Do: "idle"}).ended("ok")
	h.cue("closing").goOn()
	h.ask("GET", begin, ok).ended("ok")
	// One that is fast sends no idle frame: the page says it.
	h.ask("GET", begin, end, step{Do: "phase"}).ended("ok")
	h.ask("GET", begin, ok).ended("ok")
}

func TestWorkshop_AnswersCalls(t *testing.T) {
	h := open(t, nil)
	a := h.ask("GET", begin,
		step{Do: "call", Name: "extend", Args: []string{"1.5"}},
		step{Do: "call", Name: "extend", Args: []string{"soon"}},
		step{Do: "call", Name: "logvar", Args: []string{"user", "6"}},
		step{Do: "call", Name: "logvar", Args: []string{"user", "7"}},
		step{Do: "call", Name: "logvar", Args: []string{"user"}},
		step{Do: "call", Name: "logvar", Args: []string{"a b", "7"}},
		step{Do: "call", Name: "logvar", Args: []string{"long", strings.Repeat("x", exchange.MaxLogVarValue+1)}},
		step{Do: "call", Name: "cache_get", Args: []string{"key"}},
		ok)
	a.ended("ok")
	if diff := cmp.Diff([]exchange.Field{{Name: "user", Value: "7"}}, a.vars); diff != "" {
		t.Errorf("log variables (-want +got):\n%s", diff)
	}
	const good = `"(\x02\x00\x00\x00TN"`
	for _, want := range []string{
		good, `extend takes a number`, good, good, `logvar takes a name`, `letters, digits`, `at most 1024`, `unknown call`,
	} {
		if c := <-h.cues; !contains(c.At, "return") || !contains(c.At, want) {
			t.Errorf("the call got %s, expected %s", c.At, want)
		}
	}
}

func TestWorkshop_TellsWhatAWorkerRefused(t *testing.T) {
	h := open(t, nil)
	steps := []step{begin}
	for range 50 {
		steps = append(steps, step{Do: "refuse", Name: "signal"})
	}
	h.ask("GET", append(steps, ok)...).ended("ok")
	if e := h.warning("refused \"signal\""); e.Text == "" {
		t.Errorf("event %+v", e)
	}
	n := 1
	for len(h.events) > 0 {
		if e := <-h.events; contains(e.Text, "refused") {
			n++
		}
	}
	if n != maxRefusals {
		t.Errorf("%d refusals were told, not %d", n, maxRefusals)
	}
}
