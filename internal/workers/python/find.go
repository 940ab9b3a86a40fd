package python

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The oldest Python that runs the program.
const (
	oldestMajor = 3
	oldestMinor = 6
)

// ErrTooOld is returned (wrapped) by Find for a Python below 3.6.
var ErrTooOld = errors.New("this Python is too old")

// ErrNoInterpreter is returned (wrapped) by Find when there is no Python where it has to be.
var ErrNoInterpreter = errors.New("no Python interpreter")

// FindOptions says where to look for an interpreter.
type FindOptions struct {
	Python     string   // the option python: a path, or a name to be looked up in PATH; may be empty
	Virtualenv string   // the option virtualenv (venv, home); may be empty
	Env        []string // the environment the template will have; nil means os.Environ()

	// Run asks an interpreter: it runs path with args and env and returns the standard output.
	// nil means os/exec. It is for masters that already reap children themselves.
	Run func(ctx context.Context, path string, args, env []string) ([]byte, error)
}

// Interpreter is a Python that can run the program.
type Interpreter struct {
	Path           string // as it will be started; absolute
	Version        string // "3.11.2"
	Implementation string // "cpython"
	FreeThreaded   bool   // runs without the interpreter lock
	Virtualenv     string // the virtual environment it belongs to, "" for none
}

// String is what the first line of the log says about the interpreter.
func (i Interpreter) String() string {
	text := "Python " + i.Version
	if i.Implementation != "cpython" {
		text = i.Implementation + " " + i.Version
	}
	if i.FreeThreaded {
		text += " (free-threaded)"
	}
	return text + " at " + i.Path
}

// The question to an interpreter; it must be understood by every Python that ever was, so that a
// Python 2 is refused with a sentence instead of a syntax error.
const question = `import sys;g=getattr(sys,"_is_gil_enabled",None);` +
	`print("%d.%d.%d %s %d"%(sys.version_info[0],sys.version_info[1],sys.version_info[2],` +
	`getattr(getattr(sys,"implementation",None),"name","cpython"),g is not None and not g()))`

// Find looks for the interpreter: the option python, else <virtualenv>/bin/python, else
// $VIRTUAL_ENV/bin/python, else python3 in PATH. The first of these that is configured decides; it
// does not go on to the next when that one is broken, since another Python than the one that was
// meant would lack the application's packages.
func Find(ctx context.Context, o FindOptions) (Interpreter, error) {
	env := o.Env
	if env == nil {
		env = os.Environ()
	}
	path, virtualenv, err := o.locate(env)
	if err != nil {
		return Interpreter{}, err
	}
	run := o.Run
	if run == nil {
		run = runWithExec
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	// -S: no sitecustomize, which may print or be slow; -E: no PYTHONHOME, PYTHONPATH.
	answer, err := run(ctx, path, []string{"-S", "-E", "-c", question}, env)
	if err != nil {
		return Interpreter{}, fmt.Errorf("asking %s for its version failed: %w; is it a Python interpreter? correct python or virtualenv", path, err)
	}
	found, err := parseAnswer(path, string(answer))
	found.Virtualenv = virtualenv
	return found, err
}

// locate returns the path of the interpreter and the virtual environment that it belongs to.
func (o FindOptions) locate(env []string) (path, virtualenv string, err error) {
	switch {
	case o.Python != "":
		path, err = lookPath(o.Python, env)
		if err != nil {
			return "", "", fmt.Errorf("%w: python = %s: %w; set python to the path of an interpreter", ErrNoInterpreter, o.Python, err)
		}
		if o.Virtualenv == "" {
			return path, "", nil
		}
		return path, absolute(o.Virtualenv), nil
	case o.Virtualenv != "":
		path, err = inVirtualenv(o.Virtualenv)
		if err != nil {
			return "", "", fmt.Errorf("%w: virtualenv = %s: %w; make one with python3 -m venv %s, or correct virtualenv", ErrNoInterpreter, o.Virtualenv, err, o.Virtualenv)
		}
		return path, absolute(o.Virtualenv), nil
	}
	if active := lookup(env, "VIRTUAL_ENV"); active != "" {
		path, err = inVirtualenv(active)
		if err != nil {
			return "", "", fmt.Errorf("%w: VIRTUAL_ENV=%s: %w; unset VIRTUAL_ENV, or set virtualenv or python", ErrNoInterpreter, active, err)
		}
		return path, absolute(active), nil
	}
	path, err = lookPath("python3", env)
	if err != nil {
		return "", "", fmt.Errorf("%w: there is no python3 in PATH; install Python 3, or set python to the path of an interpreter", ErrNoInterpreter)
	}
	return path, "", nil
}

func inVirtualenv(dir string) (string, error) {
	for _, name := range []string{"python", "python3"} {
		path := filepath.Join(absolute(dir), "bin", name)
		if err := executable(path); err == nil {
			return path, nil
		}
	}
	return "", errors.New("it has no bin/python")
}

// lookPath is exec.LookPath with the PATH of env. The path is not resolved through symbolic links:
// a virtual environment's python is one, and works by its own place.
func lookPath(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return absolute(name), executable(absolute(name))
	}
	for _, dir := range filepath.SplitList(lookup(env, "PATH")) {
		path := filepath.Join(absolute(dir), name)
		if executable(path) == nil {
			return path, nil
		}
	}
	return "", errors.New("not found in PATH")
}

func executable(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errors.New("there is no such file")
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("it is a directory")
	case info.Mode()&0o111 == 0:
		return errors.New("it is not executable")
	}
	return nil
}

func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

func runWithExec(ctx context.Context, path string, args, env []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = env
	return cmd.Output()
}

func parseAnswer(path, answer string) (Interpreter, error) {
	fields := strings.Fields(answer)
	if len(fields) != 3 {
		return Interpreter{}, fmt.Errorf("%s is no Python interpreter: asked for its version it said %.80q; correct python or virtualenv", path, answer)
	}
	var numbers [3]int
	parts := strings.Split(fields[0], ".")
	if len(parts) != 3 {
		return Interpreter{}, fmt.Errorf("%s gave %.40q as its version", path, fields[0])
	}
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil {
			return Interpreter{}, fmt.Errorf("%s gave %.40q as its version", path, fields[0])
		}
		numbers[i] = n
	}
	if numbers[0] < oldestMajor || numbers[0] == oldestMajor && numbers[1] < oldestMinor {
		return Interpreter{}, fmt.Errorf("%w: %s is Python %s, fender needs %d.%d or newer; set python or virtualenv to a newer one",
			ErrTooOld, path, fields[0], oldestMajor, oldestMinor)
	}
	return Interpreter{Path: path, Version: fields[0], Implementation: fields[1], FreeThreaded: fields[2] == "1"}, nil
}

// lookup returns the value of name in env; the last entry counts.
func lookup(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if value, found := strings.CutPrefix(env[i], name+"="); found {
			return value
		}
	}
	return ""
}
