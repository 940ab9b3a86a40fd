//go:build linux

package e2e

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fender/e2e/load"
	"fender/internal/observe/event"
)

func (s *server) dial() net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// Service time: about 1 ms. Fault: 200 clients that send a byte at a time and 200 that read a
// little at a time, beside 50 fast ones, before 2 workers.
func TestSlowClientsHoldNoWorker(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "2", "--control", control(t))...)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var slow sync.WaitGroup
	half := []byte("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf a body")
	answers := make(chan error, 400)
	var begun sync.WaitGroup
	begun.Add(200)
	for range 200 {
		writer, reader := s.dial(), s.dial()
		if r, ok := reader.(*net.TCPConn); ok {
			_ = r.SetReadBuffer(4 << 10)
		}
		if _, err := writer.Write(half[:len(half)/2]); err != nil {
			t.Fatal(err)
		}
		if _, err := reader.Write([]byte("GET /big?mb=4 HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		slow.Go(func() {
			defer writer.Close()
			for i := len(half) / 2; i < len(half) && ctx.Err() == nil; i++ {
				if _, err := writer.Write(half[i : i+1]); err != nil {
					answers <- fmt.Errorf("a slow writer: %w", err)
					return
				}
				select {
				case <-ctx.Done():
				case <-time.After(200 * time.Millisecond):
				}
			}
		})
		slow.Go(func() {
			defer reader.Close()
			buf := make([]byte, 512)
			_, err := reader.Read(buf) // the worker has it, and hands it over as fast as it can
			begun.Done()
			if err != nil {
				answers <- fmt.Errorf("a slow reader: %w", err)
				return
			}
			for ctx.Err() == nil {
				if _, err := reader.Read(buf); err != nil {
					answers <- fmt.Errorf("a slow reader: %w", err)
					return
				}
				select {
				case <-ctx.Done():
				case <-time.After(200 * time.Millisecond):
				}
			}
		})
	}
	begun.Wait()
	tally := s.under(50, hello, func(c context.Context) { every(c, 100*time.Millisecond, 40, func() {}) })
	s.noneFailed(tally)
	if tally.Total() < 500 {
		t.Errorf("only %d requests in 4 s beside the slow clients", tally.Total())
	}
	cancel()
	slow.Wait()
	close(answers)
	for err := range answers {
		t.Error(err)
	}
}

// memory is what a process has resident now (VmRSS), or had at most (VmHWM), in bytes.
func memory(t *testing.T, pid int, what string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, what+":"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatal("no " + what)
	return 0
}

// size of the large bodies: 1 GiB in the full form.
func large() int64 {
	if os.Getenv("FENDER_FULL") != "" {
		return 1 << 30
	}
	return 128 << 20
}

// pattern fills p with what stands at offset off of the endless test body.
func pattern(p []byte, off int64) {
	for i := range p {
		p[i] = byte((off + int64(i)) % 251)
	}
}

func TestALargeUploadAndDownloadTakeNoMemory(t *testing.T) {
	shipped(t) // the race detector multiplies memory
	s := serve(t, append(site(t), "--processes", "1")...)
	s.must(&load.Request{Target: "/hello"})
	before := memory(t, s.cmd.Process.Pid, "VmRSS")
	c := s.dial()
	defer c.Close()
	size := large()
	sum := sha256.New()
	sent := make(chan error, 1)
	go func() {
		_, err := fmt.Fprintf(c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size)
		buf := make([]byte, 1<<20)
		for off := int64(0); off < size && err == nil; off += int64(len(buf)) {
			pattern(buf, off)
			sum.Write(buf)
			_, err = c.Write(buf)
		}
		sent <- err
	}()
	r := bufio.NewReaderSize(c, 1<<20)
	head := ""
	for !strings.HasSuffix(head, "\r\n\r\n") {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		head += line
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	want := hex.EncodeToString(sum.Sum(nil))
	if !strings.HasPrefix(head, "HTTP/1.1 200 ") || !strings.Contains(head, want) ||
		!strings.Contains(head, "Content-Length: "+strconv.FormatInt(size, 10)) {
		t.Fatalf("head %q, want the sum %s", head, want)
	}
	back := sha256.New()
	if n, err := io.CopyN(back, r, size); err != nil {
		t.Fatalf("after %d bytes: %v", n, err)
	}
	if got := hex.EncodeToString(back.Sum(nil)); got != want {
		t.Errorf("the body that came back has the sum %s", got)
	}
	const most = 48 << 20
	peak := memory(t, s.cmd.Process.Pid, "VmHWM")
	t.Logf("%d MiB each way: the master grew from %d to %d MiB", size>>20, before>>20, peak>>20)
	if peak-before > most {
		t.Errorf("the master grew by %d MiB", (peak-before)>>20)
	}
}

// Fault: the client leaves while its request waits. No worker may see it.
func TestAClientThatLeavesTheQueueIsNeverServed(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "1", "--control", control(t))...)
	slow := s.later(&load.Request{Target: "/slow?seconds=2"})
	s.busySlots(1)
	for i := range 5 {
		c := s.dial()
		if _, err := fmt.Fprintf(c, "POST /echo?id=gone-%d HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", i); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	if o := <-slow; o.kind != load.OK {
		t.Fatal(o.err)
	}
	s.must(&load.Request{Method: "POST", Target: "/echo?id=stayed", Body: []byte("x")})
	counts := s.recorded()
	if counts["stayed"] != 1 {
		t.Fatalf("recorded: %v", counts)
	}
	for i := range 5 {
		if n := counts[fmt.Sprintf("gone-%d", i)]; n != 0 {
			t.Errorf("the request of a client that had left was served %d times", n)
		}
	}
}

// Fault: clients leave in the middle of a streamed answer. The iterator is closed, the slot goes on.
func TestAClientThatLeavesAnAnswerIsToldToTheApplication(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "closed")
	s := serve(t, append(app(t, fmt.Sprintf(`
import os, time
class Endless:
    def __iter__(self):
        while True:
            yield b"x" * 1000
            time.sleep(0.01)
    def close(self):
        fd = os.open(%q, os.O_WRONLY | os.O_APPEND)
        os.write(fd, b"closed\n")
        os.close(fd)
def application(environ, start_response):
    if environ["PATH_INFO"] == "/pid":
        start_response("200 OK", [("Content-Length", str(len(str(os.getpid()))))])
        return [str(os.getpid()).encode()]
    start_response("200 OK", [])
    return Endless()
`, mark)), "--processes", "1")...)
	if err := os.Remove(mark); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	fifo(t, mark)
	closed := make(chan string, 10)
	go func() {
		f, err := os.OpenFile(mark, os.O_RDWR, 0)
		if err != nil {
			closed <- err.Error()
			return
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			closed <- lines.Text()
		}
	}()
	pid := string(s.must(&load.Request{Target: "/pid"}).Body)
	for range 3 {
		c := s.dial()
		if _, err := io.WriteString(c, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 3000)); err != nil {
			t.Fatal(err)
		}
		c.Close()
		select {
		case line := <-closed:
			if line != "closed" {
				t.Fatal(line)
			}
		case <-time.After(patience):
			t.Fatal("the iterator was not closed")
		}
	}
	if got := string(s.must(&load.Request{Target: "/pid"}).Body); got != pid {
		t.Errorf("the worker did not survive: pid %s, then %s", pid, got)
	}
	if n := s.count(becomes(event.StateGone)); n != 0 {
		t.Errorf("%d workers went", n)
	}
}

func TestAStreamIsFlushedAsItComes(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "1")...)
	c := s.dial()
	defer c.Close()
	begin := time.Now()
	if _, err := io.WriteString(c, "GET /stream?chunks=4&delay=0.5 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	reads := 0
	var first time.Duration
	var all []byte
	for !strings.HasSuffix(string(all), "0\r\n\r\n") {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, all)
		}
		if reads++; reads == 1 {
			first = time.Since(begin)
		}
		all = append(all, buf[:n]...)
	}
	if reads < 4 {
		t.Errorf("the answer came in %d pieces, the first after %v", reads, first)
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	s := serve(t, append(site(t), "--processes", "4")...)
	c := s.dial()
	defer c.Close()
	var all strings.Builder
	const n = 20
	for i := range n {
		fmt.Fprintf(&all, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n%02d", i)
	}
	if _, err := io.WriteString(c, all.String()); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	for i := range n {
		res, err := load.ReadResponse(r, false)
		if err != nil {
			t.Fatal(err)
		}
		if string(res.Body) != fmt.Sprintf("%02d", i) {
			t.Fatalf("answer %d is %q", i, res.Body)
		}
	}
}
