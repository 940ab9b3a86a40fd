package options

import (
	"fmt"
	"strings"
	"time"
)

// Validate says everything that is wrong with the values together, as a *ConfigError; nil if nothing is.
// Read has called it already; it is for a Serve that was changed since.
func (s *Serve) Validate() error {
	if problems := s.problems(); len(problems) > 0 {
		return &ConfigError{Problems: problems}
	}
	return nil
}

func (s *Serve) problems() []Problem {
	var all []Problem
	for _, check := range []func() []Problem{s.checkApplication, s.checkSockets, s.checkWorkers, s.checkLimits} {
		all = append(all, check()...)
	}
	return all
}

// wrong makes a problem of the options named, with the origin of the first.
func (s *Serve) wrong(what, hint string, names ...string) Problem {
	p := Problem{Options: names, What: what, Hint: hint}
	if s.given(names[0]) {
		p.Origin = s.Origin(names[0])
	}
	return p
}

func (s *Serve) checkApplication() (all []Problem) {
	switch {
	case s.Module != "" && s.WSGIFile != "":
		all = append(all, s.wrong(fmt.Sprintf("two applications: module = %s, and wsgi-file = %s (%s)", shown(s.Module), shown(s.WSGIFile), s.Origin("wsgi-file")), "name one", "module", "wsgi-file"))
	case s.Module == "" && s.WSGIFile == "" && s.NeedApp:
		p := s.wrong("no application is given", "write fender serve mysite.wsgi:application, or module = mysite.wsgi:application in a file (need-app = false runs without one)", "module", "wsgi-file")
		p.noApplication = true
		all = append(all, p)
	}
	if module, callable, found := strings.Cut(s.Module, ":"); s.Module != "" && (!isModule(module) || found && !isCallable(callable)) {
		hint := "write it with dots, as mysite.wsgi:application"
		if strings.HasSuffix(module, ".py") || strings.Contains(module, "/") {
			hint = "for a file use wsgi-file = " + module
		}
		all = append(all, s.wrong("module = "+shown(s.Module)+" is no Python module", hint, "module"))
	}
	if s.Callable != "" && !isCallable(s.Callable) {
		all = append(all, s.wrong("callable = "+shown(s.Callable)+" is no Python name", "write the name of the application in its module, as application", "callable"))
	}
	for i, pair := range s.Env {
		if key, _, found := strings.Cut(pair, "="); !found || key == "" || strings.ContainsAny(key, " \t") {
			p := s.wrong("env = "+shown(pair)+" is no KEY=VALUE", "write env = DJANGO_SETTINGS_MODULE=mysite.settings", "env")
			if i < len(s.origins["env"]) {
				p.Origin = s.origins["env"][i].String()
			}
			all = append(all, p)
		}
	}
	return all
}

func (s *Serve) checkSockets() (all []Problem) {
	if len(s.Socket) > 0 {
		all = append(all, s.wrong(fmt.Sprintf("socket = %s would speak the protocol %s, and fender speaks HTTP only", shown(s.Socket[0].String()), shown(s.Protocol)),
			"use http-socket (or add protocol = http), and proxy_pass instead of uwsgi_pass in NGINX", "socket"))
	}
	for _, a := range s.HTTP {
		if a == s.Admin && !strings.HasSuffix(a.Address, ":0") {
			all = append(all, s.wrong("admin = "+a.String()+" is the address of http-socket too", "give it another port", "admin", "http-socket"))
		}
	}
	switch {
	case strings.HasPrefix(s.Control, "@"):
		all = append(all, s.wrong("control = "+shown(s.Control)+" has no file mode that could protect it", "write the path of a file", "control"))
	case len(s.Control) > longestPath:
		all = append(all, s.wrong("control = "+shown(s.Control)+" is too long for a unix socket", fmt.Sprintf("write a path of at most %d bytes", longestPath), "control"))
	}
	if p := s.HealthPath; p != "" && (p[0] != '/' || strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '?' || r == '#' })) {
		all = append(all, s.wrong("health-path = "+shown(p)+" is no path", "write it as /healthz, or leave it empty to switch it off", "health-path"))
	}
	return all
}

func (s *Serve) checkWorkers() (all []Problem) {
	if s.Cheaper >= s.Processes && s.Cheaper > 0 {
		hint := fmt.Sprintf("raise processes to %d or more, or leave cheaper out", s.Cheaper+1)
		if s.Processes > 1 {
			hint = fmt.Sprintf("set cheaper to %d or less, or processes to %d or more", s.Processes-1, s.Cheaper+1)
		}
		all = append(all, s.wrong(fmt.Sprintf("invalid cheaper value: cheaper = %d must be lower than processes = %d", s.Cheaper, s.Processes), hint, "cheaper", "processes"))
	}
	if s.Cheaper > 0 && s.CheaperAlgo == "busyness" && s.Busyness.Min >= s.Busyness.Max {
		all = append(all, s.wrong(fmt.Sprintf("cheaper-busyness-min = %d must be lower than cheaper-busyness-max = %d", s.Busyness.Min, s.Busyness.Max),
			"uWSGI's own are 25 and 50", "cheaper-busyness-min", "cheaper-busyness-max"))
	}
	if s.MaxWorkerLifetime > 0 && s.MaxWorkerLifetime <= s.MinWorkerLifetime {
		all = append(all, s.wrong(fmt.Sprintf("max-worker-lifetime = %s must be longer than min-worker-lifetime = %s", formatDuration(s.MaxWorkerLifetime), formatDuration(s.MinWorkerLifetime)),
			"leave min-worker-lifetime out, or raise the other", "max-worker-lifetime", "min-worker-lifetime"))
	}
	return all
}

func (s *Serve) checkLimits() (all []Problem) {
	if s.DrainDelay > 0 && s.DrainDelay >= s.DrainTimeout {
		all = append(all, s.wrong(fmt.Sprintf("drain-delay = %s must be shorter than drain-timeout = %s, which ends fender in any case", formatDuration(s.DrainDelay), formatDuration(s.DrainTimeout)),
			fmt.Sprintf("set drain-timeout to %s or more, and let the platform wait longer than that", formatDuration(s.DrainDelay+s.DrainQuiet+5*time.Second)), "drain-delay", "drain-timeout"))
	}
	if s.AnswerBuffer > s.MemoryBudget {
		all = append(all, s.wrong(fmt.Sprintf("answer-buffer = %s is more than memory-budget = %s for all requests and answers", formatSize(s.AnswerBuffer), formatSize(s.MemoryBudget)),
			"lower it, or raise memory-budget", "answer-buffer", "memory-budget"))
	}
	return all
}
