package admin

import (
	"strconv"

	"fender/internal/proving/alb/group"
	"fender/internal/proving/alb/metric"
)

// The shapes of the AWS SDK: RegisterTargetsInput and DeregisterTargetsInput, DescribeTargetHealthOutput.

type targetsInput struct {
	TargetGroupArn string
	Targets        []targetDescription
}

type targetDescription struct {
	ID               string `json:"Id"`
	Port             int    `json:",omitempty"`
	AvailabilityZone string `json:",omitempty"` // taken, and of no meaning
}

type targetHealth struct {
	TargetHealthDescriptions []healthDescription
}

type healthDescription struct {
	Target          targetDescription
	HealthCheckPort string
	TargetHealth    healthState
}

type healthState struct {
	State       string
	Reason      string `json:",omitempty"`
	Description string `json:",omitempty"`
}

func shape(all []group.Description) []healthDescription {
	out := make([]healthDescription, len(all))
	for i, d := range all {
		out[i] = healthDescription{
			Target:          targetDescription{ID: d.Target.ID, Port: d.Target.Port},
			HealthCheckPort: strconv.Itoa(d.CheckPort),
			TargetHealth:    healthState{string(d.State), string(d.Reason), d.Description},
		}
	}
	return out
}

// The shapes of our own.

type overview struct {
	Version         int `json:"v"`
	LoadBalancerArn string
	TargetGroups    []groupHealth
}

type groupHealth struct {
	TargetGroupArn           string
	TargetGroupName          string
	TargetHealthDescriptions []healthDescription
}

type counters struct {
	Version int `json:"v"`
	metric.Snapshot
	DroppedLogLines map[string]int64
}

type failure struct{ Error failureDetail }

type failureDetail struct{ Code, Message string }
