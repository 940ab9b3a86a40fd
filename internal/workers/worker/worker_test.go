package worker

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"fender/internal/exchange"
	"fender/internal/workers/wire"
	"fender/internal/workers/wire/wiretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newWorker(t *testing.T, slots int) *Worker {
	t.Helper()
	w, err := New(slots)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// got is what the worker's side receives.
type got struct {
	wire.Frame
	files []int
}

// take receives one message as the worker does.
func take(t *testing.T, fd int) got {
	t.Helper()
	b := make([]byte, wire.MaxMessage)
	oob := make([]byte, unix.CmsgSpace(4*8))
	n, oobn, _, _, err := unix.Recvmsg(fd, b, oob, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	f, err := wire.Decode(b[:n])
	if err != nil {
		t.Fatal(err)
	}
	g := got{Frame: f}
	all, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		fds, err := unix.ParseUnixRights(&all[i])
		if err != nil {
			t.Fatal(err)
		}
		g.files = append(g.files, fds...)
	}
	t.Cleanup(func() {
		for _, fd := range g.files {
			_ = unix.Close(fd)
		}
	})
	return g
}

func content(t *testing.T, fd int) []byte {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, st.Size)
	if n, err := unix.Pread(fd, b, 0); err != nil || n != len(b) {
		t.Fatal(n, err)
	}
	return b
}

func environ(n int) []byte {
	e := wire.NewEnviron(nil)
	e.Set("PATH_INFO", "/")
	if n > 0 {
		e.Set("HTTP_X_LONG", string(bytes.Repeat([]byte("h"), n)))
	}
	return e.Bytes()
}

func TestOutbox_SendsEachRequestInTheShapeThatFits(t *testing.T) {
	spool, err := os.Create(filepath.Join(t.TempDir(), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = spool.Close() }()
	if _, err := spool.WriteString("spooled"); err != nil {
		t.Fatal(err)
	}
	small, long := environ(0), environ(100<<10)
	inline, large := []byte("a=1"), bytes.Repeat([]byte("b"), wire.MaxMessage-wire.FrameHeadSize)
	for _, c := range []struct {
		name     string
		environ  []byte
		body     exchange.Body
		flags    wire.Flags
		wantBody string
	}{
		{"nothing but an environ", small, exchange.Body{}, 0, ""},
		{"a small body", small, exchange.Body{Bytes: inline, Size: 3}, 0, "a=1"},
		{"a body in memory that does not fit", small, exchange.Body{Bytes: large, Size: int64(len(large))},
			wire.FlagBodyInDescriptor, string(large)},
		{"a spooled body", small, exchange.Body{File: spool, Size: 7}, wire.FlagBodyInDescriptor, "spooled"},
		{"a huge environ", long, exchange.Body{Bytes: inline, Size: 3}, wire.FlagHeadInDescriptor, "a=1"},
		{"a huge environ and a spooled body", long, exchange.Body{File: spool, Size: 7},
			wire.FlagHeadInDescriptor | wire.FlagBodyInDescriptor, "spooled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, o := newWorker(t, 2), NewOutbox()
			if err := o.Request(w, 1, 42, 7, c.environ, c.body); err != nil {
				t.Fatal(err)
			}
			if s, ok := w.Owed(1); !ok || s != (Sent{42, 7}) || w.Waiting(1) != 1 || w.Waiting(0) != 0 {
				t.Errorf("owed %v %v", s, ok)
			}
			g := take(t, w.Gift()[1])
			if g.Kind != wire.KindRequest || g.ID != 42 || g.Seq != 7 || g.Flags != c.flags || len(g.files) != g.Descriptors() {
				t.Fatalf("%+v with %d files", g.Frame, len(g.files))
			}
			head, body := g.Head, g.Body
			if g.Flags.Has(wire.FlagHeadInDescriptor) {
				head = content(t, g.files[0])
			}
			if g.Flags.Has(wire.FlagBodyInDescriptor) {
				body = content(t, g.files[len(g.files)-1])
			}
			if !bytes.Equal(head, c.environ) || string(body) != c.wantBody {
				t.Errorf("environ of %d bytes, body of %d", len(head), len(body))
			}
		})
	}
}

func TestOutbox_RefusesWhatTheSlotCannotHold(t *testing.T) {
	w, o := newWorker(t, 1), NewOutbox()
	for i := range Depth + 1 {
		err := o.Request(w, 0, exchange.ID(i+1), uint32(i+1), environ(0), exchange.Body{})
		if want := i == Depth; errors.Is(err, ErrFull) != want {
			t.Errorf("request %d: %v", i, err)
		}
	}
	if w.Waiting(0) != Depth {
		t.Errorf("%d requests wait", w.Waiting(0))
	}
}

func TestOutbox_SaysFullWhenTheSocketIs(t *testing.T) {
	w, o := newWorker(t, 1), NewOutbox()
	if err := unix.SetsockoptInt(w.End(0), unix.SOL_SOCKET, unix.SO_SNDBUF, 1); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		err := o.Return(w, 0, 1, 1, true, wire.None())
		if err != nil {
			if !errors.Is(err, ErrFull) || i == 0 {
				t.Errorf("message %d: %v", i, err)
			}
			return
		}
	}
	t.Error("a socket of the smallest size took 200 messages")
}

func TestWorker_HoldsTwoOfTheLargestRequestsAndAReturn(t *testing.T) {
	w, o := newWorker(t, 1), NewOutbox()
	if w.Small() {
		t.Skip("this kernel's socket buffers are small")
	}
	e := environ(0)
	body := exchange.Body{Bytes: make([]byte, wire.MaxMessage-wire.FrameHeadSize-len(e))}
	for i := range uint32(2) {
		if err := o.Request(w, 0, 1, i+1, e, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Return(w, 0, 1, 1, true, wire.None()); err != nil {
		t.Error(err)
	}
}

func TestOutbox_SaysClosedWhenTheWorkerShutsItsEnd(t *testing.T) {
	w, o := newWorker(t, 1), NewOutbox()
	_ = unix.Shutdown(w.Gift()[0], unix.SHUT_RD)
	if err := o.Request(w, 0, 1, 1, environ(0), exchange.Body{}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if w.Waiting(0) != 0 {
		t.Error("it counts as sent")
	}
}

func TestTakeBack_ReturnsWhatIsUnreadAndNothingElse(t *testing.T) {
	for read := range Depth + 1 {
		t.Run(fmt.Sprintf("%d of %d read", read, Depth), func(t *testing.T) {
			w, o, in := newWorker(t, 1), NewOutbox(), NewInbox()
			var unread []uint32
			for i := range uint32(Depth) {
				if int(i) >= read {
					unread = append(unread, i+1)
				}
				if err := o.Request(w, 0, exchange.ID(10+i), i+1, environ(0), exchange.Body{}); err != nil {
					t.Fatal(err)
				}
			}
			for range read {
				take(t, w.Gift()[0])
			}
			b, err := in.TakeBack(o, w, 0)
			if err != nil || !slices.Equal(b, unread) || w.Waiting(0) != read {
				t.Errorf("%v came back, %d wait, %v", b, w.Waiting(0), err)
			}
			if owed, ok := w.Owed(0); ok != (read > 0) || ok && owed != (Sent{10, 1}) {
				t.Errorf("the slot owes %v (%v)", owed, ok)
			}
			if b, err := in.TakeBack(o, w, 0); len(b) != 0 || err != nil {
				t.Errorf("a second time %v came back, %v", b, err)
			}
		})
	}
}

func TestTakeBack_WorksOnAHalfClosedSlot(t *testing.T) {
	w, o, in := newWorker(t, 1), NewOutbox(), NewInbox()
	if err := o.Request(w, 0, 1, 1, environ(0), exchange.Body{}); err != nil {
		t.Fatal(err)
	}
	w.Shut(0)
	if b, err := in.TakeBack(o, w, 0); len(b) != 1 || err != nil {
		t.Errorf("%+v, %v", b, err)
	}
	if n, err := unix.Read(w.Gift()[0], make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("the worker reads %d, %v instead of the end", n, err)
	}
}

func TestTakeBack_LeavesTheReturnOfACallToTheWorker(t *testing.T) {
	w, o, in := newWorker(t, 1), NewOutbox(), NewInbox()
	for i := range uint32(2) {
		if err := o.Request(w, 0, exchange.ID(10+i), i+1, environ(0), exchange.Body{}); err != nil {
			t.Fatal(err)
		}
	}
	take(t, w.Gift()[0]) // the first runs, and calls
	if err := o.Return(w, 0, 10, 1, true, wire.Text("value")); err != nil {
		t.Fatal(err)
	}
	if b, err := in.TakeBack(o, w, 0); len(b) != 1 || err != nil {
		t.Fatalf("%+v, %v", b, err)
	}
	if g := take(t, w.Gift()[0]); g.Kind != wire.KindReturn || g.ID != 10 {
		t.Errorf("%+v", g.Frame)
	}
}

func TestTakeBack_RefusesWhatWasNeverSent(t *testing.T) {
	for name, fake := range map[string]func(w *Worker){
		"another request": func(w *Worker) { w.slots[0].line[0] = Sent{99, 1} },
		"another turn":    func(w *Worker) { w.slots[0].line[0] = Sent{1, 99} },
		"one too many":    func(w *Worker) { w.slots[0].n = 0 },
		"rubbish": func(w *Worker) {
			_ = unix.Sendto(w.slots[0].ours, []byte("rubbish"), 0, nil)
		},
	} {
		w, o, in := newWorker(t, 1), NewOutbox(), NewInbox()
		if err := o.Request(w, 0, 1, 1, environ(0), exchange.Body{}); err != nil {
			t.Fatal(err)
		}
		fake(w)
		if b, err := in.TakeBack(o, w, 0); len(b) != 0 || !errors.Is(err, errStranger) {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
}

func TestTakeBack_ClosesTheDescriptorsThatComeBack(t *testing.T) {
	w, o, in := newWorker(t, 1), NewOutbox(), NewInbox()
	before := descriptors(t)
	for i := range uint32(2) {
		big := exchange.Body{Bytes: make([]byte, wire.MaxMessage)}
		if err := o.Request(w, 0, 1, i+1, environ(100<<10), big); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := in.TakeBack(o, w, 0); len(b) != 2 || err != nil {
		t.Fatalf("%+v, %v", b, err)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// A reader that blocks in recv and a master that takes back race for every message.
func TestTakeBack_LosesAndDoublesNothingBesideABlockedReader(t *testing.T) {
	w, o, in := newWorker(t, 1), NewOutbox(), NewInbox()
	const total = 60000
	reader, err := unix.Dup(w.Gift()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(reader) }()
	read := make(chan uint32, 2*Depth)
	var ended sync.WaitGroup
	ended.Go(func() {
		defer close(read)
		b := make([]byte, wire.MaxMessage)
		for {
			n, err := unix.Read(reader, b)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil || n == 0 {
				return
			}
			f, err := wire.Decode(b[:n])
			if err != nil {
				return
			}
			read <- f.Seq
		}
	})
	e := environ(0)
	var byReader, back, overtaken int
	answered := func(seq uint32) {
		if s, ok := w.Owed(0); !ok || s.Seq != seq {
			t.Fatalf("message %d was read, the slot owes %v (%v): lost, doubled or out of turn", seq, s, ok)
		}
		w.Answered(0)
		byReader++
	}
	for seq := uint32(1); seq <= total; seq++ {
		if err := o.Request(w, 0, 1, seq, e, exchange.Body{}); err != nil {
			t.Fatal(err)
		}
		if seq%5 == 0 || w.Waiting(0) == Depth {
			b, err := in.TakeBack(o, w, 0)
			if err != nil {
				t.Fatal(err)
			}
			back += len(b)
			if s := w.slots[0]; len(b) > 0 && s.n > 0 && s.line[s.n-1].Seq > b[0] {
				overtaken++
			}
		}
		for w.Waiting(0) == Depth || w.Waiting(0) > 0 && seq%7 == 0 {
			answered(<-read)
		}
	}
	for w.Waiting(0) > 0 {
		answered(<-read)
	}
	w.Shut(0)
	for seq := range read {
		t.Errorf("message %d was read as well", seq)
	}
	ended.Wait()
	if byReader+back != total || byReader == 0 || back == 0 {
		t.Errorf("%d sent, %d read, %d taken back", total, byReader, back)
	}
	t.Logf("%d read, %d taken back, %d times one between was read", byReader, back, overtaken)
}

func TestInbox_ReceivesAFrameAndItsDescriptor(t *testing.T) {
	w, in := newWorker(t, 1), NewInbox()
	if _, _, err := in.Receive(w, 0); !errors.Is(err, ErrEmpty) {
		t.Errorf("nothing: %v", err)
	}
	message := wiretest.Answer(1, 1, "200 OK", "body")
	if err := unix.Sendmsg(w.Gift()[0], message, unix.UnixRights(0), nil, 0); err != nil {
		t.Fatal(err)
	}
	got, file, err := in.Receive(w, 0)
	if err != nil || !bytes.Equal(got, message) || file < 0 {
		t.Fatalf("%q, %d, %v", got, file, err)
	}
	flags, err := unix.FcntlInt(uintptr(file), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("descriptor %d: flags %d, %v", file, flags, err)
	}
	_ = unix.Close(file)
}

func TestInbox_RefusesWhatNoWorkerSends(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(fd int) error
		want error
	}{
		{"an empty message", func(fd int) error { return unix.Sendto(fd, nil, 0, nil) }, ErrClosed},
		{"the end", func(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) }, ErrClosed},
		{"a message above 64 KiB", func(fd int) error { return unix.Sendto(fd, make([]byte, wire.MaxMessage+1), 0, nil) }, ErrLong},
		{"two descriptors", func(fd int) error {
			return unix.Sendmsg(fd, []byte("x"), unix.UnixRights(0, 1), nil, 0)
		}, ErrDescriptors},
		{"200 descriptors", func(fd int) error {
			return unix.Sendmsg(fd, []byte("x"), unix.UnixRights(make([]int, 200)...), nil, 0)
		}, ErrDescriptors},
		{"a long message with 200 descriptors", func(fd int) error {
			return unix.Sendmsg(fd, make([]byte, wire.MaxMessage+9), unix.UnixRights(make([]int, 200)...), nil, 0)
		}, ErrLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, in := newWorker(t, 1), NewInbox()
			before := descriptors(t)
			if err := c.do(w.Gift()[0]); err != nil {
				t.Fatal(err)
			}
			if _, file, err := in.Receive(w, 0); !errors.Is(err, c.want) || file != -1 {
				t.Errorf("%v, file %d", err, file)
			}
			if after := descriptors(t); after != before {
				t.Errorf("%d descriptors before, %d after", before, after)
			}
		})
	}
}

func TestInbox_KeepsAPieceBeyondTheNextMessage(t *testing.T) {
	w, in := newWorker(t, 1), NewInbox()
	for _, size := range []int{1, 100, big - 1, big, wire.MaxMessage} {
		for fill := range byte(2) {
			if err := unix.Sendto(w.Gift()[0], bytes.Repeat([]byte{'a' + fill}, size), 0, nil); err != nil {
				t.Fatal(err)
			}
		}
		m, _, err := in.Receive(w, 0)
		if err != nil {
			t.Fatal(err)
		}
		kept, _ := in.Keep(m)
		if _, _, err := in.Receive(w, 0); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(kept, bytes.Repeat([]byte{'a'}, size)) {
			t.Errorf("what was kept of %d bytes has changed", size)
		}
	}
}

func TestWorker_ARequestAndItsAnswerAllocateNothing(t *testing.T) {
	w, o, in := newWorker(t, 1), NewOutbox(), NewInbox()
	e, body := environ(0), exchange.Body{Bytes: []byte("x=1")}
	answer := wiretest.Answer(1, 1, "200 OK", "hello")
	b := make([]byte, wire.MaxMessage)
	theirs := w.Gift()[0]
	n := testing.AllocsPerRun(500, func() {
		if err := o.Request(w, 0, 1, 1, e, body); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Read(theirs, b); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Write(theirs, answer); err != nil {
			t.Fatal(err)
		}
		if _, _, err := in.Receive(w, 0); err != nil {
			t.Fatal(err)
		}
		w.Answered(0)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestWorker_ThePageCannotBeMadeShorter(t *testing.T) {
	w := newWorker(t, 3)
	page := w.Gift()[3]
	if err := unix.Ftruncate(page, 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("truncating: %v", err)
	}
	b, err := unix.Mmap(page, 0, wire.PageSize(3), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(b) }()
	wiretest.SetState(b, 2, 5, wire.PhaseCalling)
	if seq, phase := w.Page().State(2); seq != 5 || phase != wire.PhaseCalling {
		t.Errorf("%d, %v", seq, phase)
	}
}

func TestWorker_GivesEverythingBack(t *testing.T) {
	before := descriptors(t)
	for range 20 {
		w, err := New(4)
		if err != nil {
			t.Fatal(err)
		}
		w.Given()
		w.Close()
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func TestReadHead_ReadsMemoryOnly(t *testing.T) {
	fd, err := inMemory("test", []byte("head"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := ReadHead(fd); err != nil || string(b) != "head" {
		t.Errorf("%q, %v", b, err)
	}
	_ = unix.Close(fd)
	if fd, err = inMemory("test", make([]byte, wire.MaxHead+1000)); err != nil {
		t.Fatal(err)
	}
	if b, err := ReadHead(fd); err != nil || len(b) != wire.MaxHead+1 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	_ = unix.Close(fd)
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = unix.Close(p[0]), unix.Close(p[1]) }()
	if _, err := ReadHead(p[0]); err == nil { // would block for ever
		t.Error("a pipe was read")
	}
}

func TestRegularSize_RefusesWhatIsNoFile(t *testing.T) {
	w := newWorker(t, 1)
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	for name, fd := range map[string]int{"a socket": w.End(0), "a directory": int(dir.Fd()), "nothing": -1} {
		if _, err := RegularSize(fd); err == nil {
			t.Errorf("%s has a size", name)
		}
	}
	if n, err := RegularSize(w.Gift()[1]); err != nil || n != int64(wire.PageSize(1)) {
		t.Errorf("%d, %v", n, err)
	}
}

func TestNew_LeavesNothingBehindWhenTheKernelGivesNoMore(t *testing.T) {
	const slots = 3
	open := func() map[int]bool {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		fds := map[int]bool{}
		for _, e := range list {
			n, _ := strconv.Atoi(e.Name())
			if _, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0); err == nil { // not the listing's own
				fds[n] = true
			}
		}
		return fds
	}
	pages := func() int {
		text, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(text, []byte("fender-page"))
	}
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	before, mapped := open(), pages()
	for room := range 1 + 2*slots { // one less than it needs, at most
		limit := 0
		for free := 0; free < room || before[limit]; limit++ {
			if !before[limit] {
				free++
			}
		}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(limit), Max: was.Max}); err != nil {
			t.Fatal(err)
		}
		_, err := New(slots)
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(err, unix.EMFILE) {
			t.Errorf("room for %d descriptors: %v", room, err)
		}
		if after := open(); !maps.Equal(before, after) || pages() != mapped {
			t.Errorf("room for %d descriptors: open %v, before %v; %d pages", room, after, before, pages())
		}
	}
}
