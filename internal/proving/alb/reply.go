package alb

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"strconv"
	"time"

	"fender/internal/proving/alb/message"
	"fender/internal/proving/alb/page"
)

// reply is a target's response on its way to an HTTP/1 client.
type reply struct {
	out     []byte // what is to be written with the next bytes
	rechunk bool   // the target marks the end by closing, this client gets chunks
	closes  bool   // the client, too, knows the end by the closing
}

// startReply begins the head of the response.
func (c *client) startReply(ex *exchange, r *message.Response) {
	b := append(c.reply.out[:0], "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(r.Status), 10)
	b = append(b, ' ')
	b = append(b, r.Reason...)
	b = append(b, "\r\n"...)
	names := listed(r.Fields)
	for i := range r.Fields {
		f := &r.Fields[i]
		if hopByHop(f.Known) || f.Known == message.Trailer && ex.minor < 1 || names != nil && among(f.Name, names) {
			continue
		}
		b = append(b, f.Name...)
		b = append(b, ": "...)
		b = append(b, f.Value...)
		b = append(b, "\r\n"...)
	}
	for _, cookie := range ex.stickyCookies(r) {
		b = append(b, "Set-Cookie: "...)
		b = append(b, cookie...)
		b = append(b, "\r\n"...)
	}
	c.reply.out = b
}

// stickyCookies are those that the balancer adds to a target's response.
func (ex *exchange) stickyCookies(r *message.Response) []string {
	cookies := ex.cookies
	if ex.service.sticky {
		var given []string
		for i := range r.Fields {
			if message.EqualFold(r.Fields[i].Name, "set-cookie") {
				given = append(given, string(r.Fields[i].Value))
			}
		}
		cookies = append(cookies, ex.choice.SetCookies(given)...)
	}
	return cookies
}

// begin implements sink.
func (c *client) begin(ex *exchange, r *message.Response, bodyless bool) (raw bool) {
	c.startReply(ex, r)
	b := c.reply.out
	c.reply.rechunk, c.reply.closes = false, false
	raw = true
	switch {
	case r.Status == 101:
		for i := range r.Fields {
			if f := &r.Fields[i]; f.Known == message.Upgrade {
				b = append(b, "Upgrade: "...)
				b = append(b, f.Value...)
				b = append(b, "\r\n"...)
			}
		}
		c.reply.out = append(b, "Connection: upgrade\r\n\r\n"...)
		return raw
	case r.Status == 204 || r.Status < 200:
	case r.Length >= 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, r.Length, 10)
		b = append(b, "\r\n"...)
	case ex.minor == 1 && r.Chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case bodyless:
	case ex.minor == 1:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		c.reply.rechunk = true
	default:
		raw, c.reply.closes, ex.keep = false, true, false
	}
	if ex.keep {
		b = append(b, "Connection: keep-alive\r\n\r\n"...)
	} else {
		b = append(b, "Connection: close\r\n\r\n"...)
	}
	ex.closing = !ex.keep
	if ex.minor < 0 {
		b = b[:0]
	}
	c.reply.out = b
	return raw
}

// send implements sink.
func (c *client) send(p []byte, last bool) error {
	b := c.reply.out
	switch {
	case !c.reply.rechunk:
		if len(b) == 0 {
			return c.writeAll(p)
		}
		b = append(b, p...)
	default:
		if len(p) > 0 {
			b = strconv.AppendInt(b, int64(len(p)), 16)
			b = append(b, "\r\n"...)
			b = append(b, p...)
			b = append(b, "\r\n"...)
		}
		if last {
			b = append(b, "0\r\n\r\n"...)
		}
	}
	err := c.writeAll(b)
	c.reply.out = b[:0]
	return err
}

// page implements sink.
func (c *client) page(p *page.Page) error {
	c.reply.out = p.Append(c.reply.out[:0])
	err := c.writeAll(c.reply.out)
	c.reply.out = c.reply.out[:0]
	return err
}

// cut implements sink. Where the end is marked by the closing, only a reset can be told from it.
func (c *client) cut() {
	t := tcp(c.conn) // without TLS's own farewell
	if c.reply.closes {
		_ = t.SetLinger(0)
	}
	_ = t.Close()
}

// tcp is the connection below.
func tcp(c net.Conn) *net.TCPConn {
	switch c := c.(type) {
	case *tls.Conn:
		return tcp(c.NetConn())
	case *begun:
		return c.TCPConn
	}
	return c.(*net.TCPConn)
}

// close implements sink.
func (c *client) close() { c.closing.Store(true) }

// sent implements sink.
func (c *client) sent() int64 { return c.written.Load() }

// writeAll writes to the client, for as long as something moves within the idle timeout.
func (c *client) writeAll(p []byte) error {
	_, plain := c.conn.(*net.TCPConn)
	idle := c.bal.lb.IdleTimeout
	c.touch()
	for len(p) > 0 {
		if now := c.bal.clock(); !plain || c.expires == 0 {
			// A timeout within a TLS record cannot be mended, so it gets a deadline of its own each
			// time. With TCP it is enough to set one when the last has passed.
			c.expires = now + int64(idle)
			_ = c.conn.SetWriteDeadline(time.Now().Add(idle))
		}
		n, err := c.conn.Write(p)
		c.written.Add(int64(n))
		if n > 0 {
			c.touch()
		}
		if err == nil {
			return nil
		}
		if p = p[n:]; !plain || !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		rest := idle - time.Duration(c.bal.clock()-c.active.Load())
		if rest <= 0 {
			return err
		}
		_ = c.conn.SetWriteDeadline(time.Now().Add(rest))
	}
	return nil
}
