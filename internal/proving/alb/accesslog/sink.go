package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// Sink is where the lines go. One goroutine uses it. With an error it says how many lines that cost: also
// of those that an earlier Write has taken.
type Sink interface {
	// Write takes whole lines.
	Write(lines []byte) (lost int64, err error)
	// Due is when Flush is wanted next; the zero time: never.
	Due() time.Time
	// Flush finishes what is due.
	Flush() (lost int64, err error)
	// Close finishes everything.
	Close() (lost int64, err error)
}

func count(lines []byte) int64 { return int64(bytes.Count(lines, []byte{'\n'})) }

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
	f := &file{path: destination}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("%s: %w", l.Kind.Name(), err)
	}
	return f, nil
}

// Stream is a sink that writes at once. It does not close w.
func Stream(w io.Writer) Sink { return &stream{w: w} }

type stream struct {
	w    io.Writer
	torn bool // what was written last ends within a line
}

func (s *stream) Write(lines []byte) (lost int64, err error) {
	if s.torn { // the half line stands alone, and takes no other with it
		if _, err := s.w.Write([]byte{'\n'}); err != nil {
			return count(lines), err
		}
		s.torn = false
	}
	n, err := s.w.Write(lines)
	if err == nil {
		return 0, nil
	}
	s.torn = n > 0 && lines[n-1] != '\n'
	return count(lines[n:]), err
}

func (*stream) Due() time.Time        { return time.Time{} }
func (*stream) Flush() (int64, error) { return 0, nil }
func (*stream) Close() (int64, error) { return 0, nil }

// lookEvery is how often a file is looked for at its name.
const lookEvery = time.Second

// file is a sink that appends to a file. When that has been moved away or deleted, as who rotates logs
// does, another is begun at its name.
type file struct {
	stream
	path   string
	file   *os.File
	looked time.Time
}

// open does not wait for who is to read from a named pipe: nothing could end that.
func (f *file) open() error {
	opened, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NONBLOCK, 0o644)
	if errors.Is(err, syscall.ENXIO) {
		return fmt.Errorf("nobody reads from %s: start its reader first", f.path)
	}
	if err != nil {
		return err
	}
	f.file, f.looked, f.stream = opened, time.Now(), stream{w: opened}
	return nil
}

func (f *file) Write(lines []byte) (lost int64, err error) {
	if now := time.Now(); now.Sub(f.looked) >= lookEvery {
		if f.moved() {
			before := f.file
			if err := f.open(); err != nil {
				return count(lines), err
			}
			_ = before.Close() // what was written stands in it
		}
		f.looked = now
	}
	return f.stream.Write(lines)
}

// moved reports whether the file is no longer the one at its name. Pipes and devices stay what they are.
func (f *file) moved() bool {
	mine, err := f.file.Stat()
	if err != nil || !mine.Mode().IsRegular() {
		return false
	}
	there, err := os.Stat(f.path)
	return err != nil || !os.SameFile(mine, there)
}

func (f *file) Close() (int64, error) { return 0, f.file.Close() }
