package alb

import (
	"bytes"
	"io"
	"net"
	"testing"

	"fender/internal/proving/alb/accesslog"
	"fender/internal/proving/alb/config"
)

// BenchmarkHello is keep-alive requests by as many clients as there are processors, the target and the
// clients included: requests/s is what the lab can get through.
func BenchmarkHello(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go benchTarget(c)
		}
	}()
	cfg := config.New("bench")
	g := config.NewTargetGroup("site")
	g.HealthCheck.Enabled = false
	g.Targets = []config.Target{{ID: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port}}
	cfg.TargetGroups = []config.TargetGroup{g}
	cfg.Listeners = []config.Listener{{Protocol: config.HTTP, DefaultAction: config.Action{Forward: &config.Forward{Groups: []config.WeightedGroup{{TargetGroup: "site", Weight: 1}}}}}}
	cfg.Complete()
	bal, err := Open(Options{Config: cfg, accessLog: accesslog.Stream(io.Discard)})
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = bal.Run(b.Context())
	}()
	b.Cleanup(func() { <-done })
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(p *testing.PB) {
		c, err := net.Dial("tcp", bal.listeners[0].net.Addr().String())
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		request := []byte("GET /hello HTTP/1.1\r\nHost: example.com\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")
		buf := make([]byte, 4096)
		for p.Next() {
			if _, err := c.Write(request); err != nil {
				b.Error(err)
				return
			}
			for n := 0; !bytes.HasSuffix(buf[:n], []byte("hello")); {
				k, err := c.Read(buf[n:])
				if err != nil {
					b.Error(err)
					return
				}
				n += k
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

func benchTarget(c net.Conn) {
	defer c.Close()
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello")
	buf := make([]byte, 4096)
	for n := 0; ; {
		k, err := c.Read(buf[n:])
		if err != nil {
			return
		}
		if n += k; bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
			n = 0
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
	}
}
