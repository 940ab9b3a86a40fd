"""A slot: one thread's socket, the frames that come on it and what answers them."""

import faulthandler
from errno import EBADF, ENOTSOCK
from io import BytesIO
from marshal import dumps, loads
from os import getpid

from _thread import get_ident

from _fender import harakiri, stderr
from _fender.body import read_whole, spooled
from _fender.control import let_go
from _fender.frame import (
    BODY_IN_DESCRIPTOR,
    CALL,
    COMMAND,
    HEAD_IN_DESCRIPTOR,
    IDLE,
    MARSHAL,
    REFUSED,
    REQUEST,
    RETURN,
    SIZE,
    VERSION,
    pack,
    unpack_from,
)
from _fender.page import STATE, TID, slot_at
from _fender.process import thread_id
from _fender.sockets import CLOEXEC, descriptors, space_for
from _fender.stream import GONE
from _fender.wsgi import responder

# What the master takes of a call.
_LONGEST_NAME = 64
_MOST_ARGS = 16

# The requests that the master sends to a slot before it has their answers.
_LINE = 8

# A message from the master carries its head and its body at most.
_SPACE = space_for(2)


class CallRefused(RuntimeError):
    """The server did not do what environ['fender.call'] asked for; the text says why."""


class Slot:
    """Reads frames and answers them, one after the other, on one thread."""

    def __init__(self, worker, number, socket, page, largest):
        self.worker = worker
        self.number = number
        self.socket = socket
        self.words = page.words
        self.at = slot_at(number)
        self.largest = largest
        self.buffer = bytearray(largest)
        self.ident = 0
        self.lock = harakiri.make_lock()
        self.interrupted = 0  # the sequence in which Harakiri was raised last
        self.settle = nothing_to_settle
        self.settle_always = False
        self.request = 0
        self.sequence = 0
        self.aside = []  # requests that came while a call waited for its return, oldest first
        self.gone = False  # the master's end has gone

    def bind(self, interrupts):
        """Ties the slot to the thread that runs it from now on."""
        self.ident = get_ident()
        if not interrupts.alone:
            settlement = harakiri.Settlement(self, interrupts.set_exception)
            self.settle = settlement.settle
            self.settle_always = settlement.always
        self.words[self.at + TID] = thread_id()

    def run(self, application, own):
        """Answers until the master says that nothing more will come. own: environ of the worker."""
        respond = responder(self, application)
        buffer = self.buffer
        view = memoryview(buffer)
        views = (view,)
        rest = view[SIZE:]  # marshal.loads stops at the end of the value
        receive = self.socket.recvmsg_into
        own = dict(own)
        own["fender.slot"] = self.number
        own["fender.call"] = self.call
        request = sequence = 0
        aside = self.aside
        while not self.gone:
            try:
                if not aside:
                    size, ancillary, _, _ = receive(views, _SPACE, CLOEXEC)
                    given = descriptors(ancillary) if ancillary else None
                else:
                    size, given = self.take_aside()
                if not size:
                    return
                kind, version, flags, length, request, sequence, _ = unpack_from(buffer)
                if kind != REQUEST or version != VERSION:
                    self.other(kind, version, view[SIZE : SIZE + length], given)
                    continue
                end = SIZE + length
                if given or flags & 3:
                    self.unusual(flags, view[SIZE:end], view[end:size], given, respond, own)
                    continue
                environ = loads(rest)
                environ.update(own)
                if "SCRIPT_NAME" not in environ:
                    self.worker.complete(environ)
                environ["wsgi.input"] = BytesIO(view[end:size]) if size > end else BytesIO()
                self.request = request
                self.sequence = sequence
                respond(environ, request, sequence)
                environ = None
            except BaseException as error:
                environ = None
                self.recover(error, request, sequence)
        if self.lost():
            stderr.say("the application has closed slot %d; the worker leaves" % self.number)
            self.worker.fail()

    def lost(self):
        """Whether the slot's descriptor is no longer the slot's: the master would never hear of it."""
        try:
            self.socket.getpeername()
        except OSError as error:
            return error.errno in (EBADF, ENOTSOCK)
        return False

    def unusual(self, flags, head, body, given, respond, own):
        """A request of which something travels in a descriptor."""
        expected = (flags & HEAD_IN_DESCRIPTOR != 0) + (flags & BODY_IN_DESCRIPTOR != 0)
        _, _, _, _, request, sequence, _ = unpack_from(self.buffer)
        if given is None or len(given) != expected:
            let_go(given or ())
            why = "%d descriptors came, %d expected (too many open files?)" % (len(given or ()), expected)
            self.refuse(REQUEST, why, request, sequence)
            return
        if flags & HEAD_IN_DESCRIPTOR:
            head = read_whole(given.pop(0))
        source = spooled(given.pop()) if given else BytesIO(body)
        try:
            environ = loads(head)
            environ.update(own)
            if "SCRIPT_NAME" not in environ:
                self.worker.complete(environ)
            environ["wsgi.input"] = source
            self.request = request
            self.sequence = sequence
            respond(environ, request, sequence)
        finally:
            source.close()

    def other(self, kind, version, head, given):
        """A frame that is no request."""
        let_go(given or ())
        if version != VERSION:
            self.refuse(kind, "version %d is not spoken here" % version)
        elif kind == COMMAND:
            self.command(*loads(head))
        else:
            self.refuse(kind, "unknown kind")

    def command(self, name, args):
        """What the master asks for between two requests."""
        if name == "stacks":
            faulthandler.dump_traceback(stderr.DESCRIPTOR, all_threads=True)
        elif name != "abort":  # abort comes too late here: its request has been answered
            self.refuse(name, "unknown command")

    def refuse(self, what, why, request=0, sequence=0):
        """Says that a frame was not understood or, with a sequence, that a request was not begun."""
        if not isinstance(what, int):
            what = str(what)[:40]
        head = dumps((what, why), MARSHAL)
        self.socket.send(pack(REFUSED, VERSION, 0, len(head), request, sequence, 0) + head)

    def call(self, name, *args):
        """environ['fender.call']: asks the server for something and waits for what it returns.

        Raises CallRefused when the server does not do it, RuntimeError outside of the request's
        own thread, and OSError when the server has gone.
        """
        if get_ident() != self.ident or not self.words[self.at + STATE] & 7 or self.astray():
            raise RuntimeError("fender.call works only in the thread that answers the request, while it does")
        if type(name) is not str or not all(map(travels, args)):
            raise TypeError("fender.call takes a name, and None, bool, int of 32 bits, str or bytes")
        if len(name.encode("utf-8", "replace")) > _LONGEST_NAME or len(args) > _MOST_ARGS:
            raise ValueError("fender.call takes at most %d arguments, and a name of %d bytes" % (_MOST_ARGS, _LONGEST_NAME))
        head = dumps((name, args), MARSHAL)
        if len(head) > self.largest - SIZE:
            raise ValueError("the arguments of fender.call are larger than %d bytes" % (self.largest - SIZE))
        self.socket.send(pack(CALL, VERSION, 0, len(head), self.request, self.sequence, 0) + head)
        view = memoryview(self.buffer)
        while True:
            size, ancillary, _, _ = self.socket.recvmsg_into((view,), _SPACE, CLOEXEC)
            given = descriptors(ancillary) if ancillary else None
            if not size:
                self.gone = True
                raise BrokenPipeError("the server has gone or gives this worker up")
            kind, version, _, length, _, sequence, _ = unpack_from(self.buffer)
            if kind == RETURN and version == VERSION and sequence == self.sequence:
                let_go(given or ())
                good, value = loads(view[SIZE : SIZE + length])
                if not good:
                    raise CallRefused(value)
                return value
            if kind == REQUEST and len(self.aside) < _LINE:
                self.aside.append((bytes(view[:size]), given))
            else:
                self.other(kind, version, view[SIZE : SIZE + length], given)

    def take_aside(self):
        """Puts the oldest request that was kept aside back into the buffer."""
        data, given = self.aside.pop(0)
        self.buffer[: len(data)] = data
        return len(data), given

    def recover(self, error, request, sequence):
        """After an exception in the program itself, between two lines of the slot's loop.

        A Harakiri may land here, as late as that; its slot is doomed and its answer discarded. A
        signal handler of the application may raise here too, and a broken message lands here.
        """
        if self.astray():
            self.worker.end_child(error)
        begun, phase = divmod(self.words[self.at + STATE], 8)
        try:
            self.words[self.at + STATE] = begun << 3
            self.settle()
        except harakiri.Harakiri:
            self.settle()
        if isinstance(error, harakiri.Harakiri):
            return
        if isinstance(error, OSError) and error.errno in GONE:
            self.gone = True
            return
        if phase:
            # What has been sent is not known: the worker goes, and its death tells the master
            # what to do with the request.
            stderr.say_failure("slot %d failed; the worker leaves" % self.number, error, whole=True)
            self.worker.fail()
            return
        if isinstance(error, SystemExit):  # from a signal handler of the application: it wants to go
            self.worker.leave()
            return
        stderr.say_failure("slot %d was disturbed between two requests" % self.number, error, whole=True)
        if sequence > begun:
            self.refuse(REQUEST, stderr.last_line(error)[:1000], request, sequence)
        elif begun:
            # In case it was the idle frame that was not sent.
            self.socket.send(pack(IDLE, VERSION, 0, 0, request, begun, 0))

    def astray(self):
        """Whether this is a child that the application forked, not the worker."""
        return getpid() != self.worker.pid


def nothing_to_settle():
    """With one thread Harakiri is raised in place: nothing is ever pending."""


def travels(value):
    """Whether a value is of the types that a call may have."""
    kind = type(value)
    return value is None or kind in (str, bytes, bool) or kind is int and -0x80000000 <= value <= 0x7FFFFFFF
