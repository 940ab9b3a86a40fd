package front

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fender/internal/exchange"
	"fender/internal/loop"
)

func TestAnswer_LeavesInOneWriteWithItsHead(t *testing.T) {
	s := serve(t, Options{Server: "fender"}, func(j *job) {
		j.start(201, 5, exchange.Field{Name: "X-Latin", Value: "\xe9"}, exchange.Field{Name: "x-lower", Value: "1"},
			exchange.Field{Name: "Connection", Value: "close"}, exchange.Field{Name: "Content-Length", Value: "5"})
		j.write([]byte("hello"))
		j.end()
	})
	c := s.dial()
	c.send(get("/"))
	resp := make([]byte, 4096)
	n, err := c.Read(resp)
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(resp[:n]), "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	date := lines[3]
	if !strings.HasPrefix(date, "Date: ") || !strings.HasSuffix(date, " GMT") {
		t.Errorf("date line %q", date)
	}
	lines[3] = "Date"
	want := "HTTP/1.1 201 Created|X-Latin: \xe9|x-lower: 1|Date|Server: fender|Content-Length: 5"
	if got := strings.Join(lines, "|"); got != want || body != "hello" {
		t.Errorf("got %q %q, want %q", got, body, want)
	}
	if e := s.entry(); e.Status != 201 || e.Sent != 5 || e.Worker != 3 || e.Attempts != 1 || e.Cause != "" || e.Queue == 0 || e.Total <= 0 {
		t.Errorf("logged %+v", e)
	}
}

func TestAnswer_IsFramedAsTheProtocolWants(t *testing.T) {
	for _, c := range []struct {
		name, request string
		status        int
		length        int64
		pieces        []string
		wantBody      string
		wantHeads     string // fields that must be there, "-Name" must not
		closes        bool
	}{
		{"a length", get("/"), 200, 4, []string{"ab", "cd"}, "abcd", "Content-Length: 4,-Transfer-Encoding,-Connection", false},
		{"no length", get("/"), 200, -1, []string{"ab", "cd"}, "abcd", "-Content-Length,-Connection", false},
		{"an empty body without length", get("/"), 200, -1, nil, "", "-Content-Length", false},
		{"more than was promised", get("/"), 200, 3, []string{"ab", "cd"}, "abc", "Content-Length: 3", false},
		{"HEAD with a length", strings.Replace(get("/"), "GET", "HEAD", 1), 200, 4, []string{"abcd"}, "", "Content-Length: 4", false},
		{"HEAD without", strings.Replace(get("/"), "GET", "HEAD", 1), 200, -1, []string{"abcd"}, "", "-Content-Length,-Transfer-Encoding", false},
		{"204", get("/"), 204, 4, []string{"abcd"}, "", "-Content-Length,-Transfer-Encoding", false},
		{"304 with a length", get("/"), 304, 4, nil, "", "Content-Length: 4", false},
		{"304 without", get("/"), 304, -1, nil, "", "-Content-Length,-Transfer-Encoding", false},
		{"HTTP/1.0 without length", "GET / HTTP/1.0\r\n\r\n", 200, -1, []string{"ab", "cd"}, "abcd", "Connection: close,-Transfer-Encoding", true},
		{"HTTP/1.0 keep-alive without length", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, -1, []string{"ab"}, "ab", "Connection: close", true},
		{"HTTP/1.0 keep-alive with one", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, 2, []string{"ab"}, "ab", "Connection: keep-alive", false},
		{"close was asked for", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, 2, []string{"ab"}, "ab", "Connection: close", true},
	} {
		s := serve(t, Options{}, func(j *job) {
			if j.Path == "/last" {
				j.text("last")
				return
			}
			j.start(c.status, c.length)
			for _, piece := range c.pieces {
				j.write([]byte(piece))
			}
			j.end()
		})
		conn := s.dial()
		conn.send(c.request)
		method, _, _ := strings.Cut(c.request, " ")
		got := conn.receive(method)
		if got.code != c.status || got.body != c.wantBody || got.err != nil {
			t.Errorf("%s: %d %q %v", c.name, got.code, got.body, got.err)
		}
		for _, want := range strings.Split(c.wantHeads, ",") {
			if name, absent := strings.CutPrefix(want, "-"); absent {
				if v, there := got.Header[name]; there || name == "Transfer-Encoding" && got.TransferEncoding != nil {
					t.Errorf("%s: %s is there: %v", c.name, name, v)
				}
				continue
			}
			name, value, _ := strings.Cut(want, ": ")
			if want == "Connection: close" { // package http takes the field away
				if !got.Close {
					t.Errorf("%s: the connection goes on", c.name)
				}
				continue
			}
			if got.Header.Get(name) != value {
				t.Errorf("%s: %s is %q", c.name, name, got.Header.Get(name))
			}
		}
		if c.closes {
			if end := conn.ends(); end != "" {
				t.Errorf("%s: ended by %s", c.name, end)
			}
		} else if last := conn.get("/last"); last.body != "last" {
			t.Errorf("%s: the next answer is %q", c.name, last.body)
		}
	}
}

func TestAnswer_IsFlushedWithEachWrite(t *testing.T) {
	proceed := make(chan struct{})
	s := serve(t, Options{}, func(j *job) {
		j.start(200, -1)
		for _, piece := range []string{"one", "two", "three"} {
			j.write([]byte(piece))
			<-proceed
		}
		j.end()
	})
	c := s.dial()
	c.send(get("/"))
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "two", "three"} {
		got := make([]byte, len(want))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
			t.Fatalf("got %q, %v; want %q before the application goes on", got, err, want)
		}
		proceed <- struct{}{}
	}
	if rest, err := io.ReadAll(resp.Body); len(rest) > 0 || err != nil {
		t.Errorf("rest %q, %v", rest, err)
	}
}

func TestAnswer_HasItsHeadOnlyWhenThereIsABodyOrAnEnd(t *testing.T) {
	s := serve(t, Options{}, func(j *job) {
		j.start(200, 2)
		j.fail(exchange.CauseNone) // not of the contract; must not hang or leak either
	})
	if got := s.dial().get("/"); got.code != 500 {
		t.Errorf("status %d", got.code)
	}
}

func TestFail_GivesAnHonestPageWithItsCause(t *testing.T) {
	for _, cause := range exchange.Causes {
		status := cause.Status()
		switch cause {
		case exchange.CauseClientGone, exchange.CauseAnswerCut:
			continue // nobody receives them
		}
		s := serve(t, Options{}, func(j *job) { j.fail(cause) })
		c := s.dial()
		c.send("GET / HTTP/1.1\r\nHost: a\r\nX-Amzn-Trace-Id: Root=1-2-3\r\n\r\n")
		got := c.receive("GET")
		if got.code != status || got.Header.Get(CauseHeader) != string(cause) || got.Header.Get("X-Amzn-Trace-Id") != "Root=1-2-3" {
			t.Errorf("%s: %d, %v", cause, got.code, got.Header)
		}
		if (got.Header.Get("Retry-After") != "") != (status == 503) {
			t.Errorf("%s: Retry-After %q with %d", cause, got.Header.Get("Retry-After"), status)
		}
		if !strings.HasPrefix(got.body, got.Status+"\n") || len(got.body) < len(got.Status)+5 {
			t.Errorf("%s: page %q", cause, got.body)
		}
		if e := s.entry(); e.Status != status || e.Cause != string(cause) || e.TraceID != "Root=1-2-3" || e.Worker != 3 {
			t.Errorf("%s: logged %+v", cause, e)
		}
		if again := c.get("/"); again.code != status { // the request was read whole: the connection goes on
			t.Errorf("%s: the next answer is %d", cause, again.code)
		}
	}
}

func TestFail_FollowsTheOptions(t *testing.T) {
	s := serve(t, Options{HideCause: true, NoAppStatus: 500}, func(j *job) { j.fail(exchange.CauseNoApp) })
	if got := s.dial().get("/"); got.code != 500 || got.Header.Get(CauseHeader) != "" {
		t.Errorf("%d %v", got.code, got.Header)
	}
}

func TestCut_LeavesTheClientInNoDoubt(t *testing.T) {
	sent := make(chan struct{})
	for _, c := range []struct {
		name, request string
		length        int64
		want          string // how the client learns of it
	}{
		{"a length", get("/"), 10, "unexpected EOF"},
		{"chunked", get("/"), -1, "unexpected EOF"},
		{"the end of the connection", "GET / HTTP/1.0\r\n\r\n", -1, "connection reset by peer"},
	} {
		s := serve(t, Options{}, func(j *job) {
			j.start(200, c.length)
			j.write([]byte("abc"))
			<-sent
			j.cut(exchange.CauseWorkerCrash)
		})
		conn := s.dial()
		conn.send(c.request)
		resp, err := http.ReadResponse(conn.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, make([]byte, 3)); err != nil {
			t.Fatal(err)
		}
		sent <- struct{}{}
		if _, err := io.ReadAll(resp.Body); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the client saw %v, want %s", c.name, err, c.want)
		}
		if e := s.entry(); e.Status != 200 || e.Cause != "worker-crash" || e.Sent != 3 {
			t.Errorf("%s: logged %+v", c.name, e)
		}
	}
}

func TestCut_IsAnHonestStatusWhileNothingHasLeft(t *testing.T) {
	s := serve(t, Options{}, func(j *job) {
		j.start(200, 10)
		j.cut(exchange.CauseHarakiri)
	})
	if got := s.dial().get("/"); got.code != 504 {
		t.Errorf("status %d", got.code)
	}
}

func TestCut_DoesNotHurtAnAnswerThatIsWhole(t *testing.T) {
	sent := make(chan struct{})
	s := serve(t, Options{}, func(j *job) {
		if j.Path == "/next" {
			j.text("next")
			return
		}
		j.start(200, 3)
		j.write([]byte("abc"))
		<-sent
		j.cut(exchange.CauseHarakiri)
	})
	c := s.dial()
	if got := c.get("/"); got.body != "abc" || got.err != nil {
		t.Fatalf("%q %v", got.body, got.err)
	}
	sent <- struct{}{}
	if e := s.entry(); e.Status != 200 || e.Cause != "harakiri" {
		t.Errorf("logged %+v", e)
	}
	if got := c.get("/next"); got.body != "next" {
		t.Errorf("the connection did not go on: %q", got.body)
	}
}

func TestEnd_WithFewerBytesThanPromisedIsACut(t *testing.T) {
	s := serve(t, Options{}, func(j *job) {
		j.start(200, 5)
		j.write([]byte("abc"))
		j.end()
	})
	if got := s.dial().get("/"); got.err == nil {
		t.Errorf("the client took %q for whole", got.body)
	}
	if e := s.entry(); e.Cause != "answer-cut" {
		t.Errorf("logged %+v", e)
	}
}

func TestSendFile_UsesItsOwnOffset(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	content := strings.Repeat("0123456789", 100_000)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, length := range []int64{-1, 4 + 500_000 + 3} {
		shared, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := shared.Seek(7, io.SeekStart); err != nil { // as another process may have left it
			t.Fatal(err)
		}
		s := serve(t, Options{}, func(j *job) {
			j.start(200, length)
			j.write([]byte("head"))
			f, err := os.Open(path)
			if err != nil {
				t.Error(err)
			}
			j.sendFile(f, 5, 500_000)
			j.write([]byte("end"))
			j.end()
		})
		got := s.dial().get("/")
		if want := "head" + content[5:5+500_000] + "end"; got.body != want || got.err != nil {
			t.Errorf("length %d: %d bytes, %v", length, len(got.body), got.err)
		}
		if at, _ := shared.Seek(0, io.SeekCurrent); at != 7 {
			t.Errorf("the offset was moved to %d", at)
		}
		shared.Close()
	}
}

func TestSendFile_IsLoggedWithWhatTheClientCouldTake(t *testing.T) {
	const size, taken = 64 << 20, 1 << 20 // the kernel's buffers are smaller
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	s := serve(t, Options{}, func(j *job) {
		j.start(200, size)
		j.sendFile(f, 0, size)
		j.end()
	})
	c := s.dial()
	c.send(get("/"))
	if _, err := io.CopyN(io.Discard, c.r, taken); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if e := s.entry(); e.Cause != "client-gone" || e.Sent < taken/2 || e.Sent >= size {
		t.Errorf("logged %+v", e)
	}
}

func TestSendFile_CutsWhenTheFileIsShorterThanWasSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, Options{}, func(j *job) {
		f, err := os.Open(path)
		if err != nil {
			t.Error(err)
		}
		j.start(200, 2000)
		j.sendFile(f, 0, 2000)
		j.end()
	})
	if got := s.dial().get("/"); got.err == nil {
		t.Errorf("the client took %d bytes for whole", len(got.body))
	}
}

func TestSender_CopiesFilesThatCannotBeSent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	content := strings.Repeat("x", 200<<10)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ours, theirs := pair(t)
	raw, err := ours.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		var failed error
		err := raw.Write(func(fd uintptr) bool {
			s := sender{fd: int(fd), file: f, at: 10, left: int64(len(content) - 10), part: &part{file: f}, copies: true,
				front: &Front{files: loop.NewHelpers(1)}}
			for s.left > 0 && failed == nil {
				_, _, failed = s.run()
			}
			return true
		})
		done <- errors.Join(err, failed)
		ours.Close()
	}()
	got, err := io.ReadAll(theirs)
	if err != nil || string(got) != content[10:] {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestHead_OfAnAnswerIsBuiltWithoutAllocating(t *testing.T) {
	c := &conn{front: &Front{}}
	c.front.look()
	head := make([]byte, 0, 4096)
	h := exchange.Head{Status: 200, Length: 5, Fields: []exchange.Field{{Name: "Content-Type", Value: "text/plain"}}}
	r := &reply{}
	r.minor, r.keepAlive = 1, true
	if n := testing.AllocsPerRun(100, func() {
		r.encode(&h)
		c.frame(r)
		head = c.appendHead(head[:0], r)
	}); n > 0.1 { // the date changes once a second
		t.Errorf("%v allocations", n)
	}
	if !strings.HasSuffix(string(head), "\r\nContent-Length: 5\r\n\r\n") {
		t.Errorf("head %q", head)
	}
}
