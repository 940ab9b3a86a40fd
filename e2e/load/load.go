// Package load is the client of the end-to-end tests: it speaks raw HTTP/1.1 over connections that
// it keeps, as a load balancer does, and it never retries anything. net/http's Transport retries by
// itself and would hide exactly what the tests look for.
//
// It owns its connections and its tally. It judges nothing: the tests do.
package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Request is one request to send.
type Request struct {
	Method string // GET
	Target string
	Header []string // whole lines without CRLF
	Body   []byte
	// Check judges an answer with the wanted status; nil accepts it.
	Check func(*Response) error
	// Want lists the statuses that are not failures; nil is 200 alone.
	Want []int
}

func (q *Request) bytes(host string) []byte {
	var b strings.Builder
	method := q.Method
	if method == "" {
		method = "GET"
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, q.Target, host)
	for _, h := range q.Header {
		b.WriteString(h + "\r\n")
	}
	if q.Body != nil {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(q.Body))
	}
	b.WriteString("\r\n")
	b.Write(q.Body)
	return []byte(b.String())
}

// Kind is what became of a request.
type Kind string

// The kinds. Everything but OK is a failure.
const (
	OK        Kind = "ok"
	Status    Kind = "status"    // another status than wanted
	Refused   Kind = "refused"   // no connection
	NoAnswer  Kind = "no-answer" // closed or reset before the first byte
	Truncated Kind = "truncated" // closed or reset inside the answer
	Malformed Kind = "malformed"
	WrongBody Kind = "wrong-body"
	Timeout   Kind = "timeout"
)

// Tally counts what became of requests.
type Tally struct {
	mu       sync.Mutex
	Count    map[Kind]int
	Statuses map[int]int
	Examples []string // of the first failures
	Longest  time.Duration
}

// NewTally returns an empty tally.
func NewTally() *Tally { return &Tally{Count: map[Kind]int{}, Statuses: map[int]int{}} }

func (t *Tally) add(k Kind, status int, took time.Duration, example string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Count[k]++
	if status != 0 {
		t.Statuses[status]++
	}
	t.Longest = max(t.Longest, took)
	if k != OK && len(t.Examples) < 10 {
		t.Examples = append(t.Examples, example)
	}
}

// Total is the number of requests, Failed that of failures.
func (t *Tally) Total() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, c := range t.Count {
		n += c
	}
	return n
}

// Failed is the number of requests that were not answered as wanted.
func (t *Tally) Failed() int {
	n := t.Total()
	t.mu.Lock()
	defer t.mu.Unlock()
	return n - t.Count[OK]
}

func (t *Tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var parts []string
	for k, c := range t.Count {
		parts = append(parts, fmt.Sprintf("%s %d", k, c))
	}
	sort.Strings(parts)
	s := fmt.Sprintf("%s, statuses %v, longest %v", strings.Join(parts, ", "), t.Statuses, t.Longest.Round(time.Millisecond))
	if len(t.Examples) > 0 {
		s += "\n  " + strings.Join(t.Examples, "\n  ")
	}
	return s
}

// Conn is one kept connection. It reconnects after an answer that announced the close, and after a
// failure - for the next request, never for the failed one.
type Conn struct {
	Addr    string
	Timeout time.Duration // for one answer, 30 s
	c       net.Conn
	r       *bufio.Reader
	Opened  int
}

// Close ends the connection.
func (c *Conn) Close() {
	if c.c != nil {
		c.c.Close()
		c.c = nil
	}
}

// Do sends one request and tells what became of it.
func (c *Conn) Do(q *Request) (*Response, Kind, error) {
	if c.c == nil {
		conn, err := net.DialTimeout("tcp", c.Addr, 10*time.Second)
		if err != nil {
			return nil, Refused, err
		}
		c.c, c.r = conn, bufio.NewReader(conn)
		c.Opened++
	}
	timeout := c.Timeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	if err := c.c.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, NoAnswer, err
	}
	if _, err := c.c.Write(q.bytes(c.Addr)); err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		c.Close()
		return nil, NoAnswer, err
	}
	res, err := ReadResponse(c.r, q.Method == http.MethodHead)
	if err != nil {
		c.Close()
		var ne net.Error
		switch {
		case errors.As(err, &ne) && ne.Timeout():
			return res, Timeout, err
		case errors.Is(err, ErrNoBytes):
			return res, NoAnswer, err
		case errors.Is(err, ErrMalformed):
			return res, Malformed, err
		}
		return res, Truncated, err
	}
	if res.Close {
		c.Close()
	}
	wanted := len(q.Want) == 0 && res.Status == 200
	for _, s := range q.Want {
		wanted = wanted || s == res.Status
	}
	if !wanted {
		return res, Status, fmt.Errorf("%s %s: %d %s", q.Method, q.Target, res.Status, res.Get("x-fender-cause"))
	}
	if q.Check != nil {
		if err := q.Check(res); err != nil {
			return res, WrongBody, err
		}
	}
	return res, OK, nil
}

// Run keeps clients connections busy until the context ends: each asks next for its next request,
// sends it, and waits for the answer. A request that was begun is finished.
func Run(ctx context.Context, addr string, clients int, next func(client, n int) *Request, t *Tally) {
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			c := &Conn{Addr: addr}
			defer c.Close()
			for n := 0; ctx.Err() == nil; n++ {
				q := next(i, n)
				if q == nil {
					return
				}
				begin := time.Now()
				res, kind, err := c.Do(q)
				status := 0
				if res != nil {
					status = res.Status
				}
				t.add(kind, status, time.Since(begin), fmt.Sprintf("client %d request %d: %s: %v", i, n, kind, err))
				if kind == Refused {
					return
				}
			}
		})
	}
	wg.Wait()
}
