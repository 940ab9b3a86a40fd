package front

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// open opens a listener that the test's end closes.
func open(t *testing.T, l Listener) *Socket {
	t.Helper()
	s, err := l.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestListen_ChoosesAPortAndSaysWhich(t *testing.T) {
	s := open(t, Listener{Address: "127.0.0.1:0"})
	addr := s.Addr().(*net.TCPAddr)
	if addr.Port == 0 || s.URL() != "http://127.0.0.1:"+strconv.Itoa(addr.Port) {
		t.Errorf("address %v, URL %s", addr, s.URL())
	}
	if !strings.HasPrefix(open(t, Listener{Address: "[::1]:0"}).URL(), "http://[::1]:") {
		t.Error("IPv6")
	}
	if url := open(t, Listener{Address: "0.0.0.0:0"}).URL(); !strings.HasPrefix(url, "http://0.0.0.0:") {
		t.Errorf("all addresses of IPv4, and of nothing else: %s", url)
	}
}

func TestListen_OnAllAddressesShowsIPv4PeersAsSuch(t *testing.T) {
	s := serve(t, Options{}, mirror(t))
	socket := open(t, Listener{Address: ":0"})
	s.Serve(socket)
	c, err := net.Dial("tcp4", "127.0.0.1:"+strconv.Itoa(socket.Addr().(*net.TCPAddr).Port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	(&client{Conn: c}).trySend("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if e := s.entry(); e.Client != "127.0.0.1" {
		t.Errorf("client %q", e.Client)
	}
}

func TestListen_NamesTheOwnerOfABusyPort(t *testing.T) {
	s := open(t, Listener{Address: "127.0.0.1:0"})
	address := s.Addr().String()
	_, err := Listener{Address: address, Option: "http"}.Open()
	if !errors.Is(err, ErrInUse) || !strings.HasPrefix(err.Error(), "http "+address+" is taken by this process itself") {
		t.Errorf("error %v", err)
	}
	child := exec.Command(os.Args[0], "an argument")
	child.Env = append(os.Environ(), listenEnv+"=1")
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	address, err = bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, err = Listener{Address: strings.TrimSpace(address)}.Open()
	want := fmt.Sprintf("is taken by pid %d (%.60s", child.Process.Pid, os.Args[0])
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "give another port") {
		t.Errorf("error %v, want %s", err, want)
	}
	stdin.Close()
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
	if got := portOwner(1); got != "a process outside of this container or network namespace" {
		t.Errorf("nobody's port: %q", got)
	}
}

func TestListen_ExplainsWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	datagrams, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "datagrams"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer datagrams.Close()
	for _, c := range []struct{ address, want string }{
		{filepath.Join(dir, "datagrams"), "cannot be tried"},
		{"127.0.0.1:http8", "a port is a number from 0 to 65535"},
		{"127.0.0.1:70000", "a port is a number from 0 to 65535"},
		{"192.168.*:80", "has the host \"192.168.*\""},
		{"192.0.2.1:0", "is not an address of this machine"},
		{"::1:80", "an address is host:port"},
		{"", "is empty"},
		{dir + "/missing/s", "the directory " + dir + "/missing does not exist"},
		{file, "is a file and no socket"},
		{filepath.Join(dir, strings.Repeat("x", 120)), "is too long for a unix socket"},
	} {
		s, err := Listener{Address: c.address}.Open()
		if err == nil {
			s.Close()
			t.Errorf("%s: opened", c.address)
			continue
		}
		if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "http-socket "+c.address) {
			t.Errorf("%s: %v, want %s", c.address, err, c.want)
		}
	}
}

func TestListen_SetsTheBacklog(t *testing.T) {
	s := open(t, Listener{Address: "127.0.0.1:0", Backlog: 7})
	if n, clamped := s.EffectiveBacklog(); n != 7 || clamped {
		t.Errorf("backlog %d, clamped %v", n, clamped)
	}
	if got := kernelBacklog(t, s); got != 7 {
		t.Errorf("the kernel says %d", got)
	}
	most := somaxconn()
	s = open(t, Listener{Address: "127.0.0.1:0", Backlog: most + 1})
	if n, clamped := s.EffectiveBacklog(); n != most || !clamped {
		t.Errorf("backlog %d, clamped %v", n, clamped)
	}
}

// kernelBacklog is the length of a listening socket's queue (tcp_info's sacked, for such sockets).
func kernelBacklog(t *testing.T, s *Socket) (n int) {
	t.Helper()
	info, err := unix.GetsockoptTCPInfo(s.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sacked)
}

// With Nagle's algorithm a small piece of an answer waits for the acknowledgement of the one before,
// which the other side delays: 40 ms.
func TestListen_HoldsNoSmallPieceOfAnAnswerBack(t *testing.T) {
	s := open(t, Listener{Address: "127.0.0.1:0"})
	client, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	readable := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}
	if _, err := unix.Poll(readable, int(patience.Milliseconds())); err != nil {
		t.Fatal(err)
	}
	fd, _, err := unix.Accept4(s.fd, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if on, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY); err != nil || on == 0 {
		t.Errorf("TCP_NODELAY is %d, %v", on, err)
	}
}

func TestUnixSocket_ServesAndIsRemovedOnlyWithVacuum(t *testing.T) {
	for _, vacuum := range []bool{true, false} {
		path := filepath.Join(t.TempDir(), "s")
		s := serve(t, Options{}, func(j *job) {
			env := environOf(t, j.Environ)
			j.text(env["REMOTE_ADDR"] + "|" + env["SERVER_PORT"] + "|" + env["wsgi.url_scheme"])
		})
		socket := open(t, Listener{Address: path, Mode: 0o620, Vacuum: vacuum})
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o620 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		if socket.URL() != "unix:"+path {
			t.Errorf("URL %s", socket.URL())
		}
		s.Serve(socket)
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		conn := &client{Conn: c, t: t, r: newReader(c)}
		conn.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\n\r\n")
		if got := conn.receive("GET"); got.body != "|80|https" {
			t.Errorf("got %q", got.body)
		}
		if e := s.entry(); e.Client != "unix:" {
			t.Errorf("client %q", e.Client)
		}
		c.Close()
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); (err == nil) == vacuum {
			t.Errorf("vacuum %v: the file: %v", vacuum, err)
		}
	}
}

func TestUnixSocket_ReplacesADeadOneAndNoOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first, err := Listener{Address: path}.Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Listener{Address: path}).Open(); !errors.Is(err, ErrInUse) {
		t.Errorf("beside a running server: %v", err)
	}
	first.Close() // without vacuum the file stays, as after a crash
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	open(t, Listener{Address: path})
}

func TestUnixSocket_MayBeAbstract(t *testing.T) {
	s := open(t, Listener{Address: "@fender-test-" + strconv.Itoa(os.Getpid()), Vacuum: true, Mode: 0o600})
	c, err := net.Dial("unix", s.Address)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestOptions_AreChecked(t *testing.T) {
	door := &door{}
	for _, o := range []Options{
		{},
		{Door: door, Keepalive: -1},
		{Door: door, LimitPost: -1},
		{Door: door, Server: "a\r\nb"},
		{Door: door, HealthPath: "healthz"},
		{Door: door, NoAppStatus: 200},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
