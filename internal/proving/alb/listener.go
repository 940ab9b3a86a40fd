package alb

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/metric"
	"fender/internal/proving/alb/page"
	"fender/internal/proving/alb/rule"
)

// listener is one listener of the load balancer.
type listener struct {
	bal    *Balancer
	net    net.Listener
	scheme string
	port   int
	table  *rule.Table
	only   *service // where everything goes when there are no rules
	// evaluated is how many rules have been looked at when the one of this priority decides; the default
	// action, whose priority is 0, does not count itself.
	evaluated map[string]int64
	tls       *tls.Config // nil with HTTP
	certID    string
	h2        *doorway // for connections that speak HTTP/2
}

func (b *Balancer) listen(c *config.Listener) (*listener, error) {
	table, err := rule.Compile(c.Rules, c.DefaultAction)
	if err != nil {
		return nil, err
	}
	l := &listener{bal: b, scheme: "http", table: table, evaluated: map[string]int64{"0": int64(len(c.Rules))}}
	for i, r := range slices.SortedFunc(slices.Values(c.Rules), func(a, b config.Rule) int { return a.Priority - b.Priority }) {
		l.evaluated[strconv.Itoa(r.Priority)] = int64(i + 1)
	}
	if f := c.DefaultAction.Forward; len(c.Rules) == 0 && f != nil && len(f.Groups) == 1 && !f.Sticky && f.Groups[0].Weight > 0 {
		l.only = b.services[f.Groups[0].TargetGroup]
	}
	if c.Protocol == config.HTTPS {
		l.scheme = "https"
		if l.tls, err = b.certificates(c); err != nil {
			return nil, err
		}
		l.certID = "arn:aws:acm:" + b.cfg.Region + ":" + b.cfg.Account + ":certificate/" + b.cfg.ID
	}
	if l.net, err = net.Listen("tcp", c.HostPort()); err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", c.HostPort(), err)
	}
	l.port = l.net.Addr().(*net.TCPAddr).Port
	l.h2 = newDoorway(l)
	return l, nil
}

// run accepts connections until the listener is closed.
func (l *listener) run() {
	if l.tls != nil {
		l.bal.running.Go(l.h2.run)
	}
	pause := time.Duration(0)
	for {
		conn, err := l.net.Accept()
		if err == nil {
			pause = 0
			l.accept(conn.(*net.TCPConn))
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		// Too many open files: it passes, but not at once.
		if pause = min(2*pause+5*time.Millisecond, time.Second); pause < 10*time.Millisecond {
			l.bal.warn(&l.bal.warnedOfAccepting, "cannot accept connections: "+err.Error())
			l.bal.metrics.Add(metric.RejectedConnectionCount, 1)
		}
		select {
		case <-time.After(pause):
		case <-l.bal.ending:
			return
		}
	}
}

// accept starts the goroutine of a client's connection.
func (l *listener) accept(conn *net.TCPConn) {
	if !l.bal.enter(conn) {
		_ = conn.Close()
		return
	}
	go func() {
		defer l.bal.leave(conn)
		l.bal.metrics.Add(metric.NewConnectionCount, 1)
		l.bal.metrics.Add(metric.ActiveConnectionCount, 1)
		defer l.bal.metrics.Add(metric.ActiveConnectionCount, -1)
		defer conn.Close()
		p := l.peer(conn)
		if l.tls == nil {
			l.bal.logConnection(l, &p, time.Now(), -1, "")
			newClient(l, conn, p).serve()
			return
		}
		l.secure(conn, p)
	}()
}

// peer describes the connection for logs and headers.
func (l *listener) peer(conn *net.TCPConn) peer {
	addr := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	p := peer{addr: addr, port: strconv.AppendUint(nil, uint64(addr.Port()), 10), trace: connTrace()}
	p.ip = addr.Addr().AppendTo(nil)
	if l.bal.lb.XFFClientPort && addr.Addr().Is6() {
		p.ip = append(append([]byte{'['}, p.ip...), ']')
	}
	local := conn.LocalAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
	if p.local = local.String(); local.Is6() {
		p.local = "[" + p.local + "]"
	}
	return p
}

// begun is a connection of which a byte has been read already.
type begun struct {
	*net.TCPConn
	first []byte
}

func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) > 0 && len(p) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.TCPConn.Read(p)
}

// tlsHandshake is the first byte of TLS.
const tlsHandshake = 0x16

// secure does the TLS handshake and goes on with HTTP/1 or HTTP/2.
func (l *listener) secure(conn *net.TCPConn, p peer) {
	at := time.Now()
	_ = conn.SetDeadline(at.Add(l.bal.lb.IdleTimeout))
	first := make([]byte, 1)
	if _, err := io.ReadFull(conn, first); err != nil {
		return
	}
	start := &begun{conn, first}
	if first[0] != tlsHandshake {
		_ = conn.SetDeadline(time.Time{})
		c := newClient(l, start, p)
		c.plainHTTP()
		return
	}
	secure := tls.Server(start, l.tls)
	if err := secure.HandshakeContext(l.bal.life); err != nil {
		l.bal.metrics.Add(metric.ClientTLSNegotiationErrorCount, 1)
		_ = secure.Close()
		return
	}
	_ = conn.SetDeadline(time.Time{})
	state := secure.ConnectionState()
	p.cipher, p.tlsProtocol, p.domain = cipherName(state.CipherSuite), tlsName(state.Version), state.ServerName
	if p.certificate = l.certID; state.DidResume {
		p.certificate = "session-reused"
	}
	l.bal.logConnection(l, &p, at, time.Since(at), state.CurveID.String())
	if state.NegotiatedProtocol == "h2" {
		l.h2.serve(secure, &p)
		return
	}
	newClient(l, secure, p).serve()
}

// plainHTTP answers HTTP at an HTTPS listener.
func (c *client) plainHTTP() {
	_ = c.conn.SetReadDeadline(time.Now().Add(c.bal.lb.IdleTimeout))
	end, err := c.readHead()
	if err != nil && !errors.Is(err, errNoRoom) {
		return
	}
	c.newExchange()
	ex := &c.ex
	if end > 0 {
		_ = c.req.Parse(c.buf[c.r : c.r+end])
	}
	c.r += end
	ex.received.Store(int64(end))
	ex.agent = c.req.UserAgent
	ex.entry.request("http", c.lis.port, c.req.Host, &c.req)
	c.localPage(&page.Page{Status: 400, Note: page.PlainHTTP})
	c.linger()
}
