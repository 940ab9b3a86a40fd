"""A worker: what a forked child of the template becomes, from the fork to its exit."""

import binascii
import faulthandler
import os
import signal
import sys
import threading
from errno import EBADF
from marshal import dumps, loads
from os import getpid, read, write

import _socket
from _thread import allocate_lock, get_ident, start_new_thread

from _fender import application, database, process, stderr
from _fender.application import CannotLoad
from _fender.ending import exit_code, leave
from _fender.family import hand_back
from _fender.filewrapper import FileWrapper
from _fender.frame import FAILED, HELLO, MARSHAL, VERSION, pack
from _fender.harakiri import STACKS_SIGNAL, Interrupts
from _fender.page import Page
from _fender.slot import Slot
from _fender.sockets import from_descriptor

_SHUT_RD = _socket.SHUT_RD


class Worker:
    """Owns the slots, the page and the signals of one worker process."""

    def __init__(self, template, order, given):
        """order is the spawn message; given its descriptors, the slots' in order and the page's."""
        self.boot = template.boot
        self.order = order
        self.given = given
        self.application = template.application
        self.collector = template.collector
        self.files = template.files
        self.family = template.family
        self.child_signal = template.child_signal
        self.pid = getpid()
        self.sockets = []
        self.page = None
        self.slots = []
        self.code = 0
        self.counting = allocate_lock()
        self.running = 0  # slots whose thread has not ended
        self.pipe = ()  # wakes the main thread, if the slots have threads of their own
        self.waking = -1

    def run(self):
        """Comes up, answers until the master wants no more. Returns the exit code."""
        try:
            self.inherit()
            self.prepare()
            own = self.environ()
        except CannotLoad as error:
            return self.give_up(error.code, str(error))
        except BaseException as error:
            stderr.say_failure("the worker does not come up", error, whole=True)
            return self.give_up(application.FAILED, stderr.last_line(error))
        if len(self.slots) == 1:
            return self.run_alone(own)
        return self.run_threads(own)

    def inherit(self):
        """Takes what the fork has brought, and becomes a process of its own."""
        page = self.given.pop()
        self.sockets = [from_descriptor(descriptor) for descriptor in self.given]
        self.family.let_go = self.let_go
        self.files.after_fork()
        stderr.speaker[0] = "worker %d" % self.order["number"]
        process.name("fender-w%d" % self.order["number"])
        for socket in self.sockets:
            socket.settimeout(None)
        self.page = Page(page, len(self.sockets))
        os.close(page)
        largest = int(self.boot.get("max_message") or 65536)
        self.slots = [Slot(self, i, socket, self.page, largest) for i, socket in enumerate(self.sockets)]
        if self.boot.get("oom_score_adj"):
            process.write_number("/proc/self/oom_score_adj", self.boot["oom_score_adj"])
        if self.boot.get("sched_batch"):
            try:
                os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
            except OSError:
                pass  # not allowed in every container; the master's own threads still come first
        if sys.version_info < (3, 7) and "random" in sys.modules:
            sys.modules["random"].seed()  # later versions have a fork hook for it
        if "gevent" in sys.modules:
            sys.modules["gevent"].reinit()

    def prepare(self):
        """Loads the application where the template did not, and takes the signals after it."""
        if self.child_signal not in (signal.SIG_DFL, None):
            signal.signal(signal.SIGCHLD, self.child_signal)
        if self.application is None:
            self.collector.pause()
            self.application = application.load_or_stand_in(self.boot)
            self.collector.note()
        self.collector.resume()
        if not faulthandler.is_enabled():  # a crash shows where in the application it came
            faulthandler.enable(stderr.DESCRIPTOR)
        faulthandler.register(STACKS_SIGNAL, file=stderr.DESCRIPTOR, all_threads=False, chain=False)
        self.interrupts = Interrupts(self.page, self.slots, self.boot.get("interrupt", True))
        self.interrupts.install()
        # Where the application has taken these itself, it knows why.
        if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self.on_terminate)
        if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
            signal.signal(signal.SIGINT, self.on_interrupt)

    def environ(self):
        """The environ entries that are the same for all requests."""
        errors = sys.stderr
        if errors is None or getattr(errors, "closed", False):
            errors = open(stderr.DESCRIPTOR, "w", buffering=1, errors="backslashreplace", closefd=False)
        return {
            "wsgi.version": (1, 0),
            "wsgi.errors": errors,
            "wsgi.multithread": len(self.slots) > 1,
            "wsgi.multiprocess": int(self.boot.get("processes") or 1) > 1,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
            "wsgi.file_wrapper": FileWrapper,
            "SERVER_SOFTWARE": self.boot.get("software") or "fender",
            "fender.worker": self.order["number"],
            "fender.spawn": self.order["spawn"],
            "fender.generation": self.order.get("generation", 0),
        }

    def complete(self, environ):
        """Adds what PEP 3333 demands and the front did not send."""
        for name, value in (
            ("SCRIPT_NAME", ""),
            ("SERVER_NAME", str(self.boot.get("server_name") or "localhost")),
            ("SERVER_PORT", str(self.boot.get("server_port") or "80")),
            ("wsgi.url_scheme", "http"),
        ):
            environ.setdefault(name, value)

    def hello(self):
        """Says that the worker is ready for requests."""
        vector = loads(binascii.a2b_base64(self.boot.get("vector") or dumps(None, MARSHAL)))
        self.send_first(
            HELLO,
            {
                "v": VERSION,
                "pid": self.pid,
                "python": process.version(),
                "vector": dumps(vector, MARSHAL),
                "threads": len(self.slots),
                "free_threaded": process.free_threaded(),
            },
        )

    def send_first(self, kind, value):
        """Sends the one frame that is not an answer to anything."""
        head = dumps(value, MARSHAL)
        self.sockets[0].send(pack(kind, VERSION, 0, len(head), 0, 0, 0) + head)

    def give_up(self, code, text):
        """Says instead of hello why there is no worker, and ends."""
        text = text.encode("utf-8", "backslashreplace")[:4096].decode("utf-8", "ignore")
        stderr.say(text)
        try:
            self.send_first(FAILED, (code, text))
        except (OSError, IndexError):
            pass
        leave(code, self.files)

    def run_alone(self, own):
        """One thread: the application runs on the main thread, where signal-based code works."""
        slot = self.slots[0]
        slot.bind(self.interrupts)
        try:
            self.hello()
        except OSError:
            return self.code  # the master has gone
        slot.run(self.application, own)
        return self.code

    def run_threads(self, own):
        """The slots run on threads of their own; the main thread stays free for signals."""
        started = allocate_lock()
        started.acquire()
        self.running = len(self.slots)
        # A signal that comes just before the main thread goes to wait would be heard only after
        # the wait. So it waits in a read of this pipe, into which each signal writes.
        waiting, self.waking = os.pipe()
        os.set_blocking(self.waking, False)
        signal.set_wakeup_fd(self.waking)
        self.pipe = (waiting, self.waking)
        try:
            for slot in self.slots:
                start_thread(self.serve, (slot, own, started), "fender-slot-%d" % slot.number)
                started.acquire()  # the slot has written its thread's id into the page
        except BaseException as error:
            stderr.say_failure("the worker does not come up", error, whole=True)
            return self.give_up(application.FAILED, "starting %d threads failed: %s" % (self.running, stderr.last_line(error)))
        greeted = False
        while self.running:
            try:
                if not greeted:
                    greeted = True
                    self.hello()
                while self.running:
                    self.wait(waiting)
            except BaseException as error:
                # A signal handler of the application raised (sys.exit in a SIGTERM handler, say).
                self.leave()
                if not isinstance(error, (SystemExit, OSError)):  # OSError: the master has gone
                    stderr.say_failure("a signal handler raised; the worker leaves", error)
        signal.set_wakeup_fd(-1)
        return self.code

    def serve(self, slot, own, started):
        """The body of a slot's thread."""
        try:
            slot.bind(self.interrupts)
            started.release()
            slot.run(self.application, own)
            database.close_connections()
        finally:
            with self.counting:
                self.running -= 1
            try:
                write(self.waking, b"0")
            except OSError:
                pass  # full of bytes, or closed: that wakes the main thread as well

    def wait(self, waiting):
        """Returns when a signal has come or a slot's thread has ended."""
        try:
            if read(waiting, 512):
                return
        except OSError as error:
            if error.errno != EBADF:
                raise
        # Other threads may sleep on slots that no message reaches any more.
        stderr.say("the application has closed descriptors of the server; the worker ends")
        stderr.flush()
        os._exit(1)

    def leave(self):
        """Takes no more requests: what the slots have already received is answered, then they end.

        The master's next send on a slot fails with EPIPE, which says that it was not delivered.
        """
        for socket in self.sockets:
            try:
                socket.shutdown(_SHUT_RD)
            except OSError:
                pass

    def fail(self):
        """Leaves, and says by the exit code that something went wrong."""
        self.code = 1
        self.leave()

    def on_terminate(self, number, frame):
        """SIGTERM, sent by an operator: finish what runs, then go."""
        self.leave()

    def on_interrupt(self, number, frame):
        """SIGINT is the terminal's and the master's business; a worker does not hear it."""

    def let_go(self):
        """In a child that the application forked: it is not the worker and keeps nothing of it."""
        for socket in self.sockets:
            socket.close()
        if self.page is not None:
            self.page.close()
        if self.pipe:
            signal.set_wakeup_fd(-1)
            for descriptor in self.pipe:
                os.close(descriptor)
            self.pipe = ()  # the child's own children come here too, and the numbers may be theirs
        hand_back(signal.SIGTERM, self.on_terminate, signal.SIG_DFL)
        hand_back(signal.SIGINT, self.on_interrupt, signal.default_int_handler)

    def end_child(self, error):
        """Ends a child that the application forked and let come back into the program."""
        code = 1
        if isinstance(error, SystemExit):
            code = exit_code(error)
        else:
            stderr.say_failure("process %d, forked by the application, came back from it and ends here" % getpid(), error)
        stderr.flush()
        os._exit(code & 0xFF)


def start_thread(body, args, name):
    """Starts a thread, a real one also where threading has been patched to make greenlets."""
    if threading.get_ident is get_ident:
        threading.Thread(target=body, args=args, name=name).start()
    else:
        start_new_thread(body, args)
