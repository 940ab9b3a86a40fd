package front

import (
	"net/netip"
	"testing"
)

func TestRealIP_IsTheLastAddressThatIsNoTrustedProxy(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct {
		name, fields string
		o            Options
		addr, port   string // port "-": the peer's own
	}{
		{"not asked for", "X-Forwarded-For: 192.0.2.1\r\n", Options{TrustedProxies: proxies}, "127.0.0.1", "-"},
		{"one entry", "X-Forwarded-For: 192.0.2.1\r\n", Options{TrustedProxies: proxies, RealIP: true}, "192.0.2.1", ""},
		{"with a port", "X-Forwarded-For: 192.0.2.1:4711\r\n", Options{TrustedProxies: proxies, RealIP: true}, "192.0.2.1", "4711"},
		{"IPv6", "X-Forwarded-For: 2001:db8::1\r\n", Options{TrustedProxies: proxies, RealIP: true}, "2001:db8::1", ""},
		{"IPv6 with a port", "X-Forwarded-For: [2001:db8::1]:80\r\n", Options{TrustedProxies: proxies, RealIP: true}, "2001:db8::1", "80"},
		{"IPv4 as IPv6", "X-Forwarded-For: ::ffff:192.0.2.1\r\n", Options{TrustedProxies: proxies, RealIP: true}, "192.0.2.1", ""},
		{"what the client has forged", "X-Forwarded-For: 198.51.100.9, 192.0.2.1\r\n", Options{TrustedProxies: proxies, RealIP: true}, "192.0.2.1", ""},
		{"behind two proxies", "X-Forwarded-For: 198.51.100.9, 192.0.2.1 , 10.1.2.3\r\n", Options{TrustedProxies: proxies, RealIP: true}, "192.0.2.1", ""},
		{"in two fields", "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 10.1.2.3\r\n", Options{TrustedProxies: proxies, RealIP: true}, "192.0.2.1", ""},
		{"proxies only", "X-Forwarded-For: 10.0.0.9, 10.1.2.3\r\n", Options{TrustedProxies: proxies, RealIP: true}, "10.0.0.9", ""},
		{"nonsense", "X-Forwarded-For: unknown\r\n", Options{TrustedProxies: proxies, RealIP: true}, "127.0.0.1", "-"},
		{"nonsense before a proxy", "X-Forwarded-For: 192.0.2.1, _x, 10.1.2.3\r\n", Options{TrustedProxies: proxies, RealIP: true}, "10.1.2.3", ""},
		{"empty", "X-Forwarded-For:\r\n", Options{TrustedProxies: proxies, RealIP: true}, "127.0.0.1", "-"},
		{"none", "", Options{TrustedProxies: proxies, RealIP: true}, "127.0.0.1", "-"},
		{"a peer that is not trusted", "X-Forwarded-For: 192.0.2.1\r\n", Options{TrustedProxies: proxies[1:], RealIP: true}, "127.0.0.1", "-"},
	} {
		env := seen(t, c.o, "GET / HTTP/1.1\r\nHost: a\r\n"+c.fields+"\r\n")
		if c.port == "-" {
			c.port = netip.MustParseAddrPort(env["test.peer"]).String()[len("127.0.0.1:"):]
		}
		port, there := env["REMOTE_PORT"]
		if env["REMOTE_ADDR"] != c.addr || port != c.port || there != (c.port != "") {
			t.Errorf("%s: address %q, port %q (%v), want %q, %q", c.name, env["REMOTE_ADDR"], port, there, c.addr, c.port)
		}
	}
}
