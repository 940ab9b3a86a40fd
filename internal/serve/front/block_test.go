package front

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"fender/internal/exchange"
)

// Blocks go from one answer to the next. Each answer here has a letter of its own: a block that was given back
// too early, or twice, shows another's. Some clients are slow, so that answers are spooled; some leave.
func TestBlocks_OfOneAnswerAreNeverSeenInAnother(t *testing.T) {
	const pieces, size = 24, 40_000
	s := serve(t, Options{AnswerMemory: 64 << 10, Spool: exchange.NewBudget(8 << 20)}, func(j *job) {
		letter := bytes.Repeat([]byte{j.Path[1]}, size)
		j.start(200, pieces*size)
		for range pieces {
			if !j.writeBlock(letter) {
				select {
				case <-j.resumed:
				case <-j.cancelled:
				}
			}
		}
		j.end()
	})
	var clients sync.WaitGroup
	for i := range 12 {
		clients.Go(func() {
			letter := byte('a' + i)
			for round := range 8 {
				c, err := net.Dial("tcp", s.addr)
				if err != nil {
					t.Error(err)
					return
				}
				readLetter(t, c, letter, round%4 == 3)
				c.Close()
			}
		})
	}
	clients.Wait()
}

// readLetter asks for a letter and looks at all that comes, or at a part before it leaves.
func readLetter(t *testing.T, c net.Conn, letter byte, leaves bool) {
	if _, err := io.WriteString(c, get("/"+string(letter))); err != nil {
		t.Error(err)
		return
	}
	resp, err := http.ReadResponse(newReader(c), nil)
	if err != nil {
		t.Errorf("letter %c: %v", letter, err)
		return
	}
	body := io.Reader(resp.Body)
	if leaves {
		body = io.LimitReader(body, 100_000)
	}
	all, err := io.ReadAll(body)
	if err != nil {
		t.Errorf("letter %c: %v", letter, err)
	}
	if other := bytes.Trim(all, string(letter)); len(other) > 0 {
		t.Errorf("letter %c: %q is in its answer", letter, other[0])
	}
}
