package accesslog

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// said is a record of one word.
type said string

func (s said) Append(line []byte) []byte { return append(append(line, s...), '\n') }

// slow is a sink that writes only when it is let, and fails when it is told to.
type slow struct {
	mu    sync.Mutex
	got   bytes.Buffer
	let   chan struct{}
	err   error
	calls int
}

func (s *slow) Write(lines []byte) (int64, error) {
	<-s.let
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.err != nil {
		return count(lines), s.err
	}
	s.got.Write(lines)
	return 0, nil
}
func (s *slow) Due() time.Time        { return time.Time{} }
func (s *slow) Flush() (int64, error) { return 0, nil }
func (s *slow) Close() (int64, error) { return 0, s.err }

func TestLog_WritesAllInOrderAndWhatIsLeftAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{let: make(chan struct{})}
		l := New(s, nil)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		l.Put(said("a"))
		synctest.Wait() // a is being written, the others wait behind it
		l.Put(said("b"))
		l.Put(said("c"))
		stop()
		close(s.let)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := s.got.String(); got != "a\nb\nc\n" || s.calls != 2 {
			t.Errorf("%d writes of %q", s.calls, got)
		}
	})
}

func TestLog_EndsAlthoughNobodyTakesItsLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{let: make(chan struct{})}
		defer close(s.let)
		l := New(s, nil)
		ctx, stop := context.WithCancel(t.Context())
		l.Put(said("a"))
		stop()
		if err := l.Run(ctx); err == nil || !strings.Contains(err.Error(), "the last lines of a log are missing") {
			t.Errorf("it ended with %v", err)
		}
	})
}

func TestLog_NeverBlocksAndCountsWhatItDrops(t *testing.T) {
	l := New(&slow{}, nil)
	for range queued + 3 {
		l.Put(said("x"))
	}
	if l.Dropped() != 3 {
		t.Errorf("%d dropped", l.Dropped())
	}
	var none *Log
	none.Put(said("x"))
	if none.Dropped() != 0 {
		t.Error("no log has dropped something")
	}
}

func TestLog_SaysThatASinkFailsButNotEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{let: make(chan struct{}), err: errors.New("disk full")}
		close(s.let)
		warned, last := 0, ""
		l := New(s, func(err error) { warned, last = warned+1, err.Error() })
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		for range 3 {
			l.Put(said("x"))
			synctest.Wait()
		}
		if warned != 1 || l.Dropped() != 3 {
			t.Errorf("warned %d times of %d lost lines", warned, l.Dropped())
		}
		time.Sleep(warnEvery)
		l.Put(said("x"))
		synctest.Wait()
		if warned != 2 {
			t.Errorf("warned %d times", warned)
		}
		stop()
		if err := <-done; err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("it ended with %v", err)
		}
		if warned != 3 || !strings.HasPrefix(last, "4 lines are missing") {
			t.Errorf("%d warnings, the last is %q", warned, last)
		}
	})
}

// tree is the folder's files with their text, gzip or not.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && strings.HasSuffix(path, ".gz") {
			var r *gzip.Reader
			if r, err = gzip.NewReader(bytes.NewReader(text)); err == nil {
				text, err = io.ReadAll(r)
			}
		}
		name, _ := filepath.Rel(dir, path)
		got[regexp.MustCompile(`_[a-z0-9]{8}\.log`).ReplaceAllString(name, "_RANDOM.log")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestFiles_OneOfEachIntervalNamedAsInS3(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { // the bubble's clock begins at 2000-01-01T00:00:00Z
		s, err := Files(Layout{Dir: dir, Prefix: "logs/web", Kind: AccessLog, Account: "123456789012", Region: "us-east-2",
			LoadBalancer: "app/my-loadbalancer/1234567890abcdef", Node: "172.160.1.192"})
		if err != nil {
			t.Fatal(err)
		}
		l := New(s, func(err error) { t.Error(err) })
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		l.Put(said("first"))
		time.Sleep(4 * time.Minute)
		l.Put(said("second"))
		synctest.Wait()
		const day = "logs/web/AWSLogs/123456789012/elasticloadbalancing/us-east-2/2000/01/01/"
		const name = "123456789012_elasticloadbalancing_us-east-2_app.my-loadbalancer.1234567890abcdef_"
		for path := range tree(t, dir) {
			if strings.HasSuffix(path, ".gz") {
				t.Errorf("%s is there before its interval has ended", path)
			}
		}
		time.Sleep(time.Minute) // the end of the interval
		synctest.Wait()
		want := map[string]string{
			"logs/web/AWSLogs/123456789012/ELBAccessLogTestFile":      "Enable AccessLog for ELB: app/my-loadbalancer/1234567890abcdef at 2000-01-01T00:00:00Z\n",
			day + name + "20000101T0005Z_172.160.1.192_RANDOM.log.gz": "first\nsecond\n",
		}
		if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
			t.Error(diff)
		}
		time.Sleep(time.Hour) // nothing to write: no files
		l.Put(said("third"))
		synctest.Wait()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		want[day+name+"20000101T0110Z_172.160.1.192_RANDOM.log.gz"] = "third\n"
		if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFiles_ALateFlushMixesNoIntervals(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := Files(Layout{Dir: dir, Account: "1", Every: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"a\n", "b\n"} {
			if _, err := s.Write([]byte(line)); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
		}
		if _, err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	var got []string
	for path, text := range tree(t, dir) {
		if strings.HasSuffix(path, ".gz") {
			got = append(got, text)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"a\n", "b\n"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestLog_CountsAllOfABatchThatIsLostAndBoundsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{let: make(chan struct{}), err: errors.New("disk full")}
		l := New(s, nil)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		const line, n = 1 << 10, 200 // three batches
		for range n {
			l.Put(said(strings.Repeat("x", line-1)))
		}
		stop()
		close(s.let)
		if err := <-done; err == nil {
			t.Error("the sink's failure is not said at the end")
		}
		if l.Dropped() != n || s.calls < n*line/batch {
			t.Errorf("%d dropped in %d writes", l.Dropped(), s.calls)
		}
	})
}

// write gives lines to a sink, which must take them.
func write(t *testing.T, s Sink, lines string) {
	t.Helper()
	if lost, err := s.Write([]byte(lines)); lost != 0 || err != nil {
		t.Fatalf("%q: %d lost, %v", lines, lost, err)
	}
}

func finish(t *testing.T, s Sink) {
	t.Helper()
	if lost, err := s.Close(); lost != 0 || err != nil {
		t.Errorf("%d lost, %v", lost, err)
	}
}

func TestFiles_WhatCannotBeFinishedCountsAsLostAndKeepsItsSuffix(t *testing.T) {
	dir := t.TempDir()
	s, err := Files(Layout{Dir: dir, Account: "1"})
	if err != nil {
		t.Fatal(err)
	}
	f := s.(*files)
	write(t, s, "a\nb\n")
	f.file.Close() // as a full disk: writing fails, later than the lines were taken
	if lost, err := s.Flush(); lost != 2 || err == nil || !strings.Contains(err.Error(), ".log.gz.part could not be finished") {
		t.Errorf("%d lost, %v", lost, err)
	}
	write(t, s, "c\n")
	f.file.Close()
	noise := make([]byte, 1<<20) // more than gzip holds back
	_, _ = rand.Read(noise)
	if lost, err := s.Write(append(bytes.ReplaceAll(noise, []byte{'\n'}, nil), "d\ne\n"...)); lost != 3 || err == nil {
		t.Errorf("%d lost, %v", lost, err)
	}
	for path := range tree(t, dir) {
		if strings.HasSuffix(path, ".gz") {
			t.Errorf("%s is there, which is not whole", path)
		}
	}
	write(t, s, "f\n")
	finish(t, s)
	whole := 0
	for path, text := range tree(t, dir) {
		if strings.HasSuffix(path, ".gz") {
			whole++
			if text != "f\n" {
				t.Errorf("%s has %q", path, text)
			}
		}
	}
	if whole != 1 {
		t.Errorf("%d files are whole", whole)
	}
}

func TestFiles_ADeletedFolderIsMadeAgainAndWhatWasInItIsLost(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bucket")
	s, err := Files(Layout{Dir: dir, Account: "1"})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, "a\nb\n")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if lost, err := s.Flush(); lost != 2 || err == nil {
		t.Errorf("%d lost, %v", lost, err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if lost, err := s.Write([]byte("c\n")); lost != 1 || err == nil {
		t.Errorf("a file in its place: %d lost, %v", lost, err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	write(t, s, "d\n")
	finish(t, s)
	got := tree(t, dir)
	if len(got) != 1 {
		t.Errorf("got %v", got)
	}
	for path, text := range got {
		if text != "d\n" || !strings.HasSuffix(path, ".gz") {
			t.Errorf("%s has %q", path, text)
		}
	}
}

// TestCreate_TakesNothingThatIsThere: not another's file, and not what a link leads to.
func TestCreate_TakesNothingThatIsThere(t *testing.T) {
	dir := t.TempDir()
	theirs, link := filepath.Join(dir, "theirs"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(theirs, []byte("x"), 0o600), os.Symlink(theirs, link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{theirs, link} {
		if f, err := create(path); err == nil {
			f.Close()
			t.Errorf("%s is taken", path)
		}
	}
	f, err := create(filepath.Join(dir, "new"))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// full is a disk with room for so many bytes.
type full struct {
	bytes.Buffer
	room int
}

func (f *full) Write(b []byte) (int, error) {
	n := min(len(b), f.room)
	f.room -= n
	f.Buffer.Write(b[:n])
	if n < len(b) {
		return n, errors.New("disk full")
	}
	return n, nil
}

func TestStream_AHalfLineTakesNoOtherWithIt(t *testing.T) {
	disk := &full{room: len("one\ntw")}
	s := Stream(disk)
	if lost, err := s.Write([]byte("one\ntwo\nthree\n")); lost != 2 || err == nil {
		t.Errorf("%d lost, %v", lost, err)
	}
	if lost, err := s.Write([]byte("four\n")); lost != 1 || err == nil {
		t.Errorf("still full: %d lost, %v", lost, err)
	}
	disk.room = 100
	write(t, s, "five\n")
	if got := disk.String(); got != "one\ntw\nfive\n" {
		t.Errorf("written: %q", got)
	}
	disk.room = len("six\n")
	if lost, err := s.Write([]byte("six\nseven\n")); lost != 1 || err == nil {
		t.Errorf("full at the end of a line: %d lost, %v", lost, err)
	}
	disk.room = 100
	write(t, s, "eight\n")
	if got := disk.String(); got != "one\ntw\nfive\nsix\neight\n" {
		t.Errorf("written: %q", got)
	}
}

func TestOpen_AFileThatWasMovedAwayOrDeletedIsBegunAnew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "logs", "access.log")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, Layout{})
	if err != nil {
		t.Fatal(err)
	}
	f := s.(*file)
	later := func() { f.looked = time.Time{} }
	write(t, s, "one\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(t, s, "two\n") // it looks once a second only
	later()
	write(t, s, "three\n")
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	later()
	if lost, err := s.Write([]byte("four\n")); lost != 1 || err == nil {
		t.Errorf("its folder is gone: %d lost, %v", lost, err)
	}
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, s, "five\n") // it did not wait to look again
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	write(t, s, "six\n")
	finish(t, s)
	if text, err := os.ReadFile(path); err != nil || string(text) != "six\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestOpen_ANamedPipeNeedsItsReader(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(pipe, Layout{}); err == nil || !strings.Contains(err.Error(), "nobody reads from "+pipe) {
		t.Fatalf("%v, %v", s, err)
	}
	reader, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	s, err := Open(pipe, Layout{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, "one\n")
	finish(t, s)
	if text, err := io.ReadAll(reader); err != nil || string(text) != "one\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestOpen_ADeviceStaysWhatItIs(t *testing.T) {
	s, err := Open("/dev/full", Layout{})
	if err != nil {
		t.Skip(err)
	}
	defer s.Close()
	s.(*file).looked = time.Time{}
	if lost, err := s.Write([]byte("one\ntwo\n")); lost != 2 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%d lost, %v", lost, err)
	}
}

func TestFiles_OtherLogsHaveTheirPrefix(t *testing.T) {
	l := Layout{Dir: "d", Kind: ConnectionLog, Account: "1", Region: "r", LoadBalancer: "app/a/b", Node: "n"}
	at := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	if got, want := l.path(at, "x"), "d/AWSLogs/1/elasticloadbalancing/r/2026/11/30/conn_log_1_elasticloadbalancing_r_app.a.b_20261130T0000Z_n_x.log.gz"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestFiles_AFolderThatCannotBeWrittenIsRefusedAtTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Files(Layout{Dir: file, Account: "1"}); err == nil {
		t.Error("a file is taken as a folder")
	}
}

func TestOpen_AFileIsAppendedToAndAFolderGetsFiles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "access.log")
	for _, word := range []string{"one\n", "two\n"} {
		s, err := Open(file, Layout{})
		if err != nil {
			t.Fatal(err)
		}
		write(t, s, word)
		finish(t, s)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "one\ntwo\n" {
		t.Errorf("%q, %v", text, err)
	}
	for _, folder := range []string{dir, filepath.Join(dir, "new") + "/"} {
		s, err := Open(folder, Layout{Account: "1"})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := s.(*files); !ok {
			t.Errorf("%s gets a %T", folder, s)
		}
	}
	if s, err := Open("-", Layout{}); err != nil || s.(*stream).w != os.Stdout {
		t.Errorf("standard output gets %v, %v", s, err)
	}
	if _, err := Open(filepath.Join(dir, "no", "log"), Layout{}); err == nil {
		t.Error("a file in no folder is opened")
	}
}

func TestConnection_HasFifteenFields(t *testing.T) {
	c := Connection{
		Time: time.Date(2023, 10, 4, 17, 5, 15, 514108000, time.UTC), Client: netip.MustParseAddrPort("203.0.113.1:36280"), ListenerPort: 443,
		TLSProtocol: "TLSv1.2", Cipher: "ECDHE-RSA-AES128-GCM-SHA256", Handshake: 4036 * time.Millisecond, Verify: "Success",
		ConnTraceID: "TID_1", KeyExchange: "x25519", ELB: "app/a/b", Node: "10.0.0.4",
	}
	want := `2023-10-04T17:05:15.514108Z 203.0.113.1 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036 "-" - - Success TID_1 x25519 app/a/b 10.0.0.4` + "\n"
	if diff := cmp.Diff(want, string(c.Append(nil))); diff != "" {
		t.Error(diff)
	}
	plain := Connection{Time: c.Time, ListenerPort: 80, Handshake: NotDone}
	if got, want := string(plain.Append(nil)), `2023-10-04T17:05:15.514108Z - - 80 - - - "-" - - - - - - -`+"\n"; got != want {
		t.Error(cmp.Diff(want, got))
	}
}

func TestHealth_IsTheDocumentedLine(t *testing.T) {
	h := Health{Type: "http", Time: time.Date(2025, 10, 31, 12, 44, 58, 901409000, time.UTC), Latency: 1121980746, Target: "172.31.31.9:80",
		Group: "HCLogsTestIPs", Status: 502, Reason: "TargetError"}
	if got, want := string(h.Append(nil)), "http 2025-10-31T12:44:58.901409Z 1.121980746 172.31.31.9:80 HCLogsTestIPs FAIL 502 TargetError - -\n"; got != want {
		t.Error(cmp.Diff(want, got))
	}
	h.Pass, h.Status, h.Reason = true, 200, ""
	if got, want := string(h.Append([]byte("x"))), "xhttp 2025-10-31T12:44:58.901409Z 1.121980746 172.31.31.9:80 HCLogsTestIPs PASS 200 - - -\n"; got != want {
		t.Error(cmp.Diff(want, got))
	}
}
