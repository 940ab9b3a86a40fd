package page

import (
	"strings"
	"testing"
	"time"
)

const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/86.0.4240.75 Safari/537.36"

// The sizes stand in the sent_bytes of real access logs.
func TestAppend_IsAsLongAsWhatAWSLogs(t *testing.T) {
	date := AppendDate(nil, time.Unix(1700000000, 0).UTC())
	for _, c := range []struct {
		name string
		page Page
		want int
	}{
		{"502", Page{Status: 502, KeepAlive: true}, 277},
		{"502 and close", Page{Status: 502}, 272},
		{"502 to HEAD", Page{Status: 502, KeepAlive: true, Head: true}, 155},
		{"502 for Chrome", Page{Status: 502, KeepAlive: true, UserAgent: []byte(chrome)}, 679},
		{"502 and close for Chrome", Page{Status: 502, UserAgent: []byte(chrome)}, 674},
		{"503", Page{Status: 503, KeepAlive: true}, 337},
		{"plain HTTP", Page{Status: 400, Note: PlainHTTP}, 370},
	} {
		c.page.Date = date
		if got := c.page.Append(nil); len(got) != c.want {
			t.Errorf("%s: %d bytes, AWS logs %d:\n%s", c.name, len(got), c.want, got)
		}
	}
}

func TestAppend_OrdersHeadersAsAWS(t *testing.T) {
	p := Page{Status: 301, Location: "https://example.com:443/", KeepAlive: true, Date: []byte("Tue, 14 Nov 2023 22:13:20 GMT")}
	want := strings.Join([]string{"HTTP/1.1 301 Moved Permanently", "Server: awselb/2.0", "Date: Tue, 14 Nov 2023 22:13:20 GMT",
		"Content-Type: text/html", "Content-Length: 134", "Connection: keep-alive", "Location: https://example.com:443/", "",
		"<html>", "<head><title>301 Moved Permanently</title></head>", "<body>", "<center><h1>301 Moved Permanently</h1></center>",
		"</body>", "</html>", ""}, "\r\n")
	if got := string(p.Append(nil)); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestAppend_GivesAFixedResponseItsOwnBody(t *testing.T) {
	p := Page{Status: 503, Body: []byte("maintenance"), ContentType: "text/plain", KeepAlive: true, Date: []byte("D")}
	got := string(p.Append(nil))
	if !strings.Contains(got, "Content-Type: text/plain\r\nContent-Length: 11\r\n") || !strings.HasSuffix(got, "\r\n\r\nmaintenance") {
		t.Errorf("got:\n%s", got)
	}
}
