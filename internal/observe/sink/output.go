package sink

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// pipeAtomic is PIPE_BUF of Linux: a write to a pipe of at most this size is never mixed with
// another process's. Workers write to the same standard output as the access log.
const pipeAtomic = 4096

// fileMode of a log file that did not exist. Paths and addresses of clients stand in it.
const fileMode = 0o640

// output writes batches of lines and keeps them whole.
type output struct {
	w     io.Writer
	file  *os.File // w, when it is a file
	owned bool     // close closes it
	chunk int      // largest single write of several lines, 0 is no bound
	torn  bool     // the last write ended inside of a line
}

func newOutput(w io.Writer) *output {
	o := &output{w: w}
	if f, ok := w.(*os.File); ok {
		o.file = f
		if st, err := f.Stat(); err == nil && st.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0 {
			o.chunk = pipeAtomic
		}
	}
	return o
}

// openOutput opens without waiting: opening a FIFO that nobody reads would block for ever.
func openOutput(path string) (*output, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, fileMode)
	if errors.Is(err, syscall.ENXIO) {
		return nil, fmt.Errorf("%s is a FIFO that nobody reads: start its reader first", path)
	}
	if err != nil {
		return nil, err // names the path already
	}
	o := newOutput(f)
	o.owned = true
	return o, nil
}

func (o *output) close() {
	if o.owned {
		_ = o.file.Close() // everything was written, or its loss reported
	}
}

// write writes whole lines and returns how many were lost.
func (o *output) write(batch []byte) (lost uint64, err error) {
	for len(batch) > 0 {
		part := batch
		if o.chunk > 0 && len(part) > o.chunk {
			part = part[:lineEnd(part, o.chunk)]
		}
		n, err := o.writePart(part)
		if err != nil {
			// A line that was cut in the middle is lost too: what follows its beginning is missing.
			return uint64(bytes.Count(batch[n:], []byte{'\n'})), err
		}
		batch = batch[len(part):]
	}
	return 0, nil
}

// lineEnd returns the length of the longest run of whole lines within limit bytes, or of the first
// line if that is longer.
func lineEnd(b []byte, limit int) int {
	if i := bytes.LastIndexByte(b[:limit], '\n'); i >= 0 {
		return i + 1
	}
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i + 1
	}
	return len(b)
}

func (o *output) writePart(part []byte) (int, error) {
	if o.torn { // end the broken line first, so that it spoils no other
		if _, err := o.writeAll([]byte{'\n'}); err != nil {
			return 0, err
		}
		o.torn = false
	}
	n, err := o.writeAll(part)
	if err != nil && n > 0 && part[n-1] != '\n' {
		o.torn = true
	}
	return n, err
}

// writeAll writes p. A standard output that somebody else has set to O_NONBLOCK (the flag belongs
// to the open file, which other programs share) says EAGAIN: that is a full pipe, not an error.
func (o *output) writeAll(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := o.w.Write(p[done:])
		done += n
		switch {
		case err == nil && n == 0:
			return done, io.ErrShortWrite
		case errors.Is(err, syscall.EAGAIN) && o.file != nil:
			if err := o.waitWritable(); err != nil {
				return done, err
			}
		case err != nil:
			return done, err
		}
	}
	return done, nil
}

func (o *output) waitWritable() error {
	raw, err := o.file.SyscallConn()
	if err != nil {
		return err
	}
	var perr error
	err = raw.Control(func(fd uintptr) {
		for {
			_, perr = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, -1)
			if !errors.Is(perr, syscall.EINTR) {
				return
			}
		}
	})
	return errors.Join(err, perr)
}
