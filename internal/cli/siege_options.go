package cli

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"fender/internal/proving/siege"
)

// options makes the run of what was written.
func (f *siegeFlags) options(p *Process, args []string) (siege.Options, error) {
	o := siege.Options{
		Headers:     siege.Headers{Lines: f.headers, UserAgent: f.agent, ContentType: f.contentType, Close: f.connection == "close"},
		Expect:      siege.Expect{Statuses: f.statuses, Header: f.checkHash},
		Random:      f.internet,
		Seed:        f.seed,
		Poisson:     f.poisson,
		Connections: f.most,
		Timeout:     time.Duration(f.timeout), ConnectTimeout: time.Duration(f.connect),
		Insecure: f.insecure, Mark: f.mark,
	}
	if !f.flags.Changed("max-connections") {
		o.Connections = 0 // the default may have to be lower
	}
	if !f.flags.Changed("seed") {
		o.Seed = rand.Uint64()
	}
	if o.Headers.UserAgent == "" {
		o.Headers.UserAgent = "fender-siege/" + p.Version
	}
	err := errors.Join(f.load(&o), f.body(&o))
	if err == nil {
		err = o.Headers.Check()
	}
	if err != nil {
		return o, usageError(err.Error())
	}
	o.Requests, err = f.requests(p, args)
	if err == nil && f.get && o.Requests[0].Method == http.MethodGet {
		o.Requests[0].Method = http.MethodHead
	}
	return o, err
}

func (f *siegeFlags) body(o *siege.Options) (err error) {
	if f.sha256 != "" {
		if o.Expect.SHA256, err = siege.ParseSHA256(f.sha256); err != nil {
			return fmt.Errorf("--expect-sha256: %w", err)
		}
	}
	return nil
}

// load reads what says how much and how long.
func (f *siegeFlags) load(o *siege.Options) (err error) {
	if f.delay != "" && !f.benchmark {
		if o.Delay, err = siegeDelay(f.delay); err != nil {
			return err
		}
	}
	if f.phases != "" {
		if o.Phases, err = siege.ParsePhases(f.phases); err != nil {
			return fmt.Errorf("--phases: %w", err)
		}
		return nil
	}
	phase := siege.Phase{Users: f.concurrent}
	if f.rate != "" {
		phase.Users, phase.Open = 0, true
		if phase.Rate, err = siege.ParseRate(f.rate); err != nil {
			return fmt.Errorf("--rate: %w", err)
		}
	}
	if err := f.repetitions(o); err != nil {
		return err
	}
	switch {
	case f.time != "":
		if phase.For, err = siegeTime(f.time); err != nil {
			return fmt.Errorf("-t %s: %w", clip(f.time), err)
		}
	case f.reps == "":
		phase.For = siege.DefaultTime
	}
	o.Phases = []siege.Phase{phase}
	return nil
}

func (f *siegeFlags) repetitions(o *siege.Options) error {
	switch f.reps {
	case "":
	case "once":
		o.Once = true
	default:
		n, err := strconv.Atoi(f.reps)
		if err != nil || n < 1 {
			return errors.New("-r is a number of requests above 0, or once")
		}
		o.Reps = n
	}
	return nil
}

// siegeTime is siege's 30S, 5M, 1H and bare minutes, and all other times of fender.
func siegeTime(text string) (time.Duration, error) {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		text += "m"
	}
	return siege.ParseTime(text)
}

func siegeDelay(text string) (time.Duration, error) {
	if n, err := strconv.ParseFloat(text, 64); err == nil && n == 0 {
		return 0, nil
	}
	d, err := siege.ParseTime(text)
	if err != nil {
		return 0, fmt.Errorf("-d %s: %w", clip(text), err)
	}
	return d, nil
}

// requests are those of the command line or of the file.
func (f *siegeFlags) requests(p *Process, args []string) ([]*siege.Request, error) {
	switch {
	case f.file != "" && len(args) > 0:
		return nil, usageError("either a URL or --file FILE")
	case f.file != "":
		file, err := os.Open(f.file)
		if err != nil {
			return nil, fmt.Errorf("the file of URLs: %w", err)
		}
		defer file.Close()
		all, err := siege.ReadURLs(file, p.Getenv)
		if err != nil {
			return nil, usageError(fmt.Sprintf("%s: %v", f.file, err))
		}
		return all, nil
	case len(args) == 0:
		return nil, usageError("what shall be asked? Give a URL, or --file FILE; fender siege --help explains")
	case len(args) > 1 && !slices.Contains(siege.Methods(), args[1]):
		return nil, usageError(fmt.Sprintf("one URL, there is %q too: several stand in a file (--file FILE)", clip(args[1])))
	}
	q, err := siege.ParseRequest(strings.Join(args, " "))
	if err != nil {
		return nil, usageError(err.Error())
	}
	return []*siege.Request{q}, nil
}
