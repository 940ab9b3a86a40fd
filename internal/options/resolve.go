package options

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// balancerIdle is the idle timeout of an AWS load balancer unless somebody changed it.
const balancerIdle = 60 * time.Second

// resolve fills in what depends on other options or on the machine, and moves what is out of reach into it,
// with a warning. Each step leaves its option final.
func (r *reader) resolve(s *Serve) {
	r.resolveApplication(s)
	r.resolveSockets(s)
	r.resolveScaling(s)
	r.resolveRecycling(s)
	r.resolveLimits(s)
	r.resolveLogbook(s)
	r.warnOfBalancer(s)
}

// resolveApplication puts the positional application into its place, unless another one is named.
func (r *reader) resolveApplication(s *Serve) {
	a := r.application
	if a.written == "" {
		return
	}
	name, place := "module", &s.Module
	if a.file {
		name, place = "wsgi-file", &s.WSGIFile
	}
	for _, other := range []string{"module", "wsgi-file"} {
		value := s.Value(other)
		if value == "" || other == name && value == a.name {
			continue
		}
		if s.origins[other][0].kind == fromEnviron {
			*Lookup(other).target(s).(*string) = "" // a variable is what holds when nobody says otherwise
			s.origins[other] = nil
			continue
		}
		r.problem(commandLine, "module", fmt.Sprintf("two applications: %s, and %s = %s (%s)", shortName(a.written), other, shown(value), s.Origin(other)), "name one")
		return
	}
	*place = a.name
	s.origins[name] = []Origin{commandLine}
	if a.callable != "" {
		s.Callable = a.callable
		s.origins["callable"] = []Origin{commandLine}
	}
}

func (r *reader) resolveSockets(s *Serve) {
	if s.Protocol == "http" || s.Protocol == "http11" {
		s.HTTP = append(s.HTTP, s.Socket...)
		s.origins["http-socket"] = append(s.origins["http-socket"], s.origins["socket"]...)
		s.Socket = nil
	}
	unique := s.HTTP[:0]
	for _, a := range s.HTTP {
		if slices.Contains(unique, a) {
			r.warn(Origin{}, "http-socket = %s is given twice (%s): it is opened once", a, s.Origin("http-socket"))
			continue
		}
		unique = append(unique, a)
	}
	s.HTTP = unique
	if !s.given("http-socket") && !s.given("socket") {
		s.HTTP = []Address{r.firstAddress(s)}
	}
	if most := r.source.Somaxconn; most > 0 && s.Listen > most {
		if s.given("listen") {
			r.warn(s.origins["listen"][0], "listen = %d is more than the kernel allows (net.core.somaxconn = %d): %d is used; raise it with sysctl -w net.core.somaxconn=%d, in a container with --sysctl", s.Listen, most, most, s.Listen)
		}
		s.Listen = most
	}
	for _, wait := range []struct {
		name  string
		place *time.Duration
	}{{"head-timeout", &s.HeadTimeout}, {"body-timeout", &s.BodyTimeout}} {
		if !s.given(wait.name) {
			*wait.place = max(75*time.Second, s.Keepalive)
		}
	}
}

// firstAddress is where to listen when nobody says: reachable from outside only in a container.
func (r *reader) firstAddress(s *Serve) Address {
	host, port := "127.0.0.1", "8000"
	if r.source.PID == 1 {
		host = "0.0.0.0"
	}
	if value := r.environ["PORT"]; value != "" {
		if n, err := strconv.ParseUint(value, 10, 16); err == nil {
			port = strconv.FormatUint(n, 10)
			s.origins["http-socket"] = []Origin{{Where: "PORT", kind: fromEnviron}}
		} else {
			r.warn(Origin{Where: "PORT", kind: fromEnviron}, "%s is no port: %s is used; set http-socket", shown(value), port)
		}
	}
	return Address{Network: "tcp", Address: net.JoinHostPort(host, port)}
}

func (r *reader) resolveScaling(s *Serve) {
	r.resolveAlgorithm(s)
	for _, whole := range []struct {
		name  string
		place *int
	}{
		{"cheaper-overload", &s.CheaperOverload}, {"cheaper-idle", &s.CheaperIdle}, {"cheaper-step", &s.CheaperStep},
		{"cheaper-busyness-max", &s.Busyness.Max}, {"cheaper-busyness-min", &s.Busyness.Min},
		{"cheaper-busyness-multiplier", &s.Busyness.Multiplier}, {"cheaper-busyness-penalty", &s.Busyness.Penalty},
		{"cheaper-busyness-backlog-alert", &s.Busyness.BacklogAlert}, {"cheaper-busyness-backlog-multiplier", &s.Busyness.BacklogMultiplier},
		{"cheaper-busyness-backlog-step", &s.Busyness.BacklogStep}, {"cheaper-busyness-backlog-nonzero", &s.Busyness.BacklogNonzero},
	} {
		if *whole.place == 0 { // 0 is the default, as in uWSGI
			*whole.place, _ = strconv.Atoi(Lookup(whole.name).Default)
		}
	}
	if s.Cheaper == 0 {
		for _, o := range table() {
			if strings.HasPrefix(o.Name, "cheaper-") && s.given(o.Name) && !s.given("cheaper") {
				r.warn(s.origins[o.Name][0], "%s (and every other cheaper-...) has no effect without cheaper", o.Name)
				break
			}
		}
		s.CheaperInitial = s.Processes
		return
	}
	switch initial := s.CheaperInitial; {
	case !s.given("cheaper-initial"):
		s.CheaperInitial = s.Cheaper
	case initial < s.Cheaper:
		s.CheaperInitial = s.Cheaper
		r.warn(s.origins["cheaper-initial"][0], "cheaper-initial = %d is less than cheaper = %d: %d workers are started", initial, s.Cheaper, s.Cheaper)
	case initial > s.Processes:
		s.CheaperInitial = s.Processes
		r.warn(s.origins["cheaper-initial"][0], "cheaper-initial = %d is more than processes = %d: %d workers are started", initial, s.Processes, s.Processes)
	}
}

func (r *reader) resolveAlgorithm(s *Serve) {
	switch s.CheaperAlgo {
	case "spare", "spare2", "backlog", "busyness":
		return
	case "":
	case "manual", "backlog2":
		r.warn(s.origins["cheaper-algo"][0], "cheaper-algo = %s is not supported by fender yet: spare is used", s.CheaperAlgo)
	default:
		r.warn(s.origins["cheaper-algo"][0], "there is no cheaper-algo %s (spare, spare2, backlog, busyness): spare is used, as uWSGI does", shown(s.CheaperAlgo))
	}
	s.CheaperAlgo = "spare"
}

func (r *reader) resolveRecycling(s *Serve) {
	if !s.given("max-requests-delta") {
		s.MaxRequestsDelta = s.MaxRequests/10 + min(s.MaxRequests%10, 1) // a tenth, rounded up
	}
	if !s.given("max-worker-lifetime-delta") {
		s.MaxWorkerLifetimeDelta = s.MaxWorkerLifetime / 10
	}
	if s.given("reload-mercy") && !s.given("worker-reload-mercy") {
		r.warn(s.origins["reload-mercy"][0], "reload-mercy is about uWSGI's attached daemons and has no effect; the time of a worker is worker-reload-mercy (%s)", formatDuration(s.WorkerReloadMercy))
	}
}

func (r *reader) resolveLimits(s *Serve) {
	s.BufferSize = max(s.BufferSize, smallestHead)
	if s.BodySpool == "" {
		s.BodySpool = "/tmp"
		if dir := r.environ["TMPDIR"]; dir != "" {
			s.BodySpool = dir
			s.origins["body-spool"] = []Origin{{Where: "TMPDIR", kind: fromEnviron}}
		}
	}
	for _, method := range s.RetryMethods {
		if method == "POST" || method == "PATCH" || method == "CONNECT" {
			r.warn(s.origins["retry-methods"][0], "retry-methods has %s: what such a request does may be done twice when a worker dies", method)
		}
	}
}

func (r *reader) resolveLogbook(s *Serve) {
	switch s.AccessLog {
	case "", "-", "/dev/stdout":
		s.AccessLog = "stdout"
	case "/dev/stderr":
		s.AccessLog = "stderr"
	case "none", "false", "no", "0":
		s.AccessLog = "off"
	}
}

// warnOfBalancer speaks of times that let the load balancer give up, or close, before fender.
func (r *reader) warnOfBalancer(s *Serve) {
	if all := s.Harakiri + s.QueueTimeout; s.Harakiri > 0 && all >= balancerIdle {
		r.warn(Origin{}, "harakiri %s and queue-timeout %s make %s, which reaches the 60 s idle timeout of an AWS load balancer: it answers 504 first, and fender's answer with its cause is lost; raise the balancer's idle timeout above %s, or lower the two",
			formatDuration(s.Harakiri), formatDuration(s.QueueTimeout), formatDuration(all), formatDuration(all))
	}
	for _, name := range []string{"keepalive", "head-timeout", "body-timeout"} {
		if d := *Lookup(name).target(s).(*time.Duration); s.given(name) && d <= balancerIdle {
			r.warn(s.origins[name][0], "%s = %s is not longer than the 60 s idle timeout of an AWS load balancer: fender may close a connection that the balancer is about to use, which is a 502", name, formatDuration(d))
		}
	}
}
