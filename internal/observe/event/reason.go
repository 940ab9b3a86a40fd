package event

// Reason says why a worker goes. The words are a contract: they stand in events, lifecycle lines,
// metrics and the status document.
type Reason string

// The reasons. The first group is planned: the replacement is ready before the worker leaves.
const (
	ReasonNone        Reason = ""
	ReasonMaxRequests Reason = "max-requests"
	ReasonMaxLifetime Reason = "max-lifetime"
	ReasonMemory      Reason = "memory"
	ReasonCheaper     Reason = "cheaper"
	ReasonReload      Reason = "reload"
	ReasonTouch       Reason = "touch"
	ReasonManual      Reason = "manual"

	ReasonHarakiri    Reason = "harakiri"
	ReasonProtocol    Reason = "protocol"
	ReasonCrash       Reason = "crash"
	ReasonOOM         Reason = "oom"
	ReasonBootFailure Reason = "boot-failure"
	ReasonShutdown    Reason = "shutdown"
)

// Reasons lists every reason, in the order of the documentation.
var Reasons = []Reason{
	ReasonMaxRequests, ReasonMaxLifetime, ReasonMemory, ReasonCheaper, ReasonReload, ReasonTouch,
	ReasonManual, ReasonHarakiri, ReasonProtocol, ReasonCrash, ReasonOOM, ReasonBootFailure,
	ReasonShutdown,
}
