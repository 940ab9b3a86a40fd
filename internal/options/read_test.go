package options

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// read is Read with an application and one file.
func read(t *testing.T, file string) *Serve {
	t.Helper()
	s, err := Read(Source{Args: []string{"app:application", "--ini", "a.ini"}, ReadFile: fileOf(file)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRead_GivesTheDocumentedDefaults(t *testing.T) {
	s, err := Read(Source{Args: []string{"mysite.wsgi:application"}, Somaxconn: 4096})
	if err != nil {
		t.Fatal(err)
	}
	if s.HTTP[0] != (Address{"tcp", "127.0.0.1:8000"}) || s.Keepalive != 75*time.Second || s.HeadTimeout != 75*time.Second || s.BodyTimeout != 75*time.Second ||
		s.QueueLimit != 1024 || s.QueueTimeout != 30*time.Second || strings.Join(s.RetryMethods, " ") != "GET HEAD OPTIONS" || s.AnswerBuffer != 1<<20 ||
		s.DrainDelay != 0 || s.DrainQuiet != 5*time.Second || s.DrainTimeout != 25*time.Second || s.HealthPath != "/healthz" || !s.NeedApp ||
		s.MinWorkerLifetime != 0 || s.BufferSize != 64<<10 || s.BodySpool != "/tmp" || s.SpoolLimit != 10<<30 || s.AccessLog != "stdout" || s.AccessLogFormat != "text" ||
		!s.Admin.IsZero() || s.ReloadStep != 1 || s.MemoryBudget != 256<<20 || !s.HarakiriInterrupt || !s.CauseHeader || s.Callable != "application" ||
		s.Processes != 1 || s.Threads != 1 || s.WorkerReloadMercy != time.Minute || !s.LogRequests || s.Umask.Set || s.Listen != 1024 || s.CheaperOverload != 3 {
		t.Errorf("%+v", s)
	}
	if s.Origin("processes") != "default" || s.Origin("workers") != "default" || s.Origin("nonsense") != "" {
		t.Errorf("origins %q %q %q", s.Origin("processes"), s.Origin("workers"), s.Origin("nonsense"))
	}
	if len(s.Warnings)+len(s.Notes) != 0 {
		t.Errorf("warnings %q, notes %q", s.Warnings, s.Notes)
	}
}

func TestRead_TrustsPrivateNetworksOnly(t *testing.T) {
	s := read(t, "[uwsgi]\n")
	for ip, want := range map[string]bool{"127.0.0.1": true, "10.2.3.4": true, "172.17.0.1": true, "::1": true, "8.8.8.8": false, "2001:db8::1": false} {
		trusted := false
		for _, network := range s.TrustedProxies {
			host, err := parseNetworks(ip)
			if err != nil {
				t.Fatal(err)
			}
			trusted = trusted || network.Contains(host[0].Addr())
		}
		if trusted != want {
			t.Errorf("%s: trusted %v", ip, trusted)
		}
	}
}

func TestRead_FindsErrorsByTheirType(t *testing.T) {
	for _, c := range []struct {
		args          string
		usage, config bool
		is            error
	}{
		{"--nonsense", true, false, nil},
		{"a:b c:d", true, false, nil},
		{"a:b --threads=0", false, true, nil},
		{"", false, true, ErrNoApplication},
		{"--threads=0", false, true, nil},
		{"--help", false, false, ErrHelp},
		{"--usage", false, false, ErrHelp},
		{"--vers --nonsense", false, false, ErrVersion},
	} {
		_, err := Read(Source{Args: strings.Fields(c.args)})
		var usage *UsageError
		var config *ConfigError
		if errors.As(err, &usage) != c.usage || errors.As(err, &config) != c.config || c.is != nil && !errors.Is(err, c.is) || c.is == nil && errors.Is(err, ErrNoApplication) {
			t.Errorf("%q: %T %v", c.args, err, err)
		}
	}
}

func TestRead_TakesByteOrderMarkAndCRLF(t *testing.T) {
	s := read(t, "\xef\xbb\xbf[uwsgi]\r\nprocesses = 3\r\n\r\nchdir = /srv\r\nthreads=2")
	if s.Processes != 3 || s.Chdir != "/srv" || s.Threads != 2 || s.Origin("threads") != "a.ini:5" {
		t.Errorf("processes %d, chdir %q, threads %d (%s)", s.Processes, s.Chdir, s.Threads, s.Origin("threads"))
	}
}

func TestRead_RefusesWhatIsNoText(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"NUL":       {"[uwsgi]\nprocesses = 3\x00\n", "a.ini:2: cannot be read: it has a NUL byte"},
		"UTF-16":    {"\xff\xfe[\x00u\x00", "a.ini:1: cannot be read: it has a NUL byte"},
		"long line": {"[uwsgi]\n\nchdir = " + strings.Repeat("x", 64<<10) + "\n", "a.ini:3: cannot be read: the line is longer than 64 KiB"},
		"long file": {"[uwsgi]\n" + strings.Repeat("# nothing\n", 120_000), "a.ini: cannot be read: it is larger than 1 MiB"},
		"many":      {"[uwsgi]\n" + strings.Repeat("x=1\n", 10_001), "more than 10000 settings"},
		"growing":   {"[uwsgi]\na = " + strings.Repeat("x", 40_000) + "\nchdir = %(a)%(a)\n", "too long when the variables are replaced"},
		"magic":     {"[uwsgi]\nchdir = " + strings.Repeat("%p", 30_000) + "\n", "a.ini:2: the value is longer than 64 KiB"},
		"control":   {"[uwsgi]\n\x1b[2J = \x1b[2J\n[uwsgi\n", `"[uwsgi"`},
	} {
		_, err := Read(Source{Args: []string{"app:application", "a.ini"}, ReadFile: fileOf(c.text), Dir: "/srv"})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\x1b") || len(err.Error()) > 1000 {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
}

func TestRead_BoundsIncludes(t *testing.T) {
	depth := 0
	_, err := Read(Source{Args: []string{"app:application", "a.ini"}, ReadFile: func(string) ([]byte, error) {
		depth++
		return []byte("[uwsgi]\nini = " + strings.Repeat("x", depth) + ".ini\n"), nil
	}})
	if err == nil || !strings.Contains(err.Error(), "one file too many") || depth != deepest {
		t.Errorf("%d files read, error %v", depth, err)
	}
	count := 0
	_, err = Read(Source{Args: []string{"app:application", "a.ini"}, ReadFile: func(path string) ([]byte, error) {
		count++
		if path == "a.ini" {
			return []byte("[uwsgi]\n" + strings.Repeat("ini = b.ini\n", 1000)), nil
		}
		return []byte("[uwsgi]\n"), nil
	}})
	if err == nil || !strings.Contains(err.Error(), "one file too many") || count != mostFiles {
		t.Errorf("%d files read, error %v", count, err)
	}
}

func TestRead_OpensRealFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "site.ini")
	if err := os.WriteFile(path, []byte("[uwsgi]\nmodule = a\nchdir = %d\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	source := System([]string{path})
	source.Environ = nil
	s, err := Read(source)
	if err != nil || s.Chdir != filepath.Dir(path)+"/" || s.Origin("chdir") != path+":3" || len(s.Files) != 1 {
		t.Errorf("%v, chdir %q from %q, files %q", err, s.Chdir, s.Origin("chdir"), s.Files)
	}
	for _, broken := range []string{path + "x.ini", filepath.Dir(path)} {
		source.Args = []string{"--ini", broken}
		if _, err := Read(source); err == nil || !strings.Contains(err.Error(), "cannot read") {
			t.Errorf("%s: %v", broken, err)
		}
	}
	if err := os.Truncate(path, largestFile+1); err != nil {
		t.Fatal(err)
	}
	source.Args = []string{path}
	if _, err := Read(source); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("large file: %v", err)
	}
}

func TestSystem_KnowsTheProcess(t *testing.T) {
	s := System([]string{"x"})
	if s.PID != os.Getpid() || s.Dir == "" || s.CPUs < 1 || s.Somaxconn < 1 || len(s.Environ) == 0 || s.Args[0] != "x" {
		t.Errorf("%+v", s)
	}
	if somaxconn("/nonexistent") != 0 {
		t.Error("an unknown somaxconn is not 0")
	}
}

func TestRead_ReportsErrorsOfFilesAsTheyAre(t *testing.T) {
	_, err := Read(Source{Args: []string{"--ini", "a.ini"}, ReadFile: func(string) ([]byte, error) { return nil, fs.ErrClosed }})
	if want := `command line: cannot read "a.ini": file already closed; name a file that can be read`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestServe_SettingsAreTheListThatWasApplied(t *testing.T) {
	s := read(t, "[uwsgi]\nbase = /srv\nchdir = %(base)/x\n")
	var got []string
	for _, setting := range s.Settings() {
		got = append(got, setting.Name+"="+setting.Value+"@"+setting.Origin.String())
	}
	if want := "base=/srv@a.ini:2 chdir=/srv/x@a.ini:3"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %s", got, want)
	}
}

func TestValidate_ChecksAServeThatWasChanged(t *testing.T) {
	s := read(t, "[uwsgi]\nprocesses = 4\n")
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	s.Cheaper, s.Module = 4, ""
	var config *ConfigError
	if err := s.Validate(); !errors.As(err, &config) || len(config.Problems) != 2 || !strings.HasPrefix(err.Error(), "2 problems in the configuration:\n  ") {
		t.Errorf("%v", err)
	}
}

func FuzzIni(f *testing.F) {
	for _, seed := range []string{"", "[uwsgi]\nmodule = a\n", "[uwsgi]\nprocesses=%k\nchdir=%(base)\nbase=$(HOME)\nini=:x\n[x]\nstrict\n", "\xef\xbb\xbf[a\n", "a=%(b)%(b)\nb=%(a)",
		"[uwsgi]\r\nset-ph = a=b\nset = set = x\nhttp = [::1]:80\nenv = A=%%\n%s=%d%p%\n", "[]\n=\n;\n#", "[uwsgi]\nroute = basicauth\nif-env = X\nsocket = x\nlisten=-1\n\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines, err := parseIni(data)
		if err == nil {
			for _, line := range lines {
				if line.number < 1 || len(line.key)+len(line.value) > longestLine || strings.ContainsAny(line.key+line.value, "\x00\n") {
					t.Fatalf("line %+v", line)
				}
			}
		}
		s, err := Read(Source{Args: []string{"app:application", "a.ini"}, Environ: []string{"HOME=/root"}, Dir: "/srv", ReadFile: fileOf(string(data))})
		var config *ConfigError
		if err != nil && (!errors.As(err, &config) || len(config.Problems) == 0) {
			t.Fatalf("%T %v", err, err)
		}
		if err == nil && (s.Validate() != nil || len(s.HTTP) == 0 || s.Processes < 1 || s.Processes > 1024 || s.Threads < 1 || s.Threads > 250) {
			t.Fatalf("%+v", s)
		}
		for _, warning := range s.Warnings {
			if strings.ContainsAny(warning, "\n\x1b\x00") {
				t.Fatalf("warning %q", warning)
			}
		}
	})
}

func FuzzCommandLine(f *testing.F) {
	for _, seed := range []string{"", "-p4\n-MT\n--ini\na.ini", "--module\n--master", "--=x", "---", "-\n--\n-x", "--chea=1", "a.py:b\nc.d:e", ":\n.ini\n:x.ini", "-C\n-C664\n-\xff", "--\xff\x00=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		args := strings.Split(text, "\n")
		s, err := Read(Source{Args: args, Environ: args, ReadFile: fileOf("[uwsgi]\nprocesses = 3\n")})
		var config *ConfigError
		var usage *UsageError
		switch {
		case err == nil:
			if s.Validate() != nil {
				t.Fatalf("%q: %+v", args, s)
			}
		case errors.As(err, &usage) && len(usage.Problems) > 0:
			for _, problem := range usage.Problems {
				if strings.ContainsAny(problem, "\n\x1b\x00") {
					t.Fatalf("%q: %q", args, problem)
				}
			}
		case errors.As(err, &config) && len(config.Problems) > 0, errors.Is(err, ErrHelp), errors.Is(err, ErrVersion):
		default:
			t.Fatalf("%q: %T %v", args, err, err)
		}
	})
}
