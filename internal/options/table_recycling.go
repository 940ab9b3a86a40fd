package options

const never = "0 = never"

func recyclingOptions() []Option {
	return []Option{
		{Name: "max-requests", Short: 'R', Kind: Int, Group: GroupRecycling, Arg: "N", Default: "0", Max: 1 << 40, DefaultText: never,
			Help:   "replace a worker after so many requests",
			target: func(s *Serve) any { return &s.MaxRequests }},
		{Name: "max-requests-delta", Kind: Int, Group: GroupRecycling, Arg: "N", Max: 1 << 40,
			DefaultText: "10 % of max-requests",
			Why:         "a random number for each worker, added, so that they do not all go at once; uWSGI has 0",
			Help:        "a worker may take up to so many requests more",
			target:      func(s *Serve) any { return &s.MaxRequestsDelta }},
		{Name: "max-worker-lifetime", Kind: Duration, Group: GroupRecycling, Arg: "TIME", Default: "0", DefaultText: never,
			Help:   "replace a worker of this age",
			target: func(s *Serve) any { return &s.MaxWorkerLifetime }},
		{Name: "max-worker-lifetime-delta", Kind: Duration, Group: GroupRecycling, Arg: "TIME",
			DefaultText: "10 % of max-worker-lifetime",
			Why:         "a random time for each worker, added, so that they do not all go at once; uWSGI has 0",
			Help:        "a worker may live up to so much longer",
			target:      func(s *Serve) any { return &s.MaxWorkerLifetimeDelta }},
		{Name: "min-worker-lifetime", Kind: Duration, Group: GroupRecycling, Arg: "TIME", Default: "0",
			Why:    "uWSGI's 10 s would hide limits",
			Help:   "no limit replaces a younger worker",
			target: func(s *Serve) any { return &s.MinWorkerLifetime }},
		{Name: "reload-on-rss", Kind: Megabytes, Group: GroupRecycling, Arg: "MB", Default: "0", DefaultText: never,
			Help:   "replace a worker whose resident memory is larger, in megabytes",
			target: func(s *Serve) any { return &s.ReloadOnRSS }},
		{Name: "worker-reload-mercy", Kind: Duration, Group: GroupRecycling, Arg: "TIME", Default: "60s",
			Help:   "time for a worker that goes to finish its requests",
			target: func(s *Serve) any { return &s.WorkerReloadMercy }},
		{Name: "reload-mercy", Kind: Duration, Group: GroupRecycling, Arg: "TIME", Default: "0",
			Help:   "accepted: uWSGI's mercy for attached daemons; for workers see worker-reload-mercy",
			target: func(s *Serve) any { return &s.ReloadMercy }},
		{Name: "touch-reload", Kind: List, Group: GroupRecycling, Arg: "FILE", Implies: masterOnly,
			Help:   "reload when this file changes; may be repeated",
			target: func(s *Serve) any { return &s.TouchReload }},
		{Name: "reload-step", Kind: Int, Group: GroupRecycling, Arg: "N", Default: "1", New: true, Min: 1, Max: 1024,
			Why:    "bounded memory",
			Help:   "workers that a reload may have above processes at a time",
			target: func(s *Serve) any { return &s.ReloadStep }},
	}
}
