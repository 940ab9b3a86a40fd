package lab

import (
	"fmt"
	"strings"
	"time"

	"fender/internal/proving/report"
)

// logCount is what the balancer's access log has told so far.
type logCount struct {
	requests int
	failed   int // answers of 5xx, and 4xx other than the client's leaving
	statuses map[string]int
	causes   map[string]int // of ELB-made 502s, by their signature
	lines    []string       // the first that tell of a failure
	bins     map[int]report.Bin
	width    float64 // of a bin, seconds
}

// mostLines is how many lines of failures a report shows.
const mostLines = 10

func newLogCount(width float64) logCount {
	return logCount{statuses: map[string]int{}, causes: map[string]int{}, bins: map[int]report.Bin{}, width: width}
}

// logLine is what the lab reads of a line of the access log (docs/alb.md has all 34 fields).
type logLine struct {
	target  string // host:port
	times   [3]string
	status  string // the balancer's
	targets string // the target's
}

func parseLine(line string) (logLine, error) {
	fields := strings.Fields(line)
	if len(fields) < 12 {
		return logLine{}, fmt.Errorf("%d fields are too few for the access log", len(fields))
	}
	l := logLine{target: fields[4], times: [3]string{fields[5], fields[6], fields[7]}, status: fields[8], targets: fields[9]}
	if len(l.status) != 3 {
		return l, fmt.Errorf("%q is no status", l.status)
	}
	return l, nil
}

// signature says how a 502 of the balancer's own came about, by the three times (facts in docs/alb.md).
func (l logLine) signature() string {
	switch {
	case l.times[0] == "-1":
		return "the target refused the connection (-1 -1 -1)"
	case l.times[2] == "-1":
		return "the target closed the connection under the request (t t -1)"
	}
	var pattern []string
	for _, t := range l.times {
		if t != "-1" {
			t = "t"
		}
		pattern = append(pattern, t)
	}
	return "another (" + strings.Join(pattern, " ") + ")"
}

// bin counts requests that ended at that time.
func (c *logCount) bin(at float64, ok, failed int) {
	if at < 0 {
		return
	}
	b := c.bins[int(at/c.width)]
	b.OK += ok
	b.Failed += failed
	c.bins[int(at/c.width)] = b
}

// series are the bins from 0 to the end, those without a request too.
func (c *logCount) series(end float64) []report.Bin {
	all := make([]report.Bin, int(end/c.width)+1)
	for i := range all {
		all[i] = c.bins[i]
		all[i].At, all[i].Width = float64(i)*c.width, c.width
	}
	return all
}

// add counts a line. 460 is a client that left: the lab's own, or a user at the end of a phase.
func (c *logCount) add(at float64, line string) {
	l, err := parseLine(line)
	if err != nil {
		c.statuses["unreadable"]++
		return
	}
	c.requests++
	c.statuses[l.status]++
	if l.status == "460" {
		return
	}
	if l.status < "400" {
		c.bin(at, 1, 0)
		return
	}
	c.bin(at, 0, 1)
	c.failed++
	if l.status == "502" && l.targets == "-" {
		c.causes[l.signature()]++
	}
	if len(c.lines) < mostLines {
		c.lines = append(c.lines, report.Plain(line))
	}
}

func (b *board) logLine(now time.Time, line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log.add(b.at(now), line)
}

// logged is how many requests the balancer has answered and how many of them failed.
func (b *board) logged() (requests, failed int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.requests, b.log.failed
}
