"""Forks that are not ours: children that the application makes must keep nothing of ours.

All descriptors of the program are closed by exec; this is for children that only fork (os.fork,
multiprocessing). A slot's socket in such a child would keep an answer's road open behind the
worker's back, and the child could answer on it.
"""

import os
import signal
import sys
from signal import SIG_BLOCK, SIG_SETMASK, SIGINT, SIGTERM, pthread_sigmask

from _thread import get_ident

from _fender import stderr
from _fender.process import thread_id

_ENDING = frozenset((SIGTERM, SIGINT))


class Family:
    """Calls let_go in every forked child but those that the template forks as workers."""

    def __init__(self):
        self.let_go = None
        self.forking = 0  # the thread that is forking a worker now
        self.masks = {}
        if hasattr(os, "register_at_fork"):  # 3.7
            os.register_at_fork(before=self.before, after_in_parent=self.after_in_parent, after_in_child=self.after_in_child)
        else:
            os.fork = self.hooked(os.fork)
            os.forkpty = self.hooked(os.forkpty)

    def hooked(self, original):
        """A fork function with our hooks, for interpreters that have none."""

        def fork():
            self.before()
            given = None
            try:
                given = original()
                return given
            finally:
                if given == 0 or isinstance(given, tuple) and given[0] == 0:
                    self.after_in_child()
                else:
                    self.after_in_parent()

        return fork

    # A worker's handler of SIGTERM is inherited by the child, and what it catches before the child
    # has put that right is lost: terminate() right after a fork would have no effect. So these
    # signals wait until then.

    def before(self):
        if self.forking != get_ident():
            hear_children()
            self.masks[get_ident()] = pthread_sigmask(SIG_BLOCK, _ENDING)

    def after_in_parent(self):
        mask = self.masks.pop(get_ident(), None)
        if mask is not None:
            pthread_sigmask(SIG_SETMASK, mask)

    def after_in_child(self):
        if self.forking == get_ident():
            return
        try:
            if self.let_go is not None:
                self.let_go()
        finally:
            mask = self.masks.pop(get_ident(), None)
            if mask is not None:
                pthread_sigmask(SIG_SETMASK, mask)


def hear_children():
    """Lets gevent hear of a child that dies at once.

    Its os.fork takes SIGCHLD only after the first fork of a process. A child that is dead by then
    has given its signal to nobody, and os.waitpid waits for it for ever.
    """
    patches = sys.modules.get("gevent.os")
    if patches is None or os.fork is not getattr(patches, "fork", None):
        return
    if thread_id() != os.getpid():
        return  # its loops of other threads than the main one hear of no child at all
    try:
        patches.get_hub().loop.install_sigchld()
    except Exception as error:
        stderr.say_failure("preparing gevent for a fork failed", error)


def hand_back(number, ours, default):
    """Gives a signal its default again if it is still ours."""
    if signal.getsignal(number) == ours:
        signal.signal(number, default)
