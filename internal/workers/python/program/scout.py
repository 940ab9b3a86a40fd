"""A scout: a child of the template that tries an import whose effects may not survive a fork.

It says what is there afterwards and was not before (threads, sockets, processes), and ends at once:
no atexit function, no finalizer. It cannot become anything else: whatever happens in it, it ends in
Scout.send. It is a process group of its own, which the template kills in any case, or the kernel if
the template dies first, so that nothing of it stays behind.
"""

import faulthandler
import fcntl
from errno import ECHILD
from json import dumps, loads
from os import WNOHANG, _exit, close, fstat, getpid, getppid, kill, killpg, pipe, read, setpgid, waitpid, write
from select import POLLIN, poll
from signal import SIGKILL
from time import monotonic
from time import sleep as _sleep

from _fender import inherited, process, stderr
from _fender.application import place
from _fender.harakiri import STACKS_SIGNAL

# What became of it, for the master.
IMPORTED = "imported"
KEPT_OUT = "kept-out"
BROKEN = "broken"

PATIENCE = 60.0  # seconds in which a scout must have answered
_LONGEST = 1000  # characters of an answer's words
_LARGEST = 65536  # bytes of an answer
_STACKS_PAUSE = 200  # milliseconds for a scout that hangs to write its stack
_SETTLING = 0.25  # seconds for threads that are about to begin or to end

# The fcntl module lacks them on some builds.
_SETSIG = getattr(fcntl, "F_SETSIG", 10)
_ASYNC = 0x2000


class Scout:
    """One attempt. template gives the fork and what the child must let go."""

    def __init__(self, template, act, what):
        """act is the import, what names it in the program's lines."""
        self.template = template
        self.act = act
        self.what = what
        self.parent = getpid()
        self.pid = 0
        self.ends = []  # open descriptors of the two pipes

    def send(self, patience):
        """Returns IMPORTED if nothing is in the way of the import, else BROKEN or KEPT_OUT; and why."""
        try:
            answer, speech = self.pipe()
            life, alive = self.pipe()
            self.pid = self.template.fork()
            if not self.pid:
                self.live(speech, life)
            self.close(speech)
            self.close(life)
            heard = self.listen(answer, patience)
            if heard is None:
                self.dump_stack(answer)
                return KEPT_OUT, "a scout that tried it gave no answer within %g s, and was killed" % patience
            return self.judge(heard)
        except Exception as error:
            return KEPT_OUT, "there is no scout to try it: %s" % stderr.last_line(error)[:_LONGEST]
        finally:
            if getpid() != self.parent:
                _exit(1)
            self.end()

    # In the template.

    def pipe(self):
        """A pipe's reading and writing end."""
        made = pipe()
        self.ends.extend(made)
        return made

    def close(self, descriptor):
        self.ends.remove(descriptor)
        close(descriptor)

    def listen(self, answer, patience):
        """What the scout has said before it was done or died; None when that takes too long."""
        watch = poll()
        watch.register(answer, POLLIN)
        until = monotonic() + patience
        heard = b""
        while len(heard) < _LARGEST:
            left = until - monotonic()
            if left <= 0:
                return None
            if watch.poll(left * 1000):
                piece = read(answer, _LARGEST)
                heard += piece
                if not piece or piece.endswith(b"\n"):
                    break
        return heard

    def dump_stack(self, answer):
        """Has a scout that hangs say where."""
        kill(self.pid, STACKS_SIGNAL)
        watch = poll()
        watch.register(answer, 0)  # hears of its end alone
        watch.poll(_STACKS_PAUSE)

    def judge(self, heard):
        """The outcome of what the scout has said."""
        if not heard:
            return KEPT_OUT, "a scout that tried it died: %s" % self.end()
        try:
            said = loads(heard.decode("utf-8"))
            broken, left = str(said["broken"]), str(said["left"])[:_LONGEST]
        except (ValueError, KeyError, TypeError):
            return KEPT_OUT, "a scout that tried it gave an answer that is not understood"
        if broken:
            return BROKEN, broken
        if left:
            return KEPT_OUT, left
        return IMPORTED, ""

    def end(self):
        """Leaves nothing of the scout. Returns in words how its process ended."""
        for descriptor in list(self.ends):
            self.close(descriptor)
        pid, self.pid = self.pid, 0
        if not pid:
            return ""
        for stop in (killpg, kill):  # it may have ended before it was a group
            try:
                stop(pid, SIGKILL)
            except OSError:
                pass
        try:
            _, status = waitpid(pid, 0)
        except OSError:  # a thread of the application waits for any child
            return "exit status unknown"
        if status & 0x7F:
            return "signal %d" % (status & 0x7F)
        return "exit code %d" % (status >> 8)

    # In the scout.

    def live(self, speech, life):
        """All that the scout does. Never returns."""
        try:
            self.let_go(speech, life)
            self.bind(life)
            stderr.speaker[0] = "scout"
            process.name("fender scout")
            self.template.give_children()
            faulthandler.register(STACKS_SIGNAL, file=stderr.DESCRIPTOR, all_threads=True, chain=False)
            mine = identity(speech)
            said = dumps(self.explore()).encode("ascii") + b"\n"
            # An application that has closed our descriptor may have given its number to a file of its own.
            if identity(speech) == mine:
                write(speech, said)
            _exit(0)
        except BaseException as error:
            stderr.say_failure("the scout failed", error, whole=True)
            _exit(1)

    def explore(self):
        """Tries the import. Returns what to say of it."""
        said = {"broken": "", "left": ""}
        before = Inventory()
        try:
            self.act()
        except BaseException as error:
            stderr.say_failure("importing %s failed" % self.what, error)
            said["broken"] = words(error)
        else:
            left = self.left(before)
            if left:
                said["left"] = "it leaves %s, which a fork cannot copy" % " and ".join(left)
        stderr.flush()
        return said

    def let_go(self, speech, life):
        """Closes what the scout, and then its own children, must not hold."""
        self.template.control.close()
        for descriptor in list(self.ends):
            if descriptor not in (speech, life):
                self.close(descriptor)
        self.template.family.let_go = self.let_go_all

    def let_go_all(self):
        """In a child that the application forks while it is imported."""
        for descriptor in list(self.ends):
            try:
                self.close(descriptor)
            except OSError:
                pass  # the application has closed it

    def bind(self, life):
        """Has the kernel kill this group when the template dies: life's other end closes then."""
        setpgid(0, 0)
        fcntl.fcntl(life, fcntl.F_SETOWN, -getpid())
        fcntl.fcntl(life, _SETSIG, SIGKILL)
        fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | _ASYNC)
        if getppid() != self.parent:
            _exit(1)

    def left(self, before):
        """In words what is there now and was not before."""
        now = self.settled(before)
        found = []
        names = sorted(name for _, name in now.threads - before.threads) + now.new_library_threads(before)
        if names:
            found.append("%d thread(s) (%s)" % (len(names), ", ".join(names)))
        names = [text for key, text in sorted(now.sockets.items()) if key not in before.sockets]
        if names:
            found.append("%d socket(s) (%s)" % (len(names), ", ".join(names)))
        if has_children():
            found.append("a child process that still runs")
        return found

    def settled(self, before):
        """What is there when threads that have just begun, or are about to end, have done so."""
        now = Inventory()
        if not now.new_library_threads(before):
            return now
        # Some libraries end their threads before a fork and begin them again when they are needed.
        pid = self.template.fork()
        if not pid:
            _exit(0)
        try:
            waitpid(pid, 0)
        except OSError:
            pass  # the application's way with SIGCHLD has done so
        until = monotonic() + _SETTLING
        while monotonic() < until:
            now = Inventory()
            if not now.new_library_threads(before):
                break
            _sleep(0.01)
        return now


class Inventory:
    """What this process has that a fork cannot copy."""

    def __init__(self):
        # In this order: a thread of Python's that begins meanwhile may be in both lists, not in none.
        self.library = inherited.library_threads()
        self.threads = inherited.python_threads()
        self.sockets = inherited.open_sockets((stderr.DESCRIPTOR,))

    def new_library_threads(self, before):
        """Names. A thread that was ended and begun again is not new."""
        most = max(0, len(self.library) - len(before.library))
        return [name for task, name in sorted(self.library.items()) if task not in before.library][:most]


def words(error):
    """An exception in one line, with its place in the application."""
    return stderr.last_line(error)[:_LONGEST] + place(error)


def identity(descriptor):
    """Which open file a descriptor is; None if it is closed."""
    try:
        status = fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def has_children():
    """Whether children of this process still run. Those that have ended are waited for."""
    while True:
        try:
            pid, _ = waitpid(-1, WNOHANG)
        except OSError as error:
            return error.errno != ECHILD
        if not pid:
            return True
