package accesslog

import (
	"strings"
	"time"
)

// Rules say which requests get a line and what of them is shown. The zero Rules log everything.
type Rules struct {
	// Disabled is disable-logging: no line, but for the requests that another rule asks for.
	Disabled bool
	Log4xx   bool          // log-4xx: also when Disabled
	Log5xx   bool          // log-5xx: also when Disabled; a cut answer counts as one
	LogSlow  time.Duration // log-slow: also when Disabled, requests whose Total reaches it; 0 is none
	// MaskQuery is log-mask-query: query strings are shown as "?...", in target and referer.
	MaskQuery bool
}

// causeCut is exchange.CauseAnswerCut: its status is that of the answer's beginning.
const causeCut = "answer-cut"

// Wants reports whether the request gets a line.
func (r Rules) Wants(e *Entry) bool {
	switch {
	case !r.Disabled:
		return true
	case r.Log4xx && e.Status >= 400 && e.Status < 500:
		return true
	case r.Log5xx && (e.Status >= 500 || e.Cause == causeCut):
		return true
	}
	return r.LogSlow > 0 && e.Total >= r.LogSlow
}

// masked splits s into what is shown and whether a query string is left out behind it.
func (r Rules) masked(s string) (shown string, mask bool) {
	if r.MaskQuery {
		if i := strings.IndexByte(s, '?'); i >= 0 {
			return s[:i], true
		}
	}
	return s, false
}

// mask stands for a query string.
const mask = "?..."
