package front

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fender/internal/exchange"
	"fender/internal/observe/accesslog"
)

func TestPipelining_AnswersInOrderOneAtATime(t *testing.T) {
	var mu sync.Mutex
	running := 0
	s := serve(t, Options{}, func(j *job) {
		mu.Lock()
		if running++; running > 1 {
			t.Error("two requests of one connection at once")
		}
		mu.Unlock()
		runtime.Gosched()
		mu.Lock()
		running--
		mu.Unlock()
		j.text(j.Path)
	})
	c := s.dial()
	var all strings.Builder
	for i := range 200 {
		all.WriteString(get("/" + strconv.Itoa(i)))
	}
	go c.trySend(all.String())
	for i := range 200 {
		if got := c.receive("GET"); got.body != "/"+strconv.Itoa(i) {
			t.Fatalf("answer %d is %q", i, got.body)
		}
	}
}

func TestHangUp_WhileQueuedCancelsTheRequest(t *testing.T) {
	queued := make(chan *job, 1)
	s := serve(t, Options{}, func(j *job) { queued <- j })
	for _, way := range []struct {
		name string
		end  func(*client)
	}{
		{"the client closes", func(c *client) { c.Close() }},
		{"the client resets", func(c *client) { hard(t, c); c.Close() }},
		{"requests were sent ahead", func(c *client) { c.send(get("/next") + get("/next")); c.Close() }},
	} {
		c := s.dial()
		c.send(get("/"))
		j := wait(t, "the request", queued)
		way.end(c)
		wait(t, "the cancellation", j.cancelled)
		if e := s.entry(); e.Status != 499 || e.Cause != "client-gone" {
			t.Errorf("%s: logged %+v", way.name, e)
		}
	}
	if len(queued) > 0 {
		t.Error("a request of a client that had left was handed over")
	}
}

// hard makes the client's close a reset.
func hard(t *testing.T, c *client) {
	if err := c.Conn.(*net.TCPConn).SetLinger(0); err != nil {
		t.Error(err)
	}
}

func TestHangUp_WhileStreamingCancelsTheRequest(t *testing.T) {
	jobs := make(chan *job, 1)
	s := serve(t, Options{}, func(j *job) {
		j.start(200, -1)
		j.write([]byte("first"))
		jobs <- j
	})
	c := s.dial()
	c.send(get("/"))
	j := wait(t, "the request", jobs)
	if _, err := http.ReadResponse(c.r, nil); err != nil {
		t.Fatal(err)
	}
	c.Close()
	wait(t, "the cancellation", j.cancelled)
	if e := s.entry(); e.Status != 200 || e.Cause != "client-gone" {
		t.Errorf("logged %+v", e)
	}
}

// The last bytes of an answer may be with the client before the workshop has said that they are the last.
func TestHangUp_BehindAWholeAnswerIsNone(t *testing.T) {
	jobs := make(chan *job, 1)
	s := serve(t, Options{}, func(j *job) {
		j.start(200, 5)
		j.write([]byte("whole"))
		jobs <- j
	})
	for _, method := range []string{"GET", "HEAD"} {
		c := s.dial()
		c.send(method + " / HTTP/1.1\r\nHost: a\r\n\r\n")
		got := c.receive(method)
		if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		wait(t, "the cancellation", wait(t, "the request", jobs).cancelled)
		if end := c.ends(); end != "" {
			t.Errorf("%s: ended by %s", method, end)
		}
		c.Close()
		if e := s.entry(); e.Status != 200 || e.Cause != "" || e.Sent != int64(len(got.body)) {
			t.Errorf("%s: logged %+v", method, e)
		}
	}
}

func TestHangUp_DoesNotDisturbRequestsThatAreSentAhead(t *testing.T) {
	jobs := make(chan *job, 1)
	s := serve(t, Options{}, func(j *job) { jobs <- j })
	c := s.dial()
	c.send(get("/1"))
	first := wait(t, "the first request", jobs)
	c.send(get("/2")) // wakes nobody and must not be lost
	first.text("one")
	if got := c.receive("GET"); got.body != "one" {
		t.Fatalf("got %q", got.body)
	}
	wait(t, "the second request", jobs).text("two")
	if got := c.receive("GET"); got.body != "two" {
		t.Errorf("got %q", got.body)
	}
}

// TestBackpressure_HoldsTheWorkshopAndLetsItGo lets an application stream far more than memory and
// spool hold to a client that does not read, then reads.
func TestBackpressure_HoldsTheWorkshopAndLetsItGo(t *testing.T) {
	const total = 24 << 20
	spool := exchange.NewBudget(4 << 20)
	memory := exchange.NewBudget(8 << 20)
	held := make(chan struct{})
	s := serve(t, Options{Spool: spool, Memory: memory}, func(j *job) {
		j.start(200, total)
		stopped := false
		for sent := 0; sent < total; sent += 64 << 10 {
			if n := spool.Used(); n > spool.Limit()/answerSpoolShare {
				t.Errorf("one answer has %d bytes in the spool of %d", n, spool.Limit())
			}
			if j.write(bytes.Repeat([]byte{byte(sent >> 16)}, 64<<10)) {
				continue
			}
			if !stopped {
				stopped = true
				close(held)
			}
			wait(t, "the resumption", j.resumed)
		}
		j.end()
	})
	c := s.dial()
	c.send(get("/"))
	wait(t, "the workshop to be held", held)
	if spool.Used() == 0 {
		t.Error("the spool was not used")
	}
	got := c.receive("GET")
	if len(got.body) != total || got.err != nil {
		t.Fatalf("%d bytes, %v", len(got.body), got.err)
	}
	for i := 0; i < total; i += 4096 {
		if got.body[i] != byte(i>>16) {
			t.Fatalf("byte %d is wrong", i)
		}
	}
}

func TestSpool_OfAnAnswerSurvivesADiskThatFails(t *testing.T) {
	const total = 16 << 20
	warnings := make(chan error, 10)
	s := serve(t, Options{SpoolDir: t.TempDir() + "/missing", Warn: func(err error) { warnings <- err }}, func(j *job) {
		j.start(200, total)
		for sent := 0; sent < total; sent += 64 << 10 {
			if !j.write(bytes.Repeat([]byte{byte(sent >> 16)}, 64<<10)) {
				wait(t, "the resumption", j.resumed)
			}
		}
		j.end()
	})
	c := s.dial()
	c.send(get("/"))
	_ = wait(t, "the warning", warnings) // the client has not read until now
	got := c.receive("GET")
	for i := 0; i < total; i += 4096 {
		if got.body[i] != byte(i>>16) {
			t.Fatalf("byte %d is wrong", i)
		}
	}
}

func TestSpool_KeepsTheOrderOfBytesAndFiles(t *testing.T) {
	path := t.TempDir() + "/f"
	if err := os.WriteFile(path, bytes.Repeat([]byte("F"), 300<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	all := make(chan struct{})
	s := serve(t, Options{}, func(j *job) {
		j.start(200, -1)
		for i := range 300 {
			piece := bytes.Repeat([]byte{'a' + byte(i%26)}, 40<<10)
			want.Write(piece)
			hold := !j.write(piece)
			if i%50 == 49 {
				f, err := os.Open(path)
				if err != nil {
					t.Error(err)
				}
				want.WriteString(strings.Repeat("F", 300<<10))
				hold = !j.sendFile(f, 0, 300<<10) || hold
			}
			if hold {
				wait(t, "the resumption", j.resumed)
			}
		}
		close(all)
		j.end()
	})
	c := s.dial()
	c.send(get("/"))
	wait(t, "the whole answer to be buffered", all)
	if got := c.receive("GET"); got.body != want.String() {
		t.Errorf("%d bytes came, %d were sent, or their order is wrong", len(got.body), want.Len())
	}
}

func TestBackpressure_BoundsTheFilesThatWait(t *testing.T) {
	path := t.TempDir() + "/f"
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	const files = 3 * maxFiles
	held := make(chan int, files)
	s := serve(t, Options{}, func(j *job) {
		j.start(200, files<<20)
		for i := range files {
			f, err := os.Open(path)
			if err != nil {
				t.Error(err)
			}
			if !j.sendFile(f, 0, 1<<20) {
				held <- i
				wait(t, "the resumption", j.resumed)
			}
		}
		j.end()
	})
	c := s.dial()
	c.send(get("/"))
	if at := wait(t, "the workshop to be held", held); at > maxFiles+maxFiles/2 { // some were sent already
		t.Errorf("%d files were taken", at)
	}
	if got := c.receive("GET"); len(got.body) != files<<20 || got.err != nil {
		t.Errorf("%d bytes, %v", len(got.body), got.err)
	}
}

// TestSpool_GivesBackWhatAClientHasRead: an answer that is always ahead of its client must not keep all
// that the client has long got.
func TestSpool_GivesBackWhatAClientHasRead(t *testing.T) {
	const total = 48 << 20
	spool := exchange.NewBudget(64 << 20) // 16 MiB of it for one answer
	all := make(chan struct{})
	s := serve(t, Options{Spool: spool}, func(j *job) {
		j.start(200, total)
		for sent := 0; sent < total; sent += 64 << 10 {
			if !j.write(make([]byte, 64<<10)) {
				wait(t, "the resumption", j.resumed)
			}
		}
		j.end()
		close(all)
	})
	c := s.dial()
	c.send(get("/"))
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	most := int64(0)
	for read := 0; read < total; read += 64 << 10 {
		if _, err := io.ReadFull(resp.Body, make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
		most = max(most, spool.Used())
	}
	wait(t, "the end", all)
	if most > 20<<20 {
		t.Errorf("%d MiB of the spool were in use", most>>20)
	}
}

func TestSlowClients_DoNotHoldAnybody(t *testing.T) {
	const slow, fast = 200, 50
	const size = 512 << 10
	big := bytes.Repeat([]byte("x"), size)
	s := serve(t, Options{Spool: exchange.NewBudget(4 << 30)}, func(j *job) {
		switch j.Path {
		case "/big":
			j.start(200, size)
			j.write(big)
			j.end()
		default:
			j.text(strconv.FormatInt(j.Body.Size, 10))
		}
	})
	var readers, writers []*client
	for range slow {
		r, w := s.dial(), s.dial()
		r.send(get("/big"))
		w.send(post(1000, "") + strings.Repeat("x", 500))
		readers, writers = append(readers, r), append(writers, w)
	}
	var done sync.WaitGroup
	for range fast {
		done.Go(func() {
			c := s.dial()
			for range 20 {
				if got := c.get("/"); got.code != 200 {
					t.Errorf("status %d", got.code)
				}
			}
		})
	}
	done.Wait()
	for i := range readers {
		if got := readers[i].receive("GET"); len(got.body) != size || got.err != nil {
			t.Errorf("a slow reader got %d bytes, %v", len(got.body), got.err)
		}
		writers[i].send(strings.Repeat("x", 500))
		if got := writers[i].receive("POST"); got.body != "1000" {
			t.Errorf("a slow writer got %q", got.body)
		}
	}
}

func TestSlowReader_IsGivenUpWithoutProgress(t *testing.T) {
	s := serve(t, Options{SendTimeout: 200 * time.Millisecond}, func(j *job) { j.text(strings.Repeat("x", 32<<20)) })
	c := s.dial()
	c.send(get("/"))
	if e := s.entry(); e.Status != 200 || e.Cause != "answer-cut" {
		t.Errorf("logged %+v", e)
	}
	if end := c.ends(); end != "reset" {
		t.Errorf("ended by %q", end)
	}
}

// TestMemory_StaysFlatWithLargeBodies is the short form of 1 GiB up and down.
func TestMemory_StaysFlatWithLargeBodies(t *testing.T) {
	total := int64(64 << 20)
	if os.Getenv("FENDER_FULL") != "" {
		total = 1 << 30
	}
	piece := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	s := serve(t, Options{Spool: exchange.NewBudget(2 << 30)}, func(j *job) {
		if j.Body.Size != total || j.Body.File == nil {
			t.Errorf("%d bytes arrived", j.Body.Size)
		}
		j.start(200, total)
		for sent := int64(0); sent < total; sent += int64(len(piece)) {
			if !j.write(bytes.Clone(piece)) {
				wait(t, "the resumption", j.resumed)
			}
		}
		j.end()
	})
	peak := make(chan uint64)
	stop := make(chan struct{})
	go func() {
		var most uint64
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.GC() // only what is held counts
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			select {
			case <-tick.C:
			case <-stop:
				peak <- most
				return
			}
		}
	}()
	c := s.dial()
	if err := c.SetDeadline(time.Now().Add(5 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	go func() {
		c.send(post(int(total), ""))
		for sent := int64(0); sent < total; sent += int64(len(piece)) {
			c.trySend(string(piece))
		}
	}()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	close(stop)
	if most := <-peak; n != total || err != nil || most > 32<<20 {
		t.Errorf("%d bytes came, %v; %d MiB of heap at most", n, err, most>>20)
	}
}

// The small pieces of a stream are copied. What they are copied to must not grow with the stream, also
// when there is always something that waits.
func TestReply_OfManySmallPiecesHoldsNoMoreThanWaits(t *testing.T) {
	const rounds, size = 20_000, 100
	f := &Front{options: Options{Door: &door{}, Memory: exchange.NewBudget(1 << 20), Spool: exchange.NewBudget(0)}.withDefaults()}
	r := &reply{conn: &conn{front: f}}
	r.conn.woken.Store(true) // there is no loop
	r.Start(exchange.Head{Status: 200, Length: -1})
	piece := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, size) }
	var b batch
	r.Write(piece(0), false)
	for i := range rounds {
		if !r.next(&b) || len(b.parts) != 1 || !bytes.Equal(b.parts[0].bytes, piece(i)) {
			t.Fatalf("round %d: %d parts", i, len(b.parts))
		}
		r.Write(piece(i+1), false) // before the one before is written
		if !bytes.Equal(b.parts[0].bytes, piece(i)) {
			t.Fatalf("round %d: a piece was overwritten", i)
		}
		r.done(b.parts)
	}
	if held := cap(r.copies); held > 2*keptReply {
		t.Errorf("%d bytes are held for pieces of %d", held, size)
	}
}

// unheard is a door whose workshop does not hear that it may go on.
type unheard struct {
	*door
	resumed chan exchange.ID
}

func (d unheard) Resume(id exchange.ID) { d.resumed <- id }

// When a spooler has written, the reply may be another request's by the time that it tells the workshop to
// go on: the client may have left meanwhile. (The race detector sees it.)
func TestSpooler_TellsTheWorkshopWhatItMayNoLongerLookAt(t *testing.T) {
	d := unheard{&door{jobs: map[exchange.ID]*job{}}, make(chan exchange.ID, 1000)}
	asked := make(chan exchange.ID, 1)
	d.app = func(j *job) {
		j.start(200, -1)
		for j.write(make([]byte, 64<<10)) {
		}
		asked <- j.ID
	}
	s := &server{t: t, door: d.door, logs: make(chan accesslog.Entry, 10)}
	var err error
	if s.Front, err = New(Options{Door: d, SpoolDir: t.TempDir(), Log: func(e *accesslog.Entry) { s.logs <- kept(e) }}); err != nil {
		t.Fatal(err)
	}
	socket, err := Listener{Address: "127.0.0.1:0"}.Open()
	if err != nil {
		t.Fatal(err)
	}
	s.addr = socket.Addr().String()
	s.Serve(socket)
	c := s.dial()
	c.send(get("/"))
	id := wait(t, "the application to be held", asked)
	if got := wait(t, "the resumption", d.resumed); got != id {
		t.Errorf("request %d was told to go on, %d was held", got, id)
	}
	hard(t, c)
	c.Close()
	s.entry()
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
	s.door.running.Wait()
}
