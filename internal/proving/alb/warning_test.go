package alb

import (
	"bytes"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestConnectFailed_WarnsOfWhatTheBalancerLacksItself(t *testing.T) {
	var said bytes.Buffer
	b := &Balancer{started: time.Now().Add(-time.Hour)}
	b.o.Warnings = &said
	failed := func(e syscall.Errno) {
		b.connectFailed("127.0.0.1:8000", &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", e)})
	}
	if failed(syscall.ECONNREFUSED); said.Len() > 0 {
		t.Errorf("of the target's: %q", said.String())
	}
	failed(syscall.EMFILE)
	failed(syscall.EMFILE)
	if got := said.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "127.0.0.1:8000") || !strings.Contains(got, "too many open files") {
		t.Errorf("said %q", got)
	}
	b.started = b.started.Add(-time.Minute)
	if failed(syscall.EADDRNOTAVAIL); strings.Count(said.String(), "\n") != 2 {
		t.Errorf("a minute later: %q", said.String())
	}
}
