package rule

import (
	"slices"
	"time"

	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/cookie"
)

const (
	groupCookie = "AWSALBTG"
	// cookieInvalid is an error reason of the access log. AWS says when, but not what the client
	// gets then; here another group is chosen.
	cookieInvalid = "AWSALBTGCookieInvalid"
)

// Forward sends the request to one of its target groups.
type Forward struct {
	groups []config.WeightedGroup
	total  int
	sticky time.Duration // 0: not
}

// Route is the target group that was chosen.
type Route struct {
	TargetGroup string   // its name; empty when all weights are 0: 503
	SetCookies  []string // values of Set-Cookie fields for the client (AWSALBTG, AWSALBTGCORS), if sticky
	ErrorReason string   // field 25 of the access log: AWSALBTGCookieInvalid, or empty
}

func newForward(c *config.Forward) *Forward {
	f := &Forward{groups: slices.Clone(c.Groups)}
	if len(c.Groups) == 1 { // the weight of the only one does not matter
		f.groups[0].Weight = 1
	}
	for _, g := range f.groups {
		f.total += g.Weight
	}
	if c.Sticky {
		f.sticky = c.StickyTime
	}
	return f
}

// Groups are the names of the target groups, in the order of the configuration.
func (f *Forward) Groups() []string {
	names := make([]string, len(f.groups))
	for i, g := range f.groups {
		names[i] = g.TargetGroup
	}
	return names
}

// Choose picks a group: by the client's AWSALBTG cookie if there is a good one, else by weight.
// cookies are the values of the request's Cookie fields; random is uniform in [0, 1).
func (f *Forward) Choose(cookies []string, now time.Time, random float64) Route {
	if f.sticky == 0 {
		return Route{TargetGroup: f.byWeight(random)}
	}
	var route Route
	if value, ok := cookie.FindOwn(cookies, groupCookie); ok {
		name, until, ok := cookie.Open(value)
		switch {
		case !ok:
			route.ErrorReason = cookieInvalid
		case now.Before(until) && slices.ContainsFunc(f.groups, func(g config.WeightedGroup) bool { return g.TargetGroup == name }):
			route.TargetGroup = name
		}
	}
	if route.TargetGroup == "" {
		route.TargetGroup = f.byWeight(random)
	}
	if route.TargetGroup != "" {
		route.SetCookies = cookie.SetOwn(groupCookie, cookie.Seal(route.TargetGroup, now.Add(f.sticky)), now)
	}
	return route
}

func (f *Forward) byWeight(random float64) string {
	at := random * float64(f.total)
	for _, g := range f.groups {
		if at < float64(g.Weight) {
			return g.TargetGroup
		}
		at -= float64(g.Weight)
	}
	return ""
}
