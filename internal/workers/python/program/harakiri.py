"""Ending one request that takes too long, and no other.

The master writes the sequence of the guilty request into the slot's `interrupt` word and sends
INTERRUPT to the worker's main thread. The handler runs there, between two bytecodes, and raises
Harakiri in the guilty thread alone, so that its `finally` blocks run.

With one thread the application runs on the main thread: the handler raises in place. It does so
only while the page says that the request of that sequence is being worked on, and the page is
written by the same thread, so nothing can come between the look and the raise.

With more threads the exception is set from outside (PyThreadState_SetAsyncExc) and is raised some
bytecodes later. It must never reach the next request. The recipe:

    main thread (handler)                        slot's thread (leaving the application)
    1. lock                                      a. page: sequence, phase idle
    2. page: this sequence, not idle?            b. interrupt word == sequence?  no: go on
       and interrupt word == sequence?           c. lock
    3. set the exception                         d. clear the exception, unlock
    4. unlock                                    e. if Harakiri is raised in c or d: unlock, c again

- After a. and c. the handler finds the slot idle in 2. and sets nothing: after d. nothing is
  pending and nothing will be.
- If the handler got past 2. before a., the interrupt word held the sequence before a., so b. sees
  it (the interpreter lock orders the two threads; the free-threaded build always takes c.), and c.
  waits until 4.
- The exception is set at most once for a sequence, so e. is reached at most once. It may be raised
  just before or just after the lock was taken; an RLock knows which.
- Before c. the exception may be raised anywhere in the program's own code too. All of it, from the
  first store of the page to the settling, lies inside the slot's loop's `try`, which settles again.
"""

import signal

from _thread import RLock

from _fender.page import HEARD, INTERRUPT, STATE
from _fender.process import free_threaded

# Numbers, not names: SIGRTMIN is 34 with glibc and 35 with musl, and the master is neither.
STACKS_SIGNAL = 36
INTERRUPT_SIGNAL = 37


class Harakiri(BaseException):
    """The request has used up its time. Let it pass: it is caught outside of the application."""

    def __init__(self, text="the request has used up its time (option harakiri)"):
        BaseException.__init__(self, text)


class Interrupts:
    """Hears INTERRUPT and raises Harakiri in the slots that the master has named."""

    def __init__(self, page, slots, wanted):
        self.words = page.words
        self.slots = slots
        self.wanted = wanted
        self.alone = len(slots) == 1
        self.set_exception = None
        if wanted and not self.alone:
            self.set_exception = exception_setter()

    def install(self):
        """Takes the signal. Called after the application's import, so that ours stands."""
        signal.signal(INTERRUPT_SIGNAL, self.heard)

    def heard(self, number, frame):
        """The signal's handler; always runs on the main thread."""
        words = self.words
        words[HEARD] += 1
        if not self.wanted:
            return
        for slot in self.slots:
            if self.alone:
                if self.due(slot):
                    slot.interrupted = words[slot.at + INTERRUPT]
                    raise Harakiri()
            elif self.set_exception is not None and words[slot.at + INTERRUPT]:
                with slot.lock:
                    if self.due(slot):
                        slot.interrupted = words[slot.at + INTERRUPT]
                        self.set_exception(slot.ident, Harakiri)

    def due(self, slot):
        """Whether the slot works on the request that is to be interrupted, and was not yet."""
        state = self.words[slot.at + STATE]
        sequence = self.words[slot.at + INTERRUPT]
        return sequence == state >> 3 and state & 7 != 0 and sequence != slot.interrupted


class Settlement:
    """A slot's side of the recipe, for workers with more than one thread."""

    def __init__(self, slot, set_exception):
        self.lock = slot.lock
        self.ident = slot.ident
        self.set_exception = set_exception
        # Without the interpreter lock nothing orders the store of the state before the load of
        # the interrupt word: take the lock each time.
        self.always = free_threaded()

    def settle(self):
        """Returns when no Harakiri is pending in this thread and none will be set."""
        lock = self.lock
        while True:
            try:
                lock.acquire()
                if self.set_exception is not None:
                    self.set_exception(self.ident, None)
                lock.release()
                return
            except Harakiri:
                while lock._is_owned():
                    lock.release()


def make_lock():
    """The lock of one slot. An RLock, because it can tell whether this thread holds it."""
    return RLock()


def exception_setter():
    """A function (thread ident, exception class or None to clear), or None without ctypes."""
    try:
        import ctypes

        call = ctypes.pythonapi.PyThreadState_SetAsyncExc
        ident_type = ctypes.c_ulong
        object_type = ctypes.py_object
    except Exception:  # some interpreters are built without ctypes, or refuse it
        return None

    def set_exception(ident, exception):
        call(ident_type(ident), None if exception is None else object_type(exception))

    return set_exception
