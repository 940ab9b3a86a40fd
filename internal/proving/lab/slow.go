package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// slowSteps is in how many pieces a slow client reads or writes.
const slowSteps = 50

// slowBuffer is a slow reader's receive buffer: small, so that the server's end feels it; but larger
// than a segment of the loopback interface, else the kernel's timers set the pace.
const slowBuffer = 128 << 10

// slowBody is what a slow writer sends.
const slowBody = 64 << 10

// slowRead asks for the path and takes so long to read the answer. It reports whether it was whole.
func slowRead(ctx context.Context, address, path string, length time.Duration) error {
	conn, err := dial(ctx, address, slowBuffer)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, address); err != nil {
		return err
	}
	r := bufio.NewReaderSize(conn, 4<<10)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ContentLength <= 0 {
		return fmt.Errorf("%s, length %d", resp.Status, resp.ContentLength)
	}
	tick := time.NewTicker(max(time.Millisecond, length/slowSteps))
	defer tick.Stop()
	piece := make([]byte, resp.ContentLength/slowSteps+1)
	for left := resp.ContentLength; left > 0; {
		n, err := io.ReadFull(resp.Body, piece[:min(left, int64(len(piece)))])
		left -= int64(n)
		if err != nil {
			return fmt.Errorf("%d of %d bytes are missing: %w", left, resp.ContentLength, err)
		}
		<-tick.C
	}
	return nil
}

// slowWrite sends a body by POST and takes so long for it. It reports whether the answer was 200.
func slowWrite(ctx context.Context, address, path string, length time.Duration) error {
	conn, err := dial(ctx, address, 0)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", path, address, slowBody); err != nil {
		return err
	}
	tick := time.NewTicker(max(time.Millisecond, length/slowSteps))
	defer tick.Stop()
	piece := []byte(strings.Repeat("x", slowBody/slowSteps+1))
	for left := slowBody; left > 0; {
		n, err := conn.Write(piece[:min(left, len(piece))])
		left -= n
		if err != nil {
			return err
		}
		<-tick.C
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// hangUp asks and leaves before the answer.
func hangUp(ctx context.Context, address, path string) error {
	conn, err := dial(ctx, address, 0)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, address)
	return err
}

func dial(ctx context.Context, address string, receive int) (net.Conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err == nil && receive > 0 {
		if tcp, ok := conn.(*net.TCPConn); ok {
			err = tcp.SetReadBuffer(receive)
		}
	}
	return conn, err
}

// portOf is the port of host:port.
func portOf(address string) (int, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}
