package group

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"fender/internal/proving/alb/accesslog"
	"fender/internal/proving/alb/config"
)

const (
	userAgent = "ELB-HealthChecker/2.0"
	maxHead   = 32 << 10 // of a response, as for requests; what is left of it is read of the body
	bodyWait  = 100 * time.Millisecond
)

// Reason codes of the health-check log.
const (
	timedOut        = "TimedOut"
	connectionReset = "ConnectionReset"
	codeMismatch    = "ResponseCodeMismatch"
	targetError     = "TargetError"
	internalError   = "InternalError"
)

// errMalformed is a response that is none.
var errMalformed = errors.New("malformed response")

// request checks a target with one request on a connection of its own.
func (g *Group) request(ctx context.Context, t *Target) result {
	h := &g.config.HealthCheck
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	addr := net.JoinHostPort(t.ID.ID, strconv.Itoa(g.checkPort(t.ID)))
	get := getHTTP1
	if g.config.ProtocolVersion == config.HTTP2 {
		get = getHTTP2
	}
	code, err := get(ctx, h.Protocol == config.HTTPS, addr, hostOf(h.Protocol, t.ID.ID, g.checkPort(t.ID)), h.Path)
	return verdict(code, err, h.Matcher)
}

// hostOf is the Host of a check: the target's address, with the port only if it is not the usual one.
func hostOf(p config.Protocol, id string, port int) string {
	if p == config.HTTP && port == 80 || p == config.HTTPS && port == 443 {
		if strings.Contains(id, ":") {
			return "[" + id + "]"
		}
		return id
	}
	return net.JoinHostPort(id, strconv.Itoa(port))
}

func verdict(code int, err error, m config.Matcher) result {
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil && m.Matches(code):
		return result{pass: true, code: code}
	case err == nil && code >= 500:
		return result{code: code, reason: ResponseCodeMismatch, logged: targetError}
	case err == nil:
		return result{code: code, reason: ResponseCodeMismatch, logged: codeMismatch}
	case errors.As(err, &dns):
		return result{reason: FailedHealthChecks, logged: internalError}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return result{reason: Timeout, logged: timedOut}
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.EADDRNOTAVAIL):
		return result{reason: InternalError, logged: internalError} // ours, not the target's
	}
	return result{reason: FailedHealthChecks, logged: connectionReset}
}

// getHTTP1 sends the request that AWS sends. The verdict is in the head; a little of the body is read
// as well, so that closing is no reset.
func getHTTP1(ctx context.Context, secure bool, addr, host, path string) (code int, err error) {
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return 0, err
	}
	defer raw.Close()
	defer context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })() // also when ctx ends early
	conn := raw
	if secure {
		client := tls.Client(raw, &tls.Config{InsecureSkipVerify: true}) // as AWS: targets' certificates are not looked at
		if err := client.HandshakeContext(ctx); err != nil {
			return 0, err
		}
		conn = client
	}
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\nUser-Agent: "+userAgent+
		"\r\nAccept-Encoding: gzip, compressed\r\n\r\n"); err != nil {
		return 0, err
	}
	r := bufio.NewReader(io.LimitReader(conn, maxHead))
	for code < 200 { // interim responses come before
		if code, err = readHead(r); err != nil {
			return 0, err
		}
	}
	_ = raw.SetReadDeadline(time.Now().Add(bodyWait))
	_, _ = io.Copy(io.Discard, r) // the verdict is there already
	return code, nil
}

// readHead reads a status line and header lines.
func readHead(r *bufio.Reader) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	version, rest, _ := strings.Cut(line, " ")
	digits, _, _ := strings.Cut(strings.TrimRight(rest, "\r\n"), " ")
	code, err := strconv.Atoi(digits)
	if !strings.HasPrefix(version, "HTTP/1.") || err != nil || len(digits) != 3 || code < 100 {
		return 0, errMalformed
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return 0, err
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return code, nil
		}
		if i := strings.IndexByte(line, ':'); i < 1 && line[0] != ' ' && line[0] != '\t' {
			return 0, errMalformed
		}
	}
}

// getHTTP2 checks a target of protocol version HTTP2: with TLS, or with prior knowledge.
func getHTTP2(ctx context.Context, secure bool, addr, host, path string) (int, error) {
	p := new(http.Protocols)
	p.SetHTTP2(secure)
	p.SetUnencryptedHTTP2(!secure)
	transport := &http.Transport{
		Protocols: p, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxResponseHeaderBytes: maxHead, DisableCompression: true,
	}
	defer transport.CloseIdleConnections()
	scheme := "http"
	if secure {
		scheme = "https"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+addr+path, nil)
	if err != nil {
		return 0, err
	}
	request.Host = host
	request.Header.Set("User-Agent", userAgent)
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	return response.StatusCode, nil
}

// record writes a line of the health-check log.
func (g *Group) record(t *Target, began time.Time, r result) {
	if g.options.HealthLog == nil {
		return
	}
	kind := strings.ToLower(string(g.config.HealthCheck.Protocol))
	if g.config.ProtocolVersion == config.HTTP2 {
		kind = "h2"
	}
	g.options.HealthLog.Put(&accesslog.Health{
		Type: kind, Time: began, Latency: time.Since(began), Target: net.JoinHostPort(t.ID.ID, strconv.Itoa(g.checkPort(t.ID))),
		Group: g.config.Name, Pass: r.pass, Status: r.code, Reason: r.logged, ELB: g.options.LoadBalancer, Node: g.options.Node.String(),
	})
}
