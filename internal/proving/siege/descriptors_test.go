package siege

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// childVar makes this test binary the process that runs out of descriptors.
const childVar = "FENDER_SIEGE_CHILD"

// outOfDescriptors runs a load whose limit of open files falls while it runs.
func outOfDescriptors() {
	q, err := ParseRequest(os.Getenv(childVar))
	if err == nil {
		err = Resolve(context.Background(), nobody{}, []*Request{q}, false)
	}
	var r *Result
	if err == nil {
		r, err = Run(context.Background(), Options{
			Requests: []*Request{q}, Phases: []Phase{{Users: 1, For: 1100 * time.Millisecond}, {Users: 20, For: time.Hour}}, Delay: 10 * time.Millisecond,
			Tick: func(Progress) { // after a second
				if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 4, Max: 4}); err != nil {
					panic(err)
				}
			},
		})
	}
	fmt.Println(err, errors.Is(err, ErrDescriptors), r != nil && r.Interrupted && r.OK > 0)
}

func TestRun_EndsWhenTheDescriptorsDo(t *testing.T) {
	t.Parallel()
	s := answering(t, hello)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+s.addr)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != ErrDescriptors.Error()+" true true" {
		t.Errorf("%v: %s", err, out)
	}
}
