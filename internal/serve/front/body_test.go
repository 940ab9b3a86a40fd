package front

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fender/internal/exchange"
	"fender/internal/serve/http1"
)

func post(length int, rest string) string {
	return fmt.Sprintf("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n%s\r\n", length, rest)
}

func TestBody_IsInMemoryUpToItsBoundAndThenInAFile(t *testing.T) {
	for _, size := range []int{0, 1, 1000, 7 << 10, 64 << 10, 64<<10 + 1, 300 << 10} {
		content := strings.Repeat("0123456789abcdef", size/16+1)[:size]
		for _, way := range []struct{ name, raw string }{
			{"length", post(size, "") + content},
			{"chunked", chunkedPost + chunks(content, 5000) + "0\r\n\r\n"},
			{"chunked small", chunkedPost + chunks(content, 3) + "0\r\n\r\n"},
		} {
			inFile := make(chan bool, 2)
			s := serve(t, Options{}, func(j *job) {
				inFile <- j.Body.File != nil
				if j.Method == http.MethodPost && j.Body.Size != int64(size) {
					t.Errorf("%s, %d: size %d", way.name, size, j.Body.Size)
				}
				j.text(fmt.Sprintf("%x", sha256.Sum256([]byte(j.content(t)))))
			})
			c := s.dial()
			c.send(way.raw)
			if got := c.receive("POST"); got.body != fmt.Sprintf("%x", sha256.Sum256([]byte(content))) {
				t.Errorf("%s, %d: the body arrived changed (%d)", way.name, size, got.code)
			}
			if got := <-inFile; got != (size > 64<<10) {
				t.Errorf("%s, %d: in a file: %v", way.name, size, got)
			}
			if e := s.entry(); e.Received != int64(size) {
				t.Errorf("%s, %d: logged %d", way.name, size, e.Received)
			}
			if got := c.get("/"); got.code != 200 {
				t.Errorf("%s, %d: the connection did not go on", way.name, size)
			}
		}
	}
}

// chunks is content in the chunked coding, without the end.
func chunks(content string, size int) string {
	var b strings.Builder
	for len(content) > 0 {
		n := min(size, len(content))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, content[:n])
		content = content[n:]
	}
	return b.String()
}

func TestBody_OfSmallChunksIsKeptInOnePiece(t *testing.T) {
	var coding http1.Chunked
	if data, n, v := decode(&coding, []byte("1;x\r\na\r\n2\r\nbc\r\n3\r\nd")); string(data) != "abcd" || n != 19 || v != http1.More {
		t.Errorf("%q of %d bytes, %v", data, n, v)
	}
	if data, n, v := decode(&coding, []byte("ef\r\n0\r\n\r\nGET")); string(data) != "ef" || n != 9 || v != http1.Complete {
		t.Errorf("%q of %d bytes, %v", data, n, v)
	}
	coding.Reset()
	if data, n, v := decode(&coding, []byte("1\r\na\r\nx")); string(data) != "a" || n != 7 || v != http1.BadChunkSize {
		t.Errorf("%q of %d bytes, %v", data, n, v)
	}
}

func TestBody_SpillsWhenTheMemoryBudgetIsUsedUp(t *testing.T) {
	memory := exchange.NewBudget(10)
	inFile := make(chan bool, 1)
	s := serve(t, Options{Memory: memory}, func(j *job) {
		inFile <- j.Body.File != nil
		j.start(200, 0)
		j.end()
	})
	c := s.dial()
	c.send(post(11, "") + "hello world")
	if got := c.receive("POST"); got.code != 200 || !<-inFile {
		t.Errorf("%d, or not in a file", got.code)
	}
}

func TestLimitPost_RefusesByLengthBeforeTheBodyIsSent(t *testing.T) {
	s := serve(t, Options{LimitPost: 10}, func(*job) { t.Error("the application was asked") })
	c := s.dial()
	c.send(post(11, "Expect: 100-continue\r\n"))
	got := c.receive("POST")
	if got.code != 413 || !got.Close || got.Header.Get(CauseHeader) != "body-too-large" {
		t.Errorf("%d %v", got.code, got.Header)
	}
	if end := c.ends(); end != "" {
		t.Errorf("ended by %s", end)
	}
	if e := s.entry(); e.Status != 413 || e.Cause != "body-too-large" || e.Method != http.MethodPost {
		t.Errorf("logged %+v", e)
	}
}

func TestLimitPost_RefusesAChunkedBodyWhenItGrowsTooLarge(t *testing.T) {
	s := serve(t, Options{LimitPost: 10}, mirror(t))
	c := s.dial()
	c.send(chunkedPost + "a\r\n0123456789\r\n0\r\n\r\n")
	if got := c.receive("POST"); got.code != 200 {
		t.Errorf("exactly the limit: %d", got.code)
	}
	c.send(chunkedPost + "b\r\n0123456789a\r\n")
	if got := c.receive("POST"); got.code != 413 {
		t.Errorf("one more: %d", got.code)
	}
}

// TestClose_LetsAClientThatGoesOnSendingReadItsAnswer is the lingering close: a client that sends its
// body whatever comes must find the answer, not a reset.
func TestClose_LetsAClientThatGoesOnSendingReadItsAnswer(t *testing.T) {
	s := serve(t, Options{LimitPost: 10}, func(*job) {})
	piece := make([]byte, 8<<20)
	for _, pieces := range []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 12} {
		c := s.dial()
		c.send(post(pieces*len(piece), ""))
		for range pieces {
			if _, err := c.Write(piece); err != nil {
				t.Fatalf("while sending: %v", err)
			}
		}
		if got := c.receive("POST"); got.code != 413 {
			t.Fatalf("status %d", got.code)
		}
		if end := c.ends(); end != "" {
			t.Fatalf("ended by %s", end)
		}
	}
}

func TestExpect_IsAnsweredOnlyWhenTheBodyIsWantedAndNotThereYet(t *testing.T) {
	s := serve(t, Options{}, mirror(t))
	c := s.dial()
	c.send(post(3, "Expect: 100-Continue\r\n"))
	interim := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	if _, err := io.ReadFull(c.r, interim); err != nil || string(interim) != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Fatalf("got %q, %v", interim, err)
	}
	c.send("abc")
	if got := c.receive("POST"); got.body != "POST /p abc" {
		t.Errorf("got %q", got.body)
	}
	c.send(post(3, "Expect: 100-continue\r\n") + "abc") // it did not wait
	if got := c.receive("POST"); got.code != 200 || got.body != "POST /p abc" {
		t.Errorf("%d %q", got.code, got.body)
	}
	c.send(strings.Replace(chunkedPost, "\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n", 1))
	if got := c.receive("POST"); got.code != 100 {
		t.Errorf("chunked: %d", got.code)
	}
	c.send("3\r\nabc\r\n0\r\n\r\n")
	if got := c.receive("POST"); got.body != "POST / abc" {
		t.Errorf("chunked: %q", got.body)
	}
}

func TestSpool_FullIsTheTroubleOfOneRequest(t *testing.T) {
	spool := exchange.NewBudget(2 << 20)
	s := serve(t, Options{Spool: spool}, func(j *job) { j.text(fmt.Sprint(j.Body.Size)) })
	c := s.dial()
	c.send(post(3<<20, "Expect: 100-continue\r\n"))
	if got := c.receive("POST"); got.code != 503 || got.Header.Get(CauseHeader) != "spool-full" || got.Header.Get("Retry-After") == "" {
		t.Errorf("by length: %d %v", got.code, got.Header)
	}
	d := s.dial()
	go d.trySend(chunkedPost + chunks(strings.Repeat("x", 4<<20), 64<<10) + "0\r\n\r\n")
	if got := d.receive("POST"); got.code != 503 || got.Header.Get(CauseHeader) != "spool-full" {
		t.Errorf("chunked: %d %v", got.code, got.Header)
	}
	e := s.dial()
	e.send(post(1<<20, "") + strings.Repeat("x", 1<<20))
	if got := e.receive("POST"); got.body != fmt.Sprint(1<<20) {
		t.Errorf("one that fits: %d %q", got.code, got.body)
	}
}

// A length is no more than a word: the client that gave it may never send a byte.
func TestSpool_IsNotFilledByAnnouncements(t *testing.T) {
	spool := exchange.NewBudget(8 << 20)
	s := serve(t, Options{Spool: spool}, func(j *job) {
		if used := spool.Used(); used != j.Body.Size {
			t.Errorf("%d bytes of the spool are taken for a body of %d", used, j.Body.Size)
		}
		j.text(fmt.Sprint(j.Body.Size))
	})
	liar := s.dial()
	liar.send(post(8<<20, "Expect: 100-continue\r\n"))
	if got := liar.receive("POST"); got.code != 100 {
		t.Fatalf("status %d", got.code)
	}
	c := s.dial()
	const size = 5<<20 + 123
	c.send(post(size, "") + strings.Repeat("x", size))
	if got := c.receive("POST"); got.body != fmt.Sprint(size) {
		t.Errorf("beside an announcement: %d %q", got.code, got.body)
	}
	s.entry()                             // it has given its room back
	liar.send(strings.Repeat("x", 8<<20)) // it was none
	if got := liar.receive("POST"); got.body != fmt.Sprint(8<<20) {
		t.Errorf("the announced body: %d %q", got.code, got.body)
	}
}

func TestSpool_ThatCannotBeWrittenIsToldOnce(t *testing.T) {
	warnings := make(chan error, 10)
	s := serve(t, Options{SpoolDir: filepath.Join(t.TempDir(), "missing"), Warn: func(err error) { warnings <- err }}, mirror(t))
	for range 3 {
		c := s.dial()
		c.send(post(1<<20, ""))
		if got := c.receive("POST"); got.code != 503 {
			t.Errorf("status %d", got.code)
		}
	}
	err := wait(t, "the warning", warnings)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "body-spool") || len(warnings) > 0 {
		t.Errorf("%v, and %d more", err, len(warnings))
	}
}

func TestTimeouts_CountTimeWithoutProgress(t *testing.T) {
	const short = 200 * time.Millisecond
	o := Options{Keepalive: short, HeadTimeout: short, BodyTimeout: short}
	s := serve(t, o, mirror(t))
	for _, c := range []struct {
		name, raw, end string
		status         int
		target         string
	}{
		{"an idle connection ends silently", "", "", 0, ""},
		{"and one that sent an empty line", "\r\n", "", 0, ""},
		{"a started request line gets 408", "GE", "", 408, "GE"},
		{"a started head", "GET /h HTTP/1.1\r\nHos", "", 408, "/h"},
		{"a started body", post(5, "") + "abc", "", 408, "/p"},
		{"a started chunk", chunkedPost + "5\r\nab", "", 408, "/"},
	} {
		conn := s.dial()
		conn.send(c.raw)
		if c.status == 0 {
			if end := conn.ends(); end != c.end || conn.r.Buffered() > 0 {
				t.Errorf("%s: ended by %q", c.name, end)
			}
			continue
		}
		got := conn.receive("POST")
		if got.code != c.status || !got.Close || got.Header.Get(CauseHeader) != "request-timeout" {
			t.Errorf("%s: %d %v", c.name, got.code, got.Header)
		}
		if e := s.entry(); e.Status != c.status || e.Cause != "request-timeout" || e.Target != c.target || e.Sent != int64(len(got.body)) {
			t.Errorf("%s: logged %+v", c.name, e)
		}
	}
}

func TestTimeouts_EndATrickleThatNeverStalls(t *testing.T) {
	const short = 100 * time.Millisecond
	s := serve(t, Options{BodyTimeout: short, MinRate: 1000}, mirror(t))
	c := s.dial()
	c.send(post(1<<20, ""))
	tick := time.NewTicker(short / 10) // 100 bytes a second
	defer tick.Stop()
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case <-tick.C:
				c.trySend("x")
			case <-done:
				return
			}
		}
	}()
	if got := c.receive("POST"); got.code != 408 {
		t.Errorf("status %d", got.code)
	}
}

func TestClient_ThatLeavesInTheMiddleIsLogged(t *testing.T) {
	s := serve(t, Options{}, func(*job) { t.Error("the application was asked") })
	for _, c := range []struct {
		raw      string
		received int64
	}{{"GET / HT", 0}, {post(10, "") + "abc", 3}, {post(1<<20, "") + "abcd", 4}, {chunkedPost + "5\r\nab", 2}} {
		conn := s.dial()
		conn.send(c.raw)
		conn.Close()
		if e := s.entry(); e.Status != 499 || e.Cause != "client-gone" || e.Received != c.received {
			t.Errorf("%q: logged %+v", c.raw, e)
		}
	}
}
