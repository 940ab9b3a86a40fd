package options

import (
	"regexp"
	"slices"
	"strings"
)

// internalVariables are uWSGI's own, between its processes (core/utils.c parse_sys_envs): never options.
var internalVariables = []string{"UWSGI_RELOADS", "UWSGI_VASSALS_DIR", "UWSGI_EMPEROR_FD", "UWSGI_BROODLORD_NUM",
	"UWSGI_EMPEROR_FD_CONFIG", "UWSGI_EMPEROR_PROXY", "UWSGI_JAIL_PID", "UWSGI_ORIGINAL_PROC_NAME"}

// serviceVariable is what Kubernetes and container links put into the environment for a service named uwsgi.
var serviceVariable = regexp.MustCompile(`^UWSGI_(.*_)?(PORT|SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?|NAME|ENV_.*)$`)

// readEnviron takes UWSGI_FOO_BAR=value as foo-bar = value. Unknown ones are one warning in all: the name may
// belong to somebody else.
func (r *reader) readEnviron() {
	var unknown []string
	for _, pair := range r.source.Environ {
		variable, value, found := strings.Cut(pair, "=")
		rest, ours := strings.CutPrefix(variable, "UWSGI_")
		if !found || !ours || slices.Contains(internalVariables, variable) {
			continue
		}
		name := strings.ReplaceAll(strings.ToLower(rest), "_", "-")
		option := Lookup(name)
		switch {
		case option != nil && option.Kind == Action, option == nil && known()[name] == nil:
			if !serviceVariable.MatchString(variable) {
				unknown = append(unknown, shortName(variable))
			}
		case value == "" && option != nil && option.needsValue() && !option.emptyCounts():
			// Container definitions hand on variables that nobody set: empty is not given.
		default:
			r.add(name, value, Origin{Where: variable, kind: fromEnviron})
		}
	}
	if len(unknown) > 0 {
		r.warn(Origin{}, "no option has the name of %s (ignored)", strings.Join(unknown, ", "))
	}
}

// emptyCounts says whether an empty value means something: "off" for these.
func (o *Option) emptyCounts() bool {
	return o.Name == "health-path" || o.Kind == Methods || o.Kind == Networks
}

// shortName makes a foreign name safe and short enough for a message.
func shortName(name string) string {
	quoted := shown(name)
	if quoted == `"`+name+`"` {
		return name
	}
	return quoted
}
