package workers

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
	"fender/internal/workers/python"
	"fender/internal/workers/wire"
	"fender/internal/workers/wire/wiretest"
)

// step is one thing that a played worker does with a request. The request's environ is the JSON of
// a list of them.
type step struct {
	Do     string           `json:"do"`
	Name   string           `json:"name,omitempty"`
	Status string           `json:"status,omitempty"`
	Fields []exchange.Field `json:"fields,omitempty"`
	Body   string           `json:"body,omitempty"`
	Repeat int              `json:"repeat,omitempty"` // of Body
	Part   uint32           `json:"part,omitempty"`
	Flags  wire.Flags       `json:"flags,omitempty"`
	ID     exchange.ID      `json:"id,omitempty"`  // added to the request's own
	Seq    uint32           `json:"seq,omitempty"` // added too
	Phase  wire.Phase       `json:"phase,omitempty"`
	Files  int              `json:"files,omitempty"` // descriptors that come along
	Code   int              `json:"code,omitempty"`
	Kind   wire.Kind        `json:"kind,omitempty"`
	Args   []string         `json:"args,omitempty"`
	Path   string           `json:"path,omitempty"`
}

// playWorker is a worker: words are the number of slots, the stage, the spawn, and perhaps what it
// does instead of hello.
func playWorker(words []string) int {
	n, _ := strconv.Atoi(words[0])
	spawn, _ := strconv.ParseUint(words[2], 10, 64)
	page, err := unix.Mmap(3+n, 0, wire.PageSize(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return 96
	}
	send := func(f wire.Frame) { _ = unix.Send(3, wire.AppendFrame(nil, f), 0) }
	hello := wire.Frame{Kind: wire.KindHello, Head: wiretest.Hello(os.Getpid(), n, nil)}
	if len(words) > 3 {
		switch words[3] {
		case "failed":
			send(wire.Frame{Kind: wire.KindFailed, Head: wiretest.Failed(22, "no application")})
			return 22
		case "exit":
			return 5
		case "vector":
			hello.Head = wiretest.Hello(os.Getpid(), n, []byte("another"))
		case "threads":
			hello.Head = wiretest.Hello(os.Getpid(), n+1, nil)
		case "rubbish":
			_ = unix.Send(3, []byte("rubbish on the slot"), 0)
		case "early":
			send(wire.Frame{Kind: wire.KindIdle, Seq: 1})
		case "twice":
			send(hello)
		case "mute":
			newStage(words[1], spawn, 0).tellAndWait("mute")
		}
	}
	send(hello)
	if len(words) > 3 && words[3] == "stuck" { // sees no end of its slots
		forever()
	}
	hear := make(chan os.Signal, 8)
	signal.Notify(hear, python.StackSignal, python.InterruptSignal)
	go func() {
		st := newStage(words[1], spawn, -1)
		for s := range hear {
			if s == python.StackSignal {
				st.tell("stacks")
			} else {
				st.tell("interrupt " + strconv.FormatBool(wiretest.Interrupted(page, 0) != 0))
			}
		}
	}()
	var all sync.WaitGroup
	for i := range n {
		th := &played{fd: 3 + i, slot: i, page: page, stage: newStage(words[1], spawn, i)}
		all.Go(th.run)
	}
	all.Wait()
	return 0
}

// played is one thread of a played worker.
type played struct {
	*stage
	fd, slot int
	page     []byte
	req      wire.Frame
	body     []byte
}

func (t *played) run() {
	wiretest.SetTID(t.page, t.slot, unix.Gettid())
	b := make([]byte, wire.MaxMessage)
	for {
		oob := make([]byte, unix.CmsgSpace(4*8))
		n, oobn, _, _, err := unix.Recvmsg(t.fd, b, oob, unix.MSG_CMSG_CLOEXEC)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return // half-closed: retired
		}
		f, err := wire.Decode(b[:n])
		if err != nil {
			os.Exit(95)
		}
		if f.Kind != wire.KindRequest {
			t.tell("frame " + f.Kind.String())
			continue
		}
		fds := given(oob[:oobn])
		t.req, t.body = f, f.Body
		if f.Flags.Has(wire.FlagHeadInDescriptor) {
			t.req.Head = readAll(fds[0])
		}
		if f.Flags.Has(wire.FlagBodyInDescriptor) {
			t.body = readAll(fds[len(fds)-1])
		}
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
		var steps []step
		if err := json.Unmarshal(t.req.Head, &steps); err != nil {
			os.Exit(94)
		}
		for i := range steps {
			if t.do(&steps[i]) {
				break
			}
		}
	}
}

func readAll(fd int) []byte {
	var st unix.Stat_t
	_ = unix.Fstat(fd, &st)
	b := make([]byte, st.Size)
	n, _ := unix.Pread(fd, b, 0)
	return b[:n]
}

func (t *played) state(p wire.Phase) { wiretest.SetState(t.page, t.slot, t.req.Seq, p) }

// do returns true when nothing more is done for this request.
func (t *played) do(s *step) (over bool) {
	switch s.Do {
	case "begin": // the application is called
		t.state(wire.PhaseCalling)
	case "phase":
		t.state(s.Phase)
	case "at": // tell the test and wait for it
		t.tellAndWait(s.Name)
	case "wait":
		t.wait()
	case "tell":
		t.tell(s.Name)
	case "echo": // the request's body is the answer's
		t.state(wire.PhaseIdle)
		t.write(t.frame(step{Status: "200 OK", Body: string(t.body), Flags: wire.FlagHead | wire.FlagEnd}), nil)
	case "answer": // a whole one
		t.state(wire.PhaseIdle)
		s.Flags |= wire.FlagHead | wire.FlagEnd
		t.write(t.frame(*s), nil)
	case "part":
		t.write(t.frame(*s), make([]int, s.Files))
	case "file": // part whose body is a file's range, written in Body by the test
		fd, _ := unix.Open(s.Path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		t.write(t.frame(*s), []int{fd})
		_ = unix.Close(fd)
	case "files": // so many parts, each one byte of a file
		fd, _ := unix.Open(s.Path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		for i := range s.Repeat {
			p := step{Part: s.Part + uint32(i), Flags: wire.FlagFile}
			p.Body = string(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, uint64(i)), 1))
			t.write(t.frame(p), []int{fd})
		}
		_ = unix.Close(fd)
	case "pieces": // so many parts of one byte
		for i := range s.Repeat {
			t.write(t.frame(step{Part: s.Part + uint32(i), Body: string(s.Body[i%len(s.Body)])}), nil)
		}
	case "hostile":
		t.hostile(rand.New(rand.NewPCG(uint64(s.Code), t.who.Spawn)))
	case "lingering": // a socket whose last close takes an hour
		fd, _ := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		_ = unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: s.Code})
		for b := make([]byte, 1<<20); ; {
			if _, err := unix.SendmsgN(fd, b, nil, nil, unix.MSG_DONTWAIT); err != nil {
				break
			}
		}
		_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 3600})
		t.write(t.frame(*s), []int{fd})
		_ = unix.Close(fd)
	case "call":
		t.write(wire.Frame{Kind: wire.KindCall, ID: t.req.ID, Seq: t.req.Seq, Head: wiretest.Call(s.Name, s.Args...)}, nil)
		b := make([]byte, wire.MaxMessage)
		n, _ := unix.Read(t.fd, b)
		f, _ := wire.Decode(b[:n])
		t.tell(f.Kind.String() + " " + strconv.Quote(string(f.Head)))
	case "aborted":
		t.tell("aborted " + strconv.FormatBool(wiretest.Aborted(t.page, t.slot) == uint64(t.req.Seq)))
	case "begin-unless-withdrawn":
		t.state(wire.PhaseCalling)
		if wiretest.Withdrawn(t.page, t.slot) == uint64(t.req.Seq) {
			wiretest.SetState(t.page, t.slot, t.req.Seq-1, wire.PhaseIdle)
			m := wire.AppendRefused(nil, t.req.ID, t.req.Seq, wire.Refused{Kind: wire.KindRequest, Why: "withdrawn"})
			_ = unix.Send(t.fd, m, 0)
			return true
		}
	case "refuse-request": // the first time; the next worker takes it
		if t.who.Spawn == 1 {
			m := wire.AppendRefused(nil, t.req.ID, t.req.Seq, wire.Refused{Kind: wire.KindRequest, Why: "too many open files"})
			_ = unix.Send(t.fd, m, 0)
			return true
		}
	case "refuse":
		m := wire.AppendRefused(nil, t.req.ID, t.req.Seq, wire.Refused{Name: s.Name, Why: "unknown here"})
		_ = unix.Send(t.fd, m, 0)
	case "idle":
		t.write(wire.Frame{Kind: wire.KindIdle, Seq: t.req.Seq}, nil)
	case "frame": // any kind, well-formed or not
		t.write(wire.Frame{Kind: s.Kind, Flags: s.Flags, ID: t.req.ID + s.ID, Seq: t.req.Seq + s.Seq, Part: s.Part, Head: []byte(s.Body)}, nil)
	case "raw":
		_ = unix.Send(t.fd, []byte(s.Body), 0)
	case "long":
		_ = unix.Send(t.fd, make([]byte, wire.MaxMessage+1), 0)
	case "empty":
		_ = unix.Sendto(t.fd, nil, 0, nil)
	case "shut":
		_ = unix.Shutdown(t.fd, s.Code)
	case "exit":
		os.Exit(s.Code)
	case "raise": // a signal to itself
		_ = unix.Kill(os.Getpid(), unix.Signal(s.Code))
		forever()
	}
	return false
}

// hostile scribbles on the page and sends what may look like frames.
func (t *played) hostile(rng *rand.Rand) {
	words := len(t.page) / 8
	for range 1 + rng.IntN(30) {
		switch rng.IntN(5) {
		case 0, 1:
			values := []uint64{0, 1, uint64(t.req.Seq) << 3, uint64(t.req.Seq)<<3 | 1, uint64(t.req.Seq+1)<<3 | 7, 1 << 63, ^uint64(0), rng.Uint64()}
			binary.NativeEndian.PutUint64(t.page[8*rng.IntN(words):], values[rng.IntN(len(values))])
		case 2: // its own answer, in pieces that are almost right
			f := t.frame(step{Flags: wire.Flags(rng.IntN(128)), Part: uint32(rng.IntN(3)), Body: "body"})
			if rng.IntN(2) == 0 {
				f.Head = wiretest.Head("200 OK", exchange.Field{Name: "Content-Length", Value: strconv.Itoa(rng.IntN(9))})
				f.Flags |= wire.FlagHead
			}
			t.write(f, make([]int, rng.IntN(3)))
		case 3: // a good beginning, to get further with the rest
			t.write(t.frame(step{Status: "200 OK", Flags: wire.FlagHead, Body: "body"}), nil)
		default:
			b := make([]byte, wire.FrameHeadSize+rng.IntN(40))
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			if rng.IntN(4) > 0 {
				f := wire.Frame{Kind: wire.Kind(rng.IntN(12)), Flags: wire.Flags(rng.IntN(4)), ID: t.req.ID, Seq: t.req.Seq}
				b = append(wire.AppendFrame(nil, f), b[:rng.IntN(len(b))]...)
			}
			_ = unix.Send(t.fd, b, unix.MSG_DONTWAIT)
		}
	}
	if rng.IntN(3) == 0 {
		os.Exit(rng.IntN(3))
	}
}

// frame is an answer's.
func (t *played) frame(s step) wire.Frame {
	f := wire.Frame{
		Kind: wire.KindAnswer, Flags: s.Flags, ID: t.req.ID + s.ID, Seq: t.req.Seq + s.Seq, Part: s.Part,
		Body: []byte(s.Body),
	}
	for range s.Repeat {
		f.Body = append(f.Body, s.Body...)
	}
	if s.Flags.Has(wire.FlagHead) {
		f.Head = wiretest.Head(s.Status, s.Fields...)
	}
	return f
}

func (t *played) write(f wire.Frame, fds []int) {
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	m := wire.AppendFrame(nil, f)
	err := unix.Sendmsg(t.fd, m, oob, nil, 0)
	for err == unix.EINTR {
		err = unix.Sendmsg(t.fd, m, oob, nil, 0)
	}
	if err != nil {
		t.tell("send: " + err.Error())
	}
}
