"""Views that do harm, for tests of the server. They exist only with EXAMPLE_CHAOS=1."""
import collections
import itertools
import os
import signal
import threading
from urllib.parse import parse_qs

from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt

from . import numbers

MEBIBYTE = 1024 * 1024
_leaked = []


@csrf_exempt
def crash(request):
    """Kills its own process with SIGSEGV: in this thread, so that it does not go on."""
    # uWSGI's threads have all signals blocked.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGSEGV})
    signal.pthread_kill(threading.get_ident(), signal.SIGSEGV)
    return HttpResponse(b"still alive\n", content_type="text/plain")


def leave(request):
    """Ends its own process with exit code 3, without clean-up."""
    os._exit(3)


def leak(request):
    """Keeps ?mb=N mebibytes for ever."""
    size = numbers.count(request, "mb", default=1, most=1024) * MEBIBYTE
    # Not zeros: those could stay one shared page of the kernel.
    _leaked.append(b"\x5a" * size)
    held = sum(map(len, _leaked)) // MEBIBYTE
    return HttpResponse(f"{held} MiB leaked\n", content_type="text/plain")


def stuck(request):
    """Never answers. An exception raised in this thread ends it; with ?gil=1 nothing
    but a kill does.
    """
    if request.GET.get("gil") == "1":
        # One call that never leaves C, never looks for signals or exceptions, and
        # never lets go of the interpreter lock.
        collections.deque(itertools.repeat(None), maxlen=0)
    while True:
        pass


class Raising:
    """/raise in front of a WSGI application, where Django can't turn it into a page.

    ?when=before  before start_response
          after   start_response was called, no byte was given
          midway  the first part of the body was given
          close   the whole body was given; close() raises
    """

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        if environ.get("PATH_INFO") != "/raise":
            return self.application(environ, start_response)
        when = parse_qs(environ.get("QUERY_STRING", "")).get("when", ["before"])[0]
        if when == "before":
            raise RuntimeError("raised before start_response")
        start_response("200 OK", [("Content-Type", "text/plain")])
        if when == "after":
            raise RuntimeError("raised after start_response")
        return Body(when)


class Body:
    """The body of /raise?when=midway and /raise?when=close."""

    def __init__(self, when):
        self.when = when

    def __iter__(self):
        yield b"the first part\n"
        if self.when == "midway":
            raise RuntimeError("raised midway in the body")
        yield b"the last part\n"

    def close(self):
        if self.when == "close":
            raise RuntimeError("raised in close()")
