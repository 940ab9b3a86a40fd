package python

import (
	"slices"
	"strings"
	"testing"
)

func TestCommand_SetsTheEnvironmentOfAVirtualenv(t *testing.T) {
	i := Interpreter{Path: "/srv/venv/bin/python", Virtualenv: "/srv/venv"}
	c, err := i.Command(CommandOptions{
		Environ: []string{"PATH=/usr/bin:/bin", "PYTHONHOME=/old", "HOME=/root", "A=1", "A=2", "PYTHONUNBUFFERED=1", "broken"},
		Set:     []string{"DJANGO_SETTINGS_MODULE=mysite.settings", "A=3", "EMPTY=", "EQUALS=a=b"},
		Title:   "mysite.wsgi",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"PATH=/srv/venv/bin:/usr/bin:/bin", "HOME=/root", "A=3", "PYTHONUNBUFFERED=1", "VIRTUAL_ENV=/srv/venv",
		"DJANGO_SETTINGS_MODULE=mysite.settings", "EMPTY=", "EQUALS=a=b",
	}
	if !slices.Equal(c.Env, want) {
		t.Errorf("environment:\n%q, want\n%q", c.Env, want)
	}
	if c.Path != i.Path || !slices.Equal(c.Argv, []string{i.Path, "-c", Bootstrap, "fender", "mysite.wsgi"}) {
		t.Errorf("path %s, argv %q", c.Path, c.Argv)
	}
}

func TestCommand_LeavesTheEnvironmentAloneWithoutAVirtualenv(t *testing.T) {
	environ := []string{"PATH=/usr/bin", "PYTHONHOME=/home", "VIRTUAL_ENV=/x"}
	c, err := Interpreter{Path: "/usr/bin/python3"}.Command(CommandOptions{Environ: environ})
	if err != nil || !slices.Equal(c.Env, environ) {
		t.Errorf("%q, %v", c.Env, err)
	}
}

func TestCommand_DoesNotPutABinDirectoryFirstTwice(t *testing.T) {
	i := Interpreter{Path: "/v/bin/python", Virtualenv: "/v"}
	for path, want := range map[string]string{"/v/bin:/bin": "PATH=/v/bin:/bin", "": "PATH=/v/bin"} {
		c, err := i.Command(CommandOptions{Environ: []string{"PATH=" + path}})
		if err != nil || c.Env[0] != want {
			t.Errorf("PATH=%s gave %q, %v", path, c.Env, err)
		}
	}
}

func TestCommand_RefusesAnEntryThatIsNoAssignment(t *testing.T) {
	for _, entry := range []string{"NAME", "=value", "", "A=\x00"} {
		_, err := Interpreter{}.Command(CommandOptions{Set: []string{entry}})
		if err == nil || !strings.Contains(err.Error(), "env = ") {
			t.Errorf("%q: %v", entry, err)
		}
	}
}
