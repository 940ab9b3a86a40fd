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
	Target           targetDescription
	HealthCheckPort  string
	TargetHealth     healthState
	AnomalyDetection *anomalyDetection `json:",omitempty"` // when it is asked for
}

type healthState struct {
	State       string
	Reason      string `json:",omitempty"`
	Description string `json:",omitempty"`
}

type anomalyDetection struct {
	Result             string // normal, anomalous
	MitigationInEffect string // yes, no
}

func shape(all []group.Description, anomalies bool) []healthDescription {
	out := make([]healthDescription, len(all))
	for i, d := range all {
		out[i] = healthDescription{
			Target:          targetDescription{ID: d.Target.ID, Port: d.Target.Port},
			HealthCheckPort: strconv.Itoa(d.CheckPort),
			TargetHealth:    healthState{string(d.State), string(d.Reason), d.Description},
		}
		if anomalies {
			out[i].AnomalyDetection = &anomalyDetection{choose(d.Anomalous, "anomalous", "normal"), choose(d.Mitigated, "yes", "no")}
		}
	}
	return out
}

func choose(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
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
