package python

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"fender/internal/workers/wire"

	"golang.org/x/sys/unix"
)

// worker is one worker under test, seen from the master.
type worker struct {
	t         testing.TB
	rig       *rig
	spawn     uint64
	pid       int
	slots     []int
	page      []uint64
	helloHead []byte
	nextID    uint64
	seq       []uint32
}

// spawn forks a worker and returns it before its first frame was read.
func (r *rig) spawn() *worker {
	r.t.Helper()
	r.spawns++
	w := &worker{t: r.t, rig: r, spawn: r.spawns, seq: make([]uint32, r.boot.Threads)}
	memory, err := unix.MemfdCreate("page", unix.MFD_CLOEXEC)
	if err != nil {
		r.t.Fatal(err)
	}
	size := 64 * (r.boot.Threads + 1)
	if err := unix.Ftruncate(memory, int64(size)); err != nil {
		r.t.Fatal(err)
	}
	mapped, err := unix.Mmap(memory, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		r.t.Fatal(err)
	}
	w.page = unsafe.Slice((*uint64)(unsafe.Pointer(&mapped[0])), size/8)
	w.page[0] = 0x66656e64657201
	var given []int
	for range r.boot.Threads {
		ours, theirs := packetPair(r.t)
		w.slots = append(w.slots, ours)
		given = append(given, theirs)
	}
	given = append(given, memory)
	r.order(Spawn{Spawn: w.spawn, Number: int(r.spawns), Generation: 3}.Message(), given...)
	for _, fd := range given {
		unix.Close(fd)
	}
	r.t.Cleanup(func() {
		for _, fd := range w.slots {
			unix.Close(fd)
		}
		_ = unix.Munmap(mapped)
	})
	report := r.report()
	if report.Op != OpForked || report.Spawn != w.spawn {
		r.t.Fatalf("expected forked %d, got %+v\n%s", w.spawn, report, r.stderr)
	}
	w.pid = report.PID
	return w
}

// ready forks a worker and waits for its hello.
func (r *rig) ready() *worker {
	r.t.Helper()
	w := r.spawn()
	f := w.read(0)
	if f.kind != kindHello {
		r.t.Fatalf("expected hello, got kind %d: %q\n%s", f.kind, f.head, r.stderr)
	}
	w.helloHead = f.head
	return w
}

func unmarshal(t testing.TB, data []byte) any {
	t.Helper()
	value, rest, err := unmarshalValue(data)
	if err != nil || len(rest) != 0 {
		t.Fatalf("marshal data %q: %v, %d bytes left", data, err, len(rest))
	}
	return value
}

// read reads the next frame of a slot.
func (w *worker) read(slot int) frame {
	w.t.Helper()
	f, ok := w.readOrEnd(slot)
	if !ok {
		w.t.Fatalf("slot %d has ended\n%s", slot, w.rig.stderr)
	}
	return f
}

// readOrEnd is read, but the end of the slot is an answer too.
func (w *worker) readOrEnd(slot int) (frame, bool) {
	w.t.Helper()
	buffer := make([]byte, maxMessage+1)
	n, files, err := receive(w.slots[slot], buffer)
	if errors.Is(err, unix.ECONNRESET) || err == nil && n == 0 {
		return frame{}, false
	}
	if err != nil {
		w.t.Fatalf("slot %d: %v\n%s", slot, err, w.rig.stderr)
	}
	if n > maxMessage {
		w.t.Fatalf("slot %d: a message of more than %d bytes", slot, maxMessage)
	}
	f, err := decodeFrame(buffer[:n])
	if err != nil {
		w.t.Fatal(err)
	}
	f.files = files
	w.checkWithWire(buffer[:n], f)
	return f, true
}

// checkWithWire lets the master's own decoders look at each frame that a worker sends.
func (w *worker) checkWithWire(message []byte, f frame) {
	w.t.Helper()
	decoded, err := wire.Decode(message)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := decoded.CheckFromWorker(len(f.files)); err != nil {
		w.t.Fatal(err)
	}
	if f.kind == kindAnswer && len(f.head) > 0 {
		if _, err := wire.ParseHead(f.head, nil); err != nil {
			w.t.Fatal(err)
		}
	}
	switch f.kind {
	case kindCall:
		_, err = wire.DecodeCall(f.head)
	case kindRefused:
		_, err = wire.DecodeRefused(f.head)
	case kindFailed:
		_, err = wire.DecodeFailed(f.head)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if f.flags&flagFile != 0 {
		if _, _, err := wire.DecodeFileRange(f.body); err != nil {
			w.t.Fatal(err)
		}
	}
}

// environ is what the front sends for a request.
func environ(method, path string) map[string]string {
	return map[string]string{
		"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "front.example",
		"SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "https", "REMOTE_ADDR": "127.0.0.1",
		"HTTP_HOST": "front.example", "REQUEST_URI": path,
	}
}

// send sends a request and returns its frame head's id and sequence.
func (w *worker) send(slot int, env map[string]string, body []byte) (id uint64, sequence uint32) {
	w.t.Helper()
	w.nextID++
	w.seq[slot]++
	f := frame{kind: kindRequest, id: w.nextID, sequence: w.seq[slot], head: marshalValue(nil, env), body: body}
	w.write(slot, f)
	return f.id, f.sequence
}

func (w *worker) write(slot int, f frame, files ...int) {
	w.t.Helper()
	if err := sendMessage(w.slots[slot], f.encode(), files...); err != nil {
		w.t.Fatalf("slot %d: %v\n%s", slot, err, w.rig.stderr)
	}
}

// answer is one answer, put together from its frames.
type answer struct {
	status string
	fields [][2]string
	body   []byte
	parts  int
	flags  uint16 // of all frames
}

func (a answer) field(name string) string {
	for _, f := range a.fields {
		if strings.EqualFold(f[0], name) {
			return f[1]
		}
	}
	return ""
}

// answer reads frames up to the end of the answer to the slot's last request, checking each.
func (w *worker) answer(slot int) answer {
	w.t.Helper()
	var a answer
	for {
		f := w.read(slot)
		if f.kind == kindIdle && a.parts == 0 {
			continue // of the request before
		}
		w.add(slot, &a, f)
		if f.flags&flagEnd != 0 {
			if s, p := w.state(slot); a.flags&flagClosing == 0 && s == uint64(w.seq[slot]) && p != 0 {
				w.t.Fatalf("an answer with nothing left to close has ended, and the page says phase %d", p)
			}
			return a
		}
	}
}

func (w *worker) add(slot int, a *answer, f frame) {
	w.t.Helper()
	if f.kind != kindAnswer || f.version != 1 || f.id != w.nextID || f.sequence != w.seq[slot] || f.part != uint32(a.parts) {
		w.t.Fatalf("unexpected frame kind %d id %d sequence %d part %d, expected the answer %d %d part %d: %q\n%s",
			f.kind, f.id, f.sequence, f.part, w.nextID, w.seq[slot], a.parts, f.head, w.rig.stderr)
	}
	a.flags |= f.flags
	head := f.head
	if f.flags&flagHeadInDescriptor != 0 {
		if _, err := unix.FcntlInt(f.files[0].Fd(), unix.F_GET_SEALS, 0); err != nil {
			w.t.Errorf("the head lies in no memory, and the master reads no other: %v", err)
		}
		head = readAll(w.t, f.files[0])
		f.files = f.files[1:]
	}
	if a.parts == 0 {
		if f.flags&flagHead == 0 {
			w.t.Fatal("part 0 without the head flag")
		}
		value := unmarshal(w.t, head).(tuple)
		a.status = value[0].(string)
		for _, item := range value[1].(tuple) {
			pair := item.(tuple)
			a.fields = append(a.fields, [2]string{pair[0].(string), pair[1].(string)})
		}
	} else if len(head) != 0 {
		w.t.Fatalf("part %d has a head", f.part)
	}
	if f.flags&flagFile != 0 {
		if len(f.body) != 16 || len(f.files) != 1 {
			w.t.Fatalf("a file part with %d bytes and %d descriptors", len(f.body), len(f.files))
		}
		offset, length := leUint64(f.body), leUint64(f.body[8:])
		piece := make([]byte, length)
		if _, err := f.files[0].ReadAt(piece, int64(offset)); err != nil {
			w.t.Fatal(err)
		}
		f.body = piece
	}
	for _, file := range f.files {
		file.Close()
	}
	a.body = append(a.body, f.body...)
	a.parts++
}

// get is a whole request and its answer on slot 0.
func (w *worker) get(path string) answer {
	w.t.Helper()
	w.send(0, environ("GET", path), nil)
	return w.answer(0)
}

// do is get with another method or a body.
func (w *worker) do(method, path string, body []byte) answer {
	w.t.Helper()
	env := environ(method, path)
	env["CONTENT_LENGTH"] = fmt.Sprint(len(body))
	w.send(0, env, body)
	return w.answer(0)
}

func (w *worker) state(slot int) (sequence uint64, phase uint64) {
	state := atomic.LoadUint64(&w.page[8*(slot+1)])
	return state >> 3, state & 7
}

func (w *worker) tid(slot int) int { return int(atomic.LoadUint64(&w.page[8*(slot+1)+1])) }

// waitPhase returns when the slot's page shows the phase for its last request.
func (w *worker) waitPhase(slot int, phase uint64) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		if s, p := w.state(slot); s == uint64(w.seq[slot]) && p == phase {
			return
		}
		if time.Now().After(deadline) {
			s, p := w.state(slot)
			w.t.Fatalf("slot %d: sequence %d phase %d, expected %d %d\n%s", slot, s, p, w.seq[slot], phase, w.rig.stderr)
		}
		time.Sleep(100 * time.Microsecond) // the page makes no event: it can only be looked at
	}
}

// endSlots tells the worker that nothing more will come, as a retiring master does.
func (w *worker) endSlots() {
	w.t.Helper()
	for _, fd := range w.slots {
		if err := unix.Shutdown(fd, unix.SHUT_WR); err != nil {
			w.t.Fatal(err)
		}
	}
}

// reap waits for the worker's death and returns its wait status by way of the template.
func (w *worker) reap() syscall.WaitStatus {
	w.t.Helper()
	w.waitDeath()
	w.rig.order(Reap{Spawn: w.spawn, PID: w.pid}.Message())
	report := w.rig.report()
	if report.Op != OpReaped || report.PID != w.pid || report.Spawn != w.spawn {
		w.t.Fatalf("expected reaped, got %+v", report)
	}
	return syscall.WaitStatus(report.Status)
}

// waitDeath waits until the worker is a zombie, by its pidfd.
func (w *worker) waitDeath() {
	w.t.Helper()
	fd, err := unix.PidfdOpen(w.pid, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := awaitEnd(fd); err != nil {
		w.t.Fatalf("worker %d does not end: %v\n%s", w.pid, err, w.rig.stderr)
	}
}

// awaitEnd waits until the process of a pidfd has ended.
func awaitEnd(pidfd int) error {
	polled := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	n, err := unix.Poll(polled, int(patience.Milliseconds()))
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Poll(polled, int(patience.Milliseconds()))
	}
	if err == nil && n != 1 {
		err = fmt.Errorf("not within %v", patience)
	}
	return err
}

func readAll(t testing.TB, file *os.File) []byte {
	t.Helper()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, info.Size())
	if _, err := file.ReadAt(data, 0); err != nil {
		t.Fatal(err)
	}
	file.Close()
	return data
}

func leUint64(b []byte) (v uint64) {
	for i := 7; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}
