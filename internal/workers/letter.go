package workers

import (
	"time"

	"fender/internal/exchange"
)

// letterKind says what a letter asks for.
type letterKind uint8

const (
	letterSubmit letterKind = iota + 1
	letterCancel
	letterResume
	letterDo // everything that is rare
)

// letter is what other goroutines send to the loop. The three of the request path carry values
// only; what is rare carries a function.
type letter struct {
	kind letterKind
	id   exchange.ID
	req  *exchange.Request
	do   func(now time.Duration)
}

// Submit hands a request over; see exchange.Door.
func (w *Workshop) Submit(r *exchange.Request) {
	if !w.box.Put(letter{kind: letterSubmit, req: r}) {
		r.Answer.Fail(exchange.CauseDraining, exchange.Facts{})
	}
}

// Cancel says that the client of a request has gone; see exchange.Door.
func (w *Workshop) Cancel(id exchange.ID) { w.box.Put(letter{kind: letterCancel, id: id}) }

// Resume says that an answer's receiver has room again; see exchange.Door.
func (w *Workshop) Resume(id exchange.ID) { w.box.Put(letter{kind: letterResume, id: id}) }

// post has the loop run f. It returns false when the loop has ended: f never runs then.
func (w *Workshop) post(f func(now time.Duration)) bool {
	return w.box.Put(letter{kind: letterDo, do: f})
}

func (w *Workshop) open(now time.Duration, l *letter) {
	switch l.kind {
	case letterSubmit:
		w.submitted(now, l.req)
	case letterCancel:
		w.pool.Cancel(now, l.id)
	case letterResume:
		w.resumed(now, l.id)
	case letterDo:
		l.do(now)
	}
}
