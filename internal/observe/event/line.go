package event

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// Prefix begins every line for people.
const Prefix = "fender: "

// Line is the event as one line for people, without prefix and newline: it says what happened, to
// which thing, and why. It is "" for what people need no line for: a worker's start (its ready line
// follows), and a request taken back (no client notices; the worker's end counts them).
//
// Control characters are shown as \xHH, whatever a client or application put into the event.
func (e Event) Line() string {
	var b strings.Builder
	switch e.Kind {
	case Listening:
		b.WriteString("listening on " + e.Address)
		paren(&b, e.Text)
	case Template:
		e.template(&b)
	case Worker:
		e.worker(&b)
	case RequestError:
		b.WriteString(e.request() + " failed: " + e.Cause)
		colon(&b, e.Error)
		colon(&b, e.Text)
		paren(&b, e.where())
	case Retry:
		b.WriteString(e.request() + " is begun again")
		colon(&b, firstOf(e.Cause, string(e.Reason), e.Text))
		paren(&b, e.where())
	case TakenBack:
	case Scale:
		if e.From == e.To {
			b.WriteString("scaling stays at " + e.To)
		} else {
			fmt.Fprintf(&b, "scaling from %s to %s workers", e.From, e.To)
		}
		colon(&b, e.Text)
	case Reload:
		e.reload(&b)
	case Drain:
		b.WriteString("drain " + e.To)
		e.after(&b)
		e.signalled(&b)
		colon(&b, e.Text)
		colon(&b, e.Error)
	default: // Config, Warning
		if e.Python != "" { // the first line of all
			b.WriteString(e.Python)
		} else {
			b.WriteString(string(e.Kind))
		}
		colon(&b, e.Text)
		colon(&b, e.Error)
	}
	return Printable(b.String())
}

func (e *Event) template(b *strings.Builder) {
	if e.To == StateStarting && e.Python != "" {
		b.WriteString(e.Python + ", ")
	}
	b.WriteString("template")
	paren(b, e.pid())
	b.WriteString(" " + e.To)
	e.ended(b)
	if e.To == StateReady {
		e.in(b)
	} else {
		e.after(b)
	}
	if e.Generation > 0 {
		fmt.Fprintf(b, ", generation %d", e.Generation)
	}
	colon(b, e.Text)
	colon(b, e.Error)
}

func (e *Event) worker(b *strings.Builder) {
	if e.To == StateStarting {
		return
	}
	name := fmt.Sprintf("worker %d", e.Worker)
	switch e.To {
	case StateReady:
		b.WriteString(name)
		spawn := ""
		if e.Spawn > 0 {
			spawn = fmt.Sprintf("spawn %d", e.Spawn)
		}
		paren(b, join(", ", spawn, e.pid()))
		b.WriteString(" ready")
		e.in(b)
		return
	case StateGone:
		b.WriteString(name)
		paren(b, e.pid())
		e.gone(b)
		return
	}
	b.WriteString(name)
	paren(b, e.pid())
	b.WriteString(" " + e.To)
	colon(b, string(e.Reason))
	if e.RequestID > 0 {
		b.WriteString(", " + e.request())
		e.after(b)
	}
	colon(b, e.Text)
	colon(b, e.Error)
}

// gone is the rest of the line about a worker's end. One that was retired is "gone", one that
// was not "died".
func (e *Event) gone(b *strings.Builder) {
	switch {
	case e.Reason == ReasonBootFailure || e.From == StateStarting:
		b.WriteString(" did not come up")
	case e.From == StateRetiring || e.Reason == ReasonShutdown:
		b.WriteString(" gone")
	default:
		b.WriteString(" died")
	}
	if e.Requests > 0 {
		b.WriteString(" after " + count(e.Requests, "request"))
	}
	why := []string{}
	switch e.Reason {
	case ReasonNone, ReasonCrash, ReasonBootFailure: // the way in which it ended says it
	case ReasonOOM:
		why = append(why, "out of memory")
	default:
		why = append(why, string(e.Reason))
	}
	why = append(why, e.ending())
	if e.Failed > 0 {
		why = append(why, count(e.Failed, "request")+" failed")
	}
	if e.Moved > 0 {
		why = append(why, count(e.Moved, "request")+" moved to other workers")
	}
	colon(b, join(", ", why...))
	colon(b, e.Text)
	colon(b, e.Error)
}

func (e *Event) reload(b *strings.Builder) {
	b.WriteString("reload " + e.To)
	switch e.To {
	case StateDone:
		e.in(b)
		if e.Generation > 0 {
			fmt.Fprintf(b, ", generation %d serves", e.Generation)
		}
	case StateRefused:
		e.after(b)
		if e.Generation > 0 {
			fmt.Fprintf(b, ", generation %d goes on", e.Generation)
		}
	default:
		if e.Reason != ReasonNone && e.Reason != ReasonReload {
			paren(b, string(e.Reason))
		}
		e.signalled(b)
		if e.Generation > 0 {
			fmt.Fprintf(b, ", generation %d comes", e.Generation)
		}
	}
	colon(b, e.Text)
	colon(b, e.Error)
}

// request names the event's request.
func (e *Event) request() string {
	return join(" ", "request", strconv.FormatUint(e.RequestID, 10), e.Method, e.Path)
}

// where says which worker had the request, how often it was begun, and its trace.
func (e *Event) where() string {
	worker, attempts, trace := "", "", ""
	if e.Worker > 0 {
		worker = join(", ", fmt.Sprintf("worker %d", e.Worker), e.pid())
	}
	if e.Attempts > 1 {
		attempts = fmt.Sprintf("begun %d times", e.Attempts)
	}
	if e.TraceID != "" {
		trace = "trace " + e.TraceID
	}
	return join(", ", worker, attempts, trace)
}

func (e *Event) pid() string {
	if e.PID == 0 {
		return ""
	}
	return fmt.Sprintf("pid %d", e.PID)
}

// ending says how a process ended.
func (e *Event) ending() string {
	switch {
	case e.Signal > 0:
		return signal(e.Signal)
	case e.ExitCode != nil && (*e.ExitCode != 0 || e.From != StateRetiring):
		return fmt.Sprintf("exit code %d", *e.ExitCode)
	}
	return ""
}

func (e *Event) ended(b *strings.Builder) { colon(b, e.ending()) }

func (e *Event) signalled(b *strings.Builder) {
	if e.Signal > 0 {
		paren(b, unix.SignalName(unix.Signal(e.Signal)))
	}
}

func (e *Event) in(b *strings.Builder)    { e.took(b, " in ") }
func (e *Event) after(b *strings.Builder) { e.took(b, " after ") }

func (e *Event) took(b *strings.Builder, word string) {
	if e.Seconds > 0 {
		b.WriteString(word + duration(e.Seconds))
	}
}

// duration is a time that a person can read: 8 ms, 1.2 s, 61 s.
func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(float64(d.Microseconds())/1000, 'g', 2, 64) + " ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 0, 64) + " s"
}

func signal(n int) string {
	if name := unix.SignalName(unix.Signal(n)); name != "" {
		return fmt.Sprintf("signal %d (%s)", n, name)
	}
	return fmt.Sprintf("signal %d", n)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func colon(b *strings.Builder, s string) {
	if s != "" {
		b.WriteString(": " + s)
	}
}

func paren(b *strings.Builder, s string) {
	if s != "" {
		b.WriteString(" (" + s + ")")
	}
}

// join is strings.Join of those that are not empty.
func join(sep string, parts ...string) string {
	kept := parts[:0:0]
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, sep)
}

func firstOf(options ...string) string {
	for _, s := range options {
		if s != "" {
			return s
		}
	}
	return ""
}

// Printable shows what could move the cursor, begin a new line or pretend to be another text:
// control characters and invalid UTF-8 become \xHH, byte by byte.
func Printable(s string) string {
	var b []byte
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if (r == utf8.RuneError && n == 1) || !strconv.IsPrint(r) {
			if b == nil {
				b = append(make([]byte, 0, len(s)+16), s[:i]...)
			}
			for _, c := range []byte(s[i : i+n]) {
				b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
			}
		} else if b != nil {
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	if b == nil {
		return s
	}
	return string(b)
}

const hex = "0123456789ABCDEF"
