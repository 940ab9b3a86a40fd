package accesslog

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Sink is where the lines go. One goroutine uses it.
type Sink interface {
	// Write takes whole lines.
	Write(lines []byte) error
	// Due is when Flush is wanted next; the zero time: never.
	Due() time.Time
	// Flush finishes what is due.
	Flush() error
	// Close finishes everything.
	Close() error
}

// Open makes the sink of a destination: "-" is standard output, a folder (or a name that ends in a
// slash) gets gzip files in the layout of S3, everything else is a file that is appended to.
func Open(destination string, l Layout) (Sink, error) {
	if destination == "-" {
		return Stream(os.Stdout), nil
	}
	info, err := os.Stat(destination)
	if strings.HasSuffix(destination, "/") || err == nil && info.IsDir() {
		l.Dir = destination
		return Files(l)
	}
	f, err := os.OpenFile(destination, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	return &stream{f, f}, nil
}

// Stream is a sink that writes at once. It does not close w.
func Stream(w io.Writer) Sink { return &stream{w, nil} }

type stream struct {
	w      io.Writer
	closer io.Closer
}

func (s *stream) Write(lines []byte) error {
	_, err := s.w.Write(lines)
	return err
}

func (*stream) Due() time.Time { return time.Time{} }
func (*stream) Flush() error   { return nil }

func (s *stream) Close() error {
	if s.closer == nil {
		return nil
	}
	return s.closer.Close()
}
