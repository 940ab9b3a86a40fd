package scaler

import "fmt"

// Defaults, all of them uWSGI's. In uWSGI too a value of 0 means the default. (Its documentation
// says 1 for the penalty; the code says 2.)
const (
	defaultStep              = 1
	defaultOverload          = 3
	defaultIdle              = 10
	defaultBusynessMax       = 50
	defaultBusynessMin       = 25
	defaultMultiplier        = 10
	defaultPenalty           = 2
	defaultBacklogAlert      = 33
	defaultBacklogMultiplier = 3
	defaultBacklogStep       = 1
	defaultBacklogNonzero    = 60
)

// Options are uWSGI's cheaper options. 0 means the default, which stands behind each.
type Options struct {
	Algo string // cheaper-algo, spare
	Step int    // cheaper-step, 1: workers to start per decision
	// Overload is cheaper-overload, 3. It counts cycles for spare, waiting requests for backlog,
	// and is the window in seconds for busyness.
	Overload int
	Idle     int // cheaper-idle, 10: cycles of spare2 with too many idle workers before one goes
	Busyness BusynessOptions
}

// BusynessOptions are the options that begin with cheaper-busyness-.
type BusynessOptions struct {
	Max               int  // 50 percent: above it workers are started
	Min               int  // 25 percent: below it a worker goes, when it has been so for long enough
	Multiplier        int  // 10 windows is long enough, to begin with
	Penalty           int  // 2 windows more each time a worker had to come back too soon
	BacklogAlert      int  // 33 requests: above it emergency workers are started at once
	BacklogMultiplier int  // 3 windows is long enough while emergency workers run
	BacklogStep       int  // 1 emergency worker at a time
	BacklogNonzero    int  // 60 seconds with a queue that is never empty: an emergency too
	Verbose           bool // every window is reported
}

// maxValue bounds every option, far above any use, so that times made of them stay representable.
const maxValue = 1_000_000

// fields lists each number with its option's name and default.
func (o *Options) fields() []struct {
	name  string
	value *int
	def   int
} {
	b := &o.Busyness
	return []struct {
		name  string
		value *int
		def   int
	}{
		{"cheaper-step", &o.Step, defaultStep},
		{"cheaper-overload", &o.Overload, defaultOverload},
		{"cheaper-idle", &o.Idle, defaultIdle},
		{"cheaper-busyness-max", &b.Max, defaultBusynessMax},
		{"cheaper-busyness-min", &b.Min, defaultBusynessMin},
		{"cheaper-busyness-multiplier", &b.Multiplier, defaultMultiplier},
		{"cheaper-busyness-penalty", &b.Penalty, defaultPenalty},
		{"cheaper-busyness-backlog-alert", &b.BacklogAlert, defaultBacklogAlert},
		{"cheaper-busyness-backlog-multiplier", &b.BacklogMultiplier, defaultBacklogMultiplier},
		{"cheaper-busyness-backlog-step", &b.BacklogStep, defaultBacklogStep},
		{"cheaper-busyness-backlog-nonzero", &b.BacklogNonzero, defaultBacklogNonzero},
	}
}

func (o Options) withDefaults() Options {
	if o.Algo == "" {
		o.Algo = Algos[0]
	}
	for _, f := range o.fields() {
		if *f.value == 0 {
			*f.value = f.def
		}
	}
	return o
}

func (o Options) validate() error {
	for _, f := range o.fields() {
		if *f.value < 0 || *f.value > maxValue {
			return fmt.Errorf("%s is %d: it must be between 0 and %d (0 means the default, %d)", f.name, *f.value, maxValue, f.def)
		}
	}
	return nil
}
