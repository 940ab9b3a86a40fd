package workers

import (
	"errors"
	"fmt"
	"net/http"
	"os"

	"golang.org/x/sys/unix"

	"fender/internal/workers/wire"
	"fender/internal/workers/worker"
)

// taken is what a part of an answer came to.
type taken struct {
	n        int    // body bytes that go to the client
	roomless bool   // the memory budget has no room for them
	bad      string // why the answer cannot be sent
	breach   error  // how the worker broke the protocol
}

// take holds what a part of an answer brings: the head of the first one, body bytes, a range of a
// file. It owns file, which is -1 if none came.
func (w *Workshop) take(fl *flight, f *wire.Frame, file int, lost error) taken {
	if lost != nil {
		return taken{bad: "bad answer: " + lost.Error()}
	}
	if f.Part == 0 {
		head, err := w.headOf(f, file)
		if f.Flags.Has(wire.FlagHeadInDescriptor) {
			file = -1
		}
		if err != nil {
			return taken{breach: fmt.Errorf("%w: %w", errHeadless, err)}
		}
		fl.text = append(fl.text[:0], head...) // the message makes room for the next
		fl.head, err = wire.ParseHead(fl.text, fl.fields)
		if err != nil {
			w.closeFile(file)
			return refusal(err)
		}
		fl.fields = fl.head.Fields
		fl.headed, fl.length = true, fl.head.Length
		fl.bodiless = fl.req.Method == http.MethodHead ||
			fl.head.Status == http.StatusNoContent || fl.head.Status == http.StatusNotModified
	}
	t := w.takeBody(fl, f, file)
	if t.bad == "" && t.breach == nil && f.Flags.Has(wire.FlagEnd) {
		t.bad = fl.short(f)
	}
	return t
}

// refusal tells an answer that the application got wrong from data that no worker sends.
func refusal(err error) taken {
	var bad *wire.BadAnswer
	if errors.As(err, &bad) {
		return taken{bad: bad.Error()}
	}
	return taken{breach: err}
}

// takeBody holds a part's body, at most as much as the answer's Content-Length leaves.
func (w *Workshop) takeBody(fl *flight, f *wire.Frame, file int) taken {
	var p part
	if f.Flags&(wire.FlagFile|wire.FlagBodyInDescriptor) != 0 {
		t, ok := fileRange(f, file, &p)
		if !ok {
			w.closeFile(file)
			return t
		}
	} else {
		p.n = int64(len(f.Body))
	}
	if left := fl.length - fl.got; !fl.bodiless && fl.length >= 0 && p.n > left {
		if !fl.warned {
			fl.warned = true
			w.opts.Journal.Warn("%s has more bytes than its Content-Length of %d; the rest was left out", fl.name(), fl.length)
		}
		p.n = left
	}
	if fl.bodiless || p.n <= 0 {
		w.closeFile(file)
		return taken{}
	}
	fl.got += p.n
	if file >= 0 {
		p.file = os.NewFile(uintptr(file), "answer")
	} else if body := f.Body[:p.n]; fl.join(body) {
		return taken{n: len(body), roomless: !w.counts(fl, int64(len(body)))}
	} else {
		p = w.keep(fl, body)
	}
	return taken{n: int(p.n), roomless: !w.hold(fl, p)}
}

// fileRange reads which bytes of its descriptor a part means, and whether the file has them.
func fileRange(f *wire.Frame, file int, p *part) (taken, bool) {
	size, err := worker.RegularSize(file)
	if err != nil {
		return taken{bad: "bad answer: its file cannot be sent: " + err.Error()}, false
	}
	if f.Flags.Has(wire.FlagBodyInDescriptor) {
		p.n = size
		return taken{}, true
	}
	p.off, p.n, err = wire.DecodeFileRange(f.Body)
	if err != nil {
		return taken{breach: err}, false
	}
	if p.off > size || p.n > size-p.off {
		return taken{bad: fmt.Sprintf("bad answer: its file has %d bytes, of which %d from %d on were to be sent",
			size, p.n, p.off)}, false
	}
	return taken{}, true
}

// closeFile closes a descriptor that came from a worker, if there is one.
func (w *Workshop) closeFile(file int) {
	if file >= 0 {
		w.closer.Do(func() { _ = unix.Close(file) })
	}
}

// short says what is missing at the end of an answer, or "".
func (fl *flight) short(f *wire.Frame) string {
	if fl.length < 0 || fl.bodiless || fl.got >= fl.length || f.Flags.Has(wire.FlagError) {
		return ""
	}
	return fmt.Sprintf("bad answer: header \"Content-Length\" says %d bytes, the body has %d", fl.length, fl.got)
}

// name names the request for the journal, without its query string.
func (fl *flight) name() string {
	return fmt.Sprintf("the answer of request %d (%s %s)", fl.req.ID, fl.req.Method, fl.req.Path)
}
