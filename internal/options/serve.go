package options

import (
	"net/netip"
	"time"
)

// Serve is what `fender serve` is told: every value is final, with the defaults in place. A zero means zero
// (0 = off, none or without limit, as the field says), never "not given".
type Serve struct {
	// HTTP are the places to listen on; never empty after Read.
	HTTP []Address
	// Socket and Protocol are uWSGI's pair; Read moves sockets with protocol = http into HTTP.
	Socket   []Address
	Protocol string
	// Listen is the backlog of each listening socket, at most somaxconn.
	Listen int
	// Keepalive is how long an idle client connection stays open.
	Keepalive time.Duration
	// HeadTimeout and BodyTimeout bound the wait for the next byte of a head or a body, not the whole.
	HeadTimeout, BodyTimeout time.Duration
	// TrustedProxies are the peers whose X-Forwarded-Proto (and with RealIP, X-Forwarded-For) is believed.
	TrustedProxies []netip.Prefix
	// RealIP makes REMOTE_ADDR the client that a trusted proxy names.
	RealIP bool

	// Chdir is the working directory of the application; "" = stay.
	Chdir string
	// Module is MODULE[:CALLABLE] and WSGIFile a path; at most one is set, and none only without NeedApp.
	Module, WSGIFile string
	// Callable is the name in the module or file, unless Module carries one.
	Callable string
	// Pythonpath are directories or patterns; each goes to the head of sys.path, so the last comes first.
	Pythonpath []string
	// Env are KEY=VALUE in order; a later one of the same key wins.
	Env []string
	// Home is the virtual environment, Python the interpreter; "" = to be found.
	Home, Python string
	// LazyApps imports the application in every worker instead of once in the template.
	LazyApps bool
	// PreloadURLconf imports Django's URLconf in the template, if a scout says that it is safe.
	PreloadURLconf bool
	// NeedApp: no application is an error, not an endless 500.
	NeedApp bool

	// Master, EnableThreads and DieOnTerm are always so; the fields exist for the printed configuration.
	Master, EnableThreads, DieOnTerm bool
	// Processes is the number of workers at full size, Threads the slots of each.
	Processes, Threads int
	// UID and GID are a name or a number; "" = stay.
	UID, GID string
	Umask    Umask
	// Pidfile is a path; "" = none.
	Pidfile string
	// Vacuum removes the pidfile and unix sockets at exit.
	Vacuum bool

	// Cheaper is the least number of workers, below Processes; 0 = no scaling.
	Cheaper int
	// CheaperInitial is the number of workers at start, between Cheaper and Processes.
	CheaperInitial int
	// CheaperStep is how many workers one decision adds, at least 1.
	CheaperStep int
	// CheaperAlgo is spare, spare2, backlog or busyness.
	CheaperAlgo string
	// CheaperOverload is in seconds for spare and busyness (its window), in requests for backlog; at least 1.
	CheaperOverload int
	// CheaperIdle is spare2's number of seconds with too many idle workers before one goes; at least 1.
	CheaperIdle int
	Busyness    Busyness

	// MaxRequests retires a worker after so many requests, plus a random number up to MaxRequestsDelta; 0 = never.
	MaxRequests, MaxRequestsDelta int
	// MaxWorkerLifetime retires a worker of that age, plus a random time up to MaxWorkerLifetimeDelta; 0 = never.
	MaxWorkerLifetime, MaxWorkerLifetimeDelta time.Duration
	// MinWorkerLifetime is the age before which no limit retires a worker.
	MinWorkerLifetime time.Duration
	// ReloadOnRSS retires a worker that is larger, in bytes; 0 = never.
	ReloadOnRSS int64
	// WorkerReloadMercy is how long a retiring worker may take to end after its last answer.
	WorkerReloadMercy time.Duration
	// ReloadMercy is uWSGI's mercy for attached daemons; nothing uses it until fender has them.
	ReloadMercy time.Duration
	// TouchReload are the files whose change reloads; relative ones are relative to Chdir.
	TouchReload []string
	// ReloadStep is how many workers above Processes a reload may use at a time.
	ReloadStep int

	// Harakiri is the most time one request may take; 0 = no limit.
	Harakiri time.Duration
	// HarakiriInterrupt raises an exception in the stuck thread at the deadline, before the worker is killed.
	HarakiriInterrupt bool
	// BufferSize is the most bytes of a request's head, at least 64 KiB.
	BufferSize int64
	// LimitPost is the most bytes of a request's body; 0 = no limit.
	LimitPost int64
	// QueueLimit is how many requests may wait, QueueTimeout how long.
	QueueLimit   int
	QueueTimeout time.Duration
	// RetryMethods are begun again after a worker's death; empty = none.
	RetryMethods []string
	// AnswerBuffer is how many bytes of an answer are held before its head leaves.
	AnswerBuffer int64
	// BodySpool is the directory for what does not fit in memory, SpoolLimit the most bytes there in all.
	BodySpool  string
	SpoolLimit int64
	// MemoryBudget is the most bytes of requests and answers held in memory in all.
	MemoryBudget int64

	// HealthPath is answered by the front; "" = off.
	HealthPath string
	// DrainDelay, DrainQuiet and DrainTimeout: see the drain in the design.
	DrainDelay, DrainQuiet, DrainTimeout time.Duration

	// LogRequests is false with disable-logging: then only what Log4xx, Log5xx and LogSlow pick is logged.
	LogRequests bool
	// Log4xx and Log5xx log such answers, LogSlow those that took at least so long (0 = off), in any case.
	Log4xx, Log5xx bool
	LogSlow        time.Duration
	// AccessLog is "stdout", "stderr", "off" or a path; AccessLogFormat is "text" or "json".
	AccessLog, AccessLogFormat string
	// LogMaskQuery leaves query strings out of the access log.
	LogMaskQuery bool
	// Events is the path of the events file; "" = none.
	Events string
	// Admin is where /healthz, /readyz, /status and /metrics are served; the zero Address = off.
	Admin Address
	// Control is the path of the control socket; "" = none.
	Control string
	// CauseHeader names the cause of fender's own answers in X-Fender-Cause.
	CauseHeader bool

	// Strict makes unknown keys of files an error.
	Strict bool

	// Files are the configuration files that were read, as they were named, in order.
	Files []string
	// Warnings are for the operator's eyes; `fender check --strict` refuses them.
	Warnings []string
	// Notes say which accepted options do nothing here, one line each.
	Notes []string

	origins  map[string][]Origin
	settings []Setting
}

// Busyness are the parameters of the busyness algorithm, with uWSGI's units: percent, windows of
// cheaper-overload seconds, requests.
type Busyness struct {
	Max, Min, Multiplier, Penalty   int
	Verbose                         bool
	BacklogAlert, BacklogMultiplier int
	BacklogStep, BacklogNonzero     int
}

// Umask is a file mode mask that may be absent.
type Umask struct {
	Set  bool
	Mask uint32
}

// Origin says where the value of an option comes from: "uwsgi.ini:3", "command line", "UWSGI_PROCESSES",
// "implied by threads", or "default". A list names every place, separated by commas. An alias is as good as
// the name; for a name that the table lacks the answer is "".
func (s *Serve) Origin(name string) string {
	o := Lookup(name)
	if o == nil {
		return ""
	}
	return joinOrigins(s.origins[o.Name])
}

// given says whether anybody set the option.
func (s *Serve) given(name string) bool { return len(s.origins[name]) > 0 }

// Settings is the flat list that was applied, in order, variables replaced: what `fender config` prints.
// Names that are unknown (placeholders) or not supported are in it.
func (s *Serve) Settings() []Setting { return s.settings }
