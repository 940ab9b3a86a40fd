package python

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakePython writes an executable that answers as an interpreter would.
func fakePython(t *testing.T, path, answer string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+answer+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFind_TakesTheFirstThatIsConfigured(t *testing.T) {
	dir := t.TempDir()
	given := fakePython(t, dir+"/given/python3.9", "echo 3.9.18 cpython 0")
	inPath := fakePython(t, dir+"/path/python3", "echo 3.11.2 cpython 0")
	inVenv := fakePython(t, dir+"/venv/bin/python", "echo 3.12.1 cpython 0")
	inActive := fakePython(t, dir+"/active/bin/python3", "echo 3.13.0 cpython 1")
	path, active := "PATH="+dir+"/path", "VIRTUAL_ENV="+dir+"/active"
	for name, c := range map[string]struct {
		options FindOptions
		want    Interpreter
	}{
		"python":            {FindOptions{Python: given, Virtualenv: dir + "/venv", Env: []string{path, active}}, Interpreter{given, "3.9.18", "cpython", false, dir + "/venv"}},
		"python in PATH":    {FindOptions{Python: "python3", Env: []string{path, active}}, Interpreter{inPath, "3.11.2", "cpython", false, ""}},
		"virtualenv":        {FindOptions{Virtualenv: dir + "/venv", Env: []string{path, active}}, Interpreter{inVenv, "3.12.1", "cpython", false, dir + "/venv"}},
		"VIRTUAL_ENV":       {FindOptions{Env: []string{path, active}}, Interpreter{inActive, "3.13.0", "cpython", true, dir + "/active"}},
		"python3 in PATH":   {FindOptions{Env: []string{path}}, Interpreter{inPath, "3.11.2", "cpython", false, ""}},
		"empty VIRTUAL_ENV": {FindOptions{Env: []string{path, "VIRTUAL_ENV="}}, Interpreter{inPath, "3.11.2", "cpython", false, ""}},
	} {
		got, err := Find(context.Background(), c.options)
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, c.want)
		}
	}
}

func TestFind_SaysWhatIsWrongAndWhatToDo(t *testing.T) {
	dir := t.TempDir()
	old := fakePython(t, dir+"/old/python", "echo 2.7.18 cpython 0")
	older := fakePython(t, dir+"/older/python", "echo 3.5.9 cpython 0")
	odd := fakePython(t, dir+"/odd/python", "echo hello")
	fails := fakePython(t, dir+"/fails/python", "exit 3")
	plain := dir + "/plain"
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		options FindOptions
		is      error
		says    []string
	}{
		"too old":               {FindOptions{Python: old}, ErrTooOld, []string{"Python 2.7.18", "3.6 or newer", "set python or virtualenv"}},
		"a little too old":      {FindOptions{Python: older}, ErrTooOld, []string{"Python 3.5.9"}},
		"missing":               {FindOptions{Python: dir + "/none"}, ErrNoInterpreter, []string{dir + "/none", "no such file", "set python"}},
		"not executable":        {FindOptions{Python: plain}, ErrNoInterpreter, []string{"not executable"}},
		"a directory":           {FindOptions{Python: dir}, ErrNoInterpreter, []string{"is a directory"}},
		"not in PATH":           {FindOptions{Python: "python9", Env: []string{"PATH=" + dir}}, ErrNoInterpreter, []string{"python9", "not found in PATH"}},
		"no python3":            {FindOptions{Env: []string{"PATH=" + dir}}, ErrNoInterpreter, []string{"no python3 in PATH", "install Python 3"}},
		"virtualenv is empty":   {FindOptions{Virtualenv: dir}, ErrNoInterpreter, []string{"virtualenv = " + dir, "no bin/python", "python3 -m venv"}},
		"active one is missing": {FindOptions{Env: []string{"VIRTUAL_ENV=" + dir + "/none"}}, ErrNoInterpreter, []string{"VIRTUAL_ENV=" + dir + "/none", "unset VIRTUAL_ENV"}},
		"no interpreter":        {FindOptions{Python: odd}, nil, []string{"is no Python interpreter", `"hello\n"`}},
		"it fails":              {FindOptions{Python: fails}, nil, []string{"exit status 3", "is it a Python interpreter"}},
	} {
		_, err := Find(context.Background(), c.options)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v is not %v", name, err, c.is)
		}
		for _, says := range c.says {
			if !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %q does not say %q", name, err, says)
			}
		}
	}
}

func TestFind_AsksARealInterpreter(t *testing.T) {
	for _, path := range pythons(t) {
		found, err := Find(context.Background(), FindOptions{Python: path})
		if err != nil || found.Implementation != "cpython" || !strings.HasPrefix(found.Version, "3.") {
			t.Errorf("%s: %+v, %v", path, found, err)
		}
		if !strings.HasPrefix(found.String(), "Python 3.") || !strings.HasSuffix(found.String(), " at "+path) {
			t.Errorf("%s: %s", path, found)
		}
	}
}

func TestFind_AsksByTheGivenRunner(t *testing.T) {
	asked := ""
	found, err := Find(context.Background(), FindOptions{
		Python: "/bin/sh",
		Run: func(_ context.Context, path string, args, env []string) ([]byte, error) {
			asked = path + " " + strings.Join(args[:3], " ")
			return []byte("3.14.0 cpython 1\n"), nil
		},
	})
	if err != nil || asked != "/bin/sh -S -E -c" || found.String() != "Python 3.14.0 (free-threaded) at /bin/sh" {
		t.Errorf("asked %q, got %s, %v", asked, found, err)
	}
}
