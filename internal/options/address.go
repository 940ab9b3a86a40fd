package options

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Address is a place to listen, in the words of net.Listen.
type Address struct {
	// Network is "tcp" or "unix"; "" in the zero Address, which is nowhere.
	Network string
	// Address is host:port (an empty host is every interface, port 0 any free one), a path, or @name for
	// an abstract unix socket.
	Address string
}

// IsZero says whether there is no address.
func (a Address) IsZero() bool { return a.Network == "" }

// String is the address as an option's value.
func (a Address) String() string { return a.Address }

// longestPath is what sun_path of unix(7) holds, less the final NUL.
const longestPath = 107

// parseAddress reads what uWSGI's sockets take: HOST:PORT, :PORT, [V6]:PORT, a path (no colon in it), @name
// or \0name. An inline comment is cut off: atoi reads the port, so people's comments work there too.
func parseAddress(text string) (Address, error) {
	text = cutComment(text)
	if strings.HasPrefix(text, `\0`) {
		text = "@" + text[2:]
	}
	if text == "" || text == "@" {
		return Address{}, errors.New("is empty: write HOST:PORT, :PORT or a path")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return Address{}, errors.New("has a space or a control character in it")
	}
	if text[0] == '@' || text[0] == '/' || !strings.Contains(text, ":") {
		return unixAddress(text)
	}
	at := strings.LastIndexByte(text, ':')
	host, port := text[:at], text[at+1:]
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || port == "" || port[0] == '+' || len(port) > 5 {
		return Address{}, errors.New("has no port from 0 to 65535 behind the last colon")
	}
	port = strconv.FormatUint(n, 10)
	host, err = parseHost(host)
	if err != nil {
		return Address{}, err
	}
	return Address{Network: "tcp", Address: net.JoinHostPort(host, port)}, nil
}

func parseHost(host string) (string, error) {
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		ip, err := netip.ParseAddr(host[1 : len(host)-1])
		if err != nil || !ip.Is6() {
			return "", errors.New("has no IPv6 address between the brackets")
		}
		return ip.String(), nil
	}
	switch {
	case host == "*":
		return "", nil
	case strings.Contains(host, "*"):
		return "", errors.New("has a * in it: name the address itself, or 0.0.0.0 for all")
	case strings.Contains(host, ":"):
		return "", errors.New("has several colons: write an IPv6 address in brackets, as [::1]:8000")
	case strings.ContainsAny(host, "[]/,"):
		return "", errors.New("has no host name or address before the port")
	}
	return host, nil
}

func unixAddress(path string) (Address, error) {
	if digits, rest := cutDigits(path); digits != "" && rest == "" {
		return Address{}, errors.New("is a port without a colon: write :" + shortened(path) + " for every interface, or 127.0.0.1:" + shortened(path))
	}
	if _, err := netip.ParseAddr(path); err == nil || path == "localhost" {
		return Address{}, errors.New("has no port: write " + path + ":8000")
	}
	if len(path) > longestPath {
		return Address{}, errors.New("is too long for a unix socket: at most 107 bytes")
	}
	return Address{Network: "unix", Address: path}, nil
}

// parseLoopback reads PORT, :PORT or what parseAddress takes; without a host it is the loopback interface.
func parseLoopback(text string) (Address, error) {
	text = cutComment(text)
	if digits, rest := cutDigits(text); digits != "" && rest == "" {
		text = ":" + text
	}
	a, err := parseAddress(text)
	if err == nil && a.Network == "tcp" && strings.HasPrefix(text, ":") {
		a.Address = "127.0.0.1" + a.Address
	}
	return a, err
}

// parseNetworks reads addresses and CIDR blocks, separated by commas or spaces.
func parseNetworks(text string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, word := range strings.FieldsFunc(cutComment(text), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		prefix, err := netip.ParsePrefix(word)
		if ip, ipErr := netip.ParseAddr(word); err != nil && ipErr == nil {
			ip = ip.Unmap().WithZone("")
			prefix, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		if err != nil {
			return nil, errors.New("has " + shown(word) + ", which is no address or CIDR block such as 10.0.0.0/8 (0.0.0.0/0 is everybody)")
		}
		all = append(all, prefix.Masked())
	}
	return all, nil
}

// cutComment cuts an inline comment, which begins with a space, and the spaces around the value.
func cutComment(text string) string {
	for i := 1; i < len(text); i++ {
		if (text[i] == ';' || text[i] == '#') && (text[i-1] == ' ' || text[i-1] == '\t') {
			text = text[:i-1]
			break
		}
	}
	return strings.Trim(text, " \t")
}

func shortened(text string) string {
	if len(text) > 8 {
		return text[:8] + "..."
	}
	return text
}
