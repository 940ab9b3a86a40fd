package options

import "time"

func drainOptions() []Option {
	return []Option{
		{Name: "health-path", Kind: String, Group: GroupDrain, Arg: "PATH", Default: "/healthz", New: true,
			Why:    "a balancer's health check carries the target's IP as Host, to which Django answers 400",
			Help:   "answered by the front on the HTTP sockets; empty = off",
			target: func(s *Serve) any { return &s.HealthPath }},
		{Name: "drain-delay", Kind: Duration, Group: GroupDrain, Arg: "TIME", Default: "0", New: true,
			Why:    "Kubernetes wants 15 to 20 s; docker stop kills after 10 s unless told otherwise",
			Help:   "after SIGTERM serve at least so long, while the balancer takes its traffic away",
			target: func(s *Serve) any { return &s.DrainDelay }},
		{Name: "drain-quiet", Kind: Duration, Group: GroupDrain, Arg: "TIME", Default: "5s", New: true,
			Help:   "then leave when no request came for so long, or no connection is left",
			target: func(s *Serve) any { return &s.DrainQuiet }},
		{Name: "drain-timeout", Kind: Duration, Group: GroupDrain, Arg: "TIME", Default: "25s", New: true,
			Help:   "leave after so long in any case",
			target: func(s *Serve) any { return &s.DrainTimeout }},
	}
}

func logbookOptions() []Option {
	return []Option{
		{Name: "disable-logging", Short: 'L', Kind: Inverse, Group: GroupLogbook, Default: "false",
			Help:   "no access log, but for what log-4xx, log-5xx and log-slow pick",
			target: func(s *Serve) any { return &s.LogRequests }},
		{Name: "log-4xx", Kind: Bool, Group: GroupLogbook, Default: "false",
			Help:   "with disable-logging: log answers 400 to 499",
			target: func(s *Serve) any { return &s.Log4xx }},
		{Name: "log-5xx", Kind: Bool, Group: GroupLogbook, Default: "false",
			Help:   "with disable-logging: log answers 500 to 599",
			target: func(s *Serve) any { return &s.Log5xx }},
		{Name: "log-slow", Kind: Duration, Group: GroupLogbook, Arg: "MS", Default: "0", DefaultText: "0 = off", Unit: time.Millisecond,
			Help:   "with disable-logging: log requests that took longer; a bare number is milliseconds",
			target: func(s *Serve) any { return &s.LogSlow }},
		{Name: "access-log", Kind: String, Group: GroupLogbook, Arg: "FILE", Default: "stdout", New: true,
			Why:    "containers; uWSGI writes to stderr",
			Help:   "stdout, stderr, off, or a file",
			target: func(s *Serve) any { return &s.AccessLog }},
		{Name: "access-log-format", Kind: Choice, Group: GroupLogbook, Arg: "text|json", Default: "text", New: true, Choices: []string{"text", "json"},
			Help:   "one line of text or one JSON object for each request",
			target: func(s *Serve) any { return &s.AccessLogFormat }},
		{Name: "log-mask-query", Kind: Bool, Group: GroupLogbook, Default: "false", New: true,
			Help:   "leave query strings out of the access log",
			target: func(s *Serve) any { return &s.LogMaskQuery }},
		{Name: "events", Kind: String, Group: GroupLogbook, Arg: "FILE", New: true,
			Help:   "write every event there, one JSON object a line",
			target: func(s *Serve) any { return &s.Events }},
		{Name: "admin", Kind: Loopback, Group: GroupLogbook, Arg: "[HOST:]PORT", New: true, DefaultText: "off",
			Help:   "serve /healthz, /readyz, /status and /metrics there; on 127.0.0.1 unless an address is given",
			target: func(s *Serve) any { return &s.Admin }},
		{Name: "control", Kind: String, Group: GroupLogbook, Arg: "PATH", New: true, DefaultText: "off",
			Help:   "unix socket for fender ctl, readable by its owner only",
			target: func(s *Serve) any { return &s.Control }},
		{Name: "cause-header", Kind: Bool, Group: GroupLogbook, Default: "true", New: true,
			Help:   "answers that fender makes itself say why in X-Fender-Cause",
			target: func(s *Serve) any { return &s.CauseHeader }},
	}
}
