package options

// notedOptions are uWSGI's options whose purpose is met without them, or that mean nothing here. They are
// accepted so that a configuration that works with uWSGI works unchanged.
func notedOptions() []Option {
	noted := func(name, arg, note string, aliases ...string) Option {
		return Option{Name: name, Aliases: aliases, Kind: Noted, Group: GroupNoted, Arg: arg, Note: note, Help: note}
	}
	short := func(o Option, letter byte) Option {
		o.Short = letter
		return o
	}
	const (
		clientGone = "not needed, a client that leaves never disturbs a worker"
		decoded    = "not needed, the front decodes chunked bodies itself"
		builtIn    = "not needed, Python and HTTP are built in"
		procname   = "no effect yet, processes keep their own names"
		cloexec    = "always so, descriptors of fender are not inherited by other programs"
		forkHooks  = "always so, workers are forked by Python itself"
	)
	return []Option{
		noted("thunder-lock", "", "not needed, the front hands out requests"),
		short(noted("single-interpreter", "", "always so, a worker has one interpreter"), 'i'),
		noted("harakiri-verbose", "", "not needed, the stacks of the stuck worker are always written"),
		noted("auto-procname", "", procname),
		noted("procname-prefix", "TEXT", procname),
		noted("procname-prefix-spaced", "TEXT", procname),
		noted("procname-append", "TEXT", procname),
		noted("procname", "TEXT", procname),
		noted("procname-master", "TEXT", procname),
		noted("lock-engine", "NAME", "not needed, workers share no locks"),
		noted("cpu-affinity", "N", "no effect, the kernel places the workers"),
		noted("pcre-jit", "", "not needed, there are no routing rules"),
		noted("no-defer-accept", "", "not needed, an idle connection never holds a worker"),
		noted("offload-threads", "N", "not needed, the front sends answers and files"),
		noted("http-raw-body", "", decoded),
		noted("http-chunked-input", "", decoded),
		noted("http-auto-chunked", "", "always so, an answer without a length is sent in chunks"),
		noted("http-keepalive", "[TIME]", "always on, keepalive sets how long"),
		noted("http-manage-expect", "[BYTES]", "always so, the front answers Expect: 100-continue"),
		noted("post-buffering", "BYTES", "always so, a worker gets a request when its body is complete"),
		noted("plugins", "NAMES", builtIn, "plugin"),
		noted("need-plugins", "NAMES", builtIn, "need-plugin"),
		noted("plugins-dir", "DIR", builtIn, "plugin-dir"),
		noted("honour-stdin", "", "no effect here"),
		noted("ignore-sigpipe", "", clientGone),
		noted("ignore-write-errors", "", clientGone),
		noted("disable-write-exception", "", clientGone),
		noted("close-on-exec", "", cloexec),
		noted("close-on-exec2", "", cloexec),
		noted("py-call-osafterfork", "", forkHooks),
		noted("py-call-uwsgi-fork-hooks", "", forkHooks),
		noted("no-orphans", "", "always so, no process outlives the master"),
		short(noted("memory-report", "", "not needed, /status shows the memory of every worker"), 'm'),
	}
}
