package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"fender/internal/observe/status"

	"golang.org/x/sys/unix"
)

// Bounds of the server.
const (
	maxConnections = 32 // a reload holds one for as long as it takes
	readTimeout    = 5 * time.Second
	writeTimeout   = 10 * time.Second
)

// Backend does what is asked. Its methods may be called from several goroutines. The context ends
// when the one who asked has gone or the server closes; what was begun then (a reload) goes on.
type Backend interface {
	Status(context.Context) (status.Status, error)
	// Reload returns when the new generation serves, or with an error that is ErrRefused when it
	// does not come up.
	Reload(context.Context) (ReloadResult, error)
	Scale(ctx context.Context, delta int) (ScaleResult, error)
	// Drain begins to leave and returns at once; now skips the drain delay.
	Drain(ctx context.Context, now bool) error
}

// Server answers on the control socket.
type Server struct {
	backend  Backend
	path     string
	listener *net.UnixListener
	file     os.FileInfo // of the socket, so that Close removes no other one
	ctx      context.Context
	cancel   context.CancelFunc
	room     chan struct{}
	all      sync.WaitGroup
}

// Listen makes the socket, mode 0600, and answers until Close. A socket that a dead fender has left
// is replaced; one that somebody listens on, or a file of another kind, is an error.
func Listen(path string, b Backend) (*Server, error) {
	if err := makeRoom(path); err != nil {
		return nil, err
	}
	lc := net.ListenConfig{Control: private}
	l, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("control: cannot listen on %s: %w: %s", path, reason(err), hint(path, err))
	}
	s := &Server{backend: b, path: path, listener: l.(*net.UnixListener), room: make(chan struct{}, maxConnections)}
	s.listener.SetUnlinkOnClose(false) // Close does it, if the file is still ours
	if s.file, err = os.Lstat(path); err == nil {
		err = os.Chmod(path, 0o600) // where private had no effect
	}
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("control: %w", err)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.all.Go(s.accept)
	return s, nil
}

// Chown gives the socket to a user, before the master itself becomes that user.
func (s *Server) Chown(uid, gid int) error {
	if err := os.Lchown(s.path, uid, gid); err != nil {
		return fmt.Errorf("control: %w", err)
	}
	return nil
}

// Close ends the server: what is being answered is cut short, the socket file is removed.
func (s *Server) Close() error {
	s.cancel()
	_ = s.listener.Close()
	s.all.Wait()
	if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.file) {
		if err := os.Remove(s.path); err != nil {
			return fmt.Errorf("control: %w", err)
		}
	}
	return nil
}

func (s *Server) accept() {
	for {
		c, err := s.listener.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // no descriptor left: wait until one of ours is given back, or a moment
			select {
			case <-s.ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		select {
		case s.room <- struct{}{}:
			s.all.Go(func() {
				defer func() { <-s.room }()
				s.serve(c)
			})
		default:
			answer(c, Answer{Error: fmt.Sprintf("%d others ask already: try again later", maxConnections)})
			_ = c.Close()
		}
	}
}

// serve answers one connection.
func (s *Server) serve(c *net.UnixConn) {
	defer c.Close()
	defer context.AfterFunc(s.ctx, func() { _ = c.Close() })()
	if err := allowed(c); err != nil {
		reject(c, err.Error())
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(readTimeout))
	line, err := readLine(c, maxRequest)
	if err != nil {
		if !errors.Is(err, io.EOF) {
			reject(c, "no request came: "+reason(err).Error())
		}
		return
	}
	req, err := decode(line)
	if err != nil {
		reject(c, err.Error())
		return
	}
	ctx, gone := context.WithCancel(s.ctx)
	defer gone()
	_ = c.SetReadDeadline(time.Time{})
	s.all.Go(func() { // c.Close ends this
		if _, err := io.Copy(io.Discard, c); err != nil || hungUp(c) {
			gone()
		}
	})
	answer(c, s.do(ctx, req))
}

// do has the backend do what is asked.
func (s *Server) do(ctx context.Context, req Request) Answer {
	var a Answer
	var err error
	switch req.Op {
	case OpStatus:
		var doc status.Status
		if doc, err = s.backend.Status(ctx); err == nil {
			a.Status = &doc
		}
	case OpReload:
		var r ReloadResult
		if r, err = s.backend.Reload(ctx); err == nil {
			a.Reload = &r
		}
	case OpScale:
		var r ScaleResult
		if r, err = s.backend.Scale(ctx, req.Delta); err == nil {
			a.Scale = &r
		}
	case OpDrain:
		err = s.backend.Drain(ctx, false)
	case OpStop:
		err = s.backend.Drain(ctx, true)
	default:
		err = fmt.Errorf("unknown operation %.40q: this fender knows %v", string(req.Op), Ops)
	}
	if err != nil {
		return Answer{Error: err.Error(), Refused: errors.Is(err, ErrRefused)}
	}
	a.OK = true
	return a
}

func answer(c net.Conn, a Answer) {
	a.V = Version
	line, err := json.Marshal(a)
	if err != nil { // no field can fail
		line = []byte(`{"v":1,"ok":false,"error":"the answer has no JSON form"}`)
	}
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, _ = c.Write(append(line, '\n')) // the one who asked has gone
}

// reject says no. What the client has sent is read first, within bounds: closing with unread bytes
// could take the answer away from it.
func reject(c *net.UnixConn, why string) {
	answer(c, Answer{Error: why})
	_ = c.CloseWrite()
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.Copy(io.Discard, io.LimitReader(c, 64<<10))
}

// allowed lets in the user that fender runs as, and root.
func allowed(c *net.UnixConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	var perr error
	if err := raw.Control(func(fd uintptr) {
		peer, perr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return err
	}
	if perr != nil {
		return perr
	}
	return permit(int(peer.Uid), os.Geteuid())
}

func permit(peer, own int) error {
	if peer != 0 && peer != own {
		return fmt.Errorf("user %d may not control this fender: be user %d or root", peer, own)
	}
	return nil
}

// hungUp tells a client that has gone from one that only says that it sends nothing more, as a
// shell pipe into the socket does.
func hungUp(c *net.UnixConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	fds := []unix.PollFd{{}}
	err = raw.Control(func(fd uintptr) {
		fds[0].Fd = int32(fd)
		_, err = unix.Poll(fds, 0)
	})
	return err != nil || fds[0].Revents&unix.POLLHUP != 0
}

// readLine reads one line of at most so many bytes; the end of input ends it too.
func readLine(r io.Reader, most int) ([]byte, error) {
	line, err := bufio.NewReaderSize(io.LimitReader(r, int64(most)+1), 4096).ReadBytes('\n')
	switch {
	case len(line) > most:
		return nil, fmt.Errorf("longer than %d bytes", most)
	case errors.Is(err, io.EOF) && len(bytes.TrimSpace(line)) > 0:
		return line, nil
	}
	return line, err
}
