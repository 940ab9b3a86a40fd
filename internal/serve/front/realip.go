package front

import (
	"net/netip"
	"strings"

	"fender/internal/serve/http1"
)

// maxHops bounds how many entries of X-Forwarded-For are looked at, from its end.
const maxHops = 32

// clientOf is the address, and the port if it is known, of the client that a request comes from: the
// peer's, or, with Options.RealIP, the one that the trusted proxies name in X-Forwarded-For. Each proxy
// adds its own peer at the end, so the last entry that is no trusted proxy itself is the one to believe;
// what stands before it anybody could have written.
func (c *conn) clientOf(text string, h *http1.Head) (addr, port string) {
	addr, port = c.addr, c.port
	if !c.front.options.RealIP || !c.trusted {
		return addr, port
	}
	list := forwardedFor(text, h)
	for range maxHops {
		entry := list
		comma := strings.LastIndexByte(list, ',')
		if comma >= 0 {
			list, entry = list[:comma], list[comma+1:]
		}
		host, hostPort, ok := parseHop(strings.Trim(entry, " \t"))
		if !ok {
			break
		}
		addr, port = host.String(), hostPort
		if comma < 0 || !c.front.options.trusts(host) {
			break
		}
	}
	return addr, port
}

// forwardedFor is the whole list of X-Forwarded-For, which may come in several fields.
func forwardedFor(text string, h *http1.Head) string {
	list := ""
	for _, f := range h.Fields {
		if f.Known != http1.Other || !http1.EqualFold(f.Name.Of(text), "x-forwarded-for") {
			continue
		}
		if list != "" {
			list += ","
		}
		list += f.Value.Of(text)
	}
	return list
}

// parseHop reads an address as proxies write it: 192.0.2.1, 192.0.2.1:1234, 2001:db8::1, [2001:db8::1]:1234.
func parseHop(entry string) (host netip.Addr, port string, ok bool) {
	if host, err := netip.ParseAddr(strings.Trim(entry, "[]")); err == nil {
		return host.Unmap().WithZone(""), "", true
	}
	both, err := netip.ParseAddrPort(entry)
	if err != nil {
		return netip.Addr{}, "", false
	}
	return both.Addr().Unmap().WithZone(""), entry[strings.LastIndexByte(entry, ':')+1:], true
}
