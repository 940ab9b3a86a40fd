package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"

	"fender/internal/observe/status"
)

// ErrNobody is what the client's errors are when no fender listens on the socket.
var ErrNobody = errors.New("no fender listens")

// dialTimeout bounds the wait for a fender that does not accept.
const dialTimeout = 5 * time.Second

// Client asks the fender that listens at Path.
type Client struct{ Path string }

// Status asks what the server and its workers are doing.
func (c Client) Status(ctx context.Context) (status.Status, error) {
	a, err := c.ask(ctx, Request{Op: OpStatus})
	if err != nil {
		return status.Status{}, err
	}
	if a.Status == nil {
		return status.Status{}, c.odd("the answer has no status")
	}
	return *a.Status, nil
}

// Reload has the code loaded anew and waits until the new generation serves. The error is
// ErrRefused when it does not come up.
func (c Client) Reload(ctx context.Context) (ReloadResult, error) {
	a, err := c.ask(ctx, Request{Op: OpReload})
	if err != nil {
		return ReloadResult{}, err
	}
	if a.Reload == nil {
		return ReloadResult{}, c.odd("the answer has no result of a reload")
	}
	return *a.Reload, nil
}

// Scale has delta workers more, or less.
func (c Client) Scale(ctx context.Context, delta int) (ScaleResult, error) {
	a, err := c.ask(ctx, Request{Op: OpScale, Delta: delta})
	if err != nil {
		return ScaleResult{}, err
	}
	if a.Scale == nil {
		return ScaleResult{}, c.odd("the answer has no number of workers")
	}
	return *a.Scale, nil
}

// Drain has fender leave; now skips the drain delay. It does not wait for the end.
func (c Client) Drain(ctx context.Context, now bool) error {
	op := OpDrain
	if now {
		op = OpStop
	}
	_, err := c.ask(ctx, Request{Op: op})
	return err
}

// refusal is an answer that says no. Its text is the server's, which names the reason.
type refusal struct{ text string }

func (r refusal) Error() string        { return r.text }
func (r refusal) Is(target error) bool { return target == ErrRefused }

func (c Client) ask(ctx context.Context, req Request) (Answer, error) {
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, "unix", c.Path)
	if err != nil {
		return Answer{}, c.cannotDial(err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()

	req.V = Version
	line, err := json.Marshal(req)
	if err != nil {
		return Answer{}, err
	}
	// A server that is full answers without reading: a failed write is no reason not to read.
	_, werr := conn.Write(append(line, '\n'))
	reply, err := readLine(conn, maxAnswer)
	switch {
	case ctx.Err() != nil:
		return Answer{}, context.Cause(ctx)
	case errors.Is(err, io.EOF):
		return Answer{}, c.odd("it closed the connection without an answer: is it leaving?")
	case err != nil:
		return Answer{}, c.odd(reason(errors.Join(err, werr)).Error())
	}
	var a Answer
	if err := json.Unmarshal(reply, &a); err != nil {
		return Answer{}, c.odd("the answer is not JSON")
	}
	switch {
	case a.V != Version:
		return Answer{}, c.odd(fmt.Sprintf("it speaks version %d of the protocol, this one %d", a.V, Version))
	case a.Refused:
		return Answer{}, refusal{a.Error}
	case !a.OK:
		return Answer{}, c.odd(a.Error)
	}
	return a, nil
}

func (c Client) odd(what string) error { return fmt.Errorf("fender at %s: %s", c.Path, what) }

func (c Client) cannotDial(err error) error {
	if info, serr := os.Stat(c.Path); serr == nil && info.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("%s is not a control socket: give the path that fender serve has with --control", c.Path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w at %s: is it running with --control %s?", ErrNobody, c.Path, c.Path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("fender at %s: permission denied: be the user that fender runs as, or root", c.Path)
	case errors.Is(err, syscall.EPROTOTYPE):
		return fmt.Errorf("%s is not a control socket: give the path that fender serve has with --control", c.Path)
	}
	return c.odd(reason(err).Error())
}
