package workers

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/observe/event"
)

// A template whose application has all its files open cannot receive a worker's descriptors. It says
// so, and does not name the worker.
func TestWorkshop_TriesAgainWhenASpawnIsRefused(t *testing.T) {
	for _, name := range []string{"message", "spawn"} {
		t.Run(name, func(t *testing.T) {
			h := open(t, func(o *Options, b *playbook) {
				o.Pool.NeedApp = false
				b.Noise = `{"op":"refused","name":"` + name + `","why":"too many open files"}`
			})
			if e := h.worker("gone"); !contains(e.Text, "too many open files") {
				t.Errorf("event %+v", e)
			}
			h.ask("GET", begin, ok).ended("ok")
		})
	}
}

func TestWorkshop_SendsASpawnWhenTheKernelTakesDescriptorsAgain(t *testing.T) {
	h := open(t, nil)
	e := h.worker("ready")
	relief := make(chan func(), 1)
	h.post(func(time.Duration) { relief <- tooManyOnTheirWay(t) })
	relieve := <-relief
	kill(t, e.PID)
	h.worker("starting")
	h.settle()
	waiting := make(chan int, 1)
	h.post(func(time.Duration) {
		waiting <- len(h.templates[1].out)
		relieve()
	})
	if n := <-waiting; n != 1 {
		t.Errorf("%d orders wait, expected the spawn that the kernel does not take", n)
	}
	if again := h.event("a new worker", func(x *event.Event) bool {
		return x.Kind == event.Worker && x.To == event.StateReady
	}); again.PID == e.PID {
		t.Errorf("event %+v", again)
	}
}

// tooManyOnTheirWay makes the kernel refuse descriptors that this thread sends (ETOOMANYREFS), until
// the returned function is called in the same thread.
func tooManyOnTheirWay(t *testing.T) (relieve func()) {
	const many = 250
	must := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	must(err)
	gift := make([]int, many)
	for i := range gift {
		gift[i] = p[0]
	}
	for range 2 {
		must(unix.Sendmsg(p[0], []byte("x"), unix.UnixRights(gift...), nil, unix.MSG_DONTWAIT))
	}
	var was unix.Rlimit
	must(unix.Getrlimit(unix.RLIMIT_NOFILE, &was))
	files, err := os.ReadDir("/proc/self/fd")
	must(err)
	must(unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(len(files) + 200), Max: was.Max}))
	// Whoever may administer the system is not bound by it.
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var had [2]unix.CapUserData
	must(unix.Capget(&header, &had[0]))
	less := had
	less[0].Effective &^= 1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_SYS_RESOURCE
	must(unix.Capset(&header, &less[0]))
	return func() {
		must(unix.Capset(&header, &had[0]))
		must(unix.Setrlimit(unix.RLIMIT_NOFILE, &was))
		_ = unix.Close(p[0])
		_ = unix.Close(p[1])
	}
}
