//go:build linux

package slowdisk

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Operations of the kernel's protocol (include/uapi/linux/fuse.h). A request is a head of 40 bytes and what
// belongs to its operation, an answer a head of 16 bytes and the same.
const (
	opLookup      = 1
	opForget      = 2
	opGetattr     = 3
	opSetattr     = 4
	opUnlink      = 10
	opOpen        = 14
	opRead        = 15
	opWrite       = 16
	opRelease     = 18
	opInit        = 26
	opOpendir     = 27
	opReleasedir  = 29
	opCreate      = 35
	opInterrupt   = 36
	opBatchForget = 42
)

const (
	requestHead = 40
	answerHead  = 16
	maxWrite    = 128 << 10
	rootNode    = 1
)

var native = binary.NativeEndian

// server is the disk's process: files by number, names in the one directory, and the gate.
type server struct {
	dev int

	mu    sync.Mutex
	gate  *sync.Cond
	shut  bool
	opens int // how often the gate was opened
	hangs int // accesses that wait for the next time
	names map[string]uint64
	files map[uint64][]byte
	last  uint64
}

// play mounts a disk at dir and serves it until its input ends.
func play(dir string) error {
	dev, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("/dev/fuse: %w", err)
	}
	if err := unix.Mount("slowdisk", dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV,
		fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", dev)); err != nil {
		return fmt.Errorf("mounting a file system (fuse) at %s: %w", dir, err)
	}
	s := &server{dev: dev, names: map[string]uint64{}, files: map[uint64][]byte{}, last: rootNode}
	s.gate = sync.NewCond(&s.mu)
	go s.serve()
	fmt.Println("mounted")
	for orders := bufio.NewScanner(os.Stdin); orders.Scan(); {
		s.mu.Lock()
		if s.shut = orders.Text() == "shut"; !s.shut {
			s.opens++
			s.hangs = 0
			s.gate.Broadcast()
		}
		fmt.Println(orders.Text()) // it is done
		s.mu.Unlock()
	}
	// The end of the process closes the device, and that ends with an error whatever still waits.
	return unix.Unmount(dir, unix.MNT_DETACH)
}

// pass waits at the gate, if it is shut, until it is opened. s.mu is held.
func (s *server) pass() {
	if !s.shut {
		return
	}
	s.hangs++
	fmt.Println(strconv.Itoa(s.hangs))
	for now := s.opens; s.opens == now; {
		s.gate.Wait()
	}
}

func (s *server) serve() {
	buf := make([]byte, maxWrite+4096)
	for {
		n, err := unix.Read(s.dev, buf)
		switch {
		case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue // what was asked is not wanted any more
		case err != nil || n < requestHead:
			return // unmounted
		}
		go s.answer(bytes.Clone(buf[:n]))
	}
}

func (s *server) answer(request []byte) {
	op, unique := native.Uint32(request[4:]), native.Uint64(request[8:])
	if op == opForget || op == opBatchForget || op == opInterrupt {
		return // no answer is wanted
	}
	s.mu.Lock()
	out, errno := s.do(op, native.Uint64(request[16:]), request[requestHead:])
	s.mu.Unlock()
	answer := make([]byte, answerHead, answerHead+len(out))
	native.PutUint32(answer[4:], uint32(-int32(errno)))
	native.PutUint64(answer[8:], unique)
	answer = append(answer, out...)
	native.PutUint32(answer, uint32(len(answer)))
	_, _ = unix.Write(s.dev, answer) // who has asked may be gone
}

// do carries an operation on a node out. s.mu is held.
func (s *server) do(op uint32, node uint64, in []byte) ([]byte, unix.Errno) {
	switch op {
	case opInit:
		out := make([]byte, 64)
		native.PutUint32(out, 7) // the protocol's version, 7.31
		native.PutUint32(out[4:], 31)
		native.PutUint32(out[8:], 0) // nothing is read ahead: who waits waits for one access
		native.PutUint16(out[16:], 64)
		native.PutUint32(out[20:], maxWrite)
		return out, 0
	case opLookup:
		if node := s.names[name(in)]; node != 0 {
			return s.entry(node), 0
		}
		return nil, unix.ENOENT
	case opCreate:
		s.last++
		s.names[name(in[16:])], s.files[s.last] = s.last, nil
		return append(s.entry(s.last), make([]byte, 16)...), 0
	case opUnlink: // who has it open goes on using it
		delete(s.names, name(in))
		return nil, 0
	case opSetattr:
		const size = 1 << 3
		if native.Uint32(in)&size != 0 {
			s.resize(node, int(native.Uint64(in[16:])))
		}
		return append(make([]byte, 16), s.attributes(node)...), 0
	case opGetattr:
		return append(make([]byte, 16), s.attributes(node)...), 0
	case opOpen, opOpendir:
		return make([]byte, 16), 0
	case opRelease, opReleasedir:
		return nil, 0
	case opRead:
		s.pass()
		from := min(int(native.Uint64(in[8:])), len(s.files[node]))
		to := min(from+int(native.Uint32(in[16:])), len(s.files[node]))
		return bytes.Clone(s.files[node][from:to]), 0
	case opWrite:
		s.pass()
		data := in[40:]
		at := int(native.Uint64(in[8:]))
		s.resize(node, max(at+len(data), len(s.files[node])))
		copy(s.files[node][at:], data)
		out := make([]byte, 8)
		native.PutUint32(out, uint32(len(data)))
		return out, 0
	}
	return nil, unix.ENOSYS // the kernel does without it
}

// name is a name as it stands in a request.
func name(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}

func (s *server) resize(node uint64, n int) {
	content := s.files[node]
	s.files[node] = append(content[:min(n, len(content))], make([]byte, max(n-len(content), 0))...)
}

// entry is the answer to who asks for a name. None of it is to be remembered.
func (s *server) entry(node uint64) []byte {
	out := make([]byte, 40)
	native.PutUint64(out, node)
	return append(out, s.attributes(node)...)
}

func (s *server) attributes(node uint64) []byte {
	mode, size := uint32(unix.S_IFREG|0o600), len(s.files[node])
	if node == rootNode {
		mode = unix.S_IFDIR | 0o700
	}
	out := make([]byte, 88)
	native.PutUint64(out, node)
	native.PutUint64(out[8:], uint64(size))
	native.PutUint32(out[60:], mode)
	native.PutUint32(out[64:], 1) // links
	return out
}
