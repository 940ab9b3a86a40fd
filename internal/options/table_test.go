package options

import (
	"slices"
	"strings"
	"testing"
)

// wanted are the names that users, scripts and images rely on, with a value that each must take.
var wanted = map[string]string{
	"http-socket": "127.0.0.1:8000", "http": ":8000", "chdir": "/srv", "module": "a.b:c", "wsgi": "a.b", "wsgi-file": "app.py", "file": "app.py",
	"callable": "app", "pythonpath": "/lib", "python-path": "/lib", "pp": "/lib", "env": "A=b", "home": "/venv", "virtualenv": "/venv", "venv": "/venv", "pyhome": "/venv",
	"master": "", "processes": "4", "workers": "4", "threads": "4", "enable-threads": "", "lazy-apps": "true", "need-app": "",
	"cheaper": "2", "cheaper-initial": "2", "cheaper-step": "2", "cheaper-overload": "30", "cheaper-algo": "busyness", "cheaper-idle": "20",
	"cheaper-busyness-max": "70", "cheaper-busyness-min": "20", "cheaper-busyness-multiplier": "30", "cheaper-busyness-penalty": "1",
	"cheaper-busyness-verbose": "true", "cheaper-busyness-backlog-alert": "16", "cheaper-busyness-backlog-multiplier": "4",
	"cheaper-busyness-backlog-step": "2", "cheaper-busyness-backlog-nonzero": "30",
	"harakiri": "60", "max-requests": "1000", "max-requests-delta": "50", "max-worker-lifetime": "3600", "max-worker-lifetime-delta": "60",
	"min-worker-lifetime": "30", "reload-on-rss": "512", "worker-reload-mercy": "30", "reload-mercy": "30", "buffer-size": "131072", "limit-post": "1000000",
	"listen": "128", "pidfile": "/run/f.pid", "uid": "www-data", "gid": "33", "umask": "022", "die-on-term": "", "vacuum": "true", "disable-logging": "true",
	"log-4xx": "true", "log-5xx": "true", "log-slow": "1000", "touch-reload": "/srv/touch", "strict": "true",
	"python": "/usr/bin/python3", "keepalive": "90", "queue-limit": "10", "queue-timeout": "10s", "retry-methods": "GET", "answer-buffer": "2m",
	"body-spool": "/spool", "spool-limit": "1g", "health-path": "/up", "drain-delay": "15", "drain-quiet": "3s", "drain-timeout": "50",
	"harakiri-interrupt": "false", "events": "/var/log/events", "admin": "9000", "control": "/run/f.sock", "access-log": "stderr",
	"access-log-format": "json", "log-mask-query": "true", "trusted-proxies": "10.1.0.0/16", "real-ip": "true", "cause-header": "false",
	"reload-step": "2", "preload-urlconf": "false", "memory-budget": "512m", "body-timeout": "90", "head-timeout": "90",
}

// accepted are the options whose purpose is met without them: one note, no warning.
var accepted = []string{"harakiri-verbose", "single-interpreter", "thunder-lock", "auto-procname", "procname-prefix", "lock-engine", "cpu-affinity",
	"pcre-jit", "no-defer-accept", "offload-threads", "http-raw-body", "http-auto-chunked", "http-chunked-input", "plugins", "plugin", "plugin-dir", "need-plugin",
	"honour-stdin", "ignore-sigpipe", "ignore-write-errors", "disable-write-exception", "close-on-exec", "close-on-exec2"}

func TestTable_ReadsEveryOptionThatUsersRelyOn(t *testing.T) {
	for name, value := range wanted {
		t.Run(name, func(t *testing.T) {
			o := Lookup(name)
			if o == nil {
				t.Fatal("the table lacks it")
			}
			variable := "UWSGI_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
			argument := "--" + name + "=" + value
			if value == "" {
				argument = "--" + name
			}
			for _, source := range []struct {
				origin string
				Source
			}{
				{"command line", Source{Args: []string{argument}}},
				{"a.ini:2", Source{Args: []string{"--ini", "a.ini"}, ReadFile: fileOf("[uwsgi]\n" + name + " = " + value + "\n")}},
				{variable, Source{Environ: []string{variable + "=" + value}}},
			} {
				if o.Name != "module" && o.Name != "wsgi-file" {
					source.Args = append(source.Args, "app:application")
				}
				if o.Name != "processes" {
					source.Args = append(source.Args, "--processes=8")
				}
				s, err := Read(source.Source)
				if err != nil {
					t.Fatalf("%s: %v", source.origin, err)
				}
				if got := s.Origin(name); got != source.origin {
					t.Errorf("origin %q, want %q", got, source.origin)
				}
				plain, _ := Read(Source{Args: []string{"app:application"}})
				if value != "" && o.Kind != Bool && s.Value(name) == plain.Value(name) && s.Value(name) != value {
					t.Errorf("%s: the value is still the default %q", source.origin, s.Value(name))
				}
			}
		})
	}
}

func TestTable_NotesAcceptedOptionsOnceAndWithoutWarning(t *testing.T) {
	for _, name := range accepted {
		line := name + " = 1\n"
		s, err := Read(Source{Args: []string{"app:application", "--ini", "a.ini"}, ReadFile: fileOf("[uwsgi]\n" + line + line)})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(s.Notes) != 1 || !strings.HasPrefix(s.Notes[0], Lookup(name).Name+": ") || len(s.Warnings) != 0 {
			t.Errorf("%s: notes %q, warnings %q; want one note", name, s.Notes, s.Warnings)
		}
	}
}

func TestTable_RowsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	letters := map[byte]string{}
	for _, o := range Table() {
		for _, name := range o.names() {
			if seen[name] {
				t.Errorf("%s stands twice", name)
			}
			seen[name] = true
			// New names are ours; python is uWSGI's with another meaning.
			if k := known()[name]; (k == nil) != o.New && name != "python" {
				t.Errorf("%s: New = %v, but known to uWSGI = %v", name, o.New, k != nil)
			} else if k != nil && o.Short != 0 && k.short != o.Short {
				t.Errorf("%s: short flag %c, uWSGI has %c", name, o.Short, k.short)
			} else if k != nil && o.Short == 0 && k.short != 0 && o.Name != "include" {
				t.Errorf("%s: uWSGI has the short flag %c", name, k.short)
			}
		}
		if o.Short != 0 && letters[o.Short] != "" {
			t.Errorf("-%c is %s and %s", o.Short, letters[o.Short], o.Name)
		}
		letters[o.Short] = o.Name
		if o.Help == "" || !slices.Contains(Groups(), o.Group) || o.Kind == 0 {
			t.Errorf("%s lacks a help, a group or a kind", o.Name)
		}
		if (o.Kind == Noted) != (o.Note != "") {
			t.Errorf("%s: kind and note do not agree", o.Name)
		}
		if hasValue := o.Kind != Noted && o.Kind != Reading && o.Kind != Action; hasValue != (o.target != nil) {
			t.Errorf("%s: kind and target do not agree", o.Name)
		}
		if o.Kind != Noted && o.needsValue() != (o.Arg != "") {
			t.Errorf("%s: an argument name %q, and needs a value: %v", o.Name, o.Arg, o.needsValue())
		}
		for _, implied := range o.Implies {
			if i := Lookup(implied); i == nil || i.Kind != Bool {
				t.Errorf("%s implies %s, which is no switch", o.Name, implied)
			}
		}
	}
}

func TestTable_ValuesAreReadAgainAsTheyArePrinted(t *testing.T) {
	for name, value := range wanted {
		o, s := Lookup(name), defaults()
		o.clear(s)
		if _, err := o.assign(s, value); err != nil {
			t.Fatalf("%s = %s: %v", name, value, err)
		}
		printed, again := o.value(s), defaults()
		if o.isList() {
			o.clear(again)
		}
		if _, err := o.assign(again, printed); err != nil || o.value(again) != printed {
			t.Errorf("%s: printed %q, read again %q, error %v", name, printed, o.value(again), err)
		}
	}
}

func TestKnown_HoldsUwsgisNamesInOrder(t *testing.T) {
	var names []string
	for line := range strings.Lines(knownText) {
		if words := strings.Fields(line); words[0][0] != '#' {
			names = append(names, words[0])
			if !strings.Contains("-=?", words[1]) || len(words) > 3 || len(words) == 3 && len(words[2]) != 1 {
				t.Errorf("line %q", line)
			}
		}
	}
	if len(names) < 1086 || !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("%d names, sorted %v", len(names), slices.IsSorted(names))
	}
	for name := range instead {
		if known()[name] == nil || Lookup(name) != nil {
			t.Errorf("instead: %s is not an option that only uWSGI has", name)
		}
	}
	for _, group := range refusals {
		for _, name := range group.names {
			if known()[name] == nil || Lookup(name) != nil {
				t.Errorf("refusals: %s is not an option that only uWSGI has", name)
			}
		}
	}
}

func fileOf(text string) func(string) ([]byte, error) {
	return func(string) ([]byte, error) { return []byte(text), nil }
}
