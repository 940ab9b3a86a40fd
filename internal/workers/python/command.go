package python

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// CommandOptions says how the template is to be started.
type CommandOptions struct {
	Environ []string // the environment to begin with, usually os.Environ()
	Set     []string // the option env: KEY=VALUE each; a later one wins
	Title   string   // shown by ps behind the command; the application's name
}

// Command is what osproc needs to start a template, beside the descriptors.
type Command struct {
	Path string
	Argv []string // Argv[0] is the path
	Env  []string // one entry a name
}

// Command returns the command line and environment of a template run by this interpreter.
//
// With a virtual environment the template sees what its activate script sets: VIRTUAL_ENV, its bin
// first in PATH, no PYTHONHOME. All other variables stay as they are; Set has the last word.
func (i Interpreter) Command(o CommandOptions) (Command, error) {
	env := newEnvironment(o.Environ)
	if i.Virtualenv != "" {
		env.set("VIRTUAL_ENV", i.Virtualenv)
		env.unset("PYTHONHOME")
		bin := filepath.Join(i.Virtualenv, "bin")
		if path := env.values["PATH"]; path == "" {
			env.set("PATH", bin)
		} else if first, _, _ := strings.Cut(path, ":"); first != bin {
			env.set("PATH", bin+":"+path)
		}
	}
	for _, entry := range o.Set {
		name, value, found := strings.Cut(entry, "=")
		if !found || name == "" {
			return Command{}, fmt.Errorf("env = %.60q is not KEY=VALUE; write for example env = DJANGO_SETTINGS_MODULE=mysite.settings", entry)
		}
		if strings.ContainsRune(entry, 0) {
			return Command{}, fmt.Errorf("env = %.60q holds a NUL byte", entry)
		}
		env.set(name, value)
	}
	argv := []string{i.Path, "-c", Bootstrap, "fender"}
	if o.Title != "" {
		argv = append(argv, o.Title)
	}
	return Command{Path: i.Path, Argv: argv, Env: env.list()}, nil
}

// environment keeps one value for each name, in the order in which the names came first.
type environment struct {
	names  []string
	values map[string]string
}

func newEnvironment(entries []string) *environment {
	e := &environment{values: make(map[string]string, len(entries))}
	for _, entry := range entries {
		if name, value, found := strings.Cut(entry, "="); found && name != "" {
			e.set(name, value)
		}
	}
	return e
}

func (e *environment) set(name, value string) {
	if _, there := e.values[name]; !there {
		e.names = append(e.names, name)
	}
	e.values[name] = value
}

func (e *environment) unset(name string) {
	delete(e.values, name)
	e.names = slices.DeleteFunc(e.names, func(n string) bool { return n == name })
}

func (e *environment) list() []string {
	list := make([]string, 0, len(e.names))
	for _, name := range e.names {
		list = append(list, name+"="+e.values[name])
	}
	return list
}
