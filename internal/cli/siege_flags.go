package cli

import (
	"fmt"
	"strings"

	"fender/internal/proving/siege"

	"github.com/spf13/pflag"
)

// siegeFlags is the command line of siege as it was written.
type siegeFlags struct {
	concurrent  int
	reps, time  string
	delay       string
	benchmark   bool
	verbose     bool
	quiet       bool
	file        string
	internet    bool
	headers     []string
	agent       string
	contentType string
	get, print  bool
	siegeJSON   bool
	mark        string
	connection  string

	rate      string
	poisson   bool
	phases    string
	most      int
	statuses  []int
	sha256    string
	checkHash bool
	timeout   duration
	connect   duration
	insecure  bool
	remote    bool
	seed      uint64
	asJSON    bool
	out       string
	compare   []string
	failUnder float64

	flags *pflag.FlagSet
}

func (f *siegeFlags) define(fs *pflag.FlagSet) {
	f.flags = fs
	f.timeout, f.connect = duration(siege.DefaultTimeout), duration(siege.DefaultConnectTimeout)
	fs.SortFlags = false
	fs.IntVarP(&f.concurrent, "concurrent", "c", siege.DefaultUsers, "users, each with its own connection")
	fs.StringVarP(&f.reps, "reps", "r", "", "requests of each user: `N`, or once for each URL of the file once")
	fs.StringVarP(&f.time, "time", "t", "", "how long: `30S`, 5M, 1H; a bare number is minutes, as in siege")
	fs.StringVarP(&f.delay, "delay", "d", "", "wait a random time up to `SECONDS` between requests")
	fs.BoolVarP(&f.benchmark, "benchmark", "b", false, "no delay")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "a line for every request")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "print nothing but --json and errors")
	fs.StringVarP(&f.file, "file", "f", "", "a `FILE` of URLs, one a line, with # comments and $VARIABLES")
	fs.BoolVarP(&f.internet, "internet", "i", false, "the URLs in random order")
	fs.StringArrayVarP(&f.headers, "header", "H", nil, "a header `\"Name: value\"` (may be repeated)")
	fs.StringVarP(&f.agent, "user-agent", "A", "", "the User-Agent")
	fs.StringVar(&f.agent, "agent", "", "the User-Agent")
	fs.StringVarP(&f.contentType, "content-type", "T", "", "the Content-Type of bodies")
	fs.BoolVarP(&f.get, "get", "g", false, "make one HEAD request and print both heads")
	fs.BoolVarP(&f.print, "print", "p", false, "make one GET request and print heads and body")
	fs.BoolVarP(&f.siegeJSON, "json-output", "j", false, "the summary as siege's JSON")
	fs.StringVarP(&f.mark, "mark", "m", "", "a `NAME` for the result")
	fs.StringVar(&f.connection, "connection", "keep-alive", "keep-alive, or `close` for one connection a request (siege's default)")

	fs.StringVar(&f.rate, "rate", "", "open model: `500/s`, whatever the answers do")
	fs.BoolVar(&f.poisson, "poisson", false, "open model: random arrivals; else evenly spaced")
	fs.StringVar(&f.phases, "phases", "", "one load after the other: `50u/20s`,0u/30s,500r/20s (u users, r requests/s)")
	fs.IntVar(&f.most, "max-connections", siege.DefaultConnections, "open model: requests under way at most; later ones wait and are counted late")
	fs.IntSliceVar(&f.statuses, "expect-status", nil, "the only `STATUS` that is no failure; else any 2xx and 3xx")
	fs.StringVar(&f.sha256, "expect-sha256", "", "the SHA-256 of every body, in `HEX`")
	fs.BoolVar(&f.checkHash, "check-hash", false, "every body has the SHA-256 of its answer's X-Body-Sha256")
	fs.Var(&f.timeout, "timeout", "for a whole answer")
	fs.Var(&f.connect, "connect-timeout", "for a connection")
	fs.BoolVar(&f.insecure, "insecure", false, "accept any certificate (on loopback any is)")
	fs.BoolVar(&f.remote, "allow-remote", false, "the target is not this machine, and you may put load on it")
	fs.Uint64Var(&f.seed, "seed", 0, "make random choices the same each time")
	fs.BoolVar(&f.asJSON, "json", false, "the whole result as a JSON document on standard output")
	fs.StringVarP(&f.out, "out", "o", "", "save the result as JSON in `FILE`")
	fs.StringArrayVar(&f.compare, "compare", nil, "print beside the saved result in `FILE`; two files and no URL: those two")
	fs.Float64Var(&f.failUnder, "fail-under", -1, "exit with 3 when the availability is under `PERCENT`")

	fs.Bool("no-parser", false, "pages are never parsed here")
	fs.Bool("no-follow", false, "redirects are never followed here")
	fs.StringP("rc", "R", "", "")
	fs.StringP("log", "l", "", "")
	fs.Lookup("log").NoOptDefVal = "/var/log/siege.log"
	fs.BoolP("config", "C", false, "")
	for _, name := range []string{"agent", "no-parser", "no-follow", "rc", "log", "config"} {
		fs.Lookup(name).Hidden = true
	}
	fs.Lookup("fail-under").DefValue = "0" // prints no default
}

// refuse names what siege has and fender siege has not, and options that contradict each other.
func (f *siegeFlags) refuse() error {
	is := f.flags.Changed
	switch {
	case is("rc") || is("config"):
		return usageError("siege's configuration file is not read: everything is an option, fender siege --help lists them")
	case is("log"):
		return usageError("there is no log of runs: --out FILE saves a result, --compare FILE reads it again")
	case is("rate") && is("phases"):
		return usageError("--rate is a phase by itself: give it in --phases, as in 500r/20s")
	case is("phases") && (is("concurrent") || is("reps") || is("time")):
		return usageError("--phases says how many users there are and how long: leave -c, -r and -t out")
	case is("rate") && (is("concurrent") || is("reps") || is("delay")):
		return usageError("with --rate there are no users, and -c, -r and -d are theirs: -t says how long, --max-connections how many at a time")
	case is("get") && is("print"):
		return usageError("--get prints the heads, --print the body too: one of them")
	case f.asJSON && f.siegeJSON:
		return usageError("--json is the whole result, --json-output siege's summary: one of them")
	case f.connection != "close" && f.connection != "keep-alive":
		return usageError(fmt.Sprintf("--connection %q: keep-alive or close", clip(f.connection)))
	case is("fail-under") && !(f.failUnder >= 0 && f.failUnder <= 100): // NaN neither
		return usageError("--fail-under is a percentage, 0 to 100")
	case len(f.compare) > 2:
		return usageError("--compare is given once with a URL, or twice without")
	}
	if (f.poisson || is("max-connections")) && !is("rate") && !strings.Contains(f.phases, "r/") {
		return usageError("--poisson and --max-connections belong to --rate, or to a phase like 500r/20s")
	}
	return f.bounds()
}

func (f *siegeFlags) bounds() error {
	for name, n := range map[string]int{"concurrent": f.concurrent, "max-connections": f.most} {
		if n < 1 || n > siege.MostUsers {
			return usageError(fmt.Sprintf("--%s is a number from 1 to %d", name, siege.MostUsers))
		}
	}
	for _, s := range f.statuses {
		if s < 200 || s > 599 {
			return usageError(fmt.Sprintf("--expect-status %d: a status is 200 to 599", s))
		}
	}
	return nil
}
