//go:build linux

package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fender/e2e/load"
	"fender/internal/observe/event"
)

// refused checks an answer that fender has made itself.
func refused(t *testing.T, res *load.Response, status int, cause string) {
	t.Helper()
	if res.Status != status || res.Get("x-fender-cause") != cause || !strings.HasPrefix(string(res.Body), fmt.Sprint(status)+" ") {
		t.Errorf("%d with the cause %q: %q, not %d with %q", res.Status, res.Get("x-fender-cause"), res.Body, status, cause)
	}
	if after := res.Get("retry-after"); (after != "") != (status == 503) {
		t.Errorf("%d with Retry-After %q", res.Status, after)
	}
}

func TestLimitPostRefusesLargerBodies(t *testing.T) {
	s := serve(t, append(testdata("input"), "--limit-post", "100k")...)
	for _, c := range []struct {
		size int
		ok   bool
	}{{100 << 10, true}, {100<<10 + 1, false}, {3 << 20, false}} {
		body := bytes.Repeat([]byte("x"), c.size)
		for _, text := range []string{
			fmt.Sprintf("POST /?do=sum HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body),
			"POST /?do=sum HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 10_000),
		} {
			// The refusal comes while the client still sends.
			conn := dialTo(t, s.addr)
			go func() { _, _ = io.WriteString(conn, text) }()
			res, err := load.ReadResponse(bufio.NewReader(conn), false)
			if err != nil {
				t.Fatalf("%d bytes: %v", c.size, err)
			}
			if c.ok && res.Status != 200 {
				t.Errorf("%d bytes: %d", c.size, res.Status)
			}
			if !c.ok {
				refused(t, res, 413, "body-too-large")
				if !res.Close {
					t.Errorf("%d bytes: the connection goes on, with the body on it", c.size)
				}
			}
			conn.Close()
		}
	}
}

func TestBufferSizeMovesTheBoundOfTheHead(t *testing.T) {
	for _, c := range []struct {
		size   string
		cookie int
		status int
	}{{"4096", 60 << 10, 200}, {"64k", 60 << 10, 200}, {"65535", 120 << 10, 431}, {"200k", 120 << 10, 200}} {
		s := serve(t, append(testdata("environ"), "--buffer-size", c.size)...)
		value := strings.Repeat("c", c.cookie)
		res := s.must(&load.Request{Target: "/", Header: []string{"Cookie: " + value}, Want: []int{c.status}})
		if c.status != 200 {
			refused(t, res, 431, "header-too-large")
		} else if facts(t, res)["HTTP_COOKIE"] != value {
			t.Errorf("buffer-size %s: a cookie of %d bytes came changed", c.size, c.cookie)
		}
	}
}

func TestAFullQueueRefusesAtOnceAndServesTheRest(t *testing.T) {
	s := serve(t, append(testdata("slow"), "--queue-limit", "2", "--control", control(t))...)
	slow := s.later(&load.Request{Target: "/?1"})
	s.busySlots(1)
	const n = 10
	begin := time.Now()
	var answers []<-chan outcome
	for range n {
		answers = append(answers, s.later(&load.Request{Target: "/", Want: []int{200, 503}, Header: []string{"X-Amzn-Trace-Id: Root=1-a-b"}}))
	}
	full, late := 0, 0
	for _, a := range answers {
		o := <-a
		switch {
		case o.kind != load.OK:
			t.Fatal(o.err)
		case o.res.Status == 503:
			full++
			refused(t, o.res, 503, "queue-full")
			if o.res.Get("x-amzn-trace-id") != "Root=1-a-b" {
				t.Errorf("trace %q", o.res.Get("x-amzn-trace-id"))
			}
			if o.took > 700*time.Millisecond {
				late++
			}
		}
	}
	if o := <-slow; o.kind != load.OK {
		t.Error(o.err)
	}
	// Two wait in the queue, and one may wait in the worker's slot.
	if full < n-3 || full > n-2 {
		t.Errorf("%d of %d were refused, with a queue of 2", full, n)
	}
	if late > 0 {
		t.Errorf("%d were refused late, all %v after the first", late, time.Since(begin))
	}
	s.must(&load.Request{Target: "/"})
}

func TestQueueTimeoutEndsTheWait(t *testing.T) {
	s := serve(t, append(testdata("slow"), "--queue-timeout", "300ms", "--control", control(t))...)
	slow := s.later(&load.Request{Target: "/?1.5"})
	s.busySlots(1)
	waiting := []<-chan outcome{
		s.later(&load.Request{Target: "/", Want: []int{503}}),
		s.later(&load.Request{Method: "POST", Target: "/", Body: []byte("x"), Want: []int{503}}),
	}
	for _, w := range waiting {
		o := <-w
		if o.kind != load.OK {
			t.Fatal(o.err)
		}
		refused(t, o.res, 503, "queue-timeout")
		if o.took < 250*time.Millisecond || o.took > 1200*time.Millisecond {
			t.Errorf("after %v", o.took)
		}
	}
	if o := <-slow; o.kind != load.OK { // it has not waited: its time is harakiri's business
		t.Error(o.err)
	}
}

func TestASpoolThatIsFullRefusesThatRequestAlone(t *testing.T) {
	s := serve(t, append(testdata("input"), "--spool-limit", "1m")...)
	fits := bytes.Repeat([]byte("f"), 900_000)
	refused(t, s.raw("POST /?do=sum HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3000000\r\n\r\n"), 503, "spool-full")
	s.must(&load.Request{Method: "POST", Target: "/?do=sum", Body: fits})
	s.must(&load.Request{Method: "POST", Target: "/?do=sum", Body: fits}) // the room has been given back
}

// tmpfs mounts a small file system for a test.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		may(t, "mount a small file system", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Fault: the disk of body-spool is full, long before spool-limit.
func TestAFullDiskIsTheTroubleOfOneRequest(t *testing.T) {
	dir := tmpfs(t, "2m")
	s := serve(t, append(testdata("slow"), "--body-spool", dir, "--processes", "2")...)
	refused(t, s.must(&load.Request{Method: "POST", Target: "/", Body: bytes.Repeat([]byte("x"), 5_000_000), Want: []int{503}}), 503, "spool-full")
	s.wait("the warning", 1, warned("no space left on device"))
	s.must(&load.Request{Method: "POST", Target: "/", Body: bytes.Repeat([]byte("x"), 1_000_000)})

	// 8 MiB for a client that reads late: what finds no room on the disk waits with the worker.
	c := dialTo(t, s.addr)
	defer c.Close()
	if _, err := io.WriteString(c, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil { // it has begun
		t.Fatal(err)
	}
	s.must(&load.Request{Method: "POST", Target: "/", Body: []byte("x")})
	res, err := load.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader("H"), c)), false)
	if err != nil || len(res.Body) != 8<<20 {
		t.Fatalf("%d bytes: %v", len(res.Body), err)
	}
	for i, b := range res.Body {
		if want := byte(i / 65536 % 251); b != want {
			t.Fatalf("byte %d is %d, not %d", i, b, want)
		}
	}
	if n := s.count(becomes(event.StateGone)); n != 0 {
		t.Errorf("%d workers went", n)
	}
	if n := s.count(warned("no space left on device")); n != 1 {
		t.Errorf("it was told %d times within seconds", n)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) != 0 {
		t.Errorf("left in the spool: %q, %v", left, err)
	}
}

// Fault: more clients than there are descriptors, none of which leaves; then every worker is killed.
func TestClientsLeaveDescriptorsForTheWorkers(t *testing.T) {
	how := start{before: []string{"/bin/sh", "-c", `ulimit -n 64; exec "$@"`, "sh"}}
	s := how.launch(t, append(testdata("slow"), "--http-socket", "127.0.0.1:0", "--access-log", "off", "--processes", "2")...)
	s.ready()
	s.wait("both workers", 2, becomes(event.StateReady))
	first := dialTo(t, s.addr)
	defer first.Close()
	answers := bufio.NewReader(first)
	ask := func(what string) {
		if _, err := io.WriteString(first, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(what, err)
		}
		if res, err := load.ReadResponse(answers, false); err != nil || res.Status != 200 {
			t.Fatalf("%s: %v, %v", what, res, err)
		}
	}
	ask("alone")
	for range 100 {
		defer dialTo(t, s.addr).Close()
	}
	s.wait("the warning", 1, warned("more must wait"))
	for _, pid := range s.pids() {
		if err := unix.Kill(pid, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	s.wait("the deaths", 2, becomes(event.StateGone))
	s.wait("their replacements", 4, becomes(event.StateReady))
	ask("with new workers")
	if n := s.count(warned("could not fork")); n > 0 {
		t.Errorf("%d workers could not be forked", n)
	}
}

func TestAnIdleConnectionIsClosedAfterKeepalive(t *testing.T) {
	s := serve(t, append(testdata("environ"), "--keepalive", "1")...)
	var idle sync.WaitGroup
	for _, begin := range []string{"", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"} {
		c := dialTo(t, s.addr)
		defer c.Close()
		r := bufio.NewReader(c)
		if begin != "" {
			if _, err := io.WriteString(c, begin); err != nil {
				t.Fatal(err)
			}
			if res, err := load.ReadResponse(r, false); err != nil || res.Close {
				t.Fatalf("closed: %v, %v", res.Close, err)
			}
		}
		since := time.Now()
		idle.Go(func() {
			_, err := r.ReadByte()
			if took := time.Since(since); err != io.EOF || took < 900*time.Millisecond || took > 10*time.Second {
				t.Errorf("%.20q: %v after %v", begin, err, took)
			}
		})
	}
	idle.Wait()
}

func TestASlowHeadAndASlowBodyAreTimedOut(t *testing.T) {
	s := serve(t, append(testdata("environ"), "--head-timeout", "200ms", "--body-timeout", "200ms")...)
	for _, half := range []string{"GET / HTTP/1.1\r\nHost", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab"} {
		refused(t, s.raw(half), 408, "request-timeout")
	}
}

func TestCauseHeaderCanBeSwitchedOff(t *testing.T) {
	s := serve(t, append(testdata("slow"), "--cause-header=false", "--limit-post", "10")...)
	for _, text := range []string{
		"GET / HTTP/1.1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n",
		"GET /crash HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		res := s.raw(text)
		if res.Status < 400 || res.Header["x-fender-cause"] != nil {
			t.Errorf("%.30q: %d, cause %q", text, res.Status, res.Header["x-fender-cause"])
		}
	}
}

// Fault: the worker crashes. Nothing is begun again.
func TestWithEmptyRetryMethodsNothingIsBegunAgain(t *testing.T) {
	s := serve(t, append(testdata("slow"), "--retry-methods=")...)
	refused(t, s.must(&load.Request{Target: "/crash", Want: []int{500}}), 500, "worker-crash")
	s.wait("the death", 1, leaves(event.ReasonCrash))
	s.must(&load.Request{Target: "/"})
	if n := s.count(func(e event.Event) bool { return e.Kind == event.Retry }); n != 0 {
		t.Errorf("%d requests were begun again", n)
	}
	if n := s.count(leaves(event.ReasonCrash)); n != 1 {
		t.Errorf("%d workers died", n)
	}
	// With POST it is begun again where the options say so.
	s = serve(t, append(testdata("slow"), "--retry-methods", "get,post")...)
	refused(t, s.must(&load.Request{Method: "POST", Target: "/crash", Body: []byte("x"), Want: []int{500}}), 500, "poison")
	s.wait("both deaths", 2, leaves(event.ReasonCrash))
}

func TestHarakiriWithoutTheInterruptKillsAndStillTellsTheStack(t *testing.T) {
	s := serve(t, append(app(t, `
import time

def application(environ, start_response):
    try:
        deep(environ["PATH_INFO"])
    finally:
        print("the finally block ran", flush=True)

def deep(path):
    while path == "/stuck":
        time.sleep(0.01)
`), "--harakiri", "500ms", "--harakiri-interrupt=false")...)
	refused(t, s.must(&load.Request{Target: "/stuck", Want: []int{504}}), 504, "harakiri")
	s.wait("the end of the worker", 1, becomes("gone"))
	s.says("Stack (most recent call first)", "app.py\", line 12 in", "deep") // other lines may come between its pieces
	if strings.Contains(s.log.String(), "the finally block ran") {
		t.Error("the thread was interrupted")
	}
	if e := s.events.matching(becomes("gone"))[0]; e.Signal != 9 || e.Reason != "harakiri" {
		t.Errorf("%+v", e)
	}
}
