package wire

// Bounds of a call. Its data as a whole is bounded by the message, or by whoever read the
// descriptor that it came in.
const (
	maxCallName = 64
	maxCallArgs = 16
)

// Call is what an application asks the master for: a log variable, a cache entry, more time ...
type Call struct {
	Name string
	Args []Value
}

// DecodeCall reads the head of a call frame. Its error is a *DecodeError.
func DecodeCall(head []byte) (Call, error) {
	c := cursor{what: "call", text: string(head)}
	c.pair()
	call := Call{Name: c.name()}
	n := c.sequence(codeTuple)
	if n > maxCallArgs {
		c.fail(FaultLong, "%d arguments, the most is %d", n, maxCallArgs)
	}
	for range n {
		call.Args = append(call.Args, c.value())
		if c.err != nil {
			break
		}
	}
	c.end()
	if c.err != nil {
		return Call{}, c.err
	}
	return call, nil
}

// name reads the name of a call or command.
func (c *cursor) name() string {
	s := c.str()
	if len(s) > maxCallName {
		c.fail(FaultLong, "a name of %d bytes, the most is %d", len(s), maxCallName)
		return ""
	}
	return valid(s)
}

// Refused is a frame that the other side does not know: by its kind, or by the name of a call or
// command.
type Refused struct {
	Kind Kind   // 0 when a name was refused
	Name string // "" when a kind was refused
	Why  string
}

// DecodeRefused reads the head of a refused frame. Its error is a *DecodeError.
func DecodeRefused(head []byte) (Refused, error) {
	c := cursor{what: "refused", text: string(head)}
	c.pair()
	var r Refused
	if c.peek() == codeInt {
		kind := c.integer()
		if kind < 1 || kind > 255 {
			c.fail(FaultValue, "kind %d", kind)
		}
		r.Kind = Kind(kind)
	} else {
		r.Name = c.name()
	}
	r.Why = cut(c.str(), maxFailedText)
	c.end()
	if c.err != nil {
		return Refused{}, c.err
	}
	return r, nil
}
