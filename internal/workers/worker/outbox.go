package worker

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
	"fender/internal/workers/wire"
)

// Outbox holds what sending needs, so that a request costs one system call and no allocation. One
// serves all workers of a loop.
type Outbox struct {
	buf []byte
	iov [3]unix.Iovec // frame head, head, body
	msg unix.Msghdr
	oob [cmsgTwo / 8]uint64 // of words: control messages must be aligned
}

// cmsgTwo is the space of a control message with two descriptors: a header of 16 bytes, two ints.
const cmsgTwo = 16 + 2*4

// NewOutbox makes an Outbox.
func NewOutbox() *Outbox { return &Outbox{buf: make([]byte, 0, wire.MaxMessage)} }

// Request sends a request. What does not fit into one message goes in descriptors: the body's
// spool file or a copy of it in memory, and a huge environ. When it succeeds the request stands at
// the end of the slot's line. The errors are ErrFull, ErrClosed, or unexpected ones.
func (o *Outbox) Request(w *Worker, slot int, id exchange.ID, seq uint32, environ []byte, body exchange.Body) error {
	s := &w.slots[slot]
	if s.n == Depth {
		return ErrFull
	}
	var err error
	if body.File == nil && wire.Fits(len(environ), len(body.Bytes)) {
		o.buf = wire.AppendRequestHead(o.buf[:0], id, seq, len(environ))
		err = o.send(s.ours, nil, o.buf, environ, body.Bytes)
	} else {
		err = o.large(s.ours, id, seq, environ, body)
	}
	if err != nil {
		return err
	}
	s.line[s.n] = Sent{id, seq}
	s.n++
	return nil
}

// MessageSize is the length of the message that Request makes of these, at most.
func MessageSize(environ []byte, body exchange.Body) int {
	return min(wire.FrameHeadSize+len(environ)+len(body.Bytes), wire.MaxMessage)
}

// large sends a request of which something travels in a descriptor.
func (o *Outbox) large(fd int, id exchange.ID, seq uint32, environ []byte, body exchange.Body) error {
	f := wire.Frame{Kind: wire.KindRequest, ID: id, Seq: seq, Head: environ, Body: body.Bytes}
	fds := make([]int, 0, 2)
	if body.File != nil {
		f.Body = nil
	}
	if !wire.Fits(len(f.Head), 0) {
		m, err := inMemory("fender-environ", f.Head)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(m) }()
		f.Head, fds = nil, append(fds, m)
		f.Flags |= wire.FlagHeadInDescriptor
	}
	if body.File != nil {
		fds = append(fds, int(body.File.Fd()))
		f.Flags |= wire.FlagBodyInDescriptor
	} else if !wire.Fits(len(f.Head), len(f.Body)) {
		m, err := inMemory("fender-body", f.Body)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(m) }()
		f.Body, fds = nil, append(fds, m)
		f.Flags |= wire.FlagBodyInDescriptor
	}
	o.buf = wire.AppendFrame(o.buf[:0], f)
	return o.send(fd, fds, o.buf)
}

// Return sends the result of a call that the slot's request made.
func (o *Outbox) Return(w *Worker, slot int, id exchange.ID, seq uint32, ok bool, value wire.Value) error {
	o.buf = wire.AppendReturn(o.buf[:0], id, seq, ok, value)
	return o.send(w.slots[slot].ours, nil, o.buf)
}

// send sends one message, of up to three pieces that the kernel puts together, with descriptors beside it.
func (o *Outbox) send(fd int, fds []int, pieces ...[]byte) error {
	for i, b := range pieces {
		o.iov[i].Base = unsafe.SliceData(b)
		o.iov[i].SetLen(len(b))
	}
	o.msg = unix.Msghdr{Iov: &o.iov[0]}
	o.msg.SetIovlen(len(pieces))
	if len(fds) > 0 {
		o.rights(fds)
	}
	_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&o.msg)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	clear(o.iov[:])
	switch errno {
	case 0:
		return nil
	case unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM, unix.ETOOMANYREFS, unix.EINTR:
		return ErrFull
	case unix.EPIPE, unix.ECONNRESET, unix.ENOTCONN:
		return ErrClosed
	}
	return fmt.Errorf("sending to the worker: %w", errno)
}

// rights puts at most two descriptors beside the message (SCM_RIGHTS).
func (o *Outbox) rights(fds []int) {
	h := (*unix.Cmsghdr)(unsafe.Pointer(&o.oob[0]))
	h.Level, h.Type = unix.SOL_SOCKET, unix.SCM_RIGHTS
	h.SetLen(unix.CmsgLen(4 * len(fds)))
	data := (*[2]int32)(unsafe.Add(unsafe.Pointer(h), unix.CmsgLen(0)))
	for i, fd := range fds {
		data[i] = int32(fd)
	}
	o.msg.Control = (*byte)(unsafe.Pointer(h))
	o.msg.SetControllen(unix.CmsgLen(4 * len(fds)))
}

// inMemory is a descriptor whose content is b. It lies in memory, not on a disk.
func inMemory(name string, b []byte) (int, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM) {
		return -1, ErrFull
	}
	if err != nil {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			_ = unix.Close(fd)
			return -1, ErrFull // no memory for it now
		}
		b = b[n:]
	}
	return fd, nil
}
