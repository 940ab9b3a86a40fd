"""What the import left behind that a fork cannot copy well: threads and open sockets."""

import os
import stat
import sys
import threading

import _socket
from _thread import get_ident

from _fender.process import thread_id

MOST = 40  # entries of each list: the report must fit in one message


def threads():
    """The names of the Python threads that run beside this one; they do not exist in a worker."""
    return sorted(name for _, name in python_threads())[:MOST]


def python_threads():
    """The Python threads beside this one: a set of (ident, name)."""
    me = get_ident()
    names = {}
    for thread in threading.enumerate():
        names[thread.ident] = thread.name
    return {
        (ident, str(names.get(ident, "(started by _thread)"))[:100]) for ident in sys._current_frames() if ident != me
    }


def library_threads():
    """The names, by thread id, of the threads that are none of Python's: a library in C has started them.

    One of Python's that has just begun, or is about to end, counts for a moment too.
    """
    own = {str(thread_id())}
    for thread in threading.enumerate():
        own.add(str(getattr(thread, "native_id", None)))  # 3.8
    tasks = os.listdir("/proc/self/task")
    mine = task_name(str(os.getpid()))
    found = []
    for task in tasks:
        if task not in own:
            name = task_name(task)
            found.append((name == mine, task, "(of a C library)" if name == mine else name))
    found.sort()  # Python's threads whose id is not known here have no name of their own
    return {task: name for _, task, name in found[: max(0, len(tasks) - len(sys._current_frames()))]}


def task_name(task):
    """What the kernel calls a thread of this process."""
    try:
        with open("/proc/self/task/%s/comm" % task) as file:
            return file.read().strip()
    except OSError:
        return ""  # it has ended


def sockets(own):
    """Descriptions of the open sockets; own are the descriptors that belong to the program.

    Descriptors 0 to 2 are left out too: standard output may well be a socket.
    """
    return [text for _, text in sorted(open_sockets(own).items())][:MOST]


def open_sockets(own):
    """As sockets, all of them, by (descriptor, inode)."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        if descriptor < 3 or descriptor in own:
            continue
        try:
            status = os.fstat(descriptor)
            if stat.S_ISSOCK(status.st_mode):
                found[descriptor, status.st_ino] = "%s (fd %d)" % (describe(descriptor), descriptor)
        except OSError:
            continue  # it was the listing's own descriptor, or another thread closed it
    return found


def describe(descriptor):
    """One socket in words, such as `tcp 127.0.0.1:5432`."""
    default = _socket.getdefaulttimeout()
    if default is not None:  # it would make the application's socket non-blocking
        _socket.setdefaulttimeout(None)
    try:
        # The family given here only sizes the buffer for addresses; AF_UNIX has the largest.
        probe = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, descriptor)
    finally:
        if default is not None:
            _socket.setdefaulttimeout(default)
    try:
        family = probe.getsockopt(_socket.SOL_SOCKET, 39)  # SO_DOMAIN
        kind = probe.getsockopt(_socket.SOL_SOCKET, _socket.SO_TYPE)
        if family == _socket.AF_UNIX:
            word = "unix"
        elif family in (_socket.AF_INET, _socket.AF_INET6):
            word = {_socket.SOCK_STREAM: "tcp", _socket.SOCK_DGRAM: "udp"}.get(kind, "ip")
        else:
            return "socket of family %d" % family
        if probe.getsockopt(_socket.SOL_SOCKET, _socket.SO_ACCEPTCONN):
            return "%s listening on %s" % (word, address(probe.getsockname()))
        try:
            return "%s %s" % (word, address(probe.getpeername()))
        except OSError:
            return "%s %s" % (word, address(probe.getsockname()))
    finally:
        probe.detach()


def address(given):
    """An address as people write it."""
    if isinstance(given, tuple):
        host = "[%s]" % given[0] if ":" in str(given[0]) else given[0]
        return "%s:%s" % (host, given[1])
    if isinstance(given, bytes):
        given = "@" + given[1:].decode("utf-8", "replace") if given[:1] == b"\0" else given.decode("utf-8", "replace")
    return given[:120] or "(no name)"
