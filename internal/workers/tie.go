package workers

import "golang.org/x/sys/unix"

// A template that is idle ends its group when the master is gone: it waits for nothing but that. One
// that imports does not look, and an import may hang for ever. So until it has come up the kernel does
// it, by the way in which a socket announces news to its owner (O_ASYNC): the only news that the
// template's end can have while nothing is sent to it is that ours is closed.

// tie has the kernel kill the group when the master's end of the control socket is closed by the
// master's death. It owns theirs, the template's end, which is what the kernel is told about, and
// keeps it: until untie, that the template closes it is not seen.
func (t *template) tie(theirs int) {
	t.theirs = theirs
	group := t.w.procs.Group()
	if t.state != templateLoading || len(t.out) > 0 || group == 0 {
		t.untie()
		return
	}
	// A kernel or sandbox that cannot do this leaves a template that hangs in its import.
	_, err := unix.FcntlInt(uintptr(theirs), unix.F_SETOWN, -group)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(theirs), unix.F_SETSIG, int(unix.SIGKILL))
	}
	if err == nil {
		err = t.announce(unix.O_ASYNC)
	}
	if err != nil {
		t.untie()
	}
}

// untie ends that: before anything is sent to the template, and when it has come up.
func (t *template) untie() {
	if t.theirs < 0 {
		return
	}
	_ = t.announce(0)
	_ = unix.Close(t.theirs)
	t.theirs = -1
}

// announce sets whether news is announced: O_ASYNC or 0. The flag is the template's as well.
func (t *template) announce(how int) error {
	flags, err := unix.FcntlInt(uintptr(t.theirs), unix.F_GETFL, 0)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(t.theirs), unix.F_SETFL, flags&^unix.O_ASYNC|how)
	}
	return err
}
