"""One request through the application (PEP 3333).

`responder` makes the function that a slot calls for each request. The common answer, whole at
once, goes the short way in it: one frame. What streams, or does not fit, goes through a Stream.

The order of things is the wire's promise:
- the page says `calling` before the application is called;
- an answer with something left to do after its last byte (`close`) says so in its end frame, and
  the page says idle when that is done;
- an answer without says idle before its end frame leaves.
"""

from time import monotonic

from _fender import stderr
from _fender.filewrapper import FileWrapper
from _fender.frame import ANSWER, CLOSING, END, ERROR, HEAD, IDLE, REQUEST, SIZE, VERSION, pack
from _fender.head import BadAnswer, encode
from _fender.page import CALLING as _CALLING
from _fender.page import CLOSING as _CLOSING
from _fender.page import INTERRUPT, STATE, WITHDRAWN
from _fender.stream import GONE, ClientGone, Stream, as_bytes, join

# Iterators whose items are all there already: joining them delays nothing.
_READY = frozenset(type(iter(kind())) for kind in (list, tuple))

# A close that took longer than this (seconds) is followed by an idle frame; after a shorter one
# the master finds the page idle when it looks, twice as long after the end frame.
_LONG_CLOSE = 0.001

# Stands for the moment of an end frame after which nothing is left to do.
_ENDED = 1.0

_NO_BODY = frozenset(("204", "304"))
_OWN_BODY = b"Internal Server Error"
_OWN_HEAD = encode(
    "500 Internal Server Error",
    [("Content-Type", "text/plain"), ("Content-Length", str(len(_OWN_BODY)))],
)


class NoApplication(Exception):
    """There is no application, and need-app is off."""


def no_application(environ, start_response):
    """Stands in for the application that was not loaded."""
    raise NoApplication()


def responder(slot, application):
    """Makes respond(environ, request, sequence) for one slot.

    respond handles whatever the application raises. It sets slot.gone when the master's end of
    the slot has gone; the application's answer has been closed then too.
    """
    words = slot.words
    state = slot.at + STATE
    interrupt = slot.at + INTERRUPT
    withdrawn = slot.at + WITHDRAWN
    send = slot.socket.send
    settle = slot.settle
    always = slot.settle_always
    room = slot.largest - SIZE
    whole = HEAD | END
    whole_closing = HEAD | END | CLOSING

    def respond(environ, request, sequence):
        head = fields = stream = close = None
        bodiless = asks_head = environ.get("REQUEST_METHOD") == "HEAD"
        ending = 0.0  # the moment before the end frame left, 0 while it has not

        def start_response(status, headers, exc_info=None):
            nonlocal head, fields, bodiless
            if exc_info is not None:
                try:
                    if ending or stream is not None and stream.part:
                        raise exc_info[1].with_traceback(exc_info[2])
                finally:
                    exc_info = None
            elif head is not None:
                raise BadAnswer("start_response was called a second time without exc_info")
            head = encode(status, headers)
            fields = headers
            bodiless = asks_head or status[:3] in _NO_BODY

            def write(data):
                nonlocal stream
                if ending:
                    raise BadAnswer("write was called after the answer")
                if stream is None:
                    stream = Stream(slot, request, sequence, lambda: (head, fields, bodiless))
                stream.write(data)

            return write

        words[state] = sequence << 3 | _CALLING
        if words[withdrawn] == sequence:  # looked at after the store: see the page in ARCHITECTURE.md
            words[state] = (sequence - 1) << 3
            slot.refuse(REQUEST, "withdrawn before it was begun", request, sequence)
            return
        try:
            result = application(environ, start_response)
            kind = type(result)
            body = None
            if kind is list or kind is tuple:
                body = join(result)
            elif kind is bytes:
                body = result
            elif result is None:
                raise BadAnswer("the application returned None, not an iterable of bytes")
            else:
                close = getattr(result, "close", None)
                if kind is not FileWrapper:
                    chunks = iter(result)
                    if type(chunks) in _READY:
                        body = join(list(chunks))
            if type(body) is bytes and stream is None and head and not bodiless and len(head) + len(body) <= room:
                if close is None:
                    frame = pack(ANSWER, VERSION, whole, len(head), request, sequence, 0) + head + body
                    words[state] = sequence << 3
                    if always or words[interrupt] == sequence:
                        settle()
                    ending = _ENDED
                    send(frame)
                    return
                frame = pack(ANSWER, VERSION, whole_closing, len(head), request, sequence, 0) + head + body
                words[state] = sequence << 3 | _CLOSING
                ending = monotonic()
                send(frame)
            else:
                if stream is None:
                    stream = Stream(slot, request, sequence, lambda: (head, fields, bodiless))
                if not stream.ended:
                    stream.closing = close is not None
                if body is not None:
                    stream.put(as_bytes(body), True)
                elif kind is FileWrapper:
                    stream.send_file(result)
                else:
                    stream.iterate(chunks)
                ending = stream.ending
                if not stream.closing:
                    return
        except BaseException as error:
            if slot.astray():
                slot.worker.end_child(error)
            if ending and isinstance(error, OSError) and error.__traceback__.tb_next is None:
                # Raised in no frame below: it was one of the sends above, and nothing has left.
                slot.gone = error.errno in GONE
                ending = 0.0
            if stream is not None and stream.ended:
                ending = stream.ending
            done = fail(environ, request, sequence, error, stream, close is None, ending)
            ending = ending or monotonic()
            if done:
                return

        if close is not None:
            words[state] = sequence << 3 | _CLOSING
            try:
                close()
            except BaseException as error:
                if slot.astray():
                    slot.worker.end_child(error)
                stderr.say_failure("close() of the answer to %s failed" % named(environ, request), error)
        words[state] = sequence << 3
        if always or words[interrupt] == sequence:
            settle()
        # The clock is read after the store: without a frame, the page was idle within the limit.
        if monotonic() - ending > _LONG_CLOSE and not slot.gone:
            send(pack(IDLE, VERSION, 0, 0, request, sequence, 0))

    def fail(environ, request, sequence, error, stream, last, ended):
        """Tells the log and the master that the application failed.

        last: nothing is left to close. ended: the end frame has left. Returns True when all is
        done: the end frame left now, and the page says idle.
        """
        if slot.gone:
            return False
        if ended and isinstance(error, SystemExit):  # from a signal handler: the worker is to go
            slot.worker.leave()
            return False
        if isinstance(error, NoApplication):
            stderr.say("no python application found, check your startup logs for errors")
        elif not isinstance(error, ClientGone):
            stderr.say_failure("the application failed at %s" % named(environ, request), error)
        if ended:
            return False
        if last:
            words[state] = sequence << 3
            if always or words[interrupt] == sequence:
                settle()
        else:
            words[state] = sequence << 3 | _CLOSING
        flags = END | ERROR | (0 if last else CLOSING)
        try:
            if stream is not None and stream.part:
                send(pack(ANSWER, VERSION, flags, 0, request, sequence, stream.part))
            else:
                flags |= HEAD
                send(pack(ANSWER, VERSION, flags, len(_OWN_HEAD), request, sequence, 0) + _OWN_HEAD + _OWN_BODY)
        except OSError:
            slot.gone = True
        return last

    return respond


def named(environ, request):
    """A request as the log names it: never with its query string, which may hold secrets."""
    path = "%s%s" % (environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", ""))
    return "%s %s (request %d)" % (environ.get("REQUEST_METHOD", "?"), ascii(path)[1:-1][:500], request)
