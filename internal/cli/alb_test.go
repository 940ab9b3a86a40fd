package cli

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fender/internal/exit"
)

func TestALB_BadCommandLinesGetASentence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alb.yaml")
	if err := os.WriteFile(file, []byte("Listeners: nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"", exit.Usage, "nothing to balance"},
		{"--target 1", exit.Usage, `--target "1": write HOST:PORT`},
		{"--target :80", exit.Usage, "write HOST:PORT"},
		{"--target ftp://a:80", exit.Usage, "ftp is neither http nor https"},
		{"--target a:80 --listen b", exit.Usage, "--listen"},
		{"--target a:80 --attribute x", exit.Usage, "write KEY=VALUE"},
		{"--target a:80 --attribute idle_timeout.timeout_second=1", exit.Usage, "idle_timeout.timeout_seconds"},
		{"--target a:80 --attribute stickiness.enabled=maybe", exit.Usage, "stickiness.enabled"},
		{"--target a:80 --attribute idle_timeout.timeout_seconds=5000", exit.Problem, "outside of 1 to 4000"},
		{"--target a:80 --speed 0", exit.Usage, "--speed"},
		{"--target a:80 --speed nan", exit.Usage, "--speed"},
		{"--target a:80 --speed inf", exit.Usage, "--speed"},
		{"--target a:80 --connect-timeout 0", exit.Usage, "--connect-timeout 0: it must be above 0"},
		{"--target a:80 --fin-delay -1s", exit.Usage, "--fin-delay"},
		{"--target a:80 --fin-delay 0ms --log-every 0.0", exit.Usage, "--log-every 0"},
		{"--target https://a:80 --target b:81", exit.Usage, `--target "b:81" beside "https://a:80"`},
		{"--target a:80 --certificate c --key k", exit.Usage, "--listen https://"},
		{"--target a:80 --key k", exit.Usage, "belong together"},
		{"--target a:80 --config " + file, exit.Usage, "--target and --config together"},
		{"--config " + file, exit.Problem, file},
		{"--config /no/such/file", exit.Problem, "/no/such/file"},
		{"--target a:80 --listen https://127.0.0.1:0 --certificate /no/such --key /no/such", exit.Problem, "/no/such"},
		{"--target a:80 --listen 192.0.2.1:0", exit.Problem, "cannot listen on 192.0.2.1:0"},
	} {
		p := newProcess(append([]string{"alb"}, strings.Fields(c.args)...)...)
		if code := Run(p.Process); code != c.code || !strings.Contains(p.err.String(), c.want) {
			t.Errorf("fender alb %s: exit %d, %s\nwant %d and %q", c.args, code, &p.err, c.code, c.want)
		}
	}
}

func TestALB_EndsAtASecondSignalThoughNobodyReadsTheLog(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	if err := syscall.Mkfifo(log, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(log, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close() // so that what was left behind in the test's process ends
	p := newProcess("alb", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--access-log", log)
	r, w := io.Pipe()
	p.Stderr = w
	done := make(chan int)
	go func() { done <- Run(p.Process) }()
	lines := bufio.NewReader(r)
	first, _ := lines.ReadString('\n')
	at := strings.TrimPrefix(strings.TrimSpace(first), "fender: listening on ")
	rest := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(lines)
		rest <- b
	}()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 12 { // 90 KiB, and a pipe holds 64
		resp, err := client.Get(at + "/" + strings.Repeat("x", 7500))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	p.signal(syscall.SIGTERM)
	p.signal(syscall.SIGTERM)
	if code := <-done; code != exit.Forced {
		t.Errorf("exit %d", code)
	}
	_ = w.Close()
	if b := <-rest; !bytes.Contains(b, []byte("second signal")) {
		t.Errorf("said %q", b)
	}
}

func TestALB_SaysWhereItIsBalancesAndEndsAtASignal(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer site.Close()
	p := newProcess("alb", "--listen", "127.0.0.1:0", "--target", strings.TrimPrefix(site.URL, "http://"), "--health-path", "", "--access-log", filepath.Join(t.TempDir(), "access.log"), "--speed", "10", "--classic")
	r, w := io.Pipe()
	p.Stderr = w
	done := make(chan int)
	go func() {
		defer w.Close()
		done <- Run(p.Process)
	}()
	lines := bufio.NewReader(r)
	first, _ := lines.ReadString('\n')
	at, ok := strings.CutPrefix(strings.TrimSpace(first), "fender: listening on ")
	if !ok {
		t.Fatalf("first line %q", first)
	}
	rest := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(lines)
		rest <- b
	}()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(at + "/x")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if string(body) != "hello" {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
	p.signal(syscall.SIGTERM)
	if code := <-done; code != exit.OK {
		t.Errorf("exit %d", code)
	}
	b := <-rest
	for _, want := range []string{"idle timeout 6s, fin-delay 0s", "Classic Load Balancer's behaviour is unverified"} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("no %q in %q", want, b)
		}
	}
}
