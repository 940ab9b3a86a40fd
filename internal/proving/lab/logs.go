package lab

import (
	"bufio"
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
	if l.size > mostLog {
		return
	}
	n, _ := fmt.Fprintf(l.out, "%9.3f  %s  %s\n", now.Sub(l.begin).Seconds(), who, text)
	l.size += int64(n)
}

func (l *logs) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.out.Flush(); err != nil {
		l.file.Close()
		return err
	}
	return l.file.Close()
}
