package front

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fender/e2e/slowdisk"
	"fender/internal/exchange"
)

// Sizes above what is kept in memory, and above what sockets hold.
const (
	hangFile   = 300 << 10
	hangUpload = 200 << 10
	hangStream = 12 << 20
)

// hangDisk is a disk with some files in it.
func hangDisk(t *testing.T, files int) *slowdisk.Disk {
	t.Helper()
	d := slowdisk.New(t)
	for i := range files {
		if err := os.WriteFile(filepath.Join(d.Dir, fmt.Sprint("f", i)), bytes.Repeat([]byte("f"), hangFile), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// needing is an application that gives files of a directory at /file?NAME, one of another disk at /healthy, and
// long streams at /stream, of which a client that does not read lets most go to the spool.
func needing(t *testing.T, dir string) func(*job) {
	send := func(j *job, path string) {
		f, err := os.Open(path)
		if err != nil {
			t.Error(err)
			return
		}
		j.start(200, hangFile)
		j.sendFile(f, 0, hangFile)
		j.end()
	}
	healthy := filepath.Join(t.TempDir(), "healthy")
	if err := os.WriteFile(healthy, bytes.Repeat([]byte("h"), hangFile), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(j *job) {
		switch j.Path {
		case "/file":
			send(j, filepath.Join(dir, environOf(t, j.Environ)["QUERY_STRING"]))
		case "/healthy":
			send(j, healthy)
		case "/stream":
			j.start(200, hangStream)
			for range hangStream >> 16 {
				if !j.write(bytes.Repeat([]byte("s"), 64<<10)) {
					select {
					case <-j.resumed:
					case <-j.cancelled:
						return
					}
				}
			}
			j.end()
		default:
			j.text(fmt.Sprint(j.Body.Size))
		}
	}
}

// Everything that can touch a disk does so at the same time, on one that hangs: files of answers, bodies on
// their way to the spool, the overflow of answers. Nobody else notices, also who needs another disk.
func TestDisk_ThatHangsHoldsOnlyThoseWhoNeedIt(t *testing.T) {
	const files, uploads, streams = 8, 4, 2 // more than there are processors; the first two need a helper each
	d := hangDisk(t, files)
	s := serve(t, Options{SpoolDir: d.Dir, HealthPath: "/healthz"}, needing(t, d.Dir))
	d.Shut()
	t.Cleanup(d.Open) // also when the test fails: the front is closed after this
	type hanging struct {
		c    *client
		want string
	}
	var all []hanging
	for i := range files {
		c := s.dial()
		c.send(get(fmt.Sprint("/file?f", i)))
		all = append(all, hanging{c, strings.Repeat("f", hangFile)})
	}
	d.Hangs(files)
	for range uploads {
		c := s.dial()
		c.send(post(hangUpload, ""))
		go c.trySend(strings.Repeat("u", hangUpload))
		all = append(all, hanging{c, fmt.Sprint(hangUpload)})
	}
	d.Hangs(files + uploads)
	for range streams {
		c := s.dial()
		c.send(get("/stream"))
		all = append(all, hanging{c, strings.Repeat("s", hangStream)})
	}
	d.Hangs(files + uploads + streams)

	for range 10 {
		c := s.dial()
		for range 10 {
			if got := c.get("/"); got.body != "0" {
				t.Errorf("beside them: %d %q", got.code, got.body)
			}
			c.send(post(10, "") + "0123456789")
			if got := c.receive("POST"); got.body != "10" {
				t.Errorf("a body beside them: %d %q", got.code, got.body)
			}
			if got := c.get("/healthz"); got.code != 200 {
				t.Errorf("a health check beside them: %d", got.code)
			}
		}
		if got := c.get("/healthy"); got.body != strings.Repeat("h", hangFile) {
			t.Errorf("a file of another disk: %d, %d bytes, %v", got.code, len(got.body), got.err)
		}
		c.send("GET / HTTP/9.9\r\n\r\n")
		if got := c.receive("GET"); got.code != 505 {
			t.Errorf("a refusal beside them: %d", got.code)
		}
		c.Close()
	}

	d.Open()
	for _, h := range all {
		if got := h.c.receive("GET"); got.code != 200 || got.body != h.want || got.err != nil {
			t.Errorf("when the disk is back: %d, %d bytes of %d, %v", got.code, len(got.body), len(h.want), got.err)
		}
	}
}

// Who leaves while a helper hangs is gone when the disk is back, and nothing is left of him.
func TestDisk_ThatHangsLosesNothingOfClientsThatLeave(t *testing.T) {
	for name, leave := range map[string]func(*client){
		"closed": func(c *client) { c.Close() },
		"reset":  func(c *client) { hard(t, c); c.Close() },
		"half closed": func(c *client) {
			if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := hangDisk(t, 1)
			s := serve(t, Options{SpoolDir: d.Dir}, needing(t, d.Dir))
			d.Shut()
			t.Cleanup(d.Open)
			var all []*client
			for _, raw := range []string{
				get("/file?f0"), get("/stream"), post(hangUpload, "") + strings.Repeat("u", hangUpload),
				chunkedPost + chunks(strings.Repeat("u", hangUpload), 9000),
			} {
				c := s.dial()
				go c.trySend(raw)
				all = append(all, c)
			}
			d.Hangs(len(all))
			var read sync.WaitGroup
			for _, c := range all {
				leave(c)
				read.Go(func() { _, _ = io.Copy(io.Discard, c.r) }) // who has left only half takes what comes
			}
			if got := s.dial().get("/"); got.body != "0" {
				t.Errorf("beside them: %d %q", got.code, got.body)
			}
			d.Open()
			for range len(all) + 1 {
				s.entry()
			}
			read.Wait()
		})
	}
}

// The time to leave is kept whatever the disk does.
func TestClose_IsInTimeThoughADiskHangs(t *testing.T) {
	d := hangDisk(t, 1)
	s := &server{t: t, door: &door{app: needing(t, d.Dir), jobs: map[exchange.ID]*job{}}}
	var err error
	if s.Front, err = New(Options{Door: s.door, SpoolDir: d.Dir}); err != nil {
		t.Fatal(err)
	}
	socket, err := Listener{Address: "127.0.0.1:0"}.Open()
	if err != nil {
		t.Fatal(err)
	}
	s.addr = socket.Addr().String()
	s.Serve(socket)
	d.Shut()
	for _, raw := range []string{get("/file?f0"), post(hangUpload, "") + strings.Repeat("u", hangUpload), get("/stream")} {
		go s.dial().trySend(raw)
	}
	d.Hangs(3)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- s.Close(ctx) }()
	if err := wait(t, "the end", closed); err == nil || !strings.HasPrefix(err.Error(), "3 requests") {
		t.Errorf("error %v", err)
	}
	d.Open()
	s.door.running.Wait()
	s.awaitHelpers(context.Background()) // what hung goes on, and finds nobody
}
