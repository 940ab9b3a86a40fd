package front

import (
	"errors"
	"os"
	"sync"

	"fender/internal/exchange"
	"fender/internal/serve/http1"
)

// errTooLarge ends a body above limit-post.
var errTooLarge = errors.New("the body is larger than limit-post")

// refusal is a verdict on a body as an error.
type refusal struct{ verdict http1.Verdict }

func (r *refusal) Error() string { return r.verdict.Text() }

// body is a request's body while it is read and until the exchange is over: bytes in memory up to
// Options.BodyMemory, and within the memory budget, then a spool file.
type body struct {
	front   *Front
	bytes   []byte
	memory  int64 // taken from the memory budget
	spooled bool  // it goes to a file
	most    int64 // how long that will be at most; 0: not known
	spool   *spool
	size    int64
}

// exchange is the body as the workshop gets it.
func (b *body) exchange() exchange.Body {
	if b.spool != nil {
		return exchange.Body{File: b.spool.file, Size: b.size}
	}
	return exchange.Body{Bytes: b.bytes, Size: b.size}
}

// expect prepares for a body of n bytes. One that cannot be kept now is refused before it is sent; but
// its room in the spool is taken only as it comes: a client that announces much and sends nothing must
// not keep everybody else out.
func (b *body) expect(n int64) error {
	b.size = n
	if n <= int64(b.front.options.BodyMemory) && b.front.options.Memory.Take(n) {
		b.memory = n
		b.bytes = b.front.newBody(n)
		return nil
	}
	if !b.front.options.Spool.Fits(n) {
		return errSpoolFull
	}
	b.spooled, b.most = true, n
	return nil
}

// keep writes a piece to the file, which it makes, with what there is in memory, when there is none. It
// may wait for a disk: a helper calls it.
func (b *body) keep(piece []byte) error {
	if b.spool == nil {
		made, err := openSpool(b.front.options.SpoolDir, b.front.options.Spool)
		if err != nil {
			return err
		}
		made.most = b.most
		b.spool = made
		if err := made.write(b.bytes); err != nil {
			return err
		}
		b.bytes = nil
		b.front.options.Memory.Give(b.memory)
		b.memory = 0
	}
	return b.spool.write(piece)
}

// arrived is the number of bytes that are kept.
func (b *body) arrived() int64 {
	if b.spool != nil {
		return b.spool.end
	}
	return int64(len(b.bytes))
}

// add appends a piece of a body whose length is not known, and copies it. It reports false when the
// piece must go to the file instead.
func (b *body) add(piece []byte) (bool, error) {
	b.size += int64(len(piece))
	if limit := b.front.options.LimitPost; limit > 0 && b.size > limit {
		return false, errTooLarge
	}
	grow := b.size - b.memory
	if b.spooled || b.size > int64(b.front.options.BodyMemory) || grow > 0 && !b.front.options.Memory.Take(grow) {
		b.spooled = true
		return false, nil
	}
	b.memory += max(grow, 0)
	b.bytes = append(b.bytes, piece...)
	return true, nil
}

// release gives everything back, once. The exchange is over, or will not be.
func (b *body) release() {
	if b.front == nil {
		return
	}
	if b.spool != nil {
		b.spool.release()
		b.front.closeFile(b.spool.file)
	}
	b.front.freeBody(b.bytes)
	b.front.options.Memory.Give(b.memory)
	*b = body{}
}

// keptBody is the size of the buffers for bodies that are used again. Most bodies are smaller; one that is
// larger has memory of its own.
const keptBody = 16 << 10

// newBody is an empty buffer for a body of n bytes.
func (f *Front) newBody(n int64) []byte {
	if n > keptBody {
		return make([]byte, 0, n)
	}
	b, ok := f.bodies.take()
	if !ok {
		b = make([]byte, 0, keptBody)
	}
	return b[:0]
}

// freeBody gives a buffer back. Nobody has it any more.
func (f *Front) freeBody(b []byte) {
	if cap(b) == keptBody {
		f.bodies.keep(b)
	}
}

// closeFile closes a file, which may wait for a disk.
func (f *Front) closeFile(file *os.File) {
	f.files.Do(func() { file.Close() })
}

// spoolBuffers are for the way from a socket to a file.
var spoolBuffers = sync.Pool{New: func() any { return new([copyBuffer]byte) }}

// upload is how far the reading of a body has come.
type upload struct {
	chunked  bool
	coding   http1.Chunked
	verdict  http1.Verdict     // of the coding
	expected bool              // the client waits to be told to go on
	bulk     *[copyBuffer]byte // on its way to a file
	failure  error             // of a helper
}

// endUpload forgets the state of a body's reading.
func (c *conn) endUpload() {
	if c.upload != nil {
		c.upload.free()
		*c.upload = upload{}
		c.front.uploads.keep(c.upload)
		c.upload = nil
	}
}

// free gives the buffer back.
func (u *upload) free() {
	if u.bulk != nil {
		spoolBuffers.Put(u.bulk)
		u.bulk = nil
	}
}

// receive begins to read the body that the head announced.
func (c *conn) receive(h *http1.Head) bool {
	b := &c.reply.body
	u, ok := c.front.uploads.take()
	if !ok {
		u = &upload{}
	}
	u.chunked, u.expected = h.Chunked, h.Continue && len(c.in.unread()) == 0
	c.upload = u
	c.pace = newPace(c.front.options.BodyTimeout, c.front.options.MinRate, c.front.clock)
	if !h.Chunked {
		if err := b.expect(h.Length); err != nil {
			return c.endOfBody(err)
		}
	}
	c.phase = receiving
	if b.spooled { // a file that cannot be made is known before the client is told to go on
		return c.keep(c.in.take(b.size))
	}
	return true
}

// keep has a helper write a piece of the body to its file. The piece stays as it is until then: nothing
// is read meanwhile.
func (c *conn) keep(piece []byte) bool {
	b := &c.reply.body
	return c.help(func() { c.upload.failure = b.keep(piece) })
}

// readBody reads what has come of the body.
func (c *conn) readBody() bool {
	u := c.upload
	switch {
	case u.failure != nil:
		return c.endOfBody(u.failure)
	case u.expected:
		u.expected = false
		c.begin(afterContinue)
		c.output.head = append(c.output.head, http1.ContinueLine...)
		return c.flush()
	case u.chunked:
		return c.readChunked()
	case c.reply.body.spooled:
		return c.readToSpool()
	}
	return c.readToMemory()
}

// readToMemory reads a body of known length.
func (c *conn) readToMemory() bool {
	b := &c.reply.body
	b.bytes = append(b.bytes, c.in.take(b.size-int64(len(b.bytes)))...)
	for int64(len(b.bytes)) < b.size {
		n, err := c.read(b.bytes[len(b.bytes):b.size])
		if err != nil {
			return c.awaitBody(err)
		}
		b.bytes = b.bytes[:len(b.bytes)+n]
		c.pace.progress(n, c.front.clock)
	}
	return c.submit()
}

// readToSpool reads a body of known length into its file. Its buffer is fetched when there is something to
// read: a client that sends slowly holds none.
func (c *conn) readToSpool() bool {
	u, b := c.upload, &c.reply.body
	left := b.size - b.spool.end
	if left == 0 {
		u.free()
		return c.submit()
	}
	if u.bulk == nil {
		u.bulk = spoolBuffers.Get().(*[copyBuffer]byte)
	}
	space := u.bulk[:min(left, copyBuffer)]
	n, err := c.read(space)
	if err != nil {
		u.free()
		return c.awaitBody(err)
	}
	c.pace.progress(n, c.front.clock)
	for n < len(space) { // fewer, larger pieces
		more, err := c.read(space[n:])
		if err != nil {
			break // it comes again
		}
		n += more
	}
	return c.keep(space[:n])
}

// readChunked reads a chunked body.
func (c *conn) readChunked() bool {
	u, b := c.upload, &c.reply.body
	for {
		if u.verdict == http1.More {
			data, n, v := decode(&u.coding, c.in.unread())
			c.in.drop(n)
			u.verdict = v
			if len(data) > 0 {
				kept, err := b.add(data)
				if err != nil {
					return c.endOfBody(err)
				}
				if !kept {
					return c.keep(data)
				}
			}
		}
		switch {
		case u.verdict == http1.Complete:
			return c.submit()
		case u.verdict.Refused():
			return c.endOfBody(&refusal{u.verdict})
		}
		n, err := c.read(c.in.space())
		if err != nil {
			return c.awaitBody(err)
		}
		c.in.end += n
		c.pace.progress(n, c.front.clock)
	}
}

// awaitBody is told that a read of the body brought nothing: it is waited for, if that has any sense.
func (c *conn) awaitBody(err error) bool {
	switch {
	case !errors.Is(err, errAgain):
		return c.endOfBody(err)
	case c.front.aborting:
		return c.endOfBody(errStopped)
	case !c.front.clock.Before(c.pace.until()):
		return c.endOfBody(errStalled)
	}
	c.wait(forInput, c.pace.until())
	return false
}

// decode moves the data of all chunks in b together, at its beginning: a client that sends small chunks
// must not cost a system call for each. n bytes of b are used up.
func decode(coding *http1.Chunked, b []byte) (data []byte, n int, v http1.Verdict) {
	kept := 0
	for n < len(b) && v == http1.More {
		var piece []byte
		var used int
		piece, used, v = coding.Decode(b[n:])
		kept += copy(b[kept:], piece)
		n += used
	}
	return b[:kept], n, v
}
