package python

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func programSources(t *testing.T) map[string]string {
	t.Helper()
	names, err := fs.Glob(program, "program/*.py")
	if err != nil || len(names) < 10 {
		t.Fatalf("%q, %v", names, err)
	}
	sources := map[string]string{}
	for _, name := range names {
		data, err := program.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sources[filepath.Base(name)] = string(data)
	}
	return sources
}

func TestBundle_IsWhatPythonLoads(t *testing.T) {
	value, rest, err := unmarshalValue(Bundle())
	if err != nil || len(rest) != 0 {
		t.Fatalf("%v, %d bytes left", err, len(rest))
	}
	texts := value.(map[string]any)
	for name, source := range programSources(t) {
		if texts[strings.TrimSuffix(name, ".py")] != source {
			t.Errorf("%s is not in the bundle as it is", name)
		}
	}
}

func TestBundleFile_IsReadFromItsBeginningAndCannotBeChanged(t *testing.T) {
	file, err := BundleFile()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil || !bytes.Equal(data, Bundle()) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if _, err := file.WriteAt([]byte("x"), 0); err == nil {
		t.Error("it could be written")
	}
}

func TestProgram_HasTheNumbersOfTheGoSide(t *testing.T) {
	sources := programSources(t)
	for file, lines := range map[string][]string{
		"harakiri.py":    {fmt.Sprintf("STACKS_SIGNAL = %d", StackSignal), fmt.Sprintf("INTERRUPT_SIGNAL = %d", InterruptSignal)},
		"application.py": {fmt.Sprintf("NO_APPLICATION = %d", ExitNoApp), fmt.Sprintf("FAILED = %d", ExitFailed)},
		"slot.py":        {fmt.Sprintf("_LINE = %d", MaxLine)},
		"control.py":     {fmt.Sprintf("DESCRIPTOR = %d", ControlDescriptor), fmt.Sprintf("LARGEST = %d", MaxControlMessage), fmt.Sprintf("MOST_DESCRIPTORS = %d", MaxThreads+1)},
	} {
		for _, line := range lines {
			if !strings.Contains("\n"+sources[file], "\n"+line) {
				t.Errorf("%s does not say %s", file, line)
			}
		}
	}
	if !strings.Contains(Bootstrap, fmt.Sprintf("fdopen(%d,", BundleDescriptor)) {
		t.Error("the bootstrap reads another descriptor")
	}
}

var importLine = regexp.MustCompile(`(?m)^\s*(?:from|import) ([\w.]+)`)

func TestProgram_ImportsTheStandardLibraryOnly(t *testing.T) {
	allowed := map[string]bool{}
	for _, name := range strings.Fields("_fender _socket _thread array atexit binascii ctypes errno faulthandler fcntl gc glob importlib io json " +
		"linecache marshal mmap os re select signal stat struct sys tempfile threading time traceback types warnings weakref") {
		allowed[name] = true
	}
	for file, source := range programSources(t) {
		for _, m := range importLine.FindAllStringSubmatch(source, -1) {
			if name, _, _ := strings.Cut(m[1], "."); !allowed[name] {
				t.Errorf("%s imports %s", file, m[1])
			}
		}
		if lines := strings.Count(source, "\n"); lines > 320 {
			t.Errorf("%s has %d lines: split it", file, lines)
		}
	}
}

// The program is written for 3.6, which few machines have: vermin knows which version brought which
// feature. It stands in the environment of the tests (e2e/requirements.txt).
func TestProgram_NeedsNothingNewerThanPython36(t *testing.T) {
	venv := os.Getenv("FENDER_TEST_VENV")
	if venv == "" {
		venv = "../../../.venv-test"
	}
	vermin := filepath.Join(venv, "bin", "vermin")
	if _, err := os.Stat(vermin); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("%v: `make test` installs it", err)
	}
	out, err := exec.Command(vermin, "-t=3.6-", "--violations", "--no-tips",
		"--exclude", "os.register_at_fork", // asked for with hasattr
		"--exclude", "os.MFD_CLOEXEC", // used where os.memfd_create is there, and both came together
		"--exclude", "socket.close", // the method, which vermin takes for the function
		"program").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestProgram_CompilesWithoutWarningsInEveryPython(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		script := `import sys,glob,warnings
warnings.simplefilter("error")
for name in glob.glob("program/*.py"):
    with open(name, encoding="utf-8") as f:
        compile(f.read(), name, "exec")`
		if out, err := exec.Command(python, "-c", script).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
