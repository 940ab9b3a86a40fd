// Package config is what an Application Load Balancer is told: listeners, rules, target groups and
// their attributes, in the words of AWS's API, with AWS's defaults and ranges. It reads a YAML file
// into a Config and says with file lines what is wrong. It owns no behaviour: rule, group and the
// data path act on what stands here.
package config

import (
	"net"
	"net/netip"
	"strconv"
	"time"
)

// Config is one load balancer. New gives the defaults; Read reads a file; flags build the same.
type Config struct {
	Name    string // the load balancer's name
	ID      string // 16 hex digits, of the name unless given
	Region  string // shown in ARNs and in names of log files
	Account string // 12 digits, likewise
	Node    netip.Addr

	LoadBalancer LoadBalancer
	Listeners    []Listener
	TargetGroups []TargetGroup

	hastened bool // by Hasten: the ranges no longer hold
}

// LoadBalancer are the attributes of the load balancer.
type LoadBalancer struct {
	IdleTimeout             time.Duration // idle_timeout.timeout_seconds, of clients' and targets' connections
	ClientKeepAlive         time.Duration // client_keep_alive.seconds
	Desync                  DesyncMode    // routing.http.desync_mitigation_mode
	DropInvalidHeaderFields bool          // routing.http.drop_invalid_header_fields.enabled
	PreserveHostHeader      bool          // routing.http.preserve_host_header.enabled
	TLSHeaders              bool          // routing.http.x_amzn_tls_version_and_cipher_suite.enabled
	XFFClientPort           bool          // routing.http.xff_client_port.enabled
	XFF                     XFFMode       // routing.http.xff_header_processing.mode
	HTTP2                   bool          // routing.http2.enabled
	AccessLogs              LogDelivery   // access_logs.s3.*
	ConnectionLogs          LogDelivery   // connection_logs.s3.*
	HealthCheckLogs         LogDelivery   // health_check_logs.s3.*
}

// LogDelivery says where log files go: Bucket is a folder here.
type LogDelivery struct {
	Enabled        bool
	Bucket, Prefix string
}

// DesyncMode is what becomes of requests that are not RFC 7230 to the letter.
type DesyncMode string

// The desync mitigation modes.
const (
	DesyncMonitor   DesyncMode = "monitor"
	DesyncDefensive DesyncMode = "defensive"
	DesyncStrictest DesyncMode = "strictest"
)

// XFFMode is what becomes of X-Forwarded-For.
type XFFMode string

// The modes of X-Forwarded-For.
const (
	XFFAppend   XFFMode = "append"
	XFFPreserve XFFMode = "preserve"
	XFFRemove   XFFMode = "remove"
)

// Protocol is HTTP or HTTPS, of a listener, a target group or its health checks.
type Protocol string

// The protocols.
const (
	HTTP  Protocol = "HTTP"
	HTTPS Protocol = "HTTPS"
)

// ProtocolVersion is what is spoken to the targets.
type ProtocolVersion string

// The protocol versions.
const (
	HTTP1 ProtocolVersion = "HTTP1"
	HTTP2 ProtocolVersion = "HTTP2"
)

// Listener is one port, its rules and what to do when none of them matches.
type Listener struct {
	Protocol      Protocol
	Address       string // 127.0.0.1 unless given (AWS has no such key)
	Port          int    // 0: any free one
	Certificates  []Certificate
	DefaultAction Action
	Rules         []Rule // in any order
}

// HostPort is what to listen on.
func (l *Listener) HostPort() string { return net.JoinHostPort(l.Address, strconv.Itoa(l.Port)) }

// Certificate names the PEM files of a certificate. A listener without any gets a self-made one.
type Certificate struct{ CertificateFile, PrivateKeyFile string }

// Rule is one rule of a listener.
type Rule struct {
	Priority   int // 1 to 50000, lowest first
	Conditions []Condition
	Action     Action
}

// Field is what a condition looks at.
type Field string

// The fields of conditions.
const (
	HostHeader        Field = "host-header"
	PathPattern       Field = "path-pattern"
	HTTPHeader        Field = "http-header"
	HTTPRequestMethod Field = "http-request-method"
	QueryString       Field = "query-string"
	SourceIP          Field = "source-ip"
)

// Condition holds when any of its values does.
type Condition struct {
	Field       Field
	HeaderName  string      // http-header only
	Values      []string    // all but query-string
	RegexValues []string    // host-header, path-pattern and http-header
	Query       []QueryPair // query-string only
}

// QueryPair is one value of a query-string condition. Without a key any parameter's value counts.
type QueryPair struct{ Key, Value string }

// Action is exactly one of its fields.
type Action struct {
	Forward  *Forward
	Redirect *Redirect
	Fixed    *FixedResponse
}

// Forward sends the request to one of the groups, by weight.
type Forward struct {
	Groups     []WeightedGroup
	Sticky     bool          // TargetGroupStickinessConfig
	StickyTime time.Duration // its DurationSeconds
}

// WeightedGroup is a target group's name and its weight, 0 to 999.
type WeightedGroup struct {
	TargetGroup string
	Weight      int
}

// Redirect answers with another URL, made of these with #{protocol}, #{host}, #{port}, #{path} and
// #{query} filled in.
type Redirect struct {
	Status                            int // 301 or 302
	Protocol, Host, Port, Path, Query string
}

// FixedResponse answers by itself.
type FixedResponse struct {
	Status      int // 2XX, 4XX or 5XX
	ContentType string
	Body        string
}

// TargetGroup is a group of targets, how they are checked and how one of them is chosen.
type TargetGroup struct {
	Name            string
	ARN             string // filled in by Complete
	Protocol        Protocol
	ProtocolVersion ProtocolVersion
	Port            int // of targets that name none
	Targets         []Target
	HealthCheck     HealthCheck
	InUse           bool // a listener forwards to it; filled in by Complete

	DeregistrationDelay time.Duration // deregistration_delay.timeout_seconds
	SlowStart           time.Duration // slow_start.duration_seconds
	Algorithm           Algorithm     // load_balancing.algorithm.type
	AnomalyMitigation   bool          // load_balancing.algorithm.anomaly_mitigation
	WeightsEvery        time.Duration // how often automatic target weights change; AWS has no such key
	Stickiness          Stickiness    // stickiness.*
	DNSFailover         Minimum       // target_group_health.dns_failover.minimum_healthy_targets.*
	UnhealthyRouting    Minimum       // target_group_health.unhealthy_state_routing.minimum_healthy_targets.*
}

// Algorithm is how a target is chosen.
type Algorithm string

// The algorithms.
const (
	RoundRobin     Algorithm = "round_robin"
	LeastRequests  Algorithm = "least_outstanding_requests"
	WeightedRandom Algorithm = "weighted_random"
)

// Target is an address to register. AWS takes IP addresses; host names work here as well.
type Target struct {
	ID   string
	Port int
}

// HostPort is the address to connect to.
func (t Target) HostPort() string { return net.JoinHostPort(t.ID, strconv.Itoa(t.Port)) }

// HealthCheck says how targets are checked.
type HealthCheck struct {
	Enabled            bool // AWS lets only Lambda functions go unchecked
	Protocol           Protocol
	Port               int // 0: traffic-port
	Path               string
	Interval, Timeout  time.Duration
	Healthy, Unhealthy int // thresholds
	Matcher            Matcher
}

// StickinessType is whose cookie makes a session.
type StickinessType string

// The types of stickiness.
const (
	LBCookie  StickinessType = "lb_cookie"
	AppCookie StickinessType = "app_cookie"
)

// Stickiness binds a client to a target.
type Stickiness struct {
	Enabled     bool
	Type        StickinessType
	LBDuration  time.Duration // stickiness.lb_cookie.duration_seconds
	AppDuration time.Duration // stickiness.app_cookie.duration_seconds
	CookieName  string        // stickiness.app_cookie.cookie_name
}

// Minimum is a threshold of healthy targets: below Count or Percent (0: off) it is breached.
type Minimum struct{ Count, Percent int }
