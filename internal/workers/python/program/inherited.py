"""What the import left behind that a fork cannot copy well: threads and open sockets."""

import os
import stat
import sys
import threading

import _socket
from _thread import get_ident

MOST = 40  # entries of each list: the report must fit in one message


def threads():
    """The names of the Python threads that run beside this one; they do not exist in a worker."""
    me = get_ident()
    names = {}
    for thread in threading.enumerate():
        names[thread.ident] = thread.name
    found = []
    for ident in sys._current_frames():
        if ident != me:
            found.append(str(names.get(ident, "(started by _thread)"))[:100])
    found.sort()
    return found[:MOST]


def sockets(own):
    """Descriptions of the open sockets; own are the descriptors that belong to the program.

    Descriptors 0 to 2 are left out too: standard output may well be a socket.
    """
    found = []
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        if descriptor < 3 or descriptor in own:
            continue
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                found.append((descriptor, "%s (fd %d)" % (describe(descriptor), descriptor)))
        except OSError:
            continue  # it was the listing's own descriptor, or another thread closed it
    found.sort()
    return [text for _, text in found[:MOST]]


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
