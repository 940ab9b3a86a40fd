package workers

import (
	"strconv"
	"strings"
	"time"

	"fender/internal/exchange"
	"fender/internal/observe/event"
	"fender/internal/workers/pool"
)

// tell makes an event of a note of the pool's: it adds what the pool does not know, such as pids.
func (w *Workshop) tell(now time.Duration, n *pool.Note) {
	e := event.Event{
		Worker: n.Number, Spawn: uint64(n.Spawn), Generation: n.Generation,
		Reason: n.Reason, RequestID: uint64(n.ID), Cause: string(n.Cause),
		Seconds: n.After.Seconds(), Text: n.Text,
	}
	if m := w.members[n.Spawn]; m != nil {
		e.PID, e.Generation = m.pid(), m.generation
	}
	switch n.Kind {
	case pool.NoteWorker:
		e.Kind, e.From, e.To = event.Worker, n.From.String(), n.To.String()
		if n.From == pool.StateNone {
			e.From = ""
		}
		if n.To == pool.StateGone {
			w.obituary(&e, n)
		}
		w.count()
	case pool.NoteRetry, pool.NoteTakenBack, pool.NoteError:
		e.Kind = event.RequestError
		if n.Kind == pool.NoteRetry {
			e.Kind = event.Retry
		} else if n.Kind == pool.NoteTakenBack {
			e.Kind = event.TakenBack
		}
		w.name(&e, n.ID)
	case pool.NoteScale:
		target := w.pool.Status(now).Target
		e.Kind, e.From, e.To = event.Scale, strconv.Itoa(target-n.Delta), strconv.Itoa(target)
	case pool.NoteReload:
		w.reloadNote(now, &e)
	case pool.NoteTemplate:
		w.templateNote(&e)
	default:
		e.Kind = event.Warning
	}
	w.opts.Journal.Emit(e)
}

// obituary adds how a worker ended, and what became of its requests: the notes that follow.
func (w *Workshop) obituary(e *event.Event, n *pool.Note) {
	e.Text = ""
	if m := w.members[n.Spawn]; m != nil {
		e.Requests = m.answers
		if m.death.known {
			e.Signal = n.Death.Signal
			if e.Signal == 0 {
				code := n.Death.Code
				e.ExitCode = &code
			}
		} else if n.Death != nil {
			e.Text = n.Death.Text
		}
	}
	for i := range w.effects {
		switch x := w.effects[i].Note; {
		case x == nil || x.Spawn != n.Spawn:
		case x.Kind == pool.NoteRetry || x.Kind == pool.NoteTakenBack:
			e.Moved++
		case x.Kind == pool.NoteError:
			e.Failed++
		}
	}
}

// name adds which request it is about: in flight, or just failed.
func (w *Workshop) name(e *event.Event, id exchange.ID) {
	if fl := w.flights[id]; fl != nil {
		r := fl.req
		e.Method, e.Path, e.TraceID = strings.Clone(r.Method), strings.Clone(r.Path), strings.Clone(r.TraceID)
		return
	}
	for i := len(w.failed) - 1; i >= 0; i-- {
		if f := &w.failed[i]; f.id == id {
			e.Method, e.Path, e.TraceID, e.Attempts = f.method, f.path, f.traceID, f.attempts
			return
		}
	}
}

// reloadNote splits the pool's sentence into the word for the state and the rest.
func (w *Workshop) reloadNote(now time.Duration, e *event.Event) {
	e.Kind = event.Reload
	word, rest, _ := strings.Cut(e.Text, ":")
	e.Text = strings.TrimSpace(rest)
	switch {
	case strings.HasPrefix(word, "began"):
		e.To = event.StateStarted
	case strings.HasPrefix(word, "merged"):
		e.To = event.StateMerged
	case strings.HasPrefix(word, "refused"):
		e.To, e.Error, e.Text = event.StateRefused, e.Text, ""
		e.Generation = w.pool.Status(now).Generation // the one that goes on
	default:
		e.To = event.StateDone
	}
}

// templateNote adds what is known of the template's process.
func (w *Workshop) templateNote(e *event.Event) {
	e.Kind = event.Template
	word, rest, _ := strings.Cut(e.Text, ":")
	e.To, e.Text = word, ""
	if t := w.templates[e.Generation]; t != nil && t.proc != nil {
		e.PID, e.Python = t.proc.PID, t.python
		if word == event.StateReady {
			e.Seconds = t.seconds
			if t.urlconf {
				e.Text = "with the URLconf"
			}
		}
	}
	if word == event.StateGone || word == event.StateFailed {
		e.Error = strings.TrimSpace(rest)
	}
}
