package lab

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// logs is the row's file with every line of its servers, like `docker logs -t` of all at once.
type logs struct {
	begin time.Time

	mu   sync.Mutex
	file *os.File
	out  *bufio.Writer
	size int64
	cut  bool // the bound was reached
}

// mostLog bounds the file of one row.
const mostLog = 64 << 20

func openLogs(path string, begin time.Time) (*logs, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &logs{begin: begin, file: f, out: bufio.NewWriter(f)}, nil
}

// from sets the axis: lines before it have negative times.
func (l *logs) from(begin time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begin = begin
}

func (l *logs) line(now time.Time, who, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return
	}
	n, _ := fmt.Fprintf(l.out, "%9.3f  %s  %s\n", now.Sub(l.begin).Seconds(), who, text)
	if l.size += int64(n); l.size > mostLog {
		l.cut = true
		fmt.Fprintf(l.out, "the rest is left out: no more than %d MiB are kept of a stack\n", mostLog>>20)
	}
}

// close writes what is left. The error says also what could not be written before: a full disk must
// not break a run off, but be told.
func (l *logs) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.out.Flush(), l.file.Close())
}
