package lab

import (
	"fmt"
	"io"
	"sync"
	"time"

	"fender/internal/proving/lab/scenario"
	"fender/internal/proving/report"
)

// progress tells a person how far the run is: a line that changes on a terminal, else a line a phase.
type progress struct {
	out      io.Writer
	terminal bool

	mu    sync.Mutex
	stack string
	board *board // nil: nothing is seen of the servers
	now   *scenario.Phase
	since time.Time
	drawn bool

	stop chan struct{}
	over sync.WaitGroup
}

const redraw = 250 * time.Millisecond

func newProgress(out io.Writer, terminal bool) *progress {
	p := &progress{out: out, terminal: terminal, stop: make(chan struct{})}
	if terminal {
		p.over.Go(p.live)
	}
	return p
}

func (p *progress) close() {
	close(p.stop)
	p.over.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

// live draws the changing line.
func (p *progress) live() {
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case now := <-tick.C:
			p.draw(now)
		}
	}
}

func (p *progress) draw(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now == nil {
		return
	}
	// Without wrapping: of a line that is wrapped only the last piece would be drawn over.
	fmt.Fprintf(p.out, "\r\x1b[K\x1b[?7l%s\x1b[?7h", p.line(now))
	p.drawn = true
}

// line is what can be said now: the phase, the time left, what failed so far. What matters most
// comes first, because a narrow terminal shows the begin only.
func (p *progress) line(now time.Time) string {
	left := max(0, p.now.For-now.Sub(p.since)).Round(time.Second)
	text := fmt.Sprintf("%s: %s, ", p.stack, p.now.Name)
	switch {
	case p.now.Until == nil:
		text += fmt.Sprintf("%s left", left)
	case left > 0:
		text += fmt.Sprintf("%d %s usually in %s", p.now.Until.Count, p.now.Until.Kind, left)
	default:
		text += fmt.Sprintf("%d %s in %s at most", p.now.Until.Count, p.now.Until.Kind, max(0, p.now.Most-now.Sub(p.since)).Round(time.Second))
	}
	if p.board != nil {
		requests, failed := p.board.logged()
		born, dead, live := p.board.counts()
		text += fmt.Sprintf(" · %d of %d failed · %d workers, %d born, %d dead", failed, requests, live, born, dead)
	}
	return text + " (" + p.now.Describe() + ")"
}

// clear takes the changing line away. The caller holds mu.
func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.drawn = false
	}
}

func (p *progress) say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintln(p.out, text)
}

// stopping says that the run is broken off: a server that is busy may take its time.
func (p *progress) stopping() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.now = nil
	fmt.Fprintln(p.out, "stopping everything; a second Ctrl-C does not wait for it")
}

func (p *progress) begin(stack string, b *board) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.stack, p.board, p.now = stack, b, nil
	if !p.terminal {
		fmt.Fprintf(p.out, "%s: starting\n", stack)
	}
}

func (p *progress) phase(ph scenario.Phase, since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now, p.since = &ph, since
	if !p.terminal {
		fmt.Fprintf(p.out, "%s: %s: %s, %s\n", p.stack, ph.Name, ph.Describe(), ph.Ends())
	}
}

// row says how a stack's run ended.
func (p *progress) row(r *report.Row) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.now = nil
	if r.Outcome == report.Broken {
		fmt.Fprintf(p.out, "%s: broken off: %s\n", r.Stack, r.Error)
		return
	}
	lives := ""
	if p.board != nil {
		lives = fmt.Sprintf(", %d workers born, %d dead", r.Born, r.Dead)
	}
	fmt.Fprintf(p.out, "%s: %d requests, %d failed%s: %s\n", r.Stack, r.Total.Requests, r.Total.Failed, lives, r.Outcome)
}
