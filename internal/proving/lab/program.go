package lab

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"fender/internal/proving/keeper"
	"fender/internal/proving/report"
)

// program is a started program whose lines are read. It owns its process until stop.
type program struct {
	name  string
	child *keeper.Child
	lines sync.WaitGroup // the reader
	last  *tail
}

// launch starts a program below a keeper and gives each line of its output to seen.
func launch(self []string, name string, args, env []string, dir string, stopWith syscall.Signal, split bool, seen func(line string, isErr bool)) (_ *program, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("starting %s: %w", name, err)
		}
	}()
	p := &program{name: name, last: &tail{}}
	spec := keeper.Spec{Args: args, Env: env, Dir: dir, StopWith: stopWith}
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	spec.Stdout, spec.Stderr = outW, outW
	readers := map[*os.File]bool{outR: false}
	writers := []*os.File{outW}
	if split {
		errR, errW, err := os.Pipe()
		if err != nil {
			outR.Close()
			outW.Close()
			return nil, err
		}
		spec.Stderr = errW
		readers[errR] = true
		writers = append(writers, errW)
	}
	p.child, err = keeper.Start(self, spec)
	for _, w := range writers {
		w.Close()
	}
	if err != nil {
		for r := range readers {
			r.Close()
		}
		return nil, err
	}
	for r, isErr := range readers {
		p.lines.Go(func() {
			defer r.Close()
			err := readLines(r, func(line string) {
				if isErr || !split {
					p.last.add(line)
				}
				seen(line, isErr)
			})
			if errors.Is(err, os.ErrDeadlineExceeded) {
				p.last.add("(its keeper is gone, and somebody still holds its output: something of it may be left)")
			}
		})
		go func() { // until the program is stopped
			<-p.child.Done()
			_ = r.SetReadDeadline(time.Now().Add(leftover))
		}()
	}
	return p, nil
}

// leftover is how long the output is read on when the keeper is gone. It ends at once unless somebody
// has killed the keeper, which is then no longer there to end what the program has left behind.
const leftover = time.Second

// readLines gives whole lines, the longest cut, until the end. It always reads on: a server must
// never wait for the lab.
func readLines(r io.Reader, seen func(string)) error {
	b := bufio.NewReaderSize(r, 64<<10)
	for inside := false; ; { // a line whose begin was given already
		line, err := b.ReadSlice('\n')
		if len(line) > 0 && !inside {
			seen(strings.TrimRight(string(line), "\r\n"))
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		inside = err != nil
	}
}

// cpu is the CPU time of the program's processes that run now, in seconds.
func (p *program) cpu() (seconds float64) {
	all, err := p.child.Processes()
	if err != nil {
		return 0
	}
	for _, q := range all {
		seconds += q.CPU.Seconds()
	}
	return seconds
}

// tail keeps the last lines of a program, for an error message.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lines = append(t.lines, report.Plain(line)); len(t.lines) > 12 {
		t.lines = t.lines[1:]
	}
}

const lastWords = "its last words:"

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == 0 {
		return "it said nothing"
	}
	return lastWords + "\n  " + strings.Join(t.lines, "\n  ")
}

// said are the last words of a program that has ended.
func (p *program) said() string {
	p.lines.Wait()
	return p.last.String()
}

// stop ends the program and returns when everything below it is gone and all is read.
func (p *program) stop(grace time.Duration) bool {
	polite := p.child.Stop(grace)
	p.lines.Wait()
	return polite
}
