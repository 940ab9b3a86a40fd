package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"fender/internal/proving/keeper"
	"fender/internal/proving/lab/stack"
	"fender/internal/proving/proctree"
)

// Bounds of starting and stopping; generous, because a loaded machine is slow.
const (
	startTimeout = 60 * time.Second
	stopGrace    = 10 * time.Second
)

// program is a started program whose lines are read. It owns its process until stop.
type program struct {
	name  string
	child *keeper.Child
	lines sync.WaitGroup // the reader
	last  *tail
}

// launch starts a program below a keeper and gives each line of its output to seen.
func launch(self []string, name string, args, env []string, dir string, stopWith syscall.Signal, split bool, seen func(line string, isErr bool)) (*program, error) {
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
			readLines(r, func(line string) {
				if isErr || !split {
					p.last.add(line)
				}
				seen(line, isErr)
			})
		})
	}
	return p, nil
}

// readLines gives whole lines, the longest cut, until the end. It always reads on: a server must
// never wait for the lab.
func readLines(r io.Reader, seen func(string)) {
	b := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := b.ReadSlice('\n')
		if len(line) > 0 {
			seen(strings.TrimRight(string(line), "\r\n"))
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// stop ends the program and returns when everything below it is gone and all is read.
func (p *program) stop(grace time.Duration) bool {
	polite := p.child.Stop(grace)
	p.lines.Wait()
	return polite
}

// tail keeps the last lines of a program, for an error message.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lines = append(t.lines, line); len(t.lines) > 12 {
		t.lines = t.lines[1:]
	}
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == 0 {
		return "it said nothing"
	}
	return "its last words:\n  " + strings.Join(t.lines, "\n  ")
}

// instance is one started server of a stack: one or two programs.
type instance struct {
	stack    *stack.Stack
	place    stack.Place
	programs []*program
}

// startInstance starts a server and returns when it answers /hello with 200.
func (r *row) startInstance(ctx context.Context, number int) (*instance, error) {
	dir := filepath.Join(r.dir, fmt.Sprintf("i%d", number))
	// Apache's and NGINX's workers are another user when the lab is root.
	if err := os.Mkdir(dir, 0o777); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	i := &instance{stack: r.stack, place: stack.Place{Host: r.lab.Host, Dir: dir, Address: address, Options: r.options()}}
	commands, err := r.stack.Commands(i.place)
	if err != nil {
		return nil, err
	}
	workers := newCountdown(r.initial())
	for n, c := range commands {
		var reader stack.Reader
		if n == r.stack.Manager {
			reader = r.stack.Reader()
		}
		env := append(r.environ(dir), c.Env...)
		p, err := launch(r.lab.Self, fmt.Sprintf("%s %d", filepath.Base(c.Args[0]), number), c.Args, env, dir, c.Stop, false, func(line string, _ bool) {
			now := time.Now()
			r.logs.line(now, fmt.Sprintf("%d %s", number, filepath.Base(c.Args[0])), line)
			if reader == nil {
				return
			}
			if e, ok := reader.Line(line); ok {
				r.board.worker(now, e)
				if e.Born {
					workers.one()
				}
			}
		})
		if err != nil {
			i.stop(0)
			return nil, err
		}
		i.programs = append(i.programs, p)
	}
	err = i.await(ctx)
	if err == nil {
		err = i.complete(ctx, workers)
	}
	if err != nil {
		i.stop(0)
		return nil, err
	}
	return i, nil
}

// complete waits until all the workers of the start have come: who comes later counts as born.
func (i *instance) complete(ctx context.Context, workers *countdown) error {
	timeout := time.NewTimer(startTimeout)
	defer timeout.Stop()
	select {
	case <-workers.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timeout.C:
		return fmt.Errorf("%s: its log does not tell of %d workers; %s", i.stack.Name, workers.asked, i.programs[i.stack.Manager].last)
	}
}

// countdown is closed when so many have come.
type countdown struct {
	asked int
	left  atomic.Int64
	done  chan struct{}
}

func newCountdown(n int) *countdown {
	c := &countdown{asked: n, done: make(chan struct{})}
	c.left.Store(int64(n))
	return c
}

func (c *countdown) one() {
	if c.left.Add(-1) == 0 {
		close(c.done)
	}
}

// initial is how many workers the stack starts with: all, unless it can scale and shall.
func (r *row) initial() int {
	names := []string{"cheaper-initial", "cheaper", "processes"}
	if slices.Contains(r.stack.Lacks, "cheaper") || r.lab.scenario.Option("cheaper") == "" {
		names = names[2:]
	}
	for _, name := range names {
		if n, err := strconv.Atoi(r.lab.scenario.Option(name)); err == nil {
			return n
		}
	}
	return 1
}

// await asks until the answer is 200 or a program has ended.
func (i *instance) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := answers(ctx, "http://"+i.place.Address+"/hello")
		if err == nil {
			return nil
		}
		for _, p := range i.programs {
			select {
			case <-p.child.Done():
				p.lines.Wait()
				return fmt.Errorf("%s ended at its start; %s", p.name, p.last)
			default:
			}
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("%s does not answer after %s: %w; %s", i.stack.Name, startTimeout, err, i.programs[0].last)
			}
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// answers says whether a GET on a connection of its own gets 200.
func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Close = true
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return err
}

// stop ends the programs, the last started first.
func (i *instance) stop(grace time.Duration) {
	for n := len(i.programs) - 1; n >= 0; n-- {
		i.programs[n].stop(grace)
	}
}

func (i *instance) processes() (all []proctree.Process) {
	for _, p := range i.programs {
		below, err := p.child.Processes()
		if err == nil {
			all = append(all, below...)
		}
	}
	return all
}

// freeAddress asks the kernel for a port of the loopback interface.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
