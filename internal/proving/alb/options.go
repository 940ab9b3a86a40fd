package alb

import (
	"io"
	"os"
	"time"

	"fender/internal/proving/alb/accesslog"
	"fender/internal/proving/alb/config"
)

// Options is what Open needs. Only Config must be given.
type Options struct {
	Config *config.Config // complete and valid

	// FinDelay is how much later the balancer learns that a target has closed an idle connection, as
	// if it were far away. Until then the connection may be chosen, and the request on it is a 502 then.
	FinDelay time.Duration
	// PropagationLag is how long a deregistered target still gets new requests.
	PropagationLag time.Duration
	// Classic makes it behave like a Classic Load Balancer; docs/alb.md says in what.
	Classic bool

	// AccessLog, ConnectionLog and HealthLog are a file, a folder (gzip files as in S3) or - (standard
	// output); empty is none.
	AccessLog, ConnectionLog, HealthLog string
	// LogEvery is the interval of log files in folders; 5 minutes unless given.
	LogEvery time.Duration
	// Admin is the address of the counters and of the registration of targets; empty is none.
	Admin string

	// ConnectTimeout is for connecting to a target, and again for the TLS handshake with it: 10 s
	// unless given, as with AWS, where it cannot be changed.
	ConnectTimeout time.Duration
	// Linger is how long the balancer reads on after it has closed its side of a client's connection.
	Linger time.Duration

	// accessLog and connLog are sinks in place of the destinations above.
	accessLog, connLog accesslog.Sink

	// Warnings gets a line for each thing that an operator should know; standard error unless given.
	Warnings io.Writer
}

// ConnectTimeout is AWS's for connecting to a target.
const ConnectTimeout = 10 * time.Second

const lingerTime = 2 * time.Second

func (o Options) withDefaults() Options {
	if o.ConnectTimeout <= 0 {
		o.ConnectTimeout = ConnectTimeout
	}
	if o.Linger <= 0 {
		o.Linger = lingerTime
	}
	if o.Warnings == nil {
		o.Warnings = os.Stderr
	}
	return o
}
