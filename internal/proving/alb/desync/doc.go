// Package desync classifies requests by the risk that two HTTP servers read them differently. It
// follows the order and the rules of http-desync-guardian, the library that AWS published for its load
// balancers, in its form for requests that are already parsed; the names are those of the access log.
// It is pure: a parsed head goes in, class and reason come out.
package desync

// Class is how bad a request is.
type Class uint8

// The classes, from harmless to worst.
const (
	Compliant Class = iota
	Acceptable
	Ambiguous
	Severe
)

// String is the word of the access log, "-" for a compliant request.
func (c Class) String() string { return [...]string{"-", "Acceptable", "Ambiguous", "Severe"}[c] }

// Mode is the attribute routing.http.desync_mitigation_mode.
type Mode uint8

// The modes. The zero value is the default of AWS.
const (
	Defensive Mode = iota
	Monitor
	Strictest
)

// ParseMode reads the attribute's value.
func ParseMode(s string) (Mode, bool) {
	switch s {
	case "", "defensive":
		return Defensive, true
	case "monitor":
		return Monitor, true
	case "strictest":
		return Strictest, true
	}
	return 0, false
}

// Action is what is done with a request.
type Action uint8

// The actions.
const (
	Allow         Action = iota
	AllowAndClose        // forward, then close the client's and the target's connection
	Block                // 400, and the client's connection is closed
)

// Action is what the mode does with a class.
func (m Mode) Action(c Class) Action {
	switch {
	case c == Compliant || m == Monitor:
		return Allow
	case m == Strictest:
		return Block
	case c == Severe:
		return Block
	case c == Ambiguous:
		return AllowAndClose
	}
	return Allow
}

// Verdict is a class and why. The reason of a compliant request is "-".
type Verdict struct {
	Class  Class
	Reason string
}

// upgrade keeps the first reason of the highest class.
func (v *Verdict) upgrade(c Class, reason string) {
	if v.Class < c {
		v.Class, v.Reason = c, reason
	}
}
