package rule

import (
	"strconv"
	"strings"

	"fender/internal/proving/alb/config"
)

// maxLocation is the longest URL of a redirect.
const maxLocation = 8 << 10

// location is the URL of a redirect for the request. The port always stands in it, as with AWS.
func location(c *config.Redirect, r *Request) string {
	fill := strings.NewReplacer(
		"#{protocol}", r.Protocol,
		"#{host}", hostOnly(r.Host),
		"#{port}", strconv.Itoa(r.Port),
		"#{path}", strings.TrimPrefix(r.Path, "/"),
		"#{query}", r.Query,
	)
	url := strings.ToLower(fill.Replace(c.Protocol)) + "://" + fill.Replace(c.Host) + ":" + fill.Replace(c.Port) + fill.Replace(c.Path)
	if query := fill.Replace(c.Query); query != "" {
		url += "?" + query
	}
	return printable(url)
}

// printable escapes what must not stand in a header field.
func printable(url string) string {
	const digits = "0123456789ABCDEF"
	clean := func(c byte) bool { return c > ' ' && c < 0x7f }
	n := 0
	for i := range len(url) {
		if !clean(url[i]) {
			n++
		}
	}
	if n == 0 {
		return url
	}
	out := make([]byte, 0, len(url)+2*n)
	for i := range len(url) {
		if c := url[i]; clean(c) {
			out = append(out, c)
		} else {
			out = append(out, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(out)
}
