package front

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// A client that reads slowly, but faster than the least rate, is not cut, though the kernel reports room for
// more only after many times its patience: what the kernel has got rid of is progress as well.
func TestSlowReader_ThatKeepsUpTheRateIsNotCut(t *testing.T) {
	const size, pause, piece, pieces = 8 << 20, 25 * time.Millisecond, 4 << 10, 80
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, Options{SendTimeout: time.Second, MinRate: 1000}, func(j *job) {
		j.start(200, size)
		switch j.Path {
		case "/bytes":
			j.write(bytes.Repeat([]byte("x"), size))
		case "/file":
			f, err := os.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			j.sendFile(f, 0, size)
		}
		j.end()
	})
	var both sync.WaitGroup
	for _, target := range []string{"/bytes", "/file"} {
		c := s.dial()
		if err := c.Conn.(*net.TCPConn).SetReadBuffer(32 << 10); err != nil {
			t.Fatal(err)
		}
		c.send(get(target))
		both.Go(func() {
			tick := time.NewTicker(pause)
			defer tick.Stop()
			for range pieces {
				<-tick.C
				if _, err := io.ReadFull(c.Conn, make([]byte, piece)); err != nil {
					t.Errorf("%s: %v", target, err)
					return
				}
			}
			c.Close()
		})
	}
	both.Wait()
}
