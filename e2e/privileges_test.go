//go:build linux

package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"fender/e2e/load"
	"fender/internal/observe/event"
)

// nobodys is a directory that belongs to nobody, in a place that everybody may enter.
func nobodys(t *testing.T, uid, gid int) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "fender-nobody")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return dir
}

// identity are the lines of /proc/PID/status about users and groups.
func identity(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		switch name {
		case "Uid", "Gid", "Groups", "CapEff", "CapPrm":
			found = append(found, name+" "+strings.Join(strings.Fields(rest), " "))
		}
	}
	return strings.Join(found, ", ")
}

func TestUidAndGidAreTakenByEveryProcessForGood(t *testing.T) {
	if os.Getuid() != 0 {
		may(t, "become another user", syscall.EPERM)
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		may(t, "become nobody", err)
	}
	uid, err := strconv.Atoi(nobody.Uid)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.Atoi(nobody.Gid)
	if err != nil {
		t.Fatal(err)
	}
	dir := nobodys(t, uid, gid)
	for _, module := range []string{"process", "input"} {
		source, err := os.ReadFile(filepath.Join(here(), module+".py"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, module+".py"), source, 0o644); err != nil { //nolint:gosec // nobody has to read it
			t.Fatal(err)
		}
	}
	interpreter, err := filepath.EvalSymlinks(python) // the environment may lie where nobody may go
	if err != nil {
		t.Fatal(err)
	}
	options := []string{"--chdir", dir, "--python", interpreter, "--uid", "nobody", "--gid", nobody.Gid, "--umask", "027", "--body-spool", dir}
	path := func(name string) string { return filepath.Join(dir, name) }
	s := serve(t, append(options, "--module", "process", "--threads", "2", "--processes", "2", "--control", path("control"), "--vacuum",
		"--pidfile", path("fender.pid"), "--http-socket", path("socket"), "--access-log", path("access.log"))...)
	s.wait("2 workers", 2, becomes(event.StateReady))
	template := s.events.matching(func(e event.Event) bool { return e.Kind == event.Template && e.To == event.StateReady })[0].PID
	want := fmt.Sprintf("Uid %[1]d %[1]d %[1]d %[1]d, Gid %[2]d %[2]d %[2]d %[2]d, Groups %[2]d, CapPrm 0000000000000000, CapEff 0000000000000000", uid, gid)
	for _, pid := range append(s.pids(), template, s.cmd.Process.Pid) {
		if got := identity(t, pid); got != want {
			t.Errorf("process %d (master %d, template %d): %s, not %s", pid, s.cmd.Process.Pid, template, got, want)
		}
	}
	doc := s.facts("/")
	if got := fmt.Sprint(doc["uid"]); got != fmt.Sprintf("[%d %d %d %d]", uid, uid, gid, gid) || doc["umask"] != "027" {
		t.Errorf("the application sees %s and the umask %v", got, doc["umask"])
	}
	if strings.Contains(s.log.String(), "running as root") {
		t.Error("it says that it runs as root")
	}
	info, err := os.Stat(path("control"))
	if err != nil {
		t.Fatal(err)
	}
	if stat := info.Sys().(*syscall.Stat_t); int(stat.Uid) != uid || info.Mode().Perm() != 0o600 {
		t.Errorf("the control socket belongs to %d and has the mode %v", stat.Uid, info.Mode().Perm())
	}
	if out := s.ctl("status"); !strings.Contains(out, "serving") {
		t.Errorf("fender ctl status: %s", out)
	}
	s.ctl("reload") // what a reload starts needs no right that is gone
	if got := identity(t, s.pids()[0]); got != want {
		t.Errorf("after the reload: %s", got)
	}
	// A killed worker is replaced; workers of another user are signalled too.
	before := s.count(becomes(event.StateReady))
	if err := syscall.Kill(s.pids()[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.wait("its successor", before+1, becomes(event.StateReady))
	s.must(&load.Request{Target: "/"})
	s.signal(syscall.SIGTERM)
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, name := range []string{"control", "fender.pid", "socket"} {
		if _, err := os.Lstat(path(name)); !os.IsNotExist(err) {
			t.Errorf("vacuum has left %s: %v", name, err)
		}
	}
	if info, err := os.Stat(path("access.log")); err != nil || info.Size() == 0 {
		t.Errorf("access.log: %v", err)
	}

	// Large bodies pass through files that nobody has made.
	s = serve(t, append(options, "--module", "input")...)
	body := make([]byte, 300_000)
	pattern(body, 0)
	sum := sha256.Sum256(body)
	if got := facts(t, s.must(&load.Request{Method: "POST", Target: "/?do=sum", Body: body}))["result"]; fmt.Sprint(got) != "["+hex.EncodeToString(sum[:])+"]" {
		t.Errorf("a body of 300 KB: %v", got)
	}
}
