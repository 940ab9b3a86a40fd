package group

import (
	"strings"
	"time"

	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/cookie"
	"fender/internal/proving/alb/metric"
)

const (
	lbCookie  = "AWSALB"
	appCookie = "AWSALBAPP-"
	appShards = 4
	// removed is what the cookies of application stickiness hold that are not in use.
	removed = "_remove_"
)

// Choice is a target and what the client must be told so that it is chosen again.
type Choice struct {
	Target *Target

	group *Group
	bound bool // by a cookie of the request
}

// sticky is the target that the cookies of the request are bound to, if it may be chosen.
func (g *Group) sticky(cookies []string, pool []*Target, now time.Time) (t *Target, bound bool) {
	s := &g.config.Stickiness
	if !s.Enabled {
		return nil, false
	}
	value, ok, began := "", false, false
	if s.Type == config.AppCookie {
		if _, began = cookie.Find(cookies, s.CookieName); began {
			value, ok = cookie.Find(cookies, appCookie+"0")
		}
	} else {
		value, ok = cookie.FindOwn(cookies, lbCookie)
	}
	if ok {
		addr, until, ok := cookie.Open(value)
		for _, t := range pool {
			if ok && now.Before(until) && t.Addr == addr {
				return t, true
			}
		}
	}
	g.metrics.Add(metric.NonStickyRequestCount, 1)
	if began {
		g.metrics.Add(metric.AppCookieNonStickinessCount, 1)
	}
	return nil, false
}

// SetCookies are the values of the Set-Cookie fields to add to the response. fromTarget are those that
// the target sent: an application's cookie begins a session. It is called once a response of a target
// is there; answers that the balancer makes itself get none.
func (c *Choice) SetCookies(fromTarget []string) []string {
	s := &c.group.config.Stickiness
	now := time.Now()
	switch {
	case !s.Enabled:
		return nil
	case s.Type != config.AppCookie:
		return cookie.SetOwn(lbCookie, cookie.Seal(c.Target.Addr, now.Add(s.LBDuration)), now)
	}
	first := removed
	if c.bound || begins(fromTarget, s.CookieName) {
		first = cookie.Seal(c.Target.Addr, now.Add(s.AppDuration))
	}
	all := []string{cookie.Set(appCookie+"0", first, now)}
	for i := 1; i < appShards; i++ {
		all = append(all, cookie.Set(appCookie+string(rune('0'+i)), removed, now))
	}
	return all
}

// begins reports whether one of the Set-Cookie values sets that cookie.
func begins(setCookies []string, name string) bool {
	for _, field := range setCookies {
		if n, _, ok := strings.Cut(field, "="); ok && strings.TrimSpace(n) == name {
			return true
		}
	}
	return false
}
