package siege

import (
	"bytes"
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
	var seenHead, seenBody bytes.Buffer
	c.copyTo, c.headTo = &seenBody, &seenHead
	out := c.do(ctx, q, &opts.Expect, time.Now().Add(opts.Timeout))
	var page bytes.Buffer
	page.Write(q.head)
	page.Write(seenHead.Bytes())
	if body {
		page.Write(seenBody.Bytes())
		page.WriteByte('\n')
	}
	if _, err := w.Write(page.Bytes()); err != nil {
		return out.kind, err
	}
	if out.err != nil {
		return out.kind, &Failure{Kind: out.kind, Seen: seen(&out)}
	}
	return OK, nil
}

// Failure is a request that failed.
type Failure struct {
	Kind Kind
	Seen string
}

func (f *Failure) Error() string { return f.Kind.String() + ": " + f.Seen }
