package metric

// Name is a metric of the namespace AWS/ApplicationELB.
type Name uint8

// The metrics that this balancer has.
const (
	ActiveConnectionCount Name = iota
	AnomalousHostCount
	AppCookieNonStickinessCount
	ClientTLSNegotiationErrorCount
	DesyncMitigationModeNonCompliantRequestCount
	DroppedInvalidHeaderRequestCount
	ForwardedInvalidHeaderRequestCount
	HTTPCodeELB3XX
	HTTPCodeELB4XX
	HTTPCodeELB5XX
	HTTPCodeELB500
	HTTPCodeELB502
	HTTPCodeELB503
	HTTPCodeELB504
	HTTPCodeTarget2XX
	HTTPCodeTarget3XX
	HTTPCodeTarget4XX
	HTTPCodeTarget5XX
	HTTPFixedResponseCount
	HTTPRedirectCount
	HTTPRedirectURLLimitExceededCount
	HealthyHostCount
	HealthyStateDNS
	HealthyStateRouting
	MitigatedHostCount
	NewConnectionCount
	NonStickyRequestCount
	ProcessedBytes
	RejectedConnectionCount
	RequestCount
	RuleEvaluations
	TargetConnectionErrorCount
	TargetResponseTime
	TargetTLSNegotiationErrorCount
	UnHealthyHostCount
	UnhealthyRoutingRequestCount
	UnhealthyStateDNS
	UnhealthyStateRouting
	names // how many there are
)
