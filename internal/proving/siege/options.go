package siege

import (
	"errors"
	"fmt"
	"time"
)

// Defaults of a run.
const (
	DefaultTimeout        = 30 * time.Second // siege's
	DefaultConnectTimeout = 10 * time.Second
	DefaultTime           = 30 * time.Second // a run has an end, even when none was given
	DefaultUsers          = 25               // siege's
	DefaultConnections    = 1000             // of the open model
	defaultGrace          = 2 * time.Second
	connectPause          = 50 * time.Millisecond
)

// Options is one run. Requests have been resolved.
type Options struct {
	Requests []*Request
	Phases   []Phase
	Headers  Headers
	Expect   Expect

	Reps   int  // closed model: requests of each user; 0: until the phases end
	Once   bool // closed model: each user makes every request once
	Random bool // in no order
	Delay  time.Duration
	Seed   uint64

	Poisson     bool // open model: random arrivals; else evenly spaced
	Connections int  // open model: how many requests may be under way

	Timeout, ConnectTimeout time.Duration
	Insecure                bool
	Mark                    string // a name for the result

	// Grace is how long the requests under way may take after the run was ended early.
	Grace time.Duration
	// Abort, when it is closed, ends the run at once.
	Abort <-chan struct{}
	// Each is called for every ended request, by many goroutines.
	Each func(Transaction)
	// Tick is called every second.
	Tick func(Progress)
}

// Transaction is one ended request, for those who want to see every one.
type Transaction struct {
	Request *Request
	Kind    Kind
	Status  int
	Took    time.Duration
	Body    int64
	Why     string // of a failure
}

// Progress is how far the run is.
type Progress struct {
	Elapsed, Length  time.Duration // Length 0: not known
	Phase, Phases    int
	Load             string
	Users            int64
	Requests, Failed int64
	Second           Second
}

func (o *Options) withDefaults() {
	or := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	or(&o.Timeout, DefaultTimeout)
	or(&o.ConnectTimeout, DefaultConnectTimeout)
	or(&o.Grace, defaultGrace)
	if o.Connections == 0 { // as many as there may be, if those are fewer
		users := 0
		for _, p := range o.Phases {
			users = max(users, p.Users)
		}
		o.Connections = max(min(DefaultConnections, mostDescriptors()-ownDescriptors-users), 1)
	}
	if o.Headers.UserAgent == "" {
		o.Headers.UserAgent = "fender-siege"
	}
	if o.Headers.ContentType == "" {
		o.Headers.ContentType = "application/x-www-form-urlencoded"
	}
}

// most is how many connections the run may have at a time.
func (o *Options) most() int {
	users, open := 0, 0
	for _, p := range o.Phases {
		users = max(users, p.Users)
		if p.Open {
			open = o.Connections
		}
	}
	return users + open
}

// length is how long the run takes; 0 when that depends on the answers.
func (o *Options) length() (total time.Duration) {
	for _, p := range o.Phases {
		if p.For == 0 {
			return 0
		}
		total += p.For
	}
	return total
}

// Check fills in what was left out and says what is wrong, before anything is done.
func (o *Options) Check() error {
	o.withDefaults()
	return o.validate()
}

func (o *Options) validate() error {
	if len(o.Requests) == 0 || len(o.Phases) == 0 {
		return errors.New("there is nothing to ask")
	}
	if (o.Reps > 0 || o.Once) && (len(o.Phases) > 1 || o.Phases[0].Open) {
		return errors.New("repetitions are those of the users of one phase")
	}
	for i, p := range o.Phases {
		if p.For == 0 && (p.Open || i < len(o.Phases)-1 || o.Reps == 0 && !o.Once) {
			return fmt.Errorf("phase %s has no end", p)
		}
	}
	for _, q := range o.Requests {
		if len(q.addrs) == 0 {
			return fmt.Errorf("%s has not been resolved", q.URL)
		}
		if err := q.write(o.Headers); err != nil {
			return err
		}
	}
	return enoughDescriptors(o.most())
}
