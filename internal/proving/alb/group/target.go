package group

import "fender/internal/proving/alb/config"

// Target is one registration of an address. An address that is registered again while it drains is
// another Target: connections of the old one are not used for it.
type Target struct {
	Addr string        // host:port
	ID   config.Target // as it was registered
	Key  uint64        // unique within the process

	gone chan struct{}
}

// Gone is closed when the deregistration delay has elapsed: what is still in flight gets 502, and all
// connections to the target are closed.
func (t *Target) Gone() <-chan struct{} { return t.gone }

// Outstanding is how many requests have begun and are not done.
func (t *Target) Outstanding() int { panic("not built yet") }

// Begin counts a request that is about to be sent.
func (t *Target) Begin() { panic("not built yet") }

// Done ends what Begin began.
func (t *Target) Done(o Outcome) { panic("not built yet") }

// Outcome is how a request ended, which the automatic target weights learn from.
type Outcome struct {
	Status        int  // the target's; 0: it sent none
	ConnectFailed bool // no connection could be made
	Broken        bool // the connection ended before its response
}

// Choice is a target and what the client must be told so that it is chosen again.
type Choice struct {
	Target *Target
}

// SetCookies are the values of the Set-Cookie fields to add to the response. fromTarget are those that
// the target sent: an application's cookie begins a session. It is called once a response of a target
// is there; answers that the balancer makes itself get none.
func (c *Choice) SetCookies(fromTarget []string) []string { panic("not built yet") }
