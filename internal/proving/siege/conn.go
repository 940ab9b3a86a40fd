package siege

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"hash"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"
)

// firstBuffer is what a connection reads into; longer heads let it grow.
const firstBuffer = 16 << 10

// idleCheck is how long a connection may lie idle before it is looked at for its end.
const idleCheck = time.Millisecond

// conn is the kept connection of one user. It never sends a request twice: what goes wrong is the
// outcome of that request, and the next one opens a new connection.
type conn struct {
	dial *dialer

	c      net.Conn
	raw    net.Conn // c without its TLS
	rc     syscall.RawConn
	origin origin
	used   int // requests answered on it
	idle   time.Time

	buf  []byte
	r, w int // buf[r:w] is unread

	body, received int64 // of this answer
	hashing        bool
	hash           hash.Hash
	sum            [sha256.Size]byte
	promised       [2 * sha256.Size]byte // the digest that the answer states
	reason         [32]byte              // the cause that it states
	copyTo, headTo io.Writer             // who else wants to see it
	peek           peek
	deadline       time.Time
}

// outcome is what became of a request.
type outcome struct {
	kind   Kind
	err    error // of a failure
	end    time.Time
	status int  // 0 without an answer
	begun  bool // bytes of an answer came
	cause  string
	used   int // how many requests this connection had answered before
	head   head
}

// do sends one request and reads its answer. ctx ends the attempt to connect; what ends a request on
// an open connection is the registry, which closes it.
func (c *conn) do(ctx context.Context, q *Request, e *Expect, deadline time.Time) outcome {
	c.body, c.received = 0, 0
	if c.c != nil && (c.origin != q.origin || c.gone()) {
		c.drop()
	}
	if c.c == nil {
		if kind, err := c.open(ctx, q, deadline); err != nil {
			return outcome{kind: kind, err: err, end: time.Now()}
		}
	}
	out := outcome{used: c.used}
	c.deadline = deadline
	if err := c.c.SetDeadline(deadline); err != nil {
		c.drop()
		out.kind, out.err, out.end = ResetBefore, err, time.Now()
		return out
	}
	c.hashing = e.hashes() && q.Method != http.MethodHead
	if c.hashing {
		c.hash.Reset()
	}
	err := c.exchange(q, &out)
	if out.end.IsZero() {
		out.end = time.Now()
	}
	out.status, out.begun = out.head.status, c.received > 0
	if err == nil {
		err = c.surplus()
	}
	if err != nil {
		out.kind, out.err = brokenKind(err, out.begun), err
		c.drop()
		return out
	}
	out.kind, out.err = e.judge(&out.head, c.digest())
	if out.kind != OK && out.head.cause != nil {
		out.cause = printable(out.head.cause)
	}
	c.used++
	if out.head.close || q.closes {
		c.drop()
	} else {
		c.idle = out.end
	}
	return out
}

// surplus is an error when more came than the answer is long.
func (c *conn) surplus() error {
	if c.r < c.w {
		return bad("%d bytes behind the end of the answer: %q", c.w-c.r, clip(c.buf[c.r:c.w]))
	}
	return nil
}

func (c *conn) open(ctx context.Context, q *Request, deadline time.Time) (Kind, error) {
	n, kind, err := c.dial.connect(ctx, q, deadline)
	if err != nil {
		return kind, err
	}
	c.c, c.raw, c.origin, c.used, c.r, c.w = n, n, q.origin, 0, 0, 0
	if secure, ok := n.(*tls.Conn); ok {
		c.raw = secure.NetConn()
	}
	if c.buf == nil {
		c.buf, c.hash = make([]byte, firstBuffer), sha256.New()
	}
	c.rc = nil
	if s, ok := c.raw.(syscall.Conn); ok {
		c.rc, err = s.SyscallConn()
	}
	return OK, err
}

// drop closes the connection.
func (c *conn) drop() {
	if c.c != nil {
		c.dial.open.drop(c.raw)
		c.c, c.raw, c.rc = nil, nil, nil
	}
}

func (c *conn) digest() []byte {
	if !c.hashing {
		return nil
	}
	return c.hash.Sum(c.sum[:0])
}
