package group

import "fender/internal/proving/alb/config"

// State is a target's, as AWS names it.
type State string

// The states of a target.
const (
	Initial     State = "initial"
	Healthy     State = "healthy"
	Unhealthy   State = "unhealthy"
	Unused      State = "unused"
	Draining    State = "draining"
	Unavailable State = "unavailable"
)

// Reason is why a target is not healthy, as AWS names it.
type Reason string

// The reasons that a target of this balancer can have.
const (
	RegistrationInProgress   Reason = "Elb.RegistrationInProgress"
	InitialHealthChecking    Reason = "Elb.InitialHealthChecking"
	InternalError            Reason = "Elb.InternalError"
	ResponseCodeMismatch     Reason = "Target.ResponseCodeMismatch"
	Timeout                  Reason = "Target.Timeout"
	FailedHealthChecks       Reason = "Target.FailedHealthChecks"
	NotRegistered            Reason = "Target.NotRegistered"
	NotInUse                 Reason = "Target.NotInUse"
	DeregistrationInProgress Reason = "Target.DeregistrationInProgress"
	HealthCheckDisabled      Reason = "Target.HealthCheckDisabled"
)

// Description is a target's health.
type Description struct {
	Target      config.Target
	CheckPort   int
	State       State
	Reason      Reason // empty when healthy
	Description string // a sentence for people, likewise
}
