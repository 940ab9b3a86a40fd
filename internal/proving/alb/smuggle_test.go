package alb

import (
	"bytes"
	"testing"
	"time"

	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/message"
	"fender/internal/proving/alb/metric"
)

// FuzzForwarded: whatever head is let through, the target reads one request of it, with the body that the
// balancer sends behind it.
func FuzzForwarded(f *testing.F) {
	for _, head := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST http://b/x HTTP/1.1\nHost: a\nContent-Length: 3\nTransfer-Encoding: chunked\nConnection: close, x\nX: y\n z\n\n",
		"POST / HTTP/1.0\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
		"GET /a b\tc HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\nno colon\r\n: \r\n\r\n",
	} {
		f.Add([]byte(head), true)
		f.Add([]byte(head), false)
	}
	f.Fuzz(func(t *testing.T, head []byte, monitor bool) {
		var r message.Request
		end, _ := message.End(head, 0)
		if end == 0 {
			return
		}
		b := &Balancer{lb: config.New("f").LoadBalancer, dnsName: []byte("lb.example.com"), metrics: metric.New(), started: time.Now()}
		if monitor {
			b.desync = 1
		}
		ex := &exchange{bal: b, lis: &listener{scheme: "http", port: 8080}}
		ex.entry.peer = &peer{ip: []byte("127.0.0.1"), port: []byte("1")}
		verdict := r.Parse(head[:end])
		ex.minor = r.Minor
		if ex.judge(&r, verdict) != 0 {
			return
		}
		ex.upgrade = len(r.Upgrade) > 0 && message.EqualFold(r.Upgrade, "websocket")
		ex.entry.request("http", 8080, r.Host, &r)
		ex.entry.text = appendTrace(ex.entry.text, r.TraceID, end, time.Unix(0, 0))
		out := ex.appendRequest(nil, &r)
		if n, _ := message.End(out, 0); n != len(out) {
			t.Fatalf("%q becomes %q, a head of %d bytes out of %d", head, out, n, len(out))
		}
		var q message.Request
		if v := q.Parse(out); v != message.OK && v != message.FieldTooLong && v != message.HeadTooLong && v != message.URITooLong {
			t.Fatalf("%q becomes %q: %v", head, out, v)
		}
		if q.Minor != 1 || q.Chunked != r.Chunked || q.Length != r.Length || !bytes.Equal(q.Method, r.Method) {
			t.Fatalf("%q becomes %q: 1.%d, chunked %v, length %d", head, out, q.Minor, q.Chunked, q.Length)
		}
	})
}
