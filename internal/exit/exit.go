// Package exit is the one list of fender's exit codes. Scripts and supervisors rely on them.
package exit

// The codes.
const (
	OK            = 0
	Problem       = 1   // configuration, address or application; an unhealthy server
	Usage         = 2   // a command line that is not understood
	Expectation   = 3   // something that was measured is not as expected
	Refused       = 4   // a reload whose new code does not come up
	NoApplication = 22  // no application, with need-app: uWSGI's number
	Forced        = 130 // a second signal
)
