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

// sentences are AWS's descriptions of the reasons; that of a mismatch has the code in it.
var sentences = map[Reason]string{
	RegistrationInProgress:   "Target registration is in progress",
	InitialHealthChecking:    "Initial health checks in progress",
	InternalError:            "Health checks failed due to an internal error",
	Timeout:                  "Request timed out",
	FailedHealthChecks:       "Health checks failed",
	NotRegistered:            "Target is not registered to the target group",
	NotInUse:                 "Target group is not configured to receive traffic from the load balancer",
	DeregistrationInProgress: "Target deregistration is in progress",
	HealthCheckDisabled:      "Health checks are disabled for this target group",
}

// Description is a target's health.
type Description struct {
	Target      config.Target
	CheckPort   int
	State       State
	Reason      Reason // empty when healthy
	Description string // a sentence for people, likewise
	Anomalous   bool   // more of its requests fail than of its like
	Mitigated   bool   // it gets fewer requests for that
}
