"""The template: imports the application once, then forks workers when it is told to."""

import os
import signal
import sys
import warnings
from os import fork, getpgid, getpgrp, getppid, killpg, waitpid
from time import monotonic

from _thread import get_ident

from _fender import application, database, inherited, process, scout, stderr, urlconf
from _fender.application import CannotLoad
from _fender.collector import Collector
from _fender.control import Control, let_go
from _fender.ending import leave, step
from _fender.family import Family
from _fender.files import Files
from _fender.harakiri import exception_setter
from _fender.worker import Worker
from _fender.wsgi import no_application


class Template:
    """Reads what the master wants from the control socket, one message after the other."""

    def __init__(self):
        self.control = Control()
        self.family = Family()
        self.family.let_go = self.control.close
        self.collector = Collector()
        self.files = Files()
        self.boot = {}
        self.application = None  # stays None with lazy-apps: each worker loads its own
        self.child_signal = signal.SIG_DFL  # what the application wants of SIGCHLD
        self.urlconf = ("", "")  # what became of Django's URLconf, and why
        self.group = _own_group()

    def run(self):
        """Returns a Worker in a forked worker, None when the template is done."""
        process.name("fender template")
        process.line_buffered()
        message, given = self.control.receive()
        let_go(given)
        if message is None:
            return None
        if message["op"] != "boot":
            self.control.refuse(message["op"], "the first message must be boot")
            leave(application.FAILED, self.files)
        self.boot = message
        began = monotonic()
        try:
            application.enter(self.boot)
            if not self.boot.get("lazy"):
                self.collector.pause()
                self.application = application.load_or_stand_in(self.boot)
                self.load_urlconf()
                self.collector.note()
            elif not application.configured(self.boot):
                self.application = application.load_or_stand_in(self.boot)
            if self.boot.get("interrupt", True) and self.threads() > 1:
                exception_setter()  # ctypes is imported here, once, and not in each worker
        except CannotLoad as error:
            self.control.send("failed", code=error.code, error=str(error)[:4000])
            stderr.say(str(error))
            leave(error.code, self.files)
        except BaseException as error:
            stderr.say_failure("the template does not come up", error, whole=True)
            self.control.send("failed", code=application.FAILED, error=stderr.last_line(error)[:4000])
            leave(application.FAILED, self.files)
        process.keep_standard_descriptors()
        self.take_children()
        self.control.send(
            "loaded",
            python=process.version(),
            implementation=sys.implementation.name,
            seconds=round(monotonic() - began, 6),
            threads=inherited.threads(),
            sockets=inherited.sockets((self.control.socket.fileno(), stderr.DESCRIPTOR)),
            app=self.application is not None and self.application is not no_application,
            free_threaded=process.free_threaded(),
            urlconf=self.urlconf[0],
            urlconf_why=self.urlconf[1],
        )
        return self.serve()

    def load_urlconf(self):
        """Imports Django's URLconf once for all workers, if a scout says that nothing is in the way."""
        if not self.boot.get("preload_urlconf") or self.application is no_application or not urlconf.waits():
            return
        self.take_children()
        self.before_fork()
        attempt = scout.Scout(self, urlconf.visit, "the URLconf")
        self.urlconf = attempt.send(float(self.boot.get("urlconf_patience") or scout.PATIENCE))
        if self.urlconf[0] != scout.IMPORTED:
            return
        self.give_children()
        try:
            urlconf.visit()
        except BaseException as error:
            stderr.say_failure("importing the URLconf failed, though not in the scout", error)
            self.urlconf = (scout.BROKEN, scout.words(error))

    def threads(self):
        """The slots of each worker."""
        return int(self.boot.get("threads") or 1)

    def serve(self):
        """The idle job: waits for orders, and for the master's end."""
        while True:
            message, given = self.control.receive()
            if message is None:
                self.orphaned()
            op = message["op"]
            if op == "spawn":
                if self.spawn(message, given):
                    # Outside of the try below: a child that cannot become a worker ends, it must
                    # not go on as a second template.
                    worker = Worker(self, message, given)
                    self.control.close()
                    return worker
                continue
            try:
                let_go(given)
                if op == "reap":
                    self.reap(message)
                elif op == "exit":
                    stderr.flush()
                    leave(0, self.files)
                else:
                    self.control.refuse(op, "unknown op")
            except (KeyError, TypeError, ValueError) as error:
                self.control.refuse(op, "bad message: %s: %s" % (type(error).__name__, error))

    def spawn(self, message, given):
        """Forks one worker. Returns True in the child, False in the template."""
        number = message.get("spawn")
        error = None
        if not isinstance(number, int) or not isinstance(message.get("number"), int):
            error = "spawn and number must be integers"
        elif len(given) != self.threads() + 1:
            error = "%d descriptors came with spawn, expected %d" % (len(given), self.threads() + 1)
        if error is not None:
            let_go(given)
            self.control.send("fork_failed", spawn=number, error=error)
            return False
        self.before_fork()
        try:
            pid = self.fork()
        except Exception as error:
            let_go(given)
            self.control.send("fork_failed", spawn=number, error=stderr.last_line(error)[:1000])
            return False
        if pid:
            let_go(given)
            self.control.send("forked", spawn=number, pid=pid)
        return not pid

    def before_fork(self):
        """Leaves nothing half done that a worker would have too."""
        database.close_connections("before the fork")
        step(self.files.before_fork, "flushing open files before the fork")
        stderr.flush()
        process.keep_standard_descriptors()
        self.collector.freeze()

    def fork(self):
        # A process with threads makes os.fork warn (3.12); `loaded` has listed them already, and
        # a warning turned into an error would come after the child exists.
        self.family.forking = get_ident()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return fork()
        finally:
            self.family.forking = 0

    def reap(self, message):
        """Waits for one worker, which the master knows to be dead."""
        try:
            pid, status = waitpid(message["pid"], 0)
        except OSError as error:
            self.control.refuse("reap", error.strerror, spawn=message["spawn"], pid=message["pid"])
            return
        self.control.send("reaped", spawn=message["spawn"], pid=pid, status=status)

    def orphaned(self):
        """The master has gone: nothing may stay behind."""
        if self.group:
            killpg(0, signal.SIGKILL)
        os._exit(1)

    def take_children(self):
        """Keeps dead workers as zombies until `reap`, whatever the application does with SIGCHLD."""
        wanted = signal.getsignal(signal.SIGCHLD)
        if wanted not in (signal.SIG_DFL, None):
            self.child_signal = wanted
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def give_children(self):
        """Gives SIGCHLD back to the application, while its code is imported."""
        if self.child_signal != signal.SIG_DFL:
            signal.signal(signal.SIGCHLD, self.child_signal)


def _own_group():
    """Whether the template has a process group of its own kind, which it may kill.

    The master gives it one. Started by hand it shares its parent's, and would kill the shell.
    """
    try:
        return getppid() == 0 or getpgrp() != getpgid(getppid())
    except OSError:
        return True
