package sink

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// gate is a destination that takes a write only when it is let in.
type gate struct {
	arrived chan struct{} // a write has come
	let     chan struct{}
	mu      sync.Mutex
	got     bytes.Buffer
	writes  int
}

func newGate() *gate { return &gate{arrived: make(chan struct{}, 64), let: make(chan struct{}, 64)} }

func (g *gate) Write(p []byte) (int, error) {
	g.arrived <- struct{}{}
	<-g.let
	g.mu.Lock()
	defer g.mu.Unlock()
	g.writes++
	return g.got.Write(p)
}

func (g *gate) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.got.String()
}

func closeNow(t *testing.T, s *Sink) {
	t.Helper()
	if err := s.Close(10 * time.Second); err != nil {
		t.Fatal(err)
	}
}

func TestSink_WritesEveryLineInOrderAndFlushesAtClose(t *testing.T) {
	var out bytes.Buffer
	s := New(&out, Options{Linger: time.Hour})
	var want strings.Builder
	for i := range 1000 {
		line := fmt.Sprintf("line %d\n", i)
		want.WriteString(line)
		if !s.Write([]byte(line)) {
			t.Fatalf("line %d was dropped", i)
		}
	}
	closeNow(t, s)
	if out.String() != want.String() {
		t.Errorf("got %d bytes, want %d", out.Len(), want.Len())
	}
	if s.Write([]byte("late\n")) {
		t.Error("a line after Close was taken")
	}
}

func TestSink_BlockedDestinationDropsCountsAndReportsWhenThereIsRoomAgain(t *testing.T) {
	g := newGate()
	notices := make(chan Notice, 4)
	s := New(g, Options{Name: "test log", Limit: 100, Notify: func(n Notice) { notices <- n }})
	line := []byte(strings.Repeat("x", 19) + "\n")
	s.Write(line)
	<-g.arrived // the first line is being written, and stays so
	taken := 1
	for range 50 {
		if s.Write(line) {
			taken++
		}
	}
	if taken != 5 {
		t.Errorf("%d lines of 20 bytes were taken within 100 bytes, want 5", taken)
	}
	if s.Lost() != 46 {
		t.Errorf("Lost() = %d, want 46", s.Lost())
	}
	g.let <- struct{}{}
	n := <-notices
	if n.Lost != 46 || n.Err != nil || n.Name != "test log" {
		t.Errorf("notice = %+v, want 46 lost and no error", n)
	}
	g.let <- struct{}{}
	closeNow(t, s)
	if got := strings.Count(g.String(), "\n"); got != 5 {
		t.Errorf("%d lines arrived, want 5", got)
	}
}

func TestSink_CloseGivesUpOnABlockedDestination(t *testing.T) {
	g := newGate()
	s := New(g, Options{Name: "stuck"})
	s.Write([]byte("a\n"))
	<-g.arrived
	if err := s.Close(0); err == nil || !strings.Contains(err.Error(), "stuck") {
		t.Errorf("Close = %v, want an error that names the destination", err)
	}
	g.let <- struct{}{}
	closeNow(t, s)
}

func TestSink_LingerGathersLinesIntoOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		for range 8 {
			g.let <- struct{}{}
		}
		s := New(g, Options{Linger: 10 * time.Millisecond, Limit: 1 << 20})
		for range 20 {
			s.Write([]byte("line\n"))
			time.Sleep(100 * time.Microsecond) // the bubble's clock
		}
		synctest.Wait()
		if g.String() != "" {
			t.Error("written before the linger was over")
		}
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		if g.writes != 1 || strings.Count(g.String(), "\n") != 20 {
			t.Errorf("%d writes, %d lines; want 1 and 20", g.writes, strings.Count(g.String(), "\n"))
		}
		s.Write(bytes.Repeat([]byte("y"), flushAt)) // enough: no linger
		synctest.Wait()
		s.Write([]byte("\n"))
		closeNow(t, s)
		if got := g.got.Len(); got != 100+flushAt+1 {
			t.Errorf("%d bytes arrived, want %d", got, 100+flushAt+1)
		}
	})
}

// faulty fails with err after taking n bytes, until err is nil.
type faulty struct {
	mu    sync.Mutex
	n     int
	err   error
	got   bytes.Buffer
	calls chan struct{}
}

func (f *faulty) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() { f.calls <- struct{}{} }()
	if f.err != nil {
		n := min(f.n, len(p))
		f.got.Write(p[:n])
		return n, f.err
	}
	return f.got.Write(p)
}

func TestSink_FullDiskIsReportedOnceAndTheBrokenLineSpoilsNoOther(t *testing.T) {
	f := &faulty{n: 8, err: syscall.ENOSPC, calls: make(chan struct{}, 64)}
	notices := make(chan Notice, 8)
	s := New(f, Options{Name: "events file", Notify: func(n Notice) { notices <- n }})
	s.Write([]byte("one\ntwo three\n"))
	<-f.calls
	n := <-notices
	if !errors.Is(n.Err, syscall.ENOSPC) || n.Lost != 1 {
		t.Errorf("notice = %+v, want ENOSPC and 1 line lost", n)
	}
	if !strings.Contains(n.String(), "events file") || !strings.Contains(n.String(), "no space left") {
		t.Errorf("notice reads %q", n)
	}
	f.mu.Lock()
	f.n = 0
	f.mu.Unlock()
	s.Write([]byte("still full\n"))
	<-f.calls // the newline that ends the broken line
	f.mu.Lock()
	f.err = nil
	f.mu.Unlock()
	s.Write([]byte("four\n"))
	n = <-notices // the second failure was not told again
	if n.Err != nil || n.Lost != 1 {
		t.Errorf("notice = %+v, want 1 line lost and no error", n)
	}
	closeNow(t, s)
	if got, want := f.got.String(), "one\ntwo \nfour\n"; got != want {
		t.Errorf("file holds %q, want %q", got, want)
	}
}

func TestSink_AppendsToAFileAndMakesIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for _, line := range []string{"a\n", "b\n"} {
		s, err := OpenFile(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.Write([]byte(line))
		closeNow(t, s)
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != "a\nb\n" {
		t.Errorf("file holds %q, %v", got, err)
	}
	st, _ := os.Stat(path)
	if st.Mode().Perm()&0o007 != 0 {
		t.Errorf("mode is %v: others may read it", st.Mode())
	}
}

func TestSink_FIFOWithoutReaderIsRefusedInsteadOfWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFile(path, Options{}); err == nil || !strings.Contains(err.Error(), "nobody reads") {
		t.Errorf("OpenFile = %v, want an error that says what to do", err)
	}
}

func TestSink_PipeShared_GetsWholeLinesInAtomicWrites(t *testing.T) {
	var sizes []int
	o := newOutput(writerFunc(func(p []byte) (int, error) {
		sizes = append(sizes, len(p))
		if p[len(p)-1] != '\n' {
			t.Error("a write ends inside of a line")
		}
		return len(p), nil
	}))
	o.chunk = pipeAtomic
	batch := bytes.Repeat([]byte(strings.Repeat("z", 299)+"\n"), 100)
	batch = append(batch, []byte(strings.Repeat("L", 9000)+"\n")...)
	if lost, err := o.write(batch); lost != 0 || err != nil {
		t.Fatal(lost, err)
	}
	total := 0
	for _, n := range sizes {
		total += n
		if n > pipeAtomic && n != 9001 {
			t.Errorf("a write of %d bytes can be torn", n)
		}
	}
	if total != len(batch) {
		t.Errorf("%d bytes written, want %d", total, len(batch))
	}
}

func TestOutput_KnowsAPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if newOutput(w).chunk != pipeAtomic {
		t.Error("a pipe is not taken for one")
	}
}

func TestSink_NonBlockingStdoutIsWaitedFor(t *testing.T) {
	// The file is opened as blocking, then somebody else sets the shared flag.
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	r, w := os.NewFile(uintptr(p[0]), "r"), os.NewFile(uintptr(p[1]), "w")
	defer r.Close()
	defer w.Close()
	if err := unix.SetNonblock(p[1], true); err != nil {
		t.Fatal(err)
	}
	s := New(w, Options{})
	line := bytes.Repeat([]byte("n"), 200<<10) // more than the pipe holds
	line[len(line)-1] = '\n'
	s.Write(line)
	got := make([]byte, len(line))
	if _, err := io.ReadFull(r, got); err != nil {
		t.Fatal(err)
	}
	closeNow(t, s)
	if !bytes.Equal(got, line) || s.Lost() != 0 {
		t.Errorf("line arrived changed, or lost: %d", s.Lost())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
