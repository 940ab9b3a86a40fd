package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"fender/internal/proving/siege"

	"golang.org/x/sys/unix"
)

// siegeView is what people see of a run. As in siege, the lines of requests go to standard output and
// everything else to standard error, so that the output can be counted and the JSON be read.
type siegeView struct {
	p     *Process
	f     *siegeFlags
	opts  *siege.Options
	words io.Writer // for people
	live  bool      // one line on a terminal, written over

	mu   sync.Mutex
	line int   // length of the live line
	err  error // of the first line of a request that could not be printed
}

func newSiegeView(p *Process, f *siegeFlags, opts *siege.Options) *siegeView {
	v := &siegeView{p: p, f: f, opts: opts, words: p.Stderr}
	if f.quiet {
		v.words = io.Discard
	}
	if f.verbose && !f.quiet && !f.asJSON && !f.siegeJSON {
		opts.Each = v.transaction
	} else if !f.quiet && terminal(p.Stderr) {
		opts.Tick, v.live = v.progress, true
	}
	return v
}

func terminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	return err == nil
}

// width is how many columns a terminal has, 0 when it does not say.
func width(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok {
		return 0
	}
	size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Col)
}

func (v *siegeView) begin() {
	var parts []string
	for _, p := range v.opts.Phases {
		parts = append(parts, p.String())
	}
	what := v.opts.Requests[0].URL
	if n := len(v.opts.Requests); n > 1 {
		what = fmt.Sprintf("%s and %d more", what, n-1)
	}
	fmt.Fprintf(v.words, "** fender siege %s\n** %s: %s\n", v.p.Version, strings.Join(parts, ", "), what)
	if !v.live {
		fmt.Fprintln(v.words, "The server is now under siege...")
	}
}

// transaction is siege's line for a request, with the failure behind it.
func (v *siegeView) transaction(t siege.Transaction) {
	status := "HTTP/1.1 " + fmt.Sprint(t.Status)
	if t.Status == 0 {
		status = "-------- ---"
	}
	why := ""
	if t.Kind != siege.OK {
		why = "  [" + t.Kind.String() + ": " + t.Why + "]"
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	_, err := fmt.Fprintf(v.p.Stdout, "%s %8.2f secs: %7d bytes ==> %-4s %s%s\n", status, t.Took.Seconds(), t.Body, t.Request.Method, t.Request.Shown(), why)
	if v.err == nil {
		v.err = err
	}
}

// progress writes the live line.
func (v *siegeView) progress(p siege.Progress) {
	at := p.Elapsed.Round(time.Second).String()
	if p.Length > 0 {
		at += " of " + p.Length.String()
	}
	if p.Phases > 1 {
		at += fmt.Sprintf(", phase %d of %d", p.Phase, p.Phases)
	}
	text := fmt.Sprintf("%s (%s): %d requests, %d failed, %d/s, p99 %v, %d users", at, p.Load, p.Requests, p.Failed,
		p.Second.Requests, time.Duration(p.Second.P99*float64(time.Second)).Round(10*time.Microsecond), p.Users)
	shown := []rune(text)
	if n := width(v.p.Stderr); n > 1 && len(shown) >= n { // it must not reach the next line
		shown = shown[:n-1]
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	fmt.Fprintf(v.p.Stderr, "\r%-*s", v.line, string(shown))
	v.line = len(shown)
}

// end removes the live line.
func (v *siegeView) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.line > 0 {
		fmt.Fprintf(v.p.Stderr, "\r%*s\r", v.line, "")
	}
}

// result prints the result in the form that was asked for.
func (v *siegeView) result(r *siege.Result) error {
	switch {
	case v.f.asJSON:
		return r.Write(v.p.Stdout)
	case v.f.siegeJSON:
		return r.SiegeJSON(v.p.Stdout)
	}
	err := r.Summary(v.words)
	if v.err != nil {
		err = errors.Join(err, fmt.Errorf("the lines of -v are not complete: %w", v.err))
	}
	return err
}
