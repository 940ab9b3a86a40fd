"""The program's own lines on standard error. They are for people; nothing parses them."""

import fcntl
import os
import sys
import traceback
from os import write

PROGRAM = "<fender>/"

# A private duplicate of standard error: the last resort when the application has closed or
# replaced its own, and the place to which faulthandler writes.
try:
    DESCRIPTOR = fcntl.fcntl(2, fcntl.F_DUPFD_CLOEXEC, 3)
except OSError:
    DESCRIPTOR = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)

# Who speaks: the template says "template", a worker "worker 3".
speaker = ["template"]


def emit(text):
    """Writes text in one piece, so that the lines of several threads do not mix."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except Exception:
        try:
            write(DESCRIPTOR, text.encode("utf-8", "backslashreplace"))
        except OSError:
            pass


def say(text):
    """One line."""
    emit("fender: %s: %s\n" % (speaker[0], text))


def say_failure(text, error, whole=False):
    """One line and the traceback of error: the application's part of it, or whole."""
    emit("fender: %s: %s\n%s" % (speaker[0], text, format_failure(error, whole)))


def format_failure(error, whole):
    """The traceback of error as text, from the first frame that is not the program's own."""
    trace = error.__traceback__
    try:
        lines = traceback.format_exception(type(error), error, trace if whole else outside(trace))
        return "".join(lines)
    except Exception as second:  # an error whose __str__ raises, say
        return "%s (and its traceback cannot be shown: %s)\n" % (type(error).__name__, type(second).__name__)


def outside(trace):
    """The part of a traceback below the program's and the import system's own frames, or None."""
    while trace is not None and is_own(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace


def is_own(file_name):
    """Whether a frame is the program's or the import system's, and nobody's application."""
    return (
        file_name.startswith(PROGRAM)
        or file_name.startswith("<frozen importlib")
        or file_name.endswith("/importlib/__init__.py")
    )


def last_line(error):
    """What a traceback ends with: the kind of the error and its words, in one line."""
    try:
        text = "".join(traceback.format_exception_only(type(error), error)).strip()
    except Exception:
        text = type(error).__name__
    return text.splitlines()[-1] if text else type(error).__name__


def flush():
    """Flushes standard output and error, whatever the application has made of them."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
