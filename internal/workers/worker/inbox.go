package worker

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
	"fender/internal/workers/wire"
)

// big is the length from which a message's buffer is given away instead of copied out of: at least
// half of it is used then.
const big = wire.MaxMessage / 2

// cmsgOne is the length of a control message with exactly one descriptor: a header of 16 bytes and
// an int. Without padding there is no room for a second one, and the kernel closes what has none.
const cmsgOne = 16 + 4

// Inbox holds what receiving needs: one buffer for all workers of a loop.
type Inbox struct {
	buf *exchange.Block
	iov unix.Iovec
	msg unix.Msghdr
	oob [(cmsgOne + 7) / 8]uint64

	back []uint32 // what TakeBack has received
}

// NewInbox makes an Inbox.
func NewInbox() *Inbox { return &Inbox{} }

// Receive takes one message off the master's end of a slot. The message is valid until the next
// Receive, unless it was kept. file is the descriptor that came with it, -1 if none did; it is the
// caller's. With an error there is none; with ErrNoDescriptor the message is there.
func (in *Inbox) Receive(w *Worker, slot int) (message []byte, file int, err error) {
	m, errno := in.receive(w.slots[slot].ours)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return nil, -1, ErrEmpty
	case errno != 0 || m.size == 0:
		err = ErrClosed
	case m.cut:
		err = ErrLong
	case m.more && m.file >= 0:
		err = ErrDescriptors
	case m.more:
		return in.buf[:m.size], -1, ErrNoDescriptor
	default:
		return in.buf[:m.size], m.file, nil
	}
	m.close()
	return nil, -1, err
}

// received is what recvmsg said about one message.
type received struct {
	size int
	file int  // a descriptor that came with it, -1
	cut  bool // it is longer than the buffer
	more bool // more descriptors came than could be received
}

func (m received) close() {
	if m.file >= 0 {
		_ = unix.Close(m.file)
	}
}

func (in *Inbox) receive(fd int) (received, unix.Errno) {
	if in.buf == nil {
		in.buf = exchange.NewBlock()
	}
	in.iov.Base = &in.buf[0]
	in.iov.SetLen(len(in.buf))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&in.oob[0]))
	in.msg = unix.Msghdr{Iov: &in.iov, Control: (*byte)(unsafe.Pointer(h))}
	in.msg.SetIovlen(1)
	in.msg.SetControllen(cmsgOne)
	// Raw, as all calls that never wait: the scheduler need not be told, which costs more than it looks.
	n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&in.msg)),
		unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	m := received{size: int(n), file: -1}
	if errno != 0 {
		return m, errno
	}
	m.cut = in.msg.Flags&unix.MSG_TRUNC != 0
	m.more = in.msg.Flags&unix.MSG_CTRUNC != 0
	if in.msg.Controllen >= cmsgOne && h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_RIGHTS && h.Len >= cmsgOne {
		m.file = int(*(*int32)(unsafe.Add(unsafe.Pointer(h), unix.CmsgLen(0))))
	}
	return m, 0
}

// Big reports whether a piece of a message is so large that Keep gives the buffer away.
func Big(part []byte) bool { return len(part) >= big }

// Keep makes part, a piece of the message received last, the caller's: by a copy, or, if it is
// large, by giving the buffer away, in which it lies then.
func (in *Inbox) Keep(part []byte) ([]byte, *exchange.Block) {
	if Big(part) {
		block := in.buf
		in.buf = nil
		return part, block
	}
	return append([]byte(nil), part...), nil
}

// A message fits into a block.
var _ [unsafe.Sizeof(exchange.Block{}) - wire.MaxMessage]struct{}
