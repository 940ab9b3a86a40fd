package wire

import "fmt"

// Fault is what is wrong with bytes that do not decode.
type Fault uint8

// The faults.
const (
	FaultShort    Fault = iota + 1 // they end too early
	FaultLong                      // more than the bound
	FaultVersion                   // another version of the protocol
	FaultKind                      // a kind that is unknown, or that this side does not send
	FaultFlags                     // flags that contradict each other, the kind, or what came along
	FaultCode                      // a marshal type code that is not in the contract
	FaultShape                     // a marshal value of another type than this place has
	FaultText                      // a string that is not what its type code says
	FaultTrailing                  // bytes behind the value
	FaultValue                     // a number or name out of its range
)

var faultNames = [...]string{
	FaultShort: "short", FaultLong: "long", FaultVersion: "version", FaultKind: "kind", FaultFlags: "flags",
	FaultCode: "code", FaultShape: "shape", FaultText: "text", FaultTrailing: "trailing", FaultValue: "value",
}

// String is one word for the fault.
func (f Fault) String() string {
	if f < FaultShort || f > FaultValue {
		return fmt.Sprintf("fault %d", uint8(f))
	}
	return faultNames[f]
}

// DecodeError says that bytes are not what the contract says. A worker that sent them is doomed
// (reason protocol).
type DecodeError struct {
	What  string // "frame", "hello", "answer head" ...
	Fault Fault
	Why   string
}

// Error is one sentence for the log. It holds no content of the message beyond single codes and
// numbers.
func (e *DecodeError) Error() string { return "wire: " + e.What + ": " + e.Why }

func frameError(fault Fault, format string, args ...any) error {
	return &DecodeError{What: "frame", Fault: fault, Why: fmt.Sprintf(format, args...)}
}
