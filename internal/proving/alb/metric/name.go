package metric

// Name is a metric of the namespace AWS/ApplicationELB.
type Name uint8

// String is CloudWatch's name.
func (n Name) String() string { return cloudWatch[n] }

// The metrics that this balancer counts. Of CloudWatch's others none is shown: it would be a zero that
// means nothing.
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

var cloudWatch = [names]string{
	ActiveConnectionCount:                        "ActiveConnectionCount",
	AnomalousHostCount:                           "AnomalousHostCount",
	AppCookieNonStickinessCount:                  "AppCookieNonStickinessCount",
	ClientTLSNegotiationErrorCount:               "ClientTLSNegotiationErrorCount",
	DesyncMitigationModeNonCompliantRequestCount: "DesyncMitigationMode_NonCompliant_Request_Count",
	DroppedInvalidHeaderRequestCount:             "DroppedInvalidHeaderRequestCount",
	ForwardedInvalidHeaderRequestCount:           "ForwardedInvalidHeaderRequestCount",
	HTTPCodeELB3XX:                               "HTTPCode_ELB_3XX_Count",
	HTTPCodeELB4XX:                               "HTTPCode_ELB_4XX_Count",
	HTTPCodeELB5XX:                               "HTTPCode_ELB_5XX_Count",
	HTTPCodeELB500:                               "HTTPCode_ELB_500_Count",
	HTTPCodeELB502:                               "HTTPCode_ELB_502_Count",
	HTTPCodeELB503:                               "HTTPCode_ELB_503_Count",
	HTTPCodeELB504:                               "HTTPCode_ELB_504_Count",
	HTTPCodeTarget2XX:                            "HTTPCode_Target_2XX_Count",
	HTTPCodeTarget3XX:                            "HTTPCode_Target_3XX_Count",
	HTTPCodeTarget4XX:                            "HTTPCode_Target_4XX_Count",
	HTTPCodeTarget5XX:                            "HTTPCode_Target_5XX_Count",
	HTTPFixedResponseCount:                       "HTTP_Fixed_Response_Count",
	HTTPRedirectCount:                            "HTTP_Redirect_Count",
	HTTPRedirectURLLimitExceededCount:            "HTTP_Redirect_Url_Limit_Exceeded_Count",
	HealthyHostCount:                             "HealthyHostCount",
	HealthyStateDNS:                              "HealthyStateDNS",
	HealthyStateRouting:                          "HealthyStateRouting",
	MitigatedHostCount:                           "MitigatedHostCount",
	NewConnectionCount:                           "NewConnectionCount",
	NonStickyRequestCount:                        "NonStickyRequestCount",
	ProcessedBytes:                               "ProcessedBytes",
	RejectedConnectionCount:                      "RejectedConnectionCount",
	RequestCount:                                 "RequestCount",
	RuleEvaluations:                              "RuleEvaluations",
	TargetConnectionErrorCount:                   "TargetConnectionErrorCount",
	TargetResponseTime:                           "TargetResponseTime",
	TargetTLSNegotiationErrorCount:               "TargetTLSNegotiationErrorCount",
	UnHealthyHostCount:                           "UnHealthyHostCount",
	UnhealthyRoutingRequestCount:                 "UnhealthyRoutingRequestCount",
	UnhealthyStateDNS:                            "UnhealthyStateDNS",
	UnhealthyStateRouting:                        "UnhealthyStateRouting",
}
