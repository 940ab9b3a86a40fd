package options

import (
	"fmt"
	"slices"
	"strings"
)

// readCommandLine follows getopt_long(3), as uWSGI does: --name=value, --name value, unambiguous beginnings of
// names, -p4, -p 4, -MT; options and arguments in any order; -- ends the options. An option that needs no value
// takes one only behind an equals sign.
func (r *reader) readCommandLine() {
	args := r.source.Args
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			r.positionals = append(r.positionals, args...)
			return
		case strings.HasPrefix(arg, "--"):
			args = r.longOption(arg[2:], args)
		case strings.HasPrefix(arg, "-") && arg != "-":
			args = r.shortOptions(arg[1:], args)
		default:
			r.positionals = append(r.positionals, arg)
		}
	}
}

func (r *reader) longOption(text string, args []string) (left []string) {
	written, value, hasValue := strings.Cut(text, "=")
	name, mistake := complete(written)
	if mistake != "" {
		r.usage = append(r.usage, mistake)
		return args
	}
	if !hasValue && needsValue(name) {
		if len(args) == 0 {
			r.usage = append(r.usage, fmt.Sprintf("--%s needs a value: --%s=%s", name, name, argName(name)))
			return args
		}
		if next, isOption := strings.CutPrefix(args[0], "--"); isOption && isName(next) {
			r.usage = append(r.usage, fmt.Sprintf("--%s needs a value, but %s follows it: write --%s=%s", name, shortName(args[0]), name, argName(name)))
			return args
		}
		value, args = args[0], args[1:]
	}
	r.addArgument(name, value)
	return args
}

func (r *reader) shortOptions(letters string, args []string) (left []string) {
	for letters != "" {
		letter := letters[0]
		letters = letters[1:]
		name := byLetter(letter)
		if name == "" {
			r.usage = append(r.usage, fmt.Sprintf("unknown flag -%s", strings.Trim(shown(string(rune(letter))), `"`)))
			return args
		}
		if k := known()[name]; Lookup(name) == nil && k.value == optionalValue {
			r.addArgument(name, letters)
			return args
		}
		if !needsValue(name) {
			r.addArgument(name, "")
			continue
		}
		value := letters
		if value == "" {
			if len(args) == 0 {
				r.usage = append(r.usage, fmt.Sprintf("-%c (--%s) needs a value: -%c %s", letter, name, letter, argName(name)))
				return args
			}
			value, args = args[0], args[1:]
		}
		r.addArgument(name, value)
		return args
	}
	return args
}

func (r *reader) addArgument(name, value string) {
	if o := Lookup(name); o != nil && o.Kind == Action {
		switch o.Name {
		case "help":
			r.action = ErrHelp
		case "version":
			if r.action == nil {
				r.action = ErrVersion
			}
		}
		return
	}
	r.add(name, value, commandLine)
}

// complete finds the name that the written one is, or is the beginning of.
func complete(written string) (name, mistake string) {
	if Lookup(written) != nil || known()[written] != nil {
		return written, ""
	}
	var all []string
	if written != "" {
		for _, candidate := range allNames() {
			if strings.HasPrefix(candidate, written) && !slices.ContainsFunc(all, func(other string) bool { return sameOption(other, candidate) }) {
				all = append(all, candidate)
			}
		}
	}
	switch {
	case len(all) == 1:
		return all[0], ""
	case len(all) > 1:
		const most = 6
		more := ""
		if len(all) > most {
			all, more = all[:most], ", ..."
		}
		return "", fmt.Sprintf("--%s is the beginning of several options: --%s%s", shortName(written), strings.Join(all, ", --"), more)
	}
	if near := nearest(written); near != "" {
		return "", fmt.Sprintf("unknown option --%s; did you mean --%s?", shortName(written), near)
	}
	return "", fmt.Sprintf("unknown option --%s", shortName(written))
}

// sameOption says whether two names belong to one row of the table.
func sameOption(a, b string) bool {
	o := Lookup(a)
	return o != nil && o == Lookup(b)
}

// isName says whether a text behind -- is exactly an option, with or without its value.
func isName(text string) bool {
	name, _, _ := strings.Cut(text, "=")
	return Lookup(name) != nil || known()[name] != nil
}

func needsValue(name string) bool {
	if o := Lookup(name); o != nil {
		return o.needsValue()
	}
	return known()[name].value == requiredValue
}

func argName(name string) string {
	if o := Lookup(name); o != nil && o.Arg != "" {
		return o.Arg
	}
	return "VALUE"
}
