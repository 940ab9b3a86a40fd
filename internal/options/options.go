// Package options is the table of fender's options and their readers: UWSGI_* variables, the command line and
// ini files go in, a Serve with every value in place, or all mistakes at once, comes out.
//
// It owns the names, aliases, defaults, bounds and help of all options (Table), the grammar of uWSGI's values, the
// order of uWSGI's sources, and the words of the mistakes. Help, the reference in docs/options.md and the checks
// are made from the table, so that they cannot differ.
//
// It does not look at the machine (what it needs to know is in a Source), opens nothing but configuration files,
// prints nothing, and does nothing with the values: cli and master do.
package options

import "slices"

// Source is everything that Read looks at.
type Source struct {
	// Args is the command line behind `fender serve`.
	Args []string
	// Environ is KEY=VALUE, as os.Environ gives it.
	Environ []string
	// ReadFile reads a configuration file; nil reads real files, at most 1 MiB.
	ReadFile func(path string) ([]byte, error)
	// PID is the process's number: 1 is a container, which must be reachable from outside.
	PID int
	// Somaxconn bounds the backlog (net.core.somaxconn); 0 is unknown.
	Somaxconn int
	// Dir is the working directory, Hostname the machine's name, CPUs its number of processors, for the
	// variables %v, %d, %h and %k of ini files.
	Dir, Hostname string
	CPUs          int
}

// Read makes the list of settings in uWSGI's order (variables, command line with its files in place, positional
// files last; the last one wins, lists add up), applies it, fills in the defaults and checks the whole.
//
// The error is ErrHelp or ErrVersion, a *UsageError (exit code 2) or a *ConfigError (exit code 1; 22 if it is
// ErrNoApplication). With a *ConfigError the Serve is returned too, for its Warnings; it must not be served.
func Read(source Source) (*Serve, error) {
	r := newReader(source)
	r.readEnviron()
	r.readCommandLine()
	r.readPositionals()
	if r.action != nil {
		return nil, r.action
	}
	if len(r.usage) > 0 {
		return nil, &UsageError{Problems: r.usage}
	}
	r.expand()
	s := r.apply()
	unread := r.problems
	r.problems = nil
	r.resolve(s)
	s.Warnings, s.Notes = r.warnings, r.notes
	problems := unread
	if !concernsFile(unread) { // what a file would have said is missing: everything else would look wrong
		problems = slices.Concat(unread, without(slices.Concat(r.problems, s.problems()), unread))
	}
	if len(problems) > 0 {
		return s, &ConfigError{Problems: problems}
	}
	return s, nil
}
