package front

import (
	"errors"
	"io"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// maxPieces is how many pieces one system call writes.
	maxPieces = 16
	// maxSendfile is how much one system call sends of a file.
	maxSendfile = 256 << 10
	// copyBuffer is the buffer for files that sendfile(2) does not take.
	copyBuffer = 64 << 10
	// maxKept is the largest buffer of heads that is kept for the next answer.
	maxKept = 16 << 10
	// stayPause is how long a helper waits for a client that takes what it gets before it lets others have
	// their turn; stayBytes is how much one client gets in one go.
	stayPause = 5 * time.Millisecond
	stayBytes = 8 << 20
)

// errShortFile says that a file ended before the range that was to be sent.
var errShortFile = errors.New("the file is shorter than was said")

// piece is what is written next: bytes, or n bytes of a part's file.
type piece struct {
	bytes []byte
	part  *part
	off   int64
	n     int64
}

type iovecs [maxPieces]unix.Iovec

// after says what follows when an output is written.
type after uint8

const (
	afterContinue after = iota // the body of the request is read
	afterBatch                 // more of the answer
	afterOwn                   // finish is called
)

// output is what is being written. Its buffers are the front's, borrowed: they come back when all is
// written, so only a connection that is blocked holds any.
type output struct {
	pieces []piece
	done   int    // pieces that are written
	head   []byte // the first piece's
	sent   int64  // bytes written
	paced  bool   // it had to wait, and has a pace since
	queued int64  // bytes that the kernel held when it was looked at last

	after  after
	finish func(next) bool
	closes bool  // afterOwn: the connection ends
	total  int64 // afterBatch: body bytes
	before int64 // afterBatch: bytes of the head

	moved   int64 // by a helper
	failure error // of a helper
	blocked bool  // a helper found no room
}

// begin borrows the buffers. The first piece is the head's.
func (c *conn) begin(a after) {
	f := c.front
	o, ok := f.outputs.take()
	if !ok {
		o = &output{}
	}
	*o = output{pieces: append(f.pieces[:0], piece{}), head: f.head[:0], after: a}
	f.pieces, f.head = nil, nil
	c.output = o
}

// giveBack returns the buffers and the output itself, and tells what it was.
func (c *conn) giveBack() output {
	o, f := c.output, c.front
	clear(o.pieces)
	if f.pieces == nil && cap(o.pieces) <= 4*maxPieces {
		f.pieces = o.pieces[:0]
	}
	if f.head == nil && cap(o.head) <= maxKept {
		f.head = o.head[:0]
	}
	o.pieces, o.head = nil, nil
	was := *o
	*o = output{}
	f.outputs.keep(o)
	c.output = nil
	return was
}

// flush writes the head and the pieces behind it.
func (c *conn) flush() bool {
	c.output.pieces[0].bytes = c.output.head
	c.phase = writing
	return c.write()
}

// write goes on writing.
func (c *conn) write() bool {
	o := c.output
	if err := c.helperWrote(); err != nil {
		return c.written(err)
	}
	for o.done < len(o.pieces) && !o.blocked {
		p := &o.pieces[o.done]
		switch {
		case p.part != nil && p.n == 0, p.part == nil && len(p.bytes) == 0:
			o.done++
		case p.part != nil:
			return c.sendPart(p)
		default:
			n, errno := c.writev()
			switch errno {
			case 0:
				o.advance(n)
			case unix.EINTR:
			case unix.EAGAIN:
				o.blocked = true
			default:
				return c.written(errno)
			}
		}
	}
	if o.done == len(o.pieces) {
		return c.written(nil)
	}
	return c.awaitRoom()
}

// helperWrote takes over what a helper has done.
func (c *conn) helperWrote() error {
	o := c.output
	if o.moved > 0 {
		o.sent += o.moved
		o.pieces[o.done].off += o.moved
		o.pieces[o.done].n -= o.moved
		c.progress(o.moved)
		o.moved = 0
	}
	if o.failure == nil && o.blocked && !c.room() {
		return nil // it is waited for
	}
	o.blocked = false
	return o.failure
}

// room reports whether the client takes something, so that a helper is not woken in vain.
func (c *conn) room() bool {
	fds := [1]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(fds[:], 0)
	return n > 0 || err != nil
}

// awaitRoom waits until the client takes more, if that has any sense. What the kernel holds for it
// counts as progress when it becomes less: the kernel reports room only when there is much of it.
func (c *conn) awaitRoom() bool {
	o, f := c.output, c.front
	if !o.paced {
		o.paced = true
		c.pace = newPace(f.options.SendTimeout, f.options.MinRate, f.clock)
		o.queued = c.queued()
		if c.reply != nil {
			c.reply.isSlow()
		}
	}
	if !f.clock.Before(c.pace.until()) {
		queued := c.queued()
		if taken := o.queued - queued; taken > 0 {
			c.pace.progress(int(taken), f.clock)
		}
		if o.queued = queued; !f.clock.Before(c.pace.until()) {
			return c.written(errStalled)
		}
	}
	events := uint32(forOutput)
	if c.gone {
		events = unix.EPOLLOUT
	}
	c.wait(events, c.pace.until())
	return false
}

// queued is how many bytes the kernel still has for the client.
func (c *conn) queued() int64 {
	n, err := unix.IoctlGetInt(c.fd, unix.TIOCOUTQ)
	if err != nil {
		return 0
	}
	return int64(n)
}

// progress notes that the client takes what it gets.
func (c *conn) progress(n int64) {
	if c.output.paced {
		c.pace.progress(int(n), c.front.clock)
		c.output.queued = c.queued()
	}
}

// writev writes the next pieces of bytes.
func (c *conn) writev() (int, unix.Errno) {
	iov, n := &c.front.iovecs, 0
	for _, p := range c.output.pieces[c.output.done:] {
		if p.part != nil {
			break
		}
		if len(p.bytes) == 0 {
			continue
		}
		iov[n].Base = &p.bytes[0]
		iov[n].SetLen(len(p.bytes))
		if n++; n == maxPieces {
			break
		}
	}
	sent, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(c.fd), uintptr(unsafe.Pointer(&iov[0])), uintptr(n))
	for i := range iov[:n] {
		iov[i].Base = nil
	}
	if errno != 0 {
		return 0, errno
	}
	if c.output.paced {
		c.progress(int64(sent))
	}
	return int(sent), 0
}

// advance drops n written bytes.
func (o *output) advance(n int) {
	o.sent += int64(n)
	for n > 0 {
		p := &o.pieces[o.done]
		if n < len(p.bytes) {
			p.bytes = p.bytes[n:]
			return
		}
		n -= len(p.bytes)
		p.bytes = nil
		o.done++
	}
}

// sendPart has a helper send a piece of a file. Those of the spool are copied: sendfile(2) would give the
// kernel the file's own pages, and the hole that is made there behind them (part.punch) would zero what
// is still on its way to the client.
func (c *conn) sendPart(p *piece) bool {
	o := c.output
	s := sender{fd: c.fd, file: p.part.file, at: p.off, left: p.n, part: p.part, front: c.front}
	c.help(func() {
		o.moved, o.blocked, o.failure = s.run()
	})
	return false
}

// sender is what a helper needs to send a piece of a file.
type sender struct {
	fd    int
	file  *os.File
	at    int64
	left  int64
	part  *part
	front *Front

	copies bool // sendfile(2) does not take the file
}

// run sends until nothing is left or the client takes no more. With a client that takes it at once it
// stays, while nobody else waits for a helper.
func (s *sender) run() (moved int64, blocked bool, err error) {
	all := s.left
	for s.left > 0 && all-s.left < stayBytes {
		switch err := s.send(); {
		case errors.Is(err, unix.EAGAIN) && s.stays():
		case errors.Is(err, unix.EAGAIN):
			return all - s.left, true, nil
		case err != nil:
			return all - s.left, false, err
		}
	}
	if s.left == 0 {
		s.part.punch()
	}
	return all - s.left, false, nil
}

// stays waits a little for room, and reports whether there is some.
func (s *sender) stays() bool {
	if s.front.files.Busy() {
		return false
	}
	fds := [1]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(fds[:], int(stayPause.Milliseconds()))
	return n > 0 && err == nil
}

// send sends some. The descriptor's own offset, which may be shared with another process, is neither
// used nor moved.
func (s *sender) send() error {
	if s.part.spooled || s.copies {
		return s.copy()
	}
	at := s.at
	n, err := unix.Sendfile(s.fd, int(s.file.Fd()), &at, int(min(s.left, maxSendfile)))
	switch {
	case err == unix.EINTR:
		return nil
	case err == unix.EINVAL, err == unix.ENOSYS, err == unix.EOPNOTSUPP:
		s.copies = true // a file system without splice
		return nil
	case err != nil:
		return err
	case n == 0:
		return errShortFile
	}
	s.at += int64(n)
	s.left -= int64(n)
	return nil
}

// copy sends some by reading it.
func (s *sender) copy() error {
	buf := spoolBuffers.Get().(*[copyBuffer]byte)
	defer spoolBuffers.Put(buf)
	n, err := s.file.ReadAt(buf[:min(s.left, copyBuffer)], s.at)
	if n == 0 {
		if err == nil || err == io.EOF {
			err = errShortFile
		}
		return err
	}
	for b := buf[:n]; len(b) > 0; {
		sent, err := unix.Write(s.fd, b)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		s.at += int64(sent)
		s.left -= int64(sent)
		b = b[sent:]
	}
	return nil
}

// help has a helper work for the connection. Until it is done the connection does nothing else.
func (c *conn) help(work func()) bool {
	c.busy = true
	c.timer.clear()
	c.front.files.Do(func() {
		work()
		c.front.box.Put(letter{conn: c, helped: true})
	})
	return false
}

// written ends an output: all is written, or it will not be.
func (c *conn) written(err error) bool {
	c.timer.clear()
	was := c.giveBack()
	switch was.after {
	case afterContinue:
		if err != nil {
			return c.endOfBody(err)
		}
		c.phase = receiving
		return true
	case afterBatch:
		return c.delivered(&was, err)
	}
	what := again
	switch {
	case err != nil:
		what = drop
	case was.closes:
		what = linger
	}
	return was.finish(what)
}
