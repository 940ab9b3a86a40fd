package front

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fender/internal/exchange"
)

// TestFront_KeepsItsBooksWithClientsOfAllKinds lets clients and applications do whatever they like, at
// the same time: afterwards every request that was handed over has had its last call and its line in the
// log, and nothing is left of memory, spool, files and goroutines (serve and TestMain look).
func TestFront_KeepsItsBooksWithClientsOfAllKinds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, bytes.Repeat([]byte("F"), 700<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	var submitted, logged atomic.Int64
	o := Options{AnswerMemory: 32 << 10, BodyMemory: 4 << 10, LimitPost: 200 << 10, SendTimeout: 2 * time.Second,
		BodyTimeout: 2 * time.Second, HeadTimeout: 2 * time.Second, Spool: exchange.NewBudget(6 << 20), Memory: exchange.NewBudget(1 << 20)}
	s := serve(t, o, func(j *job) {
		submitted.Add(1)
		randomAnswer(t, j, path)
	})
	stop := make(chan struct{})
	counted := make(chan struct{})
	go func() {
		defer close(counted)
		for {
			select {
			case e := <-s.logs:
				if e.Status == 0 || e.Total < 0 {
					t.Errorf("logged %+v", e)
				}
				logged.Add(1)
			case <-stop:
				return
			}
		}
	}()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var clients sync.WaitGroup
	for i := range 48 {
		clients.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			for range 12 {
				s.randomClient(r)
			}
		})
	}
	clients.Wait()
	s.Drain() // from now on changes are told
	for s.Quiet().Requests > 0 || s.Quiet().Connections > 0 {
		wait(t, "the end of all requests", s.Changed())
	}
	close(stop)
	<-counted
	if left := int64(len(s.logs)); submitted.Load() == 0 || logged.Load()+left < submitted.Load() {
		t.Errorf("%d requests were handed over, %d logged", submitted.Load(), logged.Load()+left)
	}
}

// randomAnswer is an application that does anything.
func randomAnswer(t *testing.T, j *job, path string) {
	r := rand.New(rand.NewPCG(uint64(j.ID), 1))
	pieces := make([]byte, 1+r.IntN(64<<10))
	held := func(ok bool) {
		if !ok {
			select {
			case <-j.resumed:
			case <-j.cancelled:
			}
		}
	}
	switch r.IntN(8) {
	case 0:
		j.fail(exchange.Causes[r.IntN(len(exchange.Causes))])
	case 1:
		select { // a client that has sent more ahead than the socket holds cannot be seen to leave
		case <-j.cancelled:
		case <-time.After(300 * time.Millisecond):
			j.text("late")
		}
	case 2, 3:
		j.text(strings.Repeat("x", r.IntN(200)))
	default:
		n := r.IntN(40)
		length := int64(-1)
		if r.IntN(2) == 0 {
			length = int64(n*len(pieces)) + int64(r.IntN(3)-1)
		}
		j.start(200, length)
		for range n {
			if r.IntN(2) == 0 {
				held(j.writeBlock(pieces))
			} else {
				held(j.write(bytes.Clone(pieces)))
			}
			if r.IntN(15) == 0 {
				f, err := os.Open(path)
				if err != nil {
					t.Error(err)
				}
				held(j.sendFile(f, int64(r.IntN(1000)), int64(r.IntN(800<<10)))) // sometimes too much
			}
		}
		if r.IntN(6) == 0 {
			j.cut(exchange.CauseWorkerCrash)
		} else {
			j.end()
		}
	}
}

// randomClient sends some requests and reads some of what comes.
func (s *server) randomClient(r *rand.Rand) {
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer c.Close()
	if r.IntN(4) == 0 {
		if err := c.(*net.TCPConn).SetLinger(0); err != nil {
			s.t.Error(err)
		}
	}
	var raw strings.Builder
	for range 1 + r.IntN(4) {
		switch r.IntN(6) {
		case 0:
			raw.WriteString(post(r.IntN(300<<10), ""))
			raw.WriteString(strings.Repeat("x", r.IntN(300<<10)))
		case 1:
			raw.WriteString(chunkedPost + chunks(strings.Repeat("y", r.IntN(100<<10)), 1+r.IntN(9000)) + "0\r\n\r\n")
		case 2:
			raw.WriteString("HEAD / HTTP/1.0\r\n\r\n")
		default:
			raw.WriteString(get("/"))
		}
	}
	all := raw.String()
	all = all[:len(all)-r.IntN(2)*r.IntN(len(all))]
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(c, all)
	}()
	// No longer than a moment: an application of randomAnswer may wait for this client.
	_ = c.SetDeadline(time.Now().Add(time.Duration(20+r.IntN(60)) * time.Millisecond))
	_, _ = io.CopyN(io.Discard, c, int64(r.IntN(2<<20)))
	<-sent
}
