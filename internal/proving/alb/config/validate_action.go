package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	contentTypes = []string{"text/plain", "text/css", "text/html", "application/javascript", "application/json"}
	placeholder  = regexp.MustCompile(`#\{[^}]*\}?`)
	placeholders = map[string]bool{"#{protocol}": true, "#{host}": true, "#{port}": true, "#{path}": true, "#{query}": true}
)

func (k *checker) action(l *Listener, a *Action) {
	n := 0
	if a.Forward != nil {
		n++
		k.forward(l, a.Forward)
	}
	if a.Redirect != nil {
		n++
		k.redirect(a.Redirect)
	}
	if a.Fixed != nil {
		n++
		k.fixed(a.Fixed)
	}
	if n != 1 {
		k.fail("", "exactly one of forward, redirect and fixed-response is expected")
	}
}

func (k *checker) forward(l *Listener, f *Forward) {
	if len(f.Groups) == 0 || len(f.Groups) > maxForward {
		k.fail("", "forward needs 1 to %d target groups", maxForward)
	}
	names, seen := map[string]bool{}, map[string]bool{}
	for i := range k.c.TargetGroups {
		names[k.c.TargetGroups[i].Name] = true
	}
	for _, w := range f.Groups {
		i := slices.IndexFunc(k.c.TargetGroups, func(g TargetGroup) bool { return g.Name == w.TargetGroup })
		if i < 0 {
			k.fail("", "there is no target group %q%s", w.TargetGroup, didYouMean(w.TargetGroup, names))
			continue
		}
		if seen[w.TargetGroup] {
			k.fail("", "the target group %s stands here twice", w.TargetGroup)
		}
		seen[w.TargetGroup] = true
		if w.Weight < 0 || w.Weight > maxWeight {
			k.fail("", "the weight %d of %s is outside of 0 to %d", w.Weight, w.TargetGroup, maxWeight)
		}
		g := &k.c.TargetGroups[i]
		if g.ProtocolVersion == HTTP2 && l.Protocol == HTTP {
			k.fail("", "the target group %s speaks HTTP/2, which needs an HTTPS listener", g.Name)
		}
		if len(f.Groups) > 1 && g.Stickiness.Enabled && g.Stickiness.Type == AppCookie {
			k.fail("", "stickiness by application cookie (target group %s) does not go with weighted target groups", g.Name)
		}
	}
	if f.Sticky && !k.c.hastened && (f.StickyTime < time.Second || f.StickyTime > maxStickyTime) {
		k.fail("", "the stickiness of %v is outside of 1 to 604800 seconds", f.StickyTime)
	}
}

func (k *checker) redirect(r *Redirect) {
	if r.Status != 301 && r.Status != 302 {
		k.fail("", "a redirect needs the StatusCode HTTP_301 or HTTP_302")
	}
	switch r.Protocol {
	case "HTTP", "HTTPS", "#{protocol}":
	default:
		k.fail("", "the Protocol %q of the redirect is none of HTTP, HTTPS and #{protocol}", r.Protocol)
	}
	if n, err := strconv.Atoi(r.Port); r.Port != "#{port}" && (err != nil || n < 1 || n > 65535) {
		k.fail("", "the Port %q of the redirect is neither a port nor #{port}", r.Port)
	}
	if r.Host == "" || !strings.HasPrefix(r.Path, "/") {
		k.fail("", "a redirect needs a Host, and a Path that begins with /")
	}
	for _, part := range []string{r.Host, r.Path, r.Query} {
		if len(part) > maxRedirectPart || strings.ContainsFunc(part, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
			k.fail("", "%.150q has more than %d characters, or other than printable ones", part, maxRedirectPart)
		}
		for _, word := range placeholder.FindAllString(part, -1) {
			if !placeholders[word] {
				k.fail("", "there is no %s%s", word, didYouMean(word, placeholders))
			}
		}
	}
	if r.Protocol == "#{protocol}" && r.Host == "#{host}" && r.Port == "#{port}" && r.Path == "/#{path}" {
		k.fail("", "the redirect would lead to where it comes from: change its Protocol, Host, Port or Path")
	}
}

func (k *checker) fixed(x *FixedResponse) {
	if class := x.Status / 100; class != 2 && class != 4 && class != 5 {
		k.fail("", "a fixed response needs a StatusCode of 2XX, 4XX or 5XX, not %d", x.Status)
	}
	if x.ContentType != "" && !slices.Contains(contentTypes, x.ContentType) {
		k.fail("", "the ContentType %q is not one of %s", x.ContentType, strings.Join(contentTypes, ", "))
	}
	if len(x.Body) > maxFixedBody {
		k.fail("", "the MessageBody has more than %d bytes", maxFixedBody)
	}
}
