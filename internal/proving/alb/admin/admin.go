// Package admin is the load balancer's door for operators and scripts: register, deregister and describe
// targets as JSON in the shapes of the AWS SDK, and the counters. It owns no state.
package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"

	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/group"
	"fender/internal/proving/alb/metric"
)

// version is that of the documents of our own shape.
const version = 1

// maxBody bounds a request: a thousand targets are far below.
const maxBody = 1 << 20

// Options is what the door leads to.
type Options struct {
	LoadBalancer string // its ARN
	Groups       []*group.Group
	Metrics      *metric.Set
	Logs         map[string]func() int64 // dropped lines, by the log's name
}

// Handler answers GET /describe and /metrics, POST /register and /deregister.
func Handler(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /describe", o.describe)
	mux.HandleFunc("GET /metrics", o.metrics)
	mux.HandleFunc("POST /register", o.change(func(g *group.Group, targets []config.Target) error { return g.Register(targets...) }))
	mux.HandleFunc("POST /deregister", o.change(func(g *group.Group, targets []config.Target) error {
		g.Deregister(targets...)
		return nil
	}))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		for _, known := range []string{"/describe", "/metrics", "/register", "/deregister"} {
			if r.URL.Path == known {
				fail(w, http.StatusMethodNotAllowed, "InvalidAction", fmt.Errorf("%s does not go with %s: describe and metrics are read with GET, register and deregister take POST", r.Method, known))
				return
			}
		}
		fail(w, http.StatusNotFound, "InvalidAction", errors.New("there are GET /describe and /metrics, POST /register and /deregister"))
	})
	return guard(mux)
}

// guard keeps web pages out, which a browser on this machine would let send requests here: those of
// other origins, and those whose name was made to lead to this address.
func guard(next http.Handler) http.Handler {
	denied := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusForbidden, "AccessDenied", errors.New("web pages have no access"))
	})
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(denied)
	next = origin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if ip := net.ParseIP(strings.Trim(host, "[]")); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			denied(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// change reads {TargetGroupArn, Targets} and answers {}, as RegisterTargets and DeregisterTargets do.
func (o *Options) change(act func(*group.Group, []config.Target) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := o.apply(w, r, act); err != nil {
			fail(w, http.StatusBadRequest, codeOf(err), err)
			return
		}
		write(w, http.StatusOK, struct{}{})
	}
}

func (o *Options) apply(w http.ResponseWriter, r *http.Request, act func(*group.Group, []config.Target) error) error {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "" && !strings.Contains(kind, "json") && kind != "application/x-www-form-urlencoded" {
		return fmt.Errorf("the body is JSON, not %s", kind)
	}
	var in targetsInput
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return fmt.Errorf(`the body is not JSON such as {"TargetGroupArn": "web", "Targets": [{"Id": "127.0.0.1", "Port": 8000}]}: %w`, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one JSON document in the body")
	}
	g, err := o.group(in.TargetGroupArn)
	if err != nil {
		return err
	}
	if len(in.Targets) == 0 {
		return errors.New("no Targets are given")
	}
	var targets []config.Target
	for _, t := range in.Targets {
		target := config.Target{ID: t.ID, Port: t.Port}
		check := target
		if check.Port == 0 {
			check.Port = g.Config().Port
		}
		if err := check.Validate(); err != nil {
			return err
		}
		targets = append(targets, target)
	}
	return act(g, targets)
}

// describe answers as DescribeTargetHealth does for ?TargetGroupArn=...[&Id=...&Port=...], and without
// it with all target groups.
func (o *Options) describe(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	arn := q.Get("TargetGroupArn")
	if arn == "" {
		all := overview{Version: version, LoadBalancerArn: o.LoadBalancer, TargetGroups: []groupHealth{}}
		for _, g := range o.Groups {
			all.TargetGroups = append(all.TargetGroups, groupHealth{g.Config().ARN, g.Name(), shape(g.Describe())})
		}
		write(w, http.StatusOK, all)
		return
	}
	g, err := o.group(arn)
	if err != nil {
		fail(w, http.StatusBadRequest, codeOf(err), err)
		return
	}
	var targets []config.Target
	if id := q.Get("Id"); id != "" {
		port := 0
		if text := q.Get("Port"); text != "" {
			if port, err = strconv.Atoi(text); err != nil || port < 1 || port > 65535 {
				fail(w, http.StatusBadRequest, "ValidationError", fmt.Errorf("%.20q is not a port", text))
				return
			}
		}
		targets = []config.Target{{ID: id, Port: port}}
	}
	write(w, http.StatusOK, targetHealth{shape(g.Describe(targets...))})
}

func (o *Options) metrics(w http.ResponseWriter, _ *http.Request) {
	out := counters{Version: version, Snapshot: o.Metrics.Snapshot(), DroppedLogLines: map[string]int64{}}
	for name, dropped := range o.Logs {
		out.DroppedLogLines[name] = dropped()
	}
	write(w, http.StatusOK, out)
}

// errNoGroup is a target group that is unknown.
var errNoGroup = errors.New("there is no such target group")

// group finds a target group by its ARN or its name.
func (o *Options) group(arn string) (*group.Group, error) {
	if arn == "" {
		return nil, errors.New("TargetGroupArn is missing: the ARN or the name of a target group")
	}
	var names []string
	for _, g := range o.Groups {
		if g.Config().ARN == arn || g.Name() == arn {
			return g, nil
		}
		names = append(names, g.Name())
	}
	return nil, fmt.Errorf("%w as %.200q; there are: %s", errNoGroup, arn, strings.Join(names, ", "))
}

func codeOf(err error) string {
	if errors.Is(err, errNoGroup) {
		return "TargetGroupNotFound"
	}
	return "ValidationError"
}

func fail(w http.ResponseWriter, status int, code string, err error) {
	write(w, status, failure{failureDetail{code, err.Error()}})
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // the client has gone
}
