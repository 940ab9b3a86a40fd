package workers

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"fender/internal/workers/python"
)

// playbook is what a played template and its workers do, in the boot message.
type playbook struct {
	Op      string `json:"op"`
	Stage   string `json:"stage"` // address of the test, where everybody tells what happens
	Threads int    `json:"threads"`

	Fail     *python.Report `json:"fail,omitempty"`      // sent instead of loaded
	Left     []string       `json:"left,omitempty"`      // threads and sockets that the import left
	URLconf  []string       `json:"urlconf,omitempty"`   // what became of the URLconf, and why
	Die      string         `json:"die,omitempty"`       // "boot", "spawn": SIGKILL to itself then
	Hold     bool           `json:"hold,omitempty"`      // waits for the test before it says loaded
	NoForks  int            `json:"no_forks,omitempty"`  // so many forks fail
	Stubborn bool           `json:"stubborn,omitempty"`  // does not reap
	Noise    string         `json:"noise,omitempty"`     // a message sent instead of the first "forked"
	Worker   string         `json:"worker,omitempty"`    // what its workers do instead of hello
	Deaf     bool           `json:"deaf,omitempty"`      // takes no notice of exit
	CloseCtl bool           `json:"close_ctl,omitempty"` // closes its control socket after loaded
}

// told is an order as the template reads it.
type told struct {
	Op    string
	Spawn uint64
	PID   int
}

// playTemplate is a template whose application is the worker's play.
func playTemplate() int {
	buf := make([]byte, python.MaxControlMessage)
	oob := make([]byte, unix.CmsgSpace(4*253))
	say := func(v any) { b, _ := json.Marshal(v); _ = unix.Send(3, b, unix.MSG_NOSIGNAL) }
	var book playbook
	for {
		n, oobn, _, _, err := unix.Recvmsg(3, buf, oob, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 { // the master is gone: nothing may stay behind
			_ = unix.Kill(0, unix.SIGKILL)
			return 1
		}
		var o told
		_ = json.Unmarshal(buf[:n], &o)
		switch o.Op {
		case "boot":
			_ = json.Unmarshal(buf[:n], &book)
			if book.Die == "boot" {
				_ = unix.Kill(os.Getpid(), unix.SIGKILL)
			}
			if book.Hold {
				newStage(book.Stage, 0, -1).tellAndWait("loading")
			}
			if book.Fail != nil {
				book.Fail.Op = "failed"
				say(book.Fail)
				return book.Fail.Code
			}
			loaded := python.Report{Op: python.OpLoaded, Python: "3.11.2", Seconds: 0.5, Threads: book.Left, Sockets: book.Left}
			if len(book.URLconf) == 2 {
				loaded.URLconf, loaded.URLconfWhy = book.URLconf[0], book.URLconf[1]
			}
			say(loaded)
			if book.CloseCtl {
				_ = unix.Close(3)
				forever()
			}
		case "spawn":
			if book.Die == "spawn" {
				_ = unix.Kill(os.Getpid(), unix.SIGKILL)
			}
			fds := given(oob[:oobn])
			if book.NoForks > 0 {
				book.NoForks--
				say(python.Report{Op: "fork_failed", Spawn: o.Spawn, Error: "no more processes"})
			} else if book.Noise != "" {
				_ = unix.Send(3, []byte(book.Noise), 0)
				book.Noise = ""
			} else if pid, err := forkWorker(&book, &o, fds); err != nil {
				say(python.Report{Op: "fork_failed", Spawn: o.Spawn, Error: err.Error()})
			} else {
				say(python.Report{Op: "forked", Spawn: o.Spawn, PID: pid})
			}
			for _, fd := range fds {
				_ = unix.Close(fd)
			}
		case "reap":
			if book.Stubborn {
				continue
			}
			var ws unix.WaitStatus
			_, err := unix.Wait4(o.PID, &ws, 0, nil)
			for err == unix.EINTR {
				_, err = unix.Wait4(o.PID, &ws, 0, nil)
			}
			say(python.Report{Op: "reaped", Spawn: o.Spawn, PID: o.PID, Status: uint32(ws)})
		case "exit":
			if !book.Deaf {
				return 0
			}
		}
	}
}

func given(oob []byte) []int {
	all, _ := unix.ParseSocketControlMessage(oob)
	var fds []int
	for i := range all {
		some, _ := unix.ParseUnixRights(&all[i])
		fds = append(fds, some...)
	}
	return fds
}

// forkWorker starts a worker: its slots become descriptors 3 and up, its page the last.
func forkWorker(book *playbook, o *told, fds []int) (int, error) {
	files := []uintptr{0, 1, 2}
	for _, fd := range fds {
		files = append(files, uintptr(fd))
	}
	env := []string{fmt.Sprintf("%s=worker %d %s %d %s", role, len(fds)-1, book.Stage, o.Spawn, book.Worker), quickExit}
	return syscall.ForkExec("/proc/self/exe", []string{"worker"}, &syscall.ProcAttr{Env: env, Files: files})
}

// stage is a played process's line to the test.
type stage struct {
	conn net.Conn
	in   *json.Decoder
	out  *json.Encoder
	who  cue
}

// cue is what a played process tells the test.
type cue struct {
	Spawn uint64 `json:"spawn"`
	PID   int    `json:"pid"`
	Slot  int    `json:"slot"` // -1: not a thread
	At    string `json:"at"`
}

func newStage(address string, spawn uint64, slot int) *stage {
	c, err := net.Dial("unix", address)
	if err != nil {
		os.Exit(98) // the test is over
	}
	return &stage{c, json.NewDecoder(c), json.NewEncoder(c), cue{spawn, os.Getpid(), slot, ""}}
}

func (s *stage) tell(at string) {
	s.who.At = at
	_ = s.out.Encode(s.who)
}

// tellAndWait returns when the test says so; a process whose test has ended ends.
func (s *stage) tellAndWait(at string) {
	s.tell(at)
	s.wait()
}

func (s *stage) wait() {
	var word string
	if err := s.in.Decode(&word); err != nil {
		os.Exit(97)
	}
}

// forever waits for a signal's default action.
func forever() {
	for {
		_ = unix.Pause()
	}
}
