package front

import (
	"errors"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"fender/internal/exchange"
	"fender/internal/loop"
	"fender/internal/observe/accesslog"
	"fender/internal/serve/http1"
)

// Defaults. The reasons for those that users see stand in the documentation of the options.
const (
	defaultPatience = 75 * time.Second // above the 60 s of an AWS load balancer, which must give up first
	defaultMinRate  = 128              // bytes a second: far below any modem, far above a trickler
	defaultBody     = 64 << 10
	defaultAnswer   = 256 << 10
	defaultMemory   = 256 << 20
	defaultSpool    = 10 << 30
	// answerSpoolShare is the part of the spool that one answer may fill.
	answerSpoolShare = 4
)

// PrivateNetworks are the networks that Options.TrustedProxies stands for when it is nil: loopback,
// the private ranges, the shared range of carriers (used inside clouds) and link-local.
var PrivateNetworks = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"),
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"),
}

// Options configure a Front. Only Door must be set; the zero value of everything else is the default.
type Options struct {
	// Door answers the requests.
	Door exchange.Door
	// Loop is the loop that the front shares with other rooms. Its caller runs it with Front.Owner among
	// its owners, from before Serve until after Close. nil: one of the front's own.
	Loop *loop.Loop
	// Log is called at the end of each request, on the loop: it must not block. The entry and what it
	// points to must not be kept after the call. nil: no log. Health checks are logged only when they fail.
	Log func(*accesslog.Entry)
	// Warn is told what an operator should know: the spool cannot be written, connections cannot be
	// accepted. It must not block. The same trouble is told at most once a minute. nil: not told.
	Warn func(error)
	// IDs numbers the exchanges; share it when there are more fronts in one master. nil: an own one.
	IDs *atomic.Uint64

	Keepalive   time.Duration // how long an idle connection is kept; 75 s
	HeadTimeout time.Duration // how long a request head may make no progress; 75 s
	BodyTimeout time.Duration // the same for a body; 75 s
	SendTimeout time.Duration // the same for a client that reads an answer; 75 s
	// MinRate is the number of bytes a second that a message must make on average once its timeout
	// has passed; 128. Negative: none.
	MinRate int

	// Connections is how many clients may be connected at once: those above it wait to be accepted, so
	// that descriptors are left for workers and spool files. 0: no bound.
	Connections int

	// BufferSize is the size of a header block that is accepted; below 64 KiB counts as 64 KiB.
	BufferSize int
	// LimitPost is the size of the largest body that is accepted; 0: any.
	LimitPost int64
	// BodyMemory is the size up to which a request's body stays in memory; 64 KiB.
	BodyMemory int
	// AnswerMemory is the number of bytes of one answer that wait in memory for a slow client before
	// the spool is used; 256 KiB.
	AnswerMemory int
	// SpoolDir is where spool files are made (and unlinked at once); the system's temporary directory.
	SpoolDir string
	// Memory bounds the bodies and answers in memory; 256 MiB. What does not fit is spooled.
	Memory *exchange.Budget
	// Spool bounds the spool files; 10 GiB. Above it a request gets 503 and an answer holds its worker.
	Spool *exchange.Budget

	// HealthPath is the path that the front answers itself; "": none.
	HealthPath string
	// Ready says why the server cannot take requests now, or nil. It decides the answer to HealthPath
	// and must not block. nil: always ready. While draining the answer is 503 in any case.
	Ready func() error

	// TrustedProxies are the peers whose X-Forwarded-Proto is believed; nil: PrivateNetworks; empty
	// but not nil: none. Peers on a unix socket are always believed.
	TrustedProxies []netip.Prefix
	// RealIP makes the client's address the one that a trusted peer names in X-Forwarded-For: REMOTE_ADDR,
	// and the client of the log.
	RealIP bool
	// HideCause leaves the X-Fender-Cause header out of the front's own answers (cause-header = false).
	HideCause bool
	// NoAppStatus is the status for exchange.CauseNoApp; 503, uWSGI's behaviour (need-app = false) is 500.
	NoAppStatus int
	// Server is the value of the Server header of answers that have none; "": no such header.
	Server string
	// ServerName is SERVER_NAME; the host's name, as in uWSGI.
	ServerName string

	limits      http1.Limits
	answerSpool int64
}

// withDefaults returns the options with every zero value replaced.
func (o Options) withDefaults() Options {
	for _, patience := range []*time.Duration{&o.Keepalive, &o.HeadTimeout, &o.BodyTimeout, &o.SendTimeout} {
		if *patience == 0 {
			*patience = defaultPatience
		}
	}
	if o.MinRate == 0 {
		o.MinRate = defaultMinRate
	}
	if o.BodyMemory == 0 {
		o.BodyMemory = defaultBody
	}
	if o.AnswerMemory == 0 {
		o.AnswerMemory = defaultAnswer
	}
	if o.SpoolDir == "" {
		o.SpoolDir = os.TempDir()
	}
	if o.Memory == nil {
		o.Memory = exchange.NewBudget(defaultMemory)
	}
	if o.Spool == nil {
		o.Spool = exchange.NewBudget(defaultSpool)
	}
	if o.TrustedProxies == nil {
		o.TrustedProxies = PrivateNetworks
	}
	if o.IDs == nil {
		o.IDs = new(atomic.Uint64)
	}
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
	if o.Log == nil {
		o.Log = func(*accesslog.Entry) {}
	}
	if o.Warn == nil {
		o.Warn = func(error) {}
	}
	if o.ServerName == "" {
		o.ServerName = "localhost"
		if name, err := os.Hostname(); err == nil && http1.SafeValue(name) {
			o.ServerName = name
		}
	}
	o.limits = http1.LimitsFor(o.BufferSize)
	o.answerSpool = max(o.Spool.Limit()/answerSpoolShare, 1)
	return o
}

// validate says what is wrong with the options.
func (o *Options) validate() error {
	switch {
	case o.Door == nil:
		return errors.New("front: no door: nobody would answer")
	case o.Keepalive < 0 || o.HeadTimeout < 0 || o.BodyTimeout < 0 || o.SendTimeout < 0:
		return errors.New("front: a timeout is negative; leave it out for the default")
	case o.LimitPost < 0 || o.BodyMemory < 0 || o.AnswerMemory < 0 || o.Connections < 0:
		return errors.New("front: a size is negative")
	case !http1.SafeValue(o.Server):
		return errors.New("front: the Server header has control characters")
	case o.HealthPath != "" && o.HealthPath[0] != '/':
		return errors.New("front: health-path must begin with '/'")
	case o.NoAppStatus != 0 && (o.NoAppStatus < 400 || o.NoAppStatus > 599):
		return errors.New("front: the status for a missing application must be between 400 and 599")
	}
	return nil
}

// trusts reports whether the peer's word about the scheme counts.
func (o *Options) trusts(peer netip.Addr) bool {
	for _, network := range o.TrustedProxies {
		if network.Contains(peer) {
			return true
		}
	}
	return false
}
