package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"fender/internal/observe/status"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a Backend that says what it was asked, and answers what the test says.
type fake struct {
	asked   chan string
	err     error
	release chan struct{} // Reload waits for it, or for its context
	ended   chan error    // how Reload's context ended
}

func newFake() *fake { return &fake{asked: make(chan string, 64), ended: make(chan error, 64)} }

func (f *fake) Status(context.Context) (status.Status, error) {
	f.asked <- "status"
	return status.Status{State: status.Serving, Generation: 4, Workers: []status.Worker{{Number: 1, Spawn: 9}}}, f.err
}

func (f *fake) Reload(ctx context.Context) (ReloadResult, error) {
	f.asked <- "reload"
	if f.release != nil {
		select {
		case <-f.release:
		case <-ctx.Done():
			f.ended <- ctx.Err()
			return ReloadResult{}, ctx.Err()
		}
	}
	return ReloadResult{Generation: 2, Seconds: 1.5}, f.err
}

func (f *fake) Scale(_ context.Context, delta int) (ScaleResult, error) {
	f.asked <- fmt.Sprintf("scale %d", delta)
	return ScaleResult{Processes: 4 + delta}, f.err
}

func (f *fake) Drain(_ context.Context, now bool) error {
	f.asked <- fmt.Sprintf("drain %v", now)
	return f.err
}

func listen(t *testing.T, b Backend) Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fender.sock")
	s, err := Listen(path, b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); err == nil {
			t.Error("the socket file stays after Close")
		}
	})
	return Client{path}
}

func TestControl_DoesWhatTheClientAsks(t *testing.T) {
	f, ctx := newFake(), t.Context()
	c := listen(t, f)
	doc, err := c.Status(ctx)
	if err != nil || doc.Generation != 4 || doc.State != status.Serving || len(doc.Workers) != 1 || doc.Workers[0].Spawn != 9 {
		t.Errorf("Status = %+v, %v", doc, err)
	}
	if r, err := c.Reload(ctx); err != nil || r != (ReloadResult{2, 1.5}) {
		t.Errorf("Reload = %+v, %v", r, err)
	}
	if r, err := c.Scale(ctx, -1); err != nil || r.Processes != 3 {
		t.Errorf("Scale = %+v, %v", r, err)
	}
	if err := errors.Join(c.Drain(ctx, false), c.Drain(ctx, true)); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"status", "reload", "scale -1", "drain false", "drain true"} {
		if got := <-f.asked; got != want {
			t.Errorf("the backend was asked %q, want %q", got, want)
		}
	}
}

func TestControl_RefusedReloadIsToldApartFromAFailedOne(t *testing.T) {
	f := newFake()
	c := listen(t, f)
	f.err = fmt.Errorf("%w: generation 1 goes on: ModuleNotFoundError: No module named 'x'", ErrRefused)
	_, err := c.Reload(t.Context())
	if !errors.Is(err, ErrRefused) || err.Error() != "reload refused: generation 1 goes on: ModuleNotFoundError: No module named 'x'" {
		t.Errorf("refused: %v", err)
	}
	f.err = errors.New("fender is leaving")
	if _, err := c.Reload(t.Context()); err == nil || errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "fender is leaving") {
		t.Errorf("failed: %v", err)
	}
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

// halfClose ends the sending side, as a shell's pipe into the socket does.
func halfClose(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

// raw sends text and returns the answer's line.
func raw(t *testing.T, path, text string) string {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	send(t, conn, text)
	halfClose(t, conn)
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestControl_TheProtocolIsOneLineOfJSONEachWay(t *testing.T) {
	f := newFake()
	c := listen(t, f)
	for request, want := range map[string]string{
		`{"v":1,"op":"reload"}` + "\n":                              `{"v":1,"ok":true,"reload":{"generation":2,"seconds":1.5}}`,
		`{"v":1,"op":"reload"}`:                                     `{"v":1,"ok":true,"reload":{"generation":2,"seconds":1.5}}`,
		`{"v":1,"op":"drain"}` + "\n":                               `{"v":1,"ok":true}`,
		`{"v":1,"op":"scale","delta":2}` + "\n":                     `{"v":1,"ok":true,"scale":{"processes":6}}`,
		`{"v":1,"op":"scale"}` + "\n":                               `{"v":1,"ok":false,"error":"scale needs a \"delta\" between -1000 and 1000 that is not 0"}`,
		`{"v":1,"op":"scale","delta":1000000}` + "\n":               `{"v":1,"ok":false,"error":"scale needs a \"delta\" between -1000 and 1000 that is not 0"}`,
		`{"v":2,"op":"status"}` + "\n":                              `{"v":1,"ok":false,"error":"this fender speaks version 1: send \"v\": 1"}`,
		`{"v":1,"op":"fly"}` + "\n":                                 `{"v":1,"ok":false,"error":"unknown operation \"fly\": this fender knows [status reload scale drain stop]"}`,
		"GET / HTTP/1.1\r\n\r\n":                                    `{"v":1,"ok":false,"error":"the request is not a JSON object with \"v\" and \"op\""}`,
		"[1]\n":                                                     `{"v":1,"ok":false,"error":"the request is not a JSON object with \"v\" and \"op\""}`,
		`{"v":1,"op":"` + strings.Repeat("x", maxRequest) + "\"}\n": `{"v":1,"ok":false,"error":"no request came: longer than 4096 bytes"}`,
	} {
		if got := raw(t, c.Path, request); got != want+"\n" {
			t.Errorf("%.60q:\n got %s\nwant %s", request, got, want)
		}
	}
	if got := raw(t, c.Path, ""); got != "" {
		t.Errorf("no request was answered with %q", got)
	}
	got := raw(t, c.Path, `{"v":1,"op":"status"}`+"\n")
	var a struct {
		OK     bool
		Status map[string]any
	}
	if err := json.Unmarshal([]byte(got), &a); err != nil || !a.OK || a.Status["v"] != 1.0 || a.Status["generation"] != 4.0 {
		t.Errorf("status: %s, %v", got, err)
	}
}

func TestControl_AReloadGoesOnWaitingForAHalfClosedClientAndStopsForOneThatLeft(t *testing.T) {
	f := newFake()
	f.release = make(chan struct{})
	c := listen(t, f)
	for _, leaves := range []bool{false, true} {
		conn, err := net.Dial("unix", c.Path)
		if err != nil {
			t.Fatal(err)
		}
		send(t, conn, `{"v":1,"op":"reload"}`+"\n")
		<-f.asked
		if leaves {
			conn.Close()
			if err := <-f.ended; !errors.Is(err, context.Canceled) {
				t.Errorf("the reload's context ended with %v", err)
			}
			continue
		}
		halfClose(t, conn)
		f.release <- struct{}{}
		got, _ := io.ReadAll(conn)
		conn.Close()
		if !strings.Contains(string(got), `"ok":true`) {
			t.Errorf("half-closed: %q", got)
		}
	}
}

func TestControl_CancellingTheClientEndsItsWait(t *testing.T) {
	f := newFake()
	f.release = make(chan struct{})
	c := listen(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() {
		_, err := c.Reload(ctx)
		result <- err
	}()
	<-f.asked
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("Reload = %v", err)
	}
	if err := <-f.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the reload ended with %v", err)
	}
}

func TestControl_TooManyAskersAreToldToTryLater(t *testing.T) {
	f := newFake()
	f.release = make(chan struct{})
	c := listen(t, f)
	var conns []net.Conn
	for range maxConnections {
		conn, err := net.Dial("unix", c.Path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		send(t, conn, `{"v":1,"op":"reload"}`+"\n")
		<-f.asked
		conns = append(conns, conn)
	}
	if _, err := c.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "try again later") {
		t.Errorf("Status = %v", err)
	}
	close(f.release)
	for _, conn := range conns {
		if got, err := io.ReadAll(conn); err != nil || !strings.Contains(string(got), `"ok":true`) {
			t.Errorf("one that waited got %q, %v", got, err)
		}
	}
}

func TestClient_SaysWhatToDoWhenNobodyListens(t *testing.T) {
	dir := t.TempDir()
	missing, stale, file := filepath.Join(dir, "none.sock"), filepath.Join(dir, "stale.sock"), filepath.Join(dir, "file")
	leaveStale(t, stale)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{missing, stale} {
		_, err := Client{path}.Status(t.Context())
		want := "no fender listens at " + path + ": is it running with --control " + path + "?"
		if !errors.Is(err, ErrNobody) || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := (Client{file}).Status(t.Context()); err == nil {
		t.Error("a plain file was taken for a fender")
	}
}

func TestClient_UnderstandsNoOtherServer(t *testing.T) {
	for reply, want := range map[string]string{
		"":                         "without an answer",
		"hello\n":                  "not JSON",
		`{"v":9,"ok":true}` + "\n": "version 9",
		`{"v":1,"ok":true}` + "\n": "no status",
		`{"v":1}` + "\n":           "fender at ",
	} {
		path := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			if _, err := readLine(conn, maxRequest); err != nil {
				t.Error(err)
			}
			if _, err := io.WriteString(conn, reply); err != nil {
				t.Error(err)
			}
		}()
		if _, err := (Client{path}).Status(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", reply, err, want)
		}
		l.Close()
		<-done
	}
}

// leaveStale makes a socket file that nobody listens on, as a killed process does.
func leaveStale(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

func TestListen_ReplacesTheSocketOfADeadFender(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	leaveStale(t, path)
	s, err := Listen(path, newFake())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := (Client{path}).Status(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestListen_NeverTakesWhatBelongsToAnother(t *testing.T) {
	c := listen(t, newFake())
	file := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(file, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		c.Path:                         "another fender listens on " + c.Path,
		file:                           "is not a socket",
		"/" + strings.Repeat("x", 200): "a unix socket's can have 107",
		filepath.Join(file, "s"):       "not a directory",
		"/nonexistent/dir/s":           "no such file or directory: make the directory /nonexistent/dir",
	} {
		s, err := Listen(path, newFake())
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "control: ") {
			t.Errorf("%s: %v, want %q in it", path, err, want)
		}
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("the first fender was disturbed: %v", err)
	}
	if got, _ := os.ReadFile(file); string(got) != "data" {
		t.Error("a plain file was touched")
	}
}

func TestListen_SocketIsForItsOwnerAloneFromItsFirstMoment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	old := syscall.Umask(0) // the worst case
	defer syscall.Umask(old)
	lc := net.ListenConfig{Control: private} // before Listen's own chmod
	l, err := lc.Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", st.Mode(), err)
	}
}

func TestClose_LeavesTheSocketOfASuccessor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first, err := Listen(path, newFake())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second, err := Listen(path, newFake())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if _, err := (Client{path}).Status(t.Context()); err != nil {
		t.Errorf("the successor lost its socket: %v", err)
	}
	second.Close()
}

func TestPermit_LetsInTheOwnerAndRootOnly(t *testing.T) {
	for _, c := range []struct {
		peer, own int
		ok        bool
	}{{0, 0, true}, {0, 33, true}, {33, 33, true}, {1000, 33, false}, {33, 0, false}} {
		if err := permit(c.peer, c.own); (err == nil) != c.ok {
			t.Errorf("user %d to a fender of %d: %v", c.peer, c.own, err)
		}
	}
}

func FuzzDecode_NeverPanicsAndTakesOnlyKnownVersions(f *testing.F) {
	f.Add([]byte(`{"v":1,"op":"status"}`))
	f.Add([]byte(`{"v":1,"op":"scale","delta":-3}`))
	f.Add([]byte(`{"v":1e400,"op":[]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := decode(line)
		if err == nil && (r.V != Version || r.Op == OpScale && (r.Delta == 0 || r.Delta > maxDelta || r.Delta < -maxDelta)) {
			t.Errorf("%q was taken as %+v", line, r)
		}
	})
}

func TestDocs_ListEveryOperation(t *testing.T) {
	text, err := os.ReadFile("../../docs/control.md")
	if err != nil {
		t.Fatal(err)
	}
	table, _, _ := strings.Cut(string(text), "## The status document")
	var got []Op
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\|").FindAllStringSubmatch(table, -1) {
		got = append(got, Op(m[1]))
	}
	if diff := cmp.Diff(Ops, got); diff != "" {
		t.Errorf("operations (-) and docs/control.md (+) differ:\n%s", diff)
	}
}
