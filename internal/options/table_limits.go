package options

import "time"

const (
	kib = 1 << 10
	mib = 1 << 20
	// smallestHead is what the front always takes: an AWS load balancer passes heads of up to 64 KiB.
	smallestHead = 64 * kib
)

func limitOptions() []Option {
	return []Option{
		{Name: "harakiri", Short: 't', Kind: Duration, Group: GroupLimits, Arg: "TIME", Default: "0", DefaultText: "0 = no limit",
			Why:    "the clock is each request's own; uWSGI has one for the whole worker",
			Help:   "most time that a request may take; then it is answered 504 and its worker is replaced",
			target: func(s *Serve) any { return &s.Harakiri }},
		{Name: "harakiri-interrupt", Kind: Bool, Group: GroupLimits, Default: "true", New: true,
			Help:   "at the deadline raise an exception in the stuck thread, so that its finally blocks run",
			target: func(s *Serve) any { return &s.HarakiriInterrupt }},
		{Name: "buffer-size", Short: 'b', Kind: Size, Group: GroupLimits, Arg: "BYTES", Default: "64k", Max: mib,
			Why:    "a smaller value has no effect: uWSGI's 4096 is its most common 502",
			Help:   "most bytes of a request's head",
			target: func(s *Serve) any { return &s.BufferSize }},
		{Name: "limit-post", Kind: Size, Group: GroupLimits, Arg: "BYTES", Default: "0", DefaultText: "0 = no limit",
			Help:   "most bytes of a request's body; larger is answered 413",
			target: func(s *Serve) any { return &s.LimitPost }},
		{Name: "queue-limit", Kind: Int, Group: GroupLimits, Arg: "N", Default: "1024", New: true, Min: 1, Max: 1 << 20,
			Why:    "bounded",
			Help:   "requests that may wait for a worker; more are answered 503",
			target: func(s *Serve) any { return &s.QueueLimit }},
		{Name: "queue-timeout", Kind: Duration, Group: GroupLimits, Arg: "TIME", Default: "30s", New: true, Min: int64(time.Millisecond),
			Why:    "below the idle timeout of an AWS load balancer",
			Help:   "most time that a request waits for a worker; then it is answered 503",
			target: func(s *Serve) any { return &s.QueueTimeout }},
		{Name: "retry-methods", Kind: Methods, Group: GroupLimits, Arg: "METHOD,...", Default: "GET,HEAD,OPTIONS", New: true,
			Why:    "safe methods",
			Help:   "begun again on another worker when theirs dies; empty = none",
			target: func(s *Serve) any { return &s.RetryMethods }},
		{Name: "answer-buffer", Kind: Size, Group: GroupLimits, Arg: "BYTES", Default: "1m", New: true, Max: 1 << 30,
			Help:   "an answer's head is held until the answer is complete or larger than this, or streams",
			target: func(s *Serve) any { return &s.AnswerBuffer }},
		{Name: "memory-budget", Kind: Size, Group: GroupLimits, Arg: "BYTES", Default: "256m", New: true, Min: mib,
			Help:   "most bytes of requests and answers held in memory; more goes to body-spool",
			target: func(s *Serve) any { return &s.MemoryBudget }},
		{Name: "body-spool", Kind: String, Group: GroupLimits, Arg: "DIR", New: true,
			DefaultText: "$TMPDIR, else /tmp",
			Help:        "directory for bodies and answers that do not fit in memory",
			target:      func(s *Serve) any { return &s.BodySpool }},
		{Name: "spool-limit", Kind: Size, Group: GroupLimits, Arg: "BYTES", Default: "10g", New: true, Min: mib,
			Help:   "most bytes in body-spool; then a request that needs it is answered 503",
			target: func(s *Serve) any { return &s.SpoolLimit }},
	}
}
