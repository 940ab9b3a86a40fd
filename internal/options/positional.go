package options

import (
	"fmt"
	"strings"
)

// positionalApplication is the application that stands on the command line without a name.
type positionalApplication struct {
	written string
	// file says that it is a path and not a module.
	file bool
	// name is the module with its callable, or the path; callable belongs to a path only.
	name, callable string
}

// readPositionals takes the arguments without a name, after all others: a configuration file wins over the
// command line before it, as in uWSGI.
func (r *reader) readPositionals() {
	if len(r.usage) > 0 {
		return // a word without a name may be the value of an option that was misspelt
	}
	for _, arg := range r.positionals {
		switch path, _ := splitSection(arg); {
		case strings.HasSuffix(path, ".ini"):
			r.readIni(arg, commandLine)
		case hasSuffix(path, foreignFormats):
			r.readIni(arg, commandLine) // says that the format is not read
		default:
			r.positionalApplication(arg)
		}
	}
}

func (r *reader) positionalApplication(arg string) {
	switch strings.ToLower(arg) {
	case "true", "false", "on", "off", "yes", "no":
		r.usage = append(r.usage, fmt.Sprintf("%s belongs to no option: a switch takes its value behind an equals sign, as --need-app=%s", arg, arg))
		return
	}
	found, ok := parseApplication(arg)
	if !ok {
		r.usage = append(r.usage, fmt.Sprintf("cannot tell what %s is: write a module (mysite.wsgi:application), a file (app.py, app.wsgi) or a configuration (app.ini)", shown(arg)))
		return
	}
	if before := r.application; before.written != "" {
		if before != found {
			r.usage = append(r.usage, fmt.Sprintf("two applications: %s and %s; fender serves one", shortName(before.written), shortName(arg)))
		}
		return
	}
	r.application = found
	if found.file && strings.HasSuffix(arg, ".wsgi") && isModule(arg) {
		r.warn(commandLine, "%s is taken for a file, as uWSGI does; for the module write %s:application", arg, arg)
	}
}

// parseApplication tells a file (app.py, site.wsgi, app.py:app) from a module (mysite.wsgi:application, app:make()).
func parseApplication(arg string) (positionalApplication, bool) {
	head, callable, hasCallable := strings.Cut(arg, ":")
	if hasCallable && !isCallable(callable) {
		return positionalApplication{}, false
	}
	switch {
	case strings.HasSuffix(head, ".py"),
		// uWSGI would take mysite.wsgi:application for a file too; there it is always a module.
		strings.HasSuffix(head, ".wsgi") && (!hasCallable || strings.Contains(head, "/")):
		return positionalApplication{written: arg, file: true, name: head, callable: callable}, true
	case isModule(head):
		return positionalApplication{written: arg, name: arg}, true
	}
	return positionalApplication{}, false
}

// isModule says whether text is a dotted Python name. Letters beyond ASCII are Python's business.
func isModule(text string) bool {
	for part := range strings.SplitSeq(text, ".") {
		if !isIdentifier(part) {
			return false
		}
	}
	return true
}

// isCallable says whether text is a name in a module, or a factory: name().
func isCallable(text string) bool {
	return isModule(strings.TrimSuffix(text, "()"))
}

func isIdentifier(text string) bool {
	for i := range len(text) {
		c := text[i]
		switch {
		case c == '_', c >= 0x80, c|0x20 >= 'a' && c|0x20 <= 'z':
		case isDigit(c) && i > 0:
		default:
			return false
		}
	}
	return text != ""
}

func hasSuffix(path string, suffixes []string) bool {
	for _, suffix := range suffixes {
		if strings.HasSuffix(path, suffix) {
			return true
		}
	}
	return false
}
