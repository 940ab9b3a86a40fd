package group

import "fmt"

// health is what the checks say about a target. It is a value: each step makes the next one.
//
//	initial ── one pass ──> healthy <── Healthy passes ── unhealthy
//	   └── Unhealthy failures ──┐  └── Unhealthy failures ──┘
//	                            └──> unhealthy
//
// unused and unavailable are never left: nothing is checked there. draining is not here: a balancer
// node that has not heard of the deregistration goes by the health it knows.
type health struct {
	state  State
	reason Reason
	text   string
	run    int // passes or failures one behind the other, as they count towards the next state
}

// result is how a check ended.
type result struct {
	pass   bool
	code   int    // 0: none came
	reason Reason // of a failure
	logged string // of a failure: the reason code of the health-check log
}

func newHealth(checked, inUse bool) health {
	switch {
	case !inUse:
		return health{state: Unused, reason: NotInUse, text: sentences[NotInUse]}
	case !checked:
		return health{state: Unavailable, reason: HealthCheckDisabled, text: sentences[HealthCheckDisabled]}
	}
	return health{state: Initial, reason: RegistrationInProgress, text: sentences[RegistrationInProgress]}
}

// checking is the health once the first check has begun.
func (h health) checking() health {
	if h.reason == RegistrationInProgress {
		h.reason, h.text = InitialHealthChecking, sentences[InitialHealthChecking]
	}
	return h
}

// next is the health after a check.
func (h health) next(r result, healthy, unhealthy int) health {
	switch h.state {
	case Initial, Healthy:
		if r.pass {
			return health{state: Healthy}
		}
		h.run++
		if h.run < unhealthy {
			return h
		}
		return failed(r)
	case Unhealthy:
		if !r.pass {
			return failed(r)
		}
		h.run++
		if h.run < healthy {
			return h
		}
		return health{state: Healthy}
	}
	return h
}

func failed(r result) health {
	text := sentences[r.reason]
	if r.reason == ResponseCodeMismatch {
		text = fmt.Sprintf("Health checks failed with these codes: [%d]", r.code)
	}
	return health{state: Unhealthy, reason: r.reason, text: text}
}

// serves reports whether requests go to a target in that state while there are enough of its kind.
func (h health) serves() bool { return h.state == Healthy || h.state == Unavailable }
