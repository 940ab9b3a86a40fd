package siege

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// methods are the words that siege allows behind a URL, and GET and HEAD.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// Request is one request to be sent many times. Resolve gives it its addresses, Options.Check its bytes.
type Request struct {
	Method string
	URL    string // as people read it, without a password
	Body   []byte

	origin origin
	target string // path and query, as they are sent
	auth   *url.Userinfo
	head   []byte // up to and with the empty line
	whole  []byte // head and body
	waits  bool   // Expect: 100-continue
	closes bool   // it says that no other follows on its connection

	addrs []netip.AddrPort
}

// origin is whom to connect to.
type origin struct {
	tls  bool
	host string // as in the URL, without brackets
	port uint16
}

func (o origin) hostHeader() string {
	host := o.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if o.tls && o.port == 443 || !o.tls && o.port == 80 {
		return host
	}
	return host + ":" + strconv.Itoa(int(o.port))
}

// longestURL bounds a URL.
const longestURL = 64 << 10

// ParseRequest reads siege's notation: URL, URL METHOD, URL METHOD BODY, URL METHOD <FILE. Scheme,
// port and path may be left out.
func ParseRequest(text string) (*Request, error) {
	place, method, body, err := split(strings.TrimSpace(text))
	if err != nil {
		return nil, err
	}
	r, err := parseURL(place)
	if err != nil {
		return nil, err
	}
	r.Method = method
	name, fromFile := strings.CutPrefix(body, "<")
	switch {
	case fromFile:
		if r.Body, err = os.ReadFile(strings.TrimSpace(name)); err != nil {
			return nil, fmt.Errorf("the body of %s: %w", r.URL, err)
		}
	case body != "":
		r.Body = []byte(body)
	}
	return r, nil
}

// split finds the method: siege takes the first such word that stands alone.
func split(text string) (place, method, body string, err error) {
	if text == "" {
		return "", "", "", errors.New("an empty URL")
	}
	for at, c := range text {
		if c != ' ' && c != '\t' {
			continue
		}
		word, rest, _ := strings.Cut(strings.TrimLeft(text[at:], " \t"), " ")
		if slices.Contains(methods, word) {
			return strings.TrimRight(text[:at], " \t"), word, strings.TrimSpace(rest), nil
		}
	}
	return text, http.MethodGet, "", nil
}

func parseURL(text string) (*Request, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		scheme, rest = "http", text
	}
	rest, _, _ = strings.Cut(rest, "#")
	// What is sent is what was written, also what url.URL would normalise or refuse: only the place is its.
	place, target := rest, "/"
	if at := strings.IndexAny(place, "/?"); at >= 0 {
		place, target = place[:at], "/"+strings.TrimPrefix(escape(place[at:]), "/")
	}
	shown := text
	if at := strings.LastIndexByte(place, '@'); at >= 0 { // a password is not shown
		shown = strings.Replace(shown, place[:at+1], "", 1)
	}
	if len(shown) > 200 {
		shown = shown[:200] + "..."
	}
	bad := func(why string) error { return fmt.Errorf("%q is not a URL that can be asked: %s", shown, why) }
	if len(text) > longestURL {
		return nil, bad("it is too long")
	}
	u, err := url.Parse("//" + escape(place))
	scheme = strings.ToLower(scheme)
	switch {
	case scheme != "http" && scheme != "https":
		return nil, bad("only http:// and https:// are")
	case err != nil:
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return nil, bad(err.Error())
	case u.Hostname() == "":
		return nil, bad("there is no host: write http://host:port/path")
	case strings.ContainsAny(u.Hostname(), " %\"<>"):
		return nil, bad("the host has characters that no host has")
	}
	o := origin{tls: scheme == "https", host: u.Hostname(), port: 80}
	if o.tls {
		o.port = 443
	}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return nil, bad("the port must be 1 to 65535")
		}
		o.port = uint16(n)
	}
	return &Request{URL: scheme + "://" + o.hostHeader() + target, origin: o, target: target, auth: u.User}, nil
}

// escape writes blanks, control characters and what is not ASCII as %XX.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Methods are the words that may stand behind a URL.
func Methods() []string { return slices.Clone(methods) }

// Shown is what siege prints for a request: the path of a GET, the URL of others.
func (r *Request) Shown() string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return r.target
	}
	return r.URL
}
