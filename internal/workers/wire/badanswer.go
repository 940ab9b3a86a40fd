package wire

import "fmt"

// BadAnswer says that an answer's head cannot be sent as it is: the application's mistake, not the
// worker's. The client gets 500 with the cause bad-answer.
type BadAnswer struct {
	Field string // name of the header in UTF-8, "" for the status and for all headers together
	Why   string
}

// Error is one sentence for the log. It never holds a header's value: that may be a cookie or a
// key. (Content-Length's value is a number, or would have been one.)
func (e *BadAnswer) Error() string {
	if e.Field == "" {
		return "bad answer: " + e.Why
	}
	return fmt.Sprintf("bad answer: header %s %s", shown(e.Field), e.Why)
}

func bad(field, format string, args ...any) error {
	return &BadAnswer{Field: field, Why: fmt.Sprintf(format, args...)}
}

// shown is a piece of an answer for the log: quoted, in ASCII, cut.
func shown(s string) string {
	const most = 64
	if len(s) > most {
		return fmt.Sprintf("%+q...", s[:most])
	}
	return fmt.Sprintf("%+q", s)
}
