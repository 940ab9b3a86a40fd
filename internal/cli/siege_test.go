package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fender/internal/exit"
	"fender/internal/proving/siege"

	"golang.org/x/sys/unix"
)

// besieged is a server for the load of a test, and its address.
func besieged(t *testing.T, handle http.HandlerFunc) string {
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return s.URL
}

func hello(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/bad" {
		w.WriteHeader(http.StatusBadGateway)
	}
	fmt.Fprint(w, "hello")
}

// fenderSiege runs the command with args that have no blanks inside.
func fenderSiege(line string, more ...string) (*process, int) {
	p := newProcess(append(append([]string{"siege"}, strings.Fields(line)...), more...)...)
	return p, Run(p.Process)
}

func TestSiege_SaysWhatIsWrongWithTheCommandLine(t *testing.T) {
	for args, want := range map[string]string{
		"":                              "what shall be asked? Give a URL, or --file FILE",
		"ftp://127.0.0.1/":              "only http:// and https:// are",
		"http://":                       "there is no host",
		"127.0.0.1:1 127.0.0.1:2":       `one URL, there is "127.0.0.1:2" too`,
		"-r 0 127.0.0.1":                "-r is a number of requests above 0, or once",
		"-c 0 127.0.0.1":                "--concurrent is a number from 1 to",
		"-c x 127.0.0.1":                "invalid argument",
		"-t 5X 127.0.0.1":               "-t 5X: a time is",
		"-d -1 127.0.0.1":               "-d -1: a time is",
		"--rate 0 127.0.0.1":            "--rate: ",
		"--rate 5 -r 3 127.0.0.1":       "with --rate there are no users",
		"--rate 5 --phases 1u/1s x":     "--rate is a phase by itself",
		"--phases 1u x":                 `--phases: phase "1u"`,
		"--phases 1u/1s -c 3 x":         "leave -c, -r and -t out",
		"--poisson x":                   "belong to --rate",
		"--fail-under 101 127.0.0.1":    "--fail-under is a percentage",
		"--fail-under NaN 127.0.0.1":    "--fail-under is a percentage",
		"--expect-sha256 abc 127.0.0.1": "64 hexadecimal digits",
		"--expect-status 99 127.0.0.1":  "a status is 200 to 599",
		"-H nonsense 127.0.0.1":         "a header is Name: value",
		"-H Content-Length:3 127.0.0.1": "the framing of a request",
		"-R rc 127.0.0.1":               "configuration file is not read",
		"-l 127.0.0.1":                  "--out FILE saves a result",
		"-g -p 127.0.0.1":               "one of them",
		"-j --json 127.0.0.1":           "one of them",
		"--connection often 127.0.0.1":  "keep-alive or close",
		"--concurent 3 127.0.0.1":       "(did you mean --concurrent?)",
		"-f x 127.0.0.1":                "either a URL or --file FILE",
		"http://192.0.2.1/":             "192.0.2.1, which is not this machine: --allow-remote says",
	} {
		p, code := fenderSiege(args)
		if code != exit.Usage || !strings.Contains(p.err.String(), want) || strings.Count(p.err.String(), "\n") != 1 || p.out.Len() > 0 {
			t.Errorf("fender siege %s: exit %d, %s%s", args, code, &p.out, &p.err)
		}
	}
	for args, want := range map[string]string{
		"-f /no/such":                           "the file of URLs: open /no/such",
		"http://no-such-host.invalid/":          "the host no-such-host.invalid is not known",
		"127.0.0.1 --compare /no/such":          "--compare: open /no/such",
		"127.0.0.1 POST </no/such":              "no such file",
		"127.0.0.1 -r 1 --out /no/such/dir/out": "--out: open /no/such/dir/out.new",
	} {
		p, code := fenderSiege(args)
		if code == exit.OK || !strings.Contains(p.err.String(), want) || strings.Contains(p.err.String(), "under siege") {
			t.Errorf("fender siege %s: exit %d, %s%s", args, code, &p.out, &p.err)
		}
	}
}

func TestSiege_TheIncidentsCommandLine(t *testing.T) {
	url := besieged(t, hello)
	p, code := fenderSiege("-c 5 -r 3 " + url + "/slow -v")
	lines := regexp.MustCompile(`(?m)^HTTP/1\.1 200 +\d+\.\d\d secs: +5 bytes ==> GET  /slow$`).FindAllString(p.out.String(), -1)
	if code != exit.OK || len(lines) != 15 || strings.Count(p.out.String(), "\n") != 15 {
		t.Errorf("exit %d\n%s", code, &p.out)
	}
	for _, want := range []string{"Transactions:\t\t          15 hits\n", "Availability:\t\t      100.00 %\n", "Failed transactions:\t           0\n", "Latency:", "Statuses:     200 15\n"} {
		if !strings.Contains(p.err.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &p.err)
		}
	}
}

func TestSiege_LinesThatAreLostAreNotPassedOver(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("there is no full device here: %v", err)
	}
	defer full.Close()
	p := newProcess("siege", "-v", "-c", "1", "-r", "3", besieged(t, hello))
	p.Stdout = full
	if code := Run(p.Process); code != exit.Problem || !strings.Contains(p.err.String(), "the lines of -v are not complete: write /dev/full: no space left") ||
		!strings.Contains(p.err.String(), "3 hits") {
		t.Errorf("exit %d\n%s", code, &p.err)
	}
}

func TestSiege_FailUnderIsAnExitCode(t *testing.T) {
	url := besieged(t, hello)
	for args, want := range map[string]int{
		"-c 2 -r 2 --fail-under 100 " + url + "/good":                    exit.OK,
		"-c 2 -r 2 --fail-under 100 " + url + "/bad":                     exit.Expectation,
		"-c 2 -r 2 --fail-under 0 " + url + "/bad":                       exit.OK,
		"-c 2 -r 2 " + url + "/bad":                                      exit.OK,
		"-c 2 -r 2 --fail-under 100 --expect-status 502 " + url + "/bad": exit.OK,
		"-c 2 -r 2 --fail-under 100 --check-hash " + url + "/good":       exit.Expectation,
		"-c 1 -r 1 --fail-under 100 127.0.0.1:1":                         exit.Problem, // nobody was there at all
		"-g " + url + "/bad -q":                                          exit.Problem,
		"-g " + url + "/good":                                            exit.OK,
	} {
		p, code := fenderSiege(args)
		if code != want {
			t.Errorf("fender siege %s: exit %d, want %d\n%s", args, code, want, &p.err)
		}
	}
}

func TestSiege_PostsAndPrints(t *testing.T) {
	url := besieged(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s %s", r.Method, body, r.Header.Get("X-A"), r.UserAgent(), r.Header.Get("Content-Type"))
	})
	p, code := fenderSiege("-p -A me -T text/x -H X-A:b", url+"/ POST a=1 & b=2")
	if code != exit.OK || !strings.HasSuffix(p.out.String(), "POST a=1 & b=2 b me text/x\n") || !strings.HasPrefix(p.out.String(), "POST / HTTP/1.1\r\n") {
		t.Errorf("exit %d\n%s%s", code, &p.out, &p.err)
	}
	p, _ = fenderSiege("-p " + url + " PUT three words")
	if !strings.Contains(p.out.String(), "PUT three words  fender-siege/1.0.0 application/x-www-form-urlencoded") {
		t.Errorf("%s%s", &p.out, &p.err)
	}
}

func TestSiege_FileOfURLs(t *testing.T) {
	var asked atomic.Int64
	url := besieged(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/from-env" || r.Method == http.MethodPost {
			asked.Add(1)
		}
	})
	name := filepath.Join(t.TempDir(), "urls")
	text := "# all\nBASE=" + url + "\n$(BASE)/$PAGE\n${BASE}/x POST y\n"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newProcess("siege", "-c", "3", "-r", "once", "-f", name)
	p.Environ = []string{"PAGE=from-env"}
	if code := Run(p.Process); code != exit.OK || asked.Load() != 6 {
		t.Errorf("exit %d, %d\n%s", code, asked.Load(), &p.err)
	}
	if err := os.WriteFile(name, []byte("\nhttp://$NO/\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, code := fenderSiege("-f " + name)
	if code != exit.Usage || !strings.Contains(p.err.String(), name+": line 2: $NO is set neither") {
		t.Errorf("exit %d\n%s", code, &p.err)
	}
}

func TestSiege_ResultsAreSavedAndCompared(t *testing.T) {
	url := besieged(t, hello)
	file := filepath.Join(t.TempDir(), "result.json")
	p, code := fenderSiege("-q -c 2 -r 2 -m first --out " + file + " " + url)
	if code != exit.OK || p.err.Len()+p.out.Len() > 0 {
		t.Fatalf("exit %d, %s%s", code, &p.out, &p.err)
	}
	p, code = fenderSiege("-c 2 -r 4 --json --out " + file + " --compare " + file + " " + url)
	var res siege.Result
	if err := json.Unmarshal(p.out.Bytes(), &res); err != nil || code != exit.OK || res.V != 1 || res.Requests != 8 {
		t.Fatalf("exit %d, %v\n%s%s", code, err, &p.out, &p.err)
	}
	if !regexp.MustCompile(`(?m)^ +first +now +ratio *\n +requests +4 +8 +2\.00 *$`).MatchString(p.err.String()) {
		t.Errorf("%s", &p.err)
	}
	p, code = fenderSiege("--compare " + file + " --compare " + file)
	if code != exit.OK || !strings.Contains(p.out.String(), "ratio") {
		t.Errorf("exit %d, %s%s", code, &p.out, &p.err)
	}
	if left, _ := filepath.Glob(file + ".*"); left != nil {
		t.Errorf("%v is left", left)
	}
	p, code = fenderSiege("-j -c 2 -r 2 " + url)
	var short map[string]float64
	if err := json.Unmarshal(p.out.Bytes(), &short); err != nil || code != exit.OK || short["transactions"] != 4 || len(short) != 12 {
		t.Errorf("exit %d, %v %s", code, err, &p.out)
	}
}

func TestSiege_APipeOfResultsStaysOne(t *testing.T) {
	url := besieged(t, hello)
	dir := t.TempDir()
	name := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan []byte, 1)
	go func() {
		b, _ := os.ReadFile(name)
		read <- b
	}()
	p, code := fenderSiege("-q -c 1 -r 1 --out " + name + " " + url)
	info, err := os.Lstat(name)
	if code != exit.OK || err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Fatalf("exit %d, %v, %v\n%s", code, info, err, &p.err)
	}
	if res, err := siege.ReadResult(bytes.NewReader(<-read)); err != nil || res.Requests != 1 {
		t.Errorf("%v, %+v", err, res)
	}
	p, code = fenderSiege("-c 1 -r 1 --out " + dir + " " + url)
	if code != exit.Problem || !strings.Contains(p.err.String(), "--out: open "+dir+": is a directory") || strings.Contains(p.err.String(), "under siege") {
		t.Errorf("exit %d\n%s", code, &p.err)
	}
}

// stalling answers three requests and no more until it is told to; asked says that a fourth has come.
func stalling(t *testing.T, handle http.HandlerFunc) (url string, asked <-chan struct{}, release func()) {
	come, gate := make(chan struct{}, 100), make(chan struct{})
	var n atomic.Int64
	url = besieged(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) > 3 {
			select {
			case come <- struct{}{}:
			default: // after the release
			}
			<-gate
		}
		handle(w, r)
	})
	release = sync.OnceFunc(func() { close(gate) })
	t.Cleanup(release)
	return url, come, release
}

func TestSiege_InterruptedItSaysWhatWasDone(t *testing.T) {
	const whole = "-c 1 -t 1H "
	for _, c := range []struct {
		signals int
		args    string
		code    int
		done    string // a pattern: the first signal may be heard a few answers after the release
		says    string
	}{
		{1, whole, exit.OK, `([4-9]|\d\d+) hits`, "0 more had begun"},
		{1, whole + "--fail-under 100 ", exit.OK, `([4-9]|\d\d+) hits`, "0 more had begun"},
		{1, whole + "--fail-under 100 --expect-status 404 ", exit.Expectation, `0 hits`, "requests failed: availability 0.0000 % is under 100 %"},
		{2, whole, exit.Forced, `3 hits`, "1 more had begun"},
		{2, whole + "--fail-under 100 ", exit.Forced, `3 hits`, "1 more had begun"},
	} {
		url, asked, release := stalling(t, hello)
		p := newProcess(append([]string{"siege"}, strings.Fields(c.args+url)...)...)
		done := make(chan int, 1)
		go func() { done <- Run(p.Process) }()
		<-asked // the fourth request is under way
		for range c.signals {
			p.signal(syscall.SIGINT)
		}
		if c.signals == 1 {
			release() // answered in the grace
		}
		code := <-done
		release()
		if code != c.code || !regexp.MustCompile(`Transactions:\t\t +`+c.done).MatchString(p.err.String()) ||
			!strings.Contains(p.err.String(), "Interrupted") || !strings.Contains(p.err.String(), c.says) {
			t.Errorf("%s, %d signals: exit %d\n%s", c.args, c.signals, code, &p.err)
		}
	}
}

// untaken is a pipe that nobody reads.
type untaken struct{ begun, gate chan struct{} }

func (u *untaken) Write(p []byte) (int, error) {
	select {
	case u.begun <- struct{}{}:
	default:
	}
	<-u.gate
	return len(p), nil
}

func TestSiege_ASecondSignalEndsWhatHangsOnItsOutput(t *testing.T) {
	out := &untaken{make(chan struct{}, 1), make(chan struct{})}
	file := filepath.Join(t.TempDir(), "result.json")
	p := newProcess("siege", "-c", "2", "-t", "1H", "-v", "--out", file, besieged(t, hello))
	p.Stdout = out
	done := make(chan int, 1)
	go func() { done <- Run(p.Process) }()
	<-out.begun
	p.signal(syscall.SIGINT)
	p.signal(syscall.SIGINT)
	if code := <-done; code != exit.Forced || !strings.Contains(p.err.String(), "nobody takes the lines of -v") {
		t.Errorf("exit %d\n%s", code, &p.err)
	}
	close(out.gate)
	if left, _ := filepath.Glob(file + "*"); left != nil {
		t.Errorf("%v is left", left)
	}
}

func TestSiege_InterruptedBeforeThereIsAnythingToSay(t *testing.T) {
	url, asked, _ := stalling(t, hello)
	for range 3 {
		fenderSiege("-g " + url)
	}
	p := newProcess("siege", "-g", url)
	done := make(chan int, 1)
	go func() { done <- Run(p.Process) }()
	<-asked
	p.signal(syscall.SIGINT)
	if code := <-done; code != exit.Forced || p.err.String() != "fender: interrupted\n" {
		t.Errorf("exit %d, %s", code, &p.err)
	}
}

func TestSiegeTime_ABareNumberIsMinutes(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"2": 2 * time.Minute, "0.5": 30 * time.Second, "30S": 30 * time.Second, "5M": 5 * time.Minute, "1H": time.Hour, "500ms": time.Second / 2,
	} {
		if got, err := siegeTime(text); err != nil || got != want {
			t.Errorf("-t %s: %v, %v, want %v", text, got, err, want)
		}
	}
}
