package front

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Listener is one place at which clients connect: what is wanted. Open makes a Socket of it.
type Listener struct {
	// Address is "host:port", ":port", "[v6]:port", a path, or "@name" (an abstract unix socket). Port 0
	// lets the kernel choose. What has no colon is a path, as in uWSGI.
	Address string
	// Backlog is the length of the kernel's queue of connections; 0: as long as the kernel allows.
	Backlog int
	// Mode are the permissions of a unix socket's file; 0: as the umask leaves them.
	Mode fs.FileMode
	// Vacuum removes a unix socket's file when the socket is closed.
	Vacuum bool
	// Option is the name of the option that the address came from, for error messages.
	Option string
}

// ErrInUse is in the error of Open when somebody else listens at the address.
var ErrInUse = errors.New("address in use")

// Socket is a listening socket.
type Socket struct {
	Listener
	fd      int
	addr    net.Addr
	port    string // SERVER_PORT
	backlog int
}

// Network is "tcp" or "unix".
func (l Listener) Network() string {
	if strings.Contains(l.Address, ":") && !strings.HasPrefix(l.Address, "@") && !strings.HasPrefix(l.Address, "/") {
		return "tcp"
	}
	return "unix"
}

// Open binds and listens. Its error names the address, the cause and the option to change. From then
// on the kernel accepts connections; they are served when the socket is given to Front.Serve, so that
// a master can bind, change its user and only then begin.
func (l Listener) Open() (*Socket, error) {
	if l.Network() == "unix" {
		return l.openUnix()
	}
	host, port, err := net.SplitHostPort(l.Address)
	if err != nil {
		return nil, l.fail("cannot be read: %v; an address is host:port, :port, [v6]:port or a path", err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return nil, l.fail("has the port %q; a port is a number from 0 to %d", port, 1<<16-1)
	}
	if strings.ContainsAny(host, "*/ ") { // uWSGI's 192.168.* would be asked from a name service
		return nil, l.fail("has the host %q; give an address or a name, or nothing for all addresses", host)
	}
	// The kernel's SO_REUSEADDR, set by package net, lets a restart bind while old connections are in
	// TIME_WAIT; SO_REUSEPORT is not set, two servers must not share a port by accident.
	network := "tcp"
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is4() {
		network = "tcp4" // for package net 0.0.0.0 is all addresses of IPv6 too
	}
	ln, err := new(net.ListenConfig).Listen(context.Background(), network, l.Address)
	if err != nil {
		return nil, l.explain(err, host, port)
	}
	return l.opened(ln)
}

// opened finishes a socket of either kind. It takes the descriptor out of package net's hands, whose
// poller would be woken for every client.
func (l Listener) opened(ln net.Listener) (*Socket, error) {
	defer ln.Close()
	s := &Socket{Listener: l, fd: -1, addr: ln.Addr(), port: "80"} // uWSGI's SERVER_PORT of a unix socket
	if addr, ok := s.addr.(*net.TCPAddr); ok {
		s.port = strconv.Itoa(addr.Port)
	}
	if err := s.configure(ln); err != nil {
		_ = s.Close()
		return nil, l.fail("cannot be listened at: %v", err)
	}
	return s, nil
}

// maxUnsent is how much the kernel takes of an answer beyond what is on its way. Its own bound is some
// megabytes for each slow client, which count against the container's memory.
const maxUnsent = 256 << 10

// keepalivePause is how long a connection is silent before the kernel asks whether the client still lives,
// and between those questions.
const keepalivePause = 15

// configure sets what package net has no word for: the length of the queue, by calling listen(2) again,
// and what accepted connections inherit.
func (s *Socket) configure(ln net.Listener) error {
	s.backlog = somaxconn() // what package net asks for
	if s.Backlog > 0 {
		s.backlog = min(s.backlog, s.Backlog)
	}
	raw, err := ln.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		s.fd, failed = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err = errors.Join(err, failed); err != nil {
		s.fd = -1
		return err
	}
	if s.Network() == "tcp" { // where the kernel does not know one of them, there is nothing to be done
		for _, o := range []struct{ level, name, value int }{
			{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
			{unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, maxUnsent},
			{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
			{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepalivePause},
			{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepalivePause},
		} {
			_ = unix.SetsockoptInt(s.fd, o.level, o.name, o.value)
		}
	}
	return unix.Listen(s.fd, s.backlog)
}

// EffectiveBacklog is the length of the kernel's queue, and whether that is less than was asked for:
// net.core.somaxconn bounds it.
func (s *Socket) EffectiveBacklog() (n int, clamped bool) { return s.backlog, s.Backlog > s.backlog }

// URL is where clients find the socket: http://127.0.0.1:8000 with the real port, or unix:/path.
func (s *Socket) URL() string {
	if addr, ok := s.addr.(*net.TCPAddr); ok {
		return "http://" + addr.String()
	}
	return "unix:" + s.Address
}

// Addr is the address with the real port.
func (s *Socket) Addr() net.Addr { return s.addr }

// Close stops listening without serving. Connections that wait in the kernel's queue are lost; a
// socket that was given to Front.Serve is closed by Front.Close.
func (s *Socket) Close() error {
	if s.fd >= 0 {
		_ = unix.Close(s.fd)
		s.fd = -1
	}
	if s.Vacuum && s.Network() == "unix" && !strings.HasPrefix(s.Address, "@") {
		return os.Remove(s.Address)
	}
	return nil
}

func (l Listener) fail(format string, args ...any) error {
	return fmt.Errorf("%s %s %w", optionName(l.Option), l.Address, fmt.Errorf(format, args...))
}

func optionName(option string) string {
	if option == "" {
		return "http-socket"
	}
	return option
}

// explain turns the kernel's errors into what an operator can do about them.
func (l Listener) explain(err error, host, port string) error {
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		owner := "another process"
		if n, e := strconv.Atoi(port); e == nil {
			owner = portOwner(n)
		}
		return l.fail("is taken by %s: %w; stop it or give another port", owner, ErrInUse)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return l.fail("is not permitted: ports below %s need root or CAP_NET_BIND_SERVICE; give a higher port", unprivilegedPort())
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return l.fail("is not an address of this machine; 0.0.0.0:%s or [::]:%s means all of them", port, port)
	case errors.Is(err, unix.EAFNOSUPPORT):
		return l.fail("is of an address family that this machine does not have (is IPv6 off?)")
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return l.fail("has the host %q, which no name service knows", host)
	}
	return l.fail("cannot be listened at: %v", err)
}

func somaxconn() int { return kernelNumber("/proc/sys/net/core/somaxconn", 128) }

func unprivilegedPort() string {
	return strconv.Itoa(kernelNumber("/proc/sys/net/ipv4/ip_unprivileged_port_start", 1024))
}

func kernelNumber(path string, otherwise int) int {
	b, err := os.ReadFile(path)
	if err != nil {
		return otherwise
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return otherwise
	}
	return n
}
