package rule

import "time"

// Forward sends the request to one of its target groups.
type Forward struct{}

// Route is the target group that was chosen.
type Route struct {
	TargetGroup string   // its name; empty when all weights are 0: 503
	SetCookies  []string // values of Set-Cookie fields for the client (AWSALBTG, AWSALBTGCORS), if sticky
	ErrorReason string   // field 25 of the access log: AWSALBTGCookieInvalid, or empty
}

// Choose picks a group: by the client's AWSALBTG cookie if there is a good one, else by weight.
// cookies are the values of the request's Cookie fields; random is uniform in [0, 1).
func (f *Forward) Choose(cookies []string, now time.Time, random float64) Route {
	panic("not built yet")
}
