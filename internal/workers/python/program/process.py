"""Small facts and acts about this process that both template and worker need."""

import os
import sys
from os import readlink

import _thread

from _fender import stderr

_get_native_id = getattr(_thread, "get_native_id", None)  # 3.8


def thread_id():
    """The kernel's id of this thread."""
    if _get_native_id is not None:
        return _get_native_id()
    return int(readlink("/proc/thread-self").rpartition("/")[2])


def free_threaded():
    """Whether threads run without the interpreter lock."""
    enabled = getattr(sys, "_is_gil_enabled", None)
    return enabled is not None and not enabled()


def version():
    """Such as 3.11.2."""
    return "%d.%d.%d" % sys.version_info[:3]


def name(text):
    """What ps and the kernel's out-of-memory line call this process; at most 15 bytes count."""
    write_number("/proc/self/comm", text[:15])


def write_number(path, value):
    """Writes to a file of /proc; where the kernel does not allow it, things go on without."""
    try:
        with open(path, "w") as file:
            file.write(str(value))
    except OSError:
        pass


def line_buffered():
    """Lines of the application appear when they are printed, in a container's log too."""
    for stream_name in ("stdout", "stderr"):
        stream = getattr(sys, stream_name)
        try:
            if hasattr(stream, "reconfigure"):  # 3.7
                stream.reconfigure(line_buffering=True)
                continue
            import io

            made = io.TextIOWrapper(stream.detach(), stream.encoding, stream.errors, line_buffering=True)
            setattr(sys, stream_name, made)
            setattr(sys, "__%s__" % stream_name, made)
        except Exception as error:
            stderr.say_failure("making %s line-buffered failed" % stream_name, error, whole=True)


def keep_standard_descriptors():
    """Reopens 0, 1 and 2 where the application has closed them.

    Otherwise the next worker's sockets would get these numbers, and its prints would be read as
    frames.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
            continue
        except OSError:
            pass
        source = os.open(os.devnull, os.O_RDONLY) if descriptor == 0 else stderr.DESCRIPTOR
        if source != descriptor:
            os.dup2(source, descriptor)
            if descriptor == 0:
                os.close(source)
        os.set_inheritable(descriptor, True)
