package siege

import (
	"bufio"
	"context"
	"io"
	"time"
)

// Show makes one request and prints it and its answer: the heads, and with body the body too. It
// says what became of it.
func Show(ctx context.Context, w io.Writer, opts Options, body bool) (Kind, error) {
	opts.Phases, opts.Reps, opts.Headers.Close = []Phase{{Users: 1}}, 1, true
	if err := opts.Check(); err != nil {
		return OK, err
	}
	q := opts.Requests[0]
	c := conn{dial: &dialer{timeout: opts.ConnectTimeout, insecure: opts.Insecure, open: newRegistry(), counts: &counters{}}}
	defer c.drop()
	stop := context.AfterFunc(ctx, c.dial.open.cut)
	defer stop()
	p := &page{out: bufio.NewWriterSize(w, pageBuffer), failed: c.dial.open.cut}
	_, _ = p.Write(q.head) // the flushing says it
	if c.headTo = p; body {
		c.copyTo = p
	}
	out := c.do(ctx, q, &opts.Expect, time.Now().Add(opts.Timeout))
	if body {
		_, _ = p.Write([]byte{'\n'})
	}
	if err := p.out.Flush(); err != nil {
		return out.kind, err
	}
	if out.err != nil {
		return out.kind, &Failure{Kind: out.kind, Seen: seen(&out)}
	}
	return OK, nil
}

// pageBuffer is what may wait for a reader who takes his time, so that the answer's own time does not
// run out. An answer has any length: more is not kept.
const pageBuffer = 4 << 20

// page is what is shown. When it can be written no further, nothing more is read.
type page struct {
	out    *bufio.Writer
	failed func()
}

func (p *page) Write(part []byte) (int, error) {
	n, err := p.out.Write(part)
	if err != nil {
		p.failed()
	}
	return n, err
}

// Failure is a request that failed.
type Failure struct {
	Kind Kind
	Seen string
}

func (f *Failure) Error() string { return f.Kind.String() + ": " + f.Seen }
