package options

import (
	"fmt"
	"strings"
)

// mostSettings bounds the list; files and includes are bounded too (file.go).
const mostSettings = 10_000

// reader makes the flat list of settings and collects what is to be said about it.
type reader struct {
	source  Source
	environ map[string]string

	settings    []Setting
	positionals []string
	files       fileState

	// application is the positional one.
	application positionalApplication
	// used are the names that some %(name) means: they need no warning for being no option.
	used map[string]bool

	action   error
	usage    []string
	problems []Problem
	warnings []string
	notes    []string
}

func newReader(source Source) *reader {
	r := &reader{source: source, environ: map[string]string{}, used: map[string]bool{}}
	for _, pair := range source.Environ {
		if key, value, found := strings.Cut(pair, "="); found {
			if _, twice := r.environ[key]; !twice { // as getenv
				r.environ[key] = value
			}
		}
	}
	if r.source.ReadFile == nil {
		r.source.ReadFile = readFile
	}
	return r
}

func (r *reader) problem(origin Origin, name, what, hint string) {
	p := Problem{What: what, Hint: hint}
	if origin != (Origin{}) {
		p.Origin = origin.String()
	}
	if name != "" {
		p.Options = []string{name}
	}
	r.problems = append(r.problems, p)
}

func (r *reader) warn(origin Origin, format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if origin != (Origin{}) {
		line = origin.String() + ": " + line
	}
	r.warnings = append(r.warnings, line)
}

// add puts one setting at the end of the list, or does what a reading option says.
func (r *reader) add(name, value string, origin Origin) {
	option := Lookup(name)
	if option == nil || option.Kind != Reading {
		r.append(Setting{Name: name, Value: value, Origin: origin, option: option})
		return
	}
	switch option.Name {
	case "ini", "include":
		r.readIni(value, origin)
	case "set":
		if key, text, ok := r.keyValue(name, value, origin); ok {
			if o := Lookup(key); o != nil && o.Name == option.Name {
				r.problem(origin, name, "set names itself", "write the option that is meant")
				return
			}
			r.add(key, text, origin)
		}
	case "set-placeholder":
		if key, text, ok := r.keyValue(name, value, origin); ok {
			if Lookup(key) != nil || known()[key] != nil {
				r.problem(origin, name, name+" = "+shown(key)+" is the name of an option", "use another name, or set if the option is meant")
				return
			}
			r.append(Setting{Name: key, Value: text, Origin: origin, placeholder: true})
		}
	}
}

func (r *reader) append(s Setting) {
	if len(r.settings) == mostSettings {
		r.problem(s.Origin, "", fmt.Sprintf("more than %d settings", mostSettings), "the rest was not read; shorten the configuration")
	}
	if len(r.settings) <= mostSettings {
		r.settings = append(r.settings, s)
	}
}

func (r *reader) keyValue(name, value string, origin Origin) (key, text string, ok bool) {
	key, text, found := strings.Cut(value, "=")
	key = strings.Trim(key, " \t")
	if !found || key == "" {
		r.problem(origin, name, name+" = "+shown(value)+" has no KEY=VALUE", "write "+name+" = key=value")
		return "", "", false
	}
	return key, strings.Trim(text, " \t"), true
}
