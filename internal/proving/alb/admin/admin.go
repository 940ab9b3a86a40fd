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
	"net/url"
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
		for known := range methods {
			if r.URL.Path == known {
				w.Header().Set("Allow", methods[known])
				fail(w, http.StatusMethodNotAllowed, "InvalidAction", fmt.Errorf("%s does not go with %s: describe and metrics are read with GET, register and deregister take POST", r.Method, known))
				return
			}
		}
		fail(w, http.StatusNotFound, "InvalidAction", errors.New("there are GET /describe and /metrics, POST /register and /deregister"))
	})
	return guard(mux)
}

var methods = map[string]string{"/describe": "GET, HEAD", "/metrics": "GET, HEAD", "/register": "POST", "/deregister": "POST"}

// guard keeps web pages out, which a browser on this machine would let send requests here: those of
// other origins, and those whose name was made to lead to this address.
func guard(next http.Handler) http.Handler {
	denied := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusForbidden, "AccessDenied",
			fmt.Errorf("web pages have no access: send no Origin, and ask for 127.0.0.1, [::1] or localhost (the Host is %.100q)", r.Host))
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

// describe answers as DescribeTargetHealth does for ?TargetGroupArn=...[&Id=...&Port=...][&Include=AnomalyDetection],
// Id and Port once for each target, and without parameters with all target groups.
func (o *Options) describe(w http.ResponseWriter, r *http.Request) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err == nil && len(q) == 0 {
		all := overview{Version: version, LoadBalancerArn: o.LoadBalancer, TargetGroups: []groupHealth{}}
		for _, g := range o.Groups {
			all.TargetGroups = append(all.TargetGroups, groupHealth{g.Config().ARN, g.Name(), shape(g.Describe(), true)})
		}
		write(w, http.StatusOK, all)
		return
	}
	var g *group.Group
	var targets []config.Target
	var anomalies bool
	if err == nil {
		targets, anomalies, err = asked(q)
	}
	if err == nil {
		g, err = o.group(q.Get("TargetGroupArn"))
	}
	if err != nil {
		fail(w, http.StatusBadRequest, codeOf(err), err)
		return
	}
	write(w, http.StatusOK, targetHealth{shape(g.Describe(targets...), anomalies)})
}

// asked reads which targets are asked for, and whether with their anomalies.
func asked(q url.Values) (targets []config.Target, anomalies bool, err error) {
	for name := range q {
		switch name {
		case "TargetGroupArn", "Id", "Port", "Include":
		default:
			return nil, false, fmt.Errorf("there is no parameter %.40q: TargetGroupArn, Id, Port and Include are known", name)
		}
	}
	for _, what := range q["Include"] {
		if what != "AnomalyDetection" && what != "All" {
			return nil, false, fmt.Errorf("%.40q is neither AnomalyDetection nor All, which Include may be", what)
		}
		anomalies = true
	}
	ids, ports := q["Id"], q["Port"]
	if len(ports) > 0 && len(ports) != len(ids) {
		return nil, false, fmt.Errorf("%d Port and %d Id are given: give one Port for each Id, or none", len(ports), len(ids))
	}
	for i, id := range ids {
		port := 0
		if len(ports) > 0 {
			if port, err = strconv.Atoi(ports[i]); err != nil || port < 1 || port > 65535 {
				return nil, false, fmt.Errorf("%.20q is not a port", ports[i])
			}
		}
		targets = append(targets, config.Target{ID: id, Port: port})
	}
	return targets, anomalies, nil
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

// codeOf is the code that AWS has for an error.
func codeOf(err error) string {
	switch {
	case errors.Is(err, errNoGroup):
		return "TargetGroupNotFound"
	case errors.Is(err, group.ErrTooManyTargets):
		return "TooManyTargets"
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
